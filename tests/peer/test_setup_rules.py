# SPDX-License-Identifier: Apache-2.0
"""What containerd does with versions, imports and drop-ins, each rule first shown with the real one, then kept by set-up."""
import subprocess
import tomllib

import pytest

from containerd_real import (CRI_1, CRI_2, NRI, SETUP, VERSIONS, build, changed, cri_status, daemon, does_not_start, dump, has_nri, leaves, newest, setup, starts)

ENABLE, HOOK = ("patch-containerd-conf", "enable-nri"), ("patch-containerd-conf", "add-oci-hook", "--runtime-spec=/x/spec.json")
NRI_OFF = f'version = 2\n[plugins."{NRI}"]\n  disable = true\n'
RUNC = "io.containerd.runc.v2"


@pytest.fixture(scope="session", params=VERSIONS)
def containerd(request):
    return build(request.param)


@pytest.fixture
def two(request):
    return build("2.3.4")


def is_1(containerd):
    return containerd.parent.name.startswith("1.")


ROOTS = {
    None: '[plugins.cri]\n  sandbox_image = "own/pause:1"\n  [plugins.cri.containerd.runtimes.runc]\n    runtime_type = "io.containerd.runc.v2"\n'
          '    [plugins.cri.containerd.runtimes.runc.options]\n      SystemdCgroup = true\n',
    2: f'version = 2\n[plugins."{CRI_1}"]\n  sandbox_image = "own/pause:1"\n  [plugins."{CRI_1}".containerd.runtimes.runc]\n    runtime_type = "{RUNC}"\n'
       f'    [plugins."{CRI_1}".containerd.runtimes.runc.options]\n      SystemdCgroup = true\n',
    3: f'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "own/pause:1"\n[plugins."{CRI_2}".containerd.runtimes.runc]\n'
       f'  runtime_type = "{RUNC}"\n  [plugins."{CRI_2}".containerd.runtimes.runc.options]\n    SystemdCgroup = true\n',
}
ROOTS[1] = "version = 1\n" + ROOTS[None]
ROOTS[4] = ROOTS[3].replace("version = 3", "version = 4")
ROOTS["AKS"] = ROOTS[3].replace("version = 3", "version = 2")
ROOTS["bare"] = "version = 2\n"
ROOTS["kubeadm"] = (f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.runc]\n  [plugins."{CRI_1}".containerd.runtimes.runc.options]\n'
                    '    SystemdCgroup = true\n')


def is_meant(path, hook):
    if hook:
        return path[-1] == "base_runtime_spec" and path[-3] == "runtimes"
    return path == ("plugins", NRI, "disable")


@pytest.mark.parametrize("way", ["in place", "drop-in"])
@pytest.mark.parametrize("edit", ["nri", "hook"])
def test_no_version_of_the_root_is_broken(containerd, tmp_path, edit, way):
    """Rules 1, 4, 5, 6: whatever is written, the daemon starts with it and the root keeps its settings."""
    written = 0
    for name, text in ROOTS.items():
        if (tomllib.loads(text).get("version") or 1) > newest(containerd):
            continue
        for judge in ([], [f"--validate={containerd}"]):
            place = tmp_path / f"{name}{len(judge)}"
            path, drop_in = place / "config.toml", place / "conf.d/t.toml"
            drop_in.parent.mkdir(parents=True)
            path.write_text(text)
            before = dump(containerd, path)
            arguments = [*(HOOK if edit == "hook" else ENABLE), "--in-place" if way == "in place" else f"--drop-in={drop_in}", *judge,
                         f"--config-file={path}", f"--backup-dir={place}/backup"]
            done = subprocess.run([SETUP, *arguments], capture_output=True, text=True, timeout=60)
            if done.returncode:
                assert done.returncode == 1 and path.read_text() == text and not drop_in.exists(), (name, done.stderr)
                continue
            after = dump(containerd, path)
            differs = changed(before, after)
            if name == "bare" and is_1(containerd) and not judge:  # 1.x leaves the zeroes of its options out then
                zeroes = leaves(before)
                differs = {one for one in differs if "options" not in one or zeroes[one]}
                differs.discard(("plugins", CRI_1, "containerd", "runtimes", "runc", "options"))
            assert all(is_meant(one, edit == "hook") for one in differs), (name, differs)
            if judge and edit == "hook":
                runtimes = after["plugins"][CRI_1 if is_1(containerd) else CRI_2]["containerd"]["runtimes"]
                assert all(one["base_runtime_spec"] == "/x/spec.json" for one in runtimes.values()), name
            if edit == "nri":
                assert after["plugins"][NRI]["disable"] is False, name
                assert starts(containerd, path, nri=True)
            elif name in (2, 3, 4) or way == "drop-in":
                assert starts(containerd, path)
            if drop_in.exists():
                assert tomllib.loads(drop_in.read_text())["version"] == tomllib.loads(text)["version"], name
            again = subprocess.run([SETUP, *arguments], capture_output=True, text=True, timeout=60)
            assert again.returncode == 0 and "nothing to do" in again.stderr, (name, again.stderr)
            setup(place, path, *ENABLE, "--undo")
            assert path.read_text() == text and not drop_in.exists(), name
            written += 1
    assert written >= (0 if is_1(containerd) and edit == "hook" and way == "drop-in" else 3)


def test_a_drop_in_of_another_version_breaks_the_root(containerd, tmp_path):
    """Rules 1 and 5, shown; which is why ours has the root's version."""
    path, drop_in = tmp_path / "config.toml", tmp_path / "x.toml"
    path.write_text(f'imports = ["x.toml"]\n{ROOTS[2]}')
    drop_in.write_text(f'version = 3\n[plugins."{NRI}"]\n  disable = false\n')
    if containerd.parent.name == "2.1.5":
        runtimes = dump(containerd, path)["plugins"][CRI_2]["containerd"]["runtimes"]
        assert runtimes["runc"]["options"]["SystemdCgroup"] is False  # the root's true is lost
    else:
        does_not_start(containerd, path)


def test_the_implicit_folder_is_not_read(containerd, tmp_path):
    """Rule 2: without imports in the file nothing of /etc/containerd/conf.d counts, whatever `config dump` prints."""
    (tmp_path / "off.toml").write_text(NRI_OFF)
    (tmp_path / "config.toml").write_text("version = 2\n" + (f'[plugins."{NRI}"]\n  disable = false\n' if is_1(containerd) else ""))
    copy = f"mkdir -p /etc/containerd/conf.d; cp {tmp_path}/off.toml /etc/containerd/conf.d; cp {tmp_path}/config.toml /etc/containerd; "
    with daemon(containerd, "/etc/containerd/config.toml", copy) as root:
        assert has_nri(root)
    if not is_1(containerd):  # no root file at all
        with daemon(containerd, None, copy + "rm /etc/containerd/config.toml; ") as root:
            assert has_nri(root)
    edit = (f"{SETUP} patch-containerd-conf enable-nri --config-file=/etc/containerd/config.toml --drop-in=/etc/containerd/conf.d/z.toml 2>/dev/null; "
            f"cp /etc/containerd/config.toml {tmp_path}/made.toml; ")
    off = f"sed -i s/false/true/ /etc/containerd/config.toml; printf 'version = 2\\n[plugins.\"{NRI}\"]\\n  disable = true\\n' > /etc/containerd/config.toml; "
    with daemon(containerd, "/etc/containerd/config.toml", copy + off + edit) as root:
        assert has_nri(root)  # the root says disable = true, ours is imported
    assert tomllib.loads((tmp_path / "made.toml").read_text())["imports"] == ["/etc/containerd/conf.d/z.toml"]


def test_a_dump_is_no_sufficient_judge(containerd, tmp_path):
    """Rule 3: 2.x prints a configuration whose import is missing, and does not start with it."""
    path = tmp_path / "config.toml"
    path.write_text('version = 2\nimports = ["none.toml"]\n')
    if not is_1(containerd):
        dump(containerd, path)
    does_not_start(containerd, path)
    for edit in (ENABLE, HOOK):
        text = path.read_text()
        assert "none.toml" in setup(tmp_path, path, *edit, "--in-place", f"--validate={containerd}", status=1) and path.read_text() == text


def test_a_drop_in_replaces_a_plugin_on_1_x(tmp_path):
    """Rule 4, shown, and refused for CRI; NRI's own carries all keys."""
    containerd = build("1.7.27")
    path, drop_in = tmp_path / "config.toml", tmp_path / "x.toml"
    path.write_text(f'imports = ["x.toml"]\n{ROOTS[2]}')
    drop_in.write_text(f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.runc]\n  base_runtime_spec = "/x/spec.json"\n')
    assert dump(containerd, path)["plugins"][CRI_1]["sandbox_image"] != "own/pause:1"
    drop_in.unlink()
    path.write_text(f'{ROOTS[2]}[plugins."{NRI}"]\n  disable = true\n  plugin_path = "/own"\n')
    for judge in ([], [f"--validate={containerd}"]):
        assert "1.x" in setup(tmp_path, path, *HOOK, f"--drop-in={drop_in}", *judge, status=1) and not drop_in.exists()
    before = dump(containerd, path)
    setup(tmp_path, path, *ENABLE, f"--drop-in={drop_in}")
    assert changed(before, dump(containerd, path)) == {("plugins", NRI, "disable")}


def test_what_an_import_takes_over_on_1_x(containerd, tmp_path):
    """Rule 4 the other way round: an import has CRI's settings, so 1.x takes those alone; in the root an edit would be dead."""
    path, late = tmp_path / "config.toml", tmp_path / "late.toml"
    text = f'imports = ["late.toml"]\n{ROOTS[2]}'
    path.write_text(text)
    late.write_text(f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.other]\n  runtime_type = "{RUNC}"\n')
    assert f"{late}, line 2" in setup(tmp_path, path, *HOOK, "--in-place", status=1) and path.read_text() == text
    if is_1(containerd):
        assert f"{late}, line 2" in setup(tmp_path, path, *HOOK, "--in-place", f"--validate={containerd}", status=1)
        setup(tmp_path, late, *HOOK, "--in-place")
    else:
        said = setup(tmp_path, path, *HOOK, "--in-place", f"--validate={containerd}")
        assert "runtime=other" in said and str(late) in said  # its own file has to be changed too
        setup(tmp_path, late, *HOOK, "--in-place")
    plugin = dump(containerd, path)["plugins"][CRI_1 if is_1(containerd) else CRI_2]
    assert plugin["containerd"]["runtimes"]["other"]["base_runtime_spec"] == "/x/spec.json"
    if not is_1(containerd):
        assert plugin["containerd"]["runtimes"]["runc"]["base_runtime_spec"] == "/x/spec.json"


@pytest.mark.parametrize("written", [True, False])
def test_cri_loads_with_the_built_in_runtime_and_its_base_spec(containerd, tmp_path, written):
    """Why a base spec that is not there is told: CRI does not load without it."""
    path = tmp_path / "config.toml"
    path.write_text("version = 2\n")
    more = ["--write-runtime-spec", f"--ctr={containerd.parent}/ctr"] if written else []
    setup(tmp_path, path, *HOOK[:2], "--in-place", f"--validate={containerd}", f"--runtime-spec={tmp_path}/spec.json", *more)
    with daemon(containerd, path) as root:
        assert cri_status(containerd, root) == ("ok" if written else "error")


def test_an_import_that_empties_the_base_spec(tmp_path):
    containerd, path = build("2.3.4"), tmp_path / "config.toml"
    path.write_text(f'imports = ["*.late"]\n{ROOTS[3]}')
    (tmp_path / "a.late").write_text(f'version = 3\n[plugins."{CRI_2}".containerd.runtimes.runc]\n  base_runtime_spec = ""\n')
    assert "a.late, line 3" in setup(tmp_path, path, *HOOK, "--in-place", status=1)
    (tmp_path / "b.late").write_text(f'version = 3\n[plugins."{CRI_2}".containerd.runtimes.runc]\n  base_runtime_spec = "/theirs"\n')
    assert "/theirs" in str(dump(containerd, path)["plugins"][CRI_2])


def test_a_drop_in_covers_the_runtimes_of_all_files(tmp_path):
    """2.x: the toolkit's own drop-in brings a runtime; the built-in one is named nowhere."""
    containerd, path, drop_in = build("2.3.4"), tmp_path / "config.toml", tmp_path / "conf.d/zz.toml"
    drop_in.parent.mkdir()
    path.write_text('version = 2\nimports = ["conf.d/*.toml"]\n')
    (tmp_path / "conf.d/99-nvidia.toml").write_text(f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.nvidia]\n  runtime_type = "{RUNC}"\n'
                                                    f'  [plugins."{CRI_1}".containerd.runtimes.nvidia.options]\n    BinaryName = "/x"\n')
    before = dump(containerd, path)
    assert "may read" in setup(tmp_path, path, *HOOK, f"--drop-in={drop_in}", status=1) and not drop_in.exists()
    setup(tmp_path, path, *HOOK, f"--drop-in={drop_in}", f"--validate={containerd}")
    assert changed(before, dump(containerd, path)) == {("plugins", CRI_2, "containerd", "runtimes", name, "base_runtime_spec") for name in ("runc", "nvidia")}
    assert starts(containerd, path)
    (tmp_path / "conf.d/99-nvidia.toml").unlink()  # it stays a runtime with a type
    assert dump(containerd, path)["plugins"][CRI_2]["containerd"]["runtimes"]["nvidia"]["runtime_type"] == RUNC


@pytest.mark.parametrize("text", ["# File generated by k3s. DO NOT EDIT. Use config.toml.tmpl instead.\nversion = 3\n", "# k0s_managed=true\nversion = 2\n"])
def test_what_is_generated_is_not_edited(tmp_path, text):
    """Rule 7. A drop-in that it imports already is none of its own text."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    for more in ("--in-place", f"--drop-in={tmp_path}/t.toml"):
        assert "generated" in setup(tmp_path, path, *ENABLE, more, status=1) and path.read_text() == text
    assert not (tmp_path / "t.toml").exists()
    (tmp_path / "d").mkdir()
    path.write_text(text + 'imports = ["d/*.toml"]\n')
    setup(tmp_path, path, *ENABLE, f"--drop-in={tmp_path}/d/t.toml")
    assert path.read_text() == text + 'imports = ["d/*.toml"]\n' and (tmp_path / "d/t.toml").exists()


def test_a_version_line_breaks_the_packaged_file(containerd, tmp_path):
    """Rule 8a, shown, and refused."""
    path = tmp_path / "config.toml"
    path.write_text('version = 2\ndisabled_plugins = ["cri"]\n')
    assert "cri" in does_not_start(containerd, path)
    path.write_text('disabled_plugins = ["cri"]\n')
    assert starts(containerd, path)
    for edit in (ENABLE, HOOK):
        setup(tmp_path, path, *edit, "--in-place", f"--validate={containerd}", status=1)
        assert path.read_text() == 'disabled_plugins = ["cri"]\n'


def test_a_version_line_would_wake_what_sleeps(containerd, tmp_path):
    """Rule 8b: without version, names of version 2 are dead up to 2.2; a version line must not wake them."""
    path = tmp_path / "config.toml"
    path.write_text(ROOTS[2].replace("version = 2\n", ""))
    image = dump(containerd, path)["plugins"].get(CRI_1, {}).get("sandbox_image") or dump(containerd, path)["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"]
    assert (image == "own/pause:1") == (containerd.parent.name == "2.3.4")
    text = path.read_text()
    setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}", status=1)
    assert path.read_text() == text
    if containerd.parent.name == "2.3.4":
        setup(tmp_path, path, *HOOK, "--in-place", f"--validate={containerd}")
    else:
        assert "no effect" in setup(tmp_path, path, *HOOK, "--in-place", f"--validate={containerd}", status=1)


def test_a_name_in_disabled_plugins_beats_the_table(containerd, tmp_path):
    """Rule 9: only the socket tells; no drop-in can take it back; the root's own entry is taken out."""
    path, drop_in = tmp_path / "config.toml", tmp_path / "on.toml"
    path.write_text(f'version = 2\nimports = ["on.toml"]\ndisabled_plugins = ["{NRI}"]\n')
    drop_in.write_text(f'version = 2\ndisabled_plugins = []\n[plugins."{NRI}"]\n  disable = false\n')
    assert starts(containerd, path, nri=False)
    drop_in.unlink()
    path.write_text(f'version = 2\ndisabled_plugins = ["{NRI}"]\n')
    assert "no drop-in can" in setup(tmp_path, path, *ENABLE, f"--drop-in={drop_in}", status=1) and not drop_in.exists()
    setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}")
    assert starts(containerd, path, nri=True)
    path.write_text('version = 2\nimports = ["on.toml"]\n')
    drop_in.write_text(f'version = 2\ndisabled_plugins = ["{NRI}"]\n')
    assert "on.toml, line 2" in setup(tmp_path, path, *ENABLE, f"--drop-in={tmp_path}/x.toml", status=1)


VALIDATOR = f'[plugins."{NRI}".default_validator]\n  enable = true\n  required_plugins = ["theirs"]\n'


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_drop_in_requires_a_plugin(two, tmp_path, version):
    """Lists are replaced: what is required already is carried, and ours is read last."""
    path, drop_in = tmp_path / "config.toml", tmp_path / "conf.d/50-t.toml"
    drop_in.parent.mkdir()
    root = f'version = {version}\nimports = ["conf.d/*.toml"]\n[plugins."{NRI}"]\n  disable = true\n  socket_path = "/run/own.sock"\n'
    path.write_text(root)
    (tmp_path / "conf.d/10.toml").write_text(f"version = {version}\n" + VALIDATOR)
    arguments = (*ENABLE, f"--drop-in={drop_in}", "--require-plugin=tetragon", f"--validate={two}")
    before = dump(two, path)
    setup(tmp_path, path, *arguments, "--tolerate-annotation=io.x/skip")
    after = dump(two, path)
    assert changed(before, after) == {("plugins", NRI, "disable"), ("plugins", NRI, "default_validator", "required_plugins"),
                                      ("plugins", NRI, "default_validator", "tolerate_missing_plugins_annotation")}
    validator = after["plugins"][NRI]["default_validator"]
    assert validator["enable"] and validator["required_plugins"] == ["theirs", "tetragon"] and after["plugins"][NRI]["socket_path"] == "/run/own.sock"
    for more in (arguments, arguments[:3]):  # again, and without saying what is required
        assert "nothing to do" in setup(tmp_path, path, *more)
    setup(tmp_path, path, *ENABLE, "--undo")
    assert path.read_text() == root and not drop_in.exists()
    (tmp_path / "conf.d/60.toml").write_text(f"version = {version}\n" + VALIDATOR)
    assert "60.toml, line 4" in setup(tmp_path, path, *arguments, status=1) and not drop_in.exists()


def test_a_drop_in_requires_nothing_where_containerd_cannot(containerd, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("version = 2\n")
    said = setup(tmp_path, path, *ENABLE, f"--drop-in={tmp_path}/t.toml", "--require-plugin=tetragon", f"--validate={containerd}",
                 status=0 if containerd.parent.name == "2.3.4" else 1)
    assert ("no validator" in said) == (containerd.parent.name != "2.3.4") == (not (tmp_path / "t.toml").exists())


def test_imports_are_extended(containerd, tmp_path):
    """A drop-in is added to the list that is there; the rest stays byte for byte."""
    path, drop_in = tmp_path / "config.toml", tmp_path / "t.toml"
    (tmp_path / "own.toml").write_text('version = 2\n[debug]\n  level = "warn"\n')
    text = f'version = 2\n# who reads what\nimports = [ # theirs\n  "{tmp_path}/own.toml", # keep\n]\n[debug]\n  level = "info"\n'
    path.write_text(text)
    setup(tmp_path, path, *ENABLE, f"--drop-in={drop_in}", f"--validate={containerd}")
    assert path.read_text() == text.replace('# keep\n', f'# keep\n  "{drop_in}",\n')
    assert dump(containerd, path)["debug"]["level"] == "warn" if is_1(containerd) else True
    assert starts(containerd, path, nri=True)
    setup(tmp_path, path, *ENABLE, "--undo", f"--drop-in={drop_in}")
    assert path.read_text() == text and not drop_in.exists()


K3S = """# File generated by k3s. DO NOT EDIT. Use config.toml.tmpl instead.
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins.'io.containerd.internal.v1.opt']
  path = "/opt/containerd"

[plugins.'io.containerd.grpc.v1.cri']
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"

[plugins.'io.containerd.cri.v1.runtime']
  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  device_ownership_from_security_context = false

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true
  use_local_image_pull = true

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "rancher/mirrored-pause:3.6"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runhcs-wcow-process]
  runtime_type = "io.containerd.runhcs.v1"

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "/var/lib/rancher/k3s/agent/etc/containerd/certs.d"
"""


def test_a_template_over_the_base_of_k3s(two, tmp_path):
    """What set-up would add to the base is a whole table that base has not: rendered below it, containerd starts."""
    base, path = tmp_path / "base.toml", tmp_path / "config.toml"
    base.write_text(K3S)
    shown = subprocess.run([SETUP, *ENABLE, f"--config-file={base}", "--dry-run"], capture_output=True, text=True, check=True).stdout
    added = "".join(line[1:] + "\n" for line in shown.splitlines()[2:] if line.startswith("+"))
    assert added and "-" not in [line[:1] for line in shown.splitlines()[2:]]
    path.write_text(K3S + "\n" + added)  # {{ template "base" . }} and the table
    assert changed(dump(two, base), dump(two, path)) == set()  # on by default there
    assert starts(two, path, nri=True)
    path.write_text(K3S + "\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\n  base_runtime_spec = '/x'\n")
    assert "runc" in does_not_start(two, path)  # the table that base has already


def test_a_template_of_microk8s_keeps_its_words(two, tmp_path):
    path = tmp_path / "containerd-template.toml"
    text = (f'version = 2\noom_score = 0\n[grpc]\n  uid = 0\n[plugins]\n  [plugins."{CRI_1}"]\n    sandbox_image = "pause:3.7"\n'
            f'    [plugins."{CRI_1}".containerd]\n      snapshotter = "${{SNAPSHOTTER}}"\n      default_runtime_name = "${{RUNTIME}}"\n'
            f'      [plugins."{CRI_1}".containerd.runtimes.runc]\n        runtime_type = "${{RUNTIME_TYPE}}"\n'
            f'      [plugins."{CRI_1}".containerd.runtimes.nvidia]\n        runtime_type = "${{RUNTIME_TYPE}}"\n'
            f'        [plugins."{CRI_1}".containerd.runtimes.nvidia.options]\n          BinaryName = "nvidia-container-runtime"\n'
            f'      [plugins."{CRI_1}".containerd.runtimes.kata]\n        runtime_type = "io.containerd.kata.v2"\n')
    path.write_text(text)
    setup(tmp_path, path, *HOOK, "--in-place")
    assert path.read_text() == text.replace('"${RUNTIME_TYPE}"\n', '"${RUNTIME_TYPE}"\n        base_runtime_spec = "/x/spec.json"\n')
    made = tmp_path / "containerd.toml"
    made.write_text(path.read_text().replace("${SNAPSHOTTER}", "overlayfs").replace("${RUNTIME_TYPE}", RUNC).replace("${RUNTIME}", "runc"))
    runtimes = dump(two, made)["plugins"][CRI_2]["containerd"]["runtimes"]
    assert {name: one["base_runtime_spec"] for name, one in runtimes.items()} == {"runc": "/x/spec.json", "nvidia": "/x/spec.json", "kata": ""}
    setup(tmp_path, path, *HOOK, "--undo")
    assert path.read_text() == text
