# SPDX-License-Identifier: Apache-2.0
"""Real containerds judge what set-up makes of their configurations. Only their own program runs, no daemon."""
import json
import os
import pathlib
import re
import subprocess
import tomllib

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SETUP = os.environ.get("SETUP_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook-setup"))
CACHE = os.environ.get("TETRAGON_CACHE", "/var/cache/tetragon-rthooks")
FIXTURES = TOP / "tests/fixtures/conf"
NRI = "io.containerd.nri.v1.nri"
VERSIONS = ["1.7.27", "2.1.5", "2.3.4"]
CRI_1, CRI_2 = "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"


@pytest.fixture(scope="session", params=VERSIONS)
def containerd(request):
    subprocess.run([TOP / "scripts/build-containerd", CACHE], check=True, stdout=subprocess.DEVNULL)
    return pathlib.Path(CACHE) / "containerd" / request.param / "containerd"


def dump(containerd, path, status=0):
    done = subprocess.run([containerd, "--config", path, "config", "dump"], capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == (status != 0), done.stderr
    return tomllib.loads(done.stdout) if not status else done.stderr


def setup(place, path, *arguments, status=0):
    done = subprocess.run([SETUP, *map(str, arguments), f"--config-file={path}", f"--backup-dir={place}/backup"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stderr


ENABLE, HOOK = ("patch-containerd-conf", "enable-nri"), ("patch-containerd-conf", "add-oci-hook", "--runtime-spec=/x/spec.json")


def fits(containerd, text):
    """1.x knows versions 1 and 2 of the file, 2.1 up to 3, 2.3 up to 4."""
    version = tomllib.loads(text).get("version", 1)
    return version <= {"1.7.27": 2, "2.1.5": 3, "2.3.4": 4}[containerd.parent.name]


def sources():
    files = {"-".join(path.parts[-2:]): path.read_text() for path in sorted(FIXTURES.glob("containerd-*/*.toml"))}
    files["empty"] = ""
    files["comments"] = "# nothing here\n"
    files["version alone"] = "version = 2\n"
    files["minikube like"] = ('version = 2\nroot = "/var/lib/containerd"\n[plugins]\n  [plugins."io.containerd.monitor.v1.cgroups"]\n'
                              '    no_prometheus = false\n  [plugins."io.containerd.grpc.v1.cri"]\n    sandbox_image = "x"\n'
                              '    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\n      runtime_type = "io.containerd.runc.v2"\n'
                              '      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\n        SystemdCgroup = true\n')
    files["switched off"] = f'version = 2\ndisabled_plugins = ["{NRI}"]\n'
    files["switched off, with a table"] = f'version = 2\ndisabled_plugins = ["{NRI}", "io.containerd.internal.v1.tracing"]\n[plugins."{NRI}"]\n  disable = false\n'
    return files


SOURCES = sources()


@pytest.mark.parametrize("name", SOURCES)
def test_enable_nri(containerd, tmp_path, name):
    path = tmp_path / "config.toml"
    path.write_text(SOURCES[name])
    if not fits(containerd, SOURCES[name]):
        dump(containerd, path, status=1)
        path.write_text(SOURCES[name].replace(f"'{NRI}'", "'x'"))
        said = setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}", status=1)
        assert "does not accept the file as it is" in said
        return
    before = dump(containerd, path)
    setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}")
    after = dump(containerd, path)
    assert after["plugins"][NRI]["disable"] is False and NRI not in after.get("disabled_plugins", [])
    for one in (before, after):
        one["plugins"].pop(NRI, None)
        if NRI in one.get("disabled_plugins", []):
            one["disabled_plugins"].remove(NRI)
    assert after == before


@pytest.mark.parametrize("name", [name for name, text in SOURCES.items() if "runc.v2" in text])
def test_add_oci_hook(containerd, tmp_path, name):
    path = tmp_path / "config.toml"
    path.write_text(SOURCES[name])
    if not fits(containerd, SOURCES[name]):
        assert "does not accept the file as it is" in setup(tmp_path, path, *HOOK, "--in-place", f"--validate={containerd}", status=1)
        return
    before = dump(containerd, path)
    setup(tmp_path, path, *HOOK, "--in-place", f"--validate={containerd}")
    after = dump(containerd, path)
    changed = 0
    for plugin in (CRI_1, CRI_2):
        for runtime in before["plugins"].get(plugin, {}).get("containerd", {}).get("runtimes", {}).values():
            if runtime["runtime_type"] == "io.containerd.runc.v2" and not runtime["base_runtime_spec"]:
                runtime["base_runtime_spec"] = "/x/spec.json"
                changed += 1
    assert changed and after == before


def test_drop_in_beside_each_version_of_the_root(containerd, tmp_path):
    """Distributions' rules 1, 2, 4, 5: the drop-in has the root's version, is imported, and the root keeps its settings."""
    for name, text in SOURCES.items():
        if not fits(containerd, text) or "disabled_plugins = [\"" in text or not tomllib.loads(text).get("version"):
            continue
        place = tmp_path / re.sub(r"\W", "-", name)
        (place / "conf.d").mkdir(parents=True)
        path = place / "config.toml"
        path.write_text(text)
        before = dump(containerd, path)
        setup(place, path, *ENABLE, f"--drop-in={place}/conf.d/nri.toml")
        after = dump(containerd, path)
        assert after["plugins"][NRI]["disable"] is False, name
        assert tomllib.loads((place / "conf.d/nri.toml").read_text())["version"] == tomllib.loads(text)["version"]
        for one in (before, after):
            one["plugins"].pop(NRI)
            one.pop("imports")
        assert after == before, name


@pytest.mark.parametrize("name", [name for name, text in SOURCES.items() if "runc.v2" in text])
def test_add_oci_hook_by_a_drop_in(containerd, tmp_path, name):
    """Only where containerd joins it key by key (2.x); elsewhere it is refused and nothing is written."""
    path, drop_in = tmp_path / "config.toml", tmp_path / "conf.d/hook.toml"
    drop_in.parent.mkdir()
    path.write_text(SOURCES[name])
    arguments = (*HOOK, f"--drop-in={drop_in}", f"--validate={containerd}")
    if not fits(containerd, SOURCES[name]) or containerd.parent.name.startswith("1."):
        setup(tmp_path, path, *arguments, status=1)
        assert path.read_text() == SOURCES[name] and not drop_in.exists()
        return
    before = dump(containerd, path)
    setup(tmp_path, path, *arguments)
    assert "nothing to do" in setup(tmp_path, path, *arguments)
    after, changed = dump(containerd, path), 0
    for runtime in before["plugins"][CRI_2]["containerd"]["runtimes"].values():
        if runtime["runtime_type"] == "io.containerd.runc.v2" and not runtime["base_runtime_spec"]:
            runtime["base_runtime_spec"] = "/x/spec.json"
            changed += 1
    for one in (before, after):
        one.pop("imports")
    assert changed and after == before
    assert tomllib.loads(drop_in.read_text())["version"] == tomllib.loads(SOURCES[name])["version"]


def test_the_packaged_file_is_not_broken(containerd, tmp_path):
    """Rule 8: a version line before disabled_plugins = ["cri"] would stop containerd."""
    path = tmp_path / "config.toml"
    path.write_text('disabled_plugins = ["cri"]\n')
    assert "the file has no version" in setup(tmp_path, path, *ENABLE, "--in-place", status=1)
    assert path.read_text() == 'disabled_plugins = ["cri"]\n'


def test_what_a_drop_in_decides_later_is_seen(containerd, tmp_path):
    path, late = tmp_path / "config.toml", tmp_path / "late.toml"
    late.write_text(f'version = 2\n[plugins."{NRI}"]\n  disable = true\n')
    path.write_text(f'version = 2\nimports = ["{late}"]\n')
    said = setup(tmp_path, path, *ENABLE, "--in-place", status=1)  # without a judge too
    assert f"{late}, line 3" in said and NRI not in path.read_text()
    late.write_text(f'version = 2\nimports = ["more/*.toml", "config.toml"]\n')
    (tmp_path / "more").mkdir()
    (tmp_path / "more/a.toml").write_text(f'version = 2\n[plugins."{NRI}"]\n  disable = true\n')
    assert "more/a.toml, line 3" in setup(tmp_path, path, *ENABLE, "--in-place", status=1)
    (tmp_path / "more/b.toml").write_text(f'version = 2\n[plugins."{NRI}"]\n  disable = false\n')
    setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}")
    (tmp_path / "more/c.toml").write_text(f'version = 2\ndisabled_plugins = ["{NRI}"]\n')
    path.write_text(f'version = 2\nimports = ["{late}"]\n')
    assert "more/c.toml, line 2" in setup(tmp_path, path, *ENABLE, "--in-place", status=1)
    (tmp_path / "more/c.toml").write_text("nonsense\n")
    assert "more/c.toml" in setup(tmp_path, path, *ENABLE, "--in-place", status=1)
    (tmp_path / "more/c.toml").unlink()
    late.write_text(f'version = 2\n[plugins."{NRI}"]\n  disable = true\n')
    assert "no effect" in setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}", status=1)
    assert "imports" in path.read_text() and NRI not in path.read_text()


def test_a_missing_import_is_seen(containerd, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('version = 2\nimports = ["none.toml"]\n')
    said = setup(tmp_path, path, *ENABLE, "--in-place", f"--validate={containerd}", status=1)
    assert "none.toml" in said and "nri" not in path.read_text()


def test_the_base_spec_is_written_from_ctr(containerd, tmp_path):
    path, spec = tmp_path / "config.toml", tmp_path / "spec.json"
    path.write_text(SOURCES["minikube like"])
    arguments = ("patch-containerd-conf", "add-oci-hook", f"--runtime-spec={spec}", "--write-runtime-spec",
                 f"--ctr={containerd.parent}/ctr", "--hook=/opt/tetragon/tetragon-oci-hook", "--in-place", f"--validate={containerd}")
    done = subprocess.run([SETUP, *arguments, f"--config-file={path}", f"--backup-dir={tmp_path}/backup", "hook-args",
                           "--grpc-timeout=2s"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    plain = json.loads(subprocess.run([f"{containerd.parent}/ctr", "oci", "spec"], capture_output=True, check=True).stdout)
    written = json.loads(spec.read_text())
    hook = written.pop("hooks")["createRuntime"][0]
    assert written == plain
    assert hook["path"] == "/opt/tetragon/tetragon-oci-hook" and hook["timeout"] == 4 and hook["env"]
    assert hook["args"][1:] == ["createRuntime", "--runtime=containerd", "--grpc-timeout=2s"]


def test_a_base_spec_stays_who_wrote_it(containerd, tmp_path):
    """One of somebody else is not overwritten; ours is told before it is written, and not written again for nothing."""
    path, spec = tmp_path / "config.toml", tmp_path / "spec.json"
    path.write_text(SOURCES["minikube like"])
    arguments = ("patch-containerd-conf", "add-oci-hook", f"--runtime-spec={spec}", "--write-runtime-spec",
                 f"--ctr={containerd.parent}/ctr", "--in-place")
    plain = subprocess.run([f"{containerd.parent}/ctr", "oci", "spec"], capture_output=True, text=True, check=True).stdout
    ours = ', "hooks": {"createRuntime": [{"path": "/opt/tetragon/tetragon-oci-hook"}]}}'
    for text in (plain, plain.rstrip()[:-1] + ours):
        spec.write_text(text)
        for more in ((), ("--dry-run",)):
            said = setup(tmp_path, path, *arguments, *more, status=1)
            assert "left as it is" in said and "--runtime-spec" in said
        assert spec.read_text() == text and path.read_text() == SOURCES["minikube like"]
    spec.unlink()
    shown = subprocess.run([SETUP, *arguments, "--dry-run", f"--config-file={path}"], capture_output=True, text=True, check=True)
    assert f"+++ {spec}" in shown.stdout and f"+++ {path}" in shown.stdout and not spec.exists()
    setup(tmp_path, path, *arguments)
    before = spec.stat()
    assert "nothing to do" in setup(tmp_path, path, *arguments)
    assert (spec.stat().st_ino, spec.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    setup(tmp_path, path, *arguments[:-1], "--undo")
    assert not spec.exists() and path.read_text() == SOURCES["minikube like"]


def test_a_base_spec_that_nothing_names_goes_again(containerd, tmp_path):
    """Left behind it would keep uninstall from removing the hook."""
    path, spec = tmp_path / "config.toml", tmp_path / "spec.json"
    arguments = ("patch-containerd-conf", "add-oci-hook", f"--runtime-spec={spec}", "--write-runtime-spec",
                 f"--ctr={containerd.parent}/ctr", "--in-place")
    path.write_text('disabled_plugins = ["cri"]\n')
    setup(tmp_path, path, *arguments, status=1)
    assert not spec.exists()
    # kind and EKS have base specs of their own: no gate, which is told
    path.write_text(f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.runc]\n  runtime_type = "io.containerd.runc.v2"\n'
                    '  base_runtime_spec = "/etc/containerd/cri-base.json"\n')
    said = setup(tmp_path, path, *arguments)
    assert re.search('level=warn .*already exists.*cri-base.json.*without the hook', said) and not spec.exists()
    # a run that was killed in between
    spec.write_text('{\n    "hooks": {"createRuntime": [{"path": "/opt/tetragon/tetragon-oci-hook"}]}}')
    setup(tmp_path, path, *arguments[:-1], "--undo")
    assert not spec.exists()
    setup(tmp_path, path, *arguments[:-1], "--undo", status=1)


@pytest.mark.parametrize("name", [name for name, text in SOURCES.items() if "version" in text])
def test_required_plugin(containerd, tmp_path, name):
    if not fits(containerd, SOURCES[name]):
        return  # told by test_enable_nri
    path = tmp_path / "config.toml"
    path.write_text(SOURCES[name])
    arguments = (*ENABLE, "--in-place", f"--validate={containerd}", "--require-plugin=tetragon", "--tolerate-annotation=io.x/skip")
    if containerd.parent.name != "2.3.4":
        assert "no validator" in setup(tmp_path, path, *arguments, status=1) and path.read_text() == SOURCES[name]
        return
    before = dump(containerd, path)
    setup(tmp_path, path, *arguments)
    after = dump(containerd, path)
    validator = after["plugins"].pop(NRI)["default_validator"]
    assert validator["enable"] is True and validator["required_plugins"] == ["tetragon"]
    assert validator["tolerate_missing_plugins_annotation"] == "io.x/skip"
    before["plugins"].pop(NRI, None)
    for one in (before, after):
        one.pop("disabled_plugins", None)
    assert after == before
    assert "nothing to do" in setup(tmp_path, path, *arguments)
    setup(tmp_path, path, *ENABLE[:2], "--undo")
    assert path.read_text() == SOURCES[name]
