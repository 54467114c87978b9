# SPDX-License-Identifier: Apache-2.0
"""What tetragon-oci-hook-setup makes of runtimes' configurations, judged by Python's tomllib and by the bytes that stay."""
import difflib
import os
import pathlib
import re
import subprocess
import tomllib

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SETUP = os.environ.get("SETUP_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook-setup"))
FIXTURES = TOP / "tests/fixtures/conf"
NRI = "io.containerd.nri.v1.nri"
CRI_1, CRI_2 = "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"
KEYS = {"disable": False, "disable_connections": False, "plugin_config_path": "/etc/nri/conf.d", "plugin_path": "/opt/nri/plugins",
        "plugin_registration_timeout": "5s", "plugin_request_timeout": "2s", "socket_path": "/var/run/nri/nri.sock"}


def run(*arguments, status=0):
    done = subprocess.run([SETUP, *map(str, arguments)], capture_output=True, timeout=60)
    assert done.returncode == status, (done.returncode, done.stderr.decode())
    return done


def edit(tmp_path, text, *command, status=0):
    """The edited bytes; None where nothing had to be done; with status 1 the complaint."""
    source, target = tmp_path / "in.toml", tmp_path / "out.toml"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    target.unlink(missing_ok=True)
    name = "--output-file" if command[0] == "patch-crio-conf" else "--output"
    done = run(*command, f"--config-file={source}", f"{name}={target}", status=status)
    if status:
        assert not target.exists()
        assert source.read_bytes() == (text if isinstance(text, bytes) else text.encode())
        return done.stderr.decode()
    if not target.exists():
        assert b"nothing to do" in done.stderr
        return None
    return target.read_bytes()


def enable(tmp_path, text, status=0):
    return edit(tmp_path, text, "patch-containerd-conf", "enable-nri", status=status)


def only_inserted(before, after, lines=0):
    """All lines of `before` are in `after`, in order, but for `lines` of them."""
    steps = difflib.SequenceMatcher(None, before.splitlines(True), after.splitlines(True), autojunk=False).get_opcodes()
    return sum(b - a for step, a, b, _, _ in steps if step != "insert" and step != "equal") <= lines


PUBLISHED = """@@ -67,3 +67,11 @@
     mutation_threshold = 100
     schedule_delay = "0s"
     startup_delay = "100ms"
+  [plugins."io.containerd.nri.v1.nri"]
+    disable = false
+    disable_connections = false
+    plugin_config_path = "/etc/nri/conf.d"
+    plugin_path = "/opt/nri/plugins"
+    plugin_registration_timeout = "5s"
+    plugin_request_timeout = "2s"
+    socket_path = "/var/run/nri/nri.sock"
"""


def test_the_published_diff(tmp_path):
    head = ["version = 2", 'root = "/var/lib/containerd"', "[plugins]"]
    head += [f"  # {n}" for n in range(60 - len(head))]
    tail = ['  [plugins."io.containerd.grpc.v1.cri"]', "    a = 1", '    [plugins."io.containerd.grpc.v1.cri".containerd]',
            "", '  [plugins."io.containerd.gc.v1.scheduler"]', "    deletion_threshold = 0", "    mutation_threshold = 100",
            '    schedule_delay = "0s"', '    startup_delay = "100ms"']
    text = "\n".join(head + tail) + "\n"
    assert text.count("\n") == 69
    source = tmp_path / "config.toml"
    source.write_text(text)
    done = run("patch-containerd-conf", "enable-nri", f"--config-file={source}", "--dry-run")
    assert done.stdout.decode().split("\n", 2)[2] == PUBLISHED
    assert source.read_text() == text
    patched = subprocess.run(["patch", "-o", "-", source], input=done.stdout, capture_output=True, check=True).stdout
    assert patched == enable(tmp_path, text)


NRI_CASES = [
    # what it is about, the file, what else it changes but NRI's table
    ("absent", 'version = 2\n[plugins."io.containerd.gc.v1.scheduler"]\n  a = 1\n[proxy_plugins]\n', {}),
    ("absent, no plugins", "version = 2\n", {}),
    ("absent, no final line end", 'version = 2\n[plugins.x]\n  a = 1', {}),
    ("absent, plugins without tables", "version = 2\n[plugins]\n[debug]\n  level = 'info'\n", {}),
    ("disabled", f"version = 2\n[plugins.'{NRI}'] # c\n\tdisable  =  true # why\n\tsocket_path = '/x'\n", {}),
    ("disabled, spelt with escapes", 'version = 2\n[plugins . "io.containerd.nri.v1.\\u006eri"]\ndisable = true\n', {}),
    ("disabled, quoted table", f'version = 2\n["plugins"."{NRI}"]\n"disable" = true\n', {}),
    ("does not say", f'version = 3\n[plugins."{NRI}"]\n  socket_path = "/x"\n[plugins."{NRI}".default_validator]\n    enable = true\n', {}),
    ("only a sub-table", f'version = 3\n[plugins."{NRI}".default_validator]\n    enable = true\n[x]\n', {}),
    ("dotted keys", f'version = 2\nplugins."{NRI}".disable = true\nplugins.other.a = 1\n', {}),
    ("dotted keys of others", 'version = 2\nplugins."other".a = 1\noom_score = 1\n', {}),
    ("inline table", f'version = 2\nplugins = {{ "{NRI}" = {{ disable = true }}, other = {{ a = [1, 2] }} }}\n', {}),
    ("inline table, empty", "version = 2\nplugins = {}\n", {}),
    ("inline table of others", "version = 2\nplugins = { other = {} }", {}),
    ("inline NRI table without the key", f'version = 2\n[plugins]\n"{NRI}" = {{ socket_path = "/x" }}\n', {}),
    ("named in a comment", f'version = 2\n# [plugins."{NRI}"]\n#   disable = false\n[plugins.a]\nb = 1\n', {}),
    ("named in a multi-line string", f'version = 2\nx = """\n[plugins."{NRI}"]\ndisable = false\n"""\n[plugins.a]\nb = 1\n', {}),
    ("sub-tables whose keys follow", 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  [plugins."io.containerd.grpc.v1.cri".containerd]\n    default_runtime_name = "runc"\n', {}),
    ("plugins first, then others", 'version = 2\n[plugins.a]\n b = 1\n[grpc]\n address = "/x"\n[plugins.c]\n d = [\n  1,\n  2\n ] # end\n[ttrpc]\n', {}),
    ("version last", "[plugins.a]\nb = 1\n\n[debug]\nlevel='x'\n".replace("[plugins.a]", "version = 2\n[plugins.a]"), {}),
    ("version 4", "version = 4\nimports = []\n[plugins]\n  [plugins.'a']\n    b = 1\n", {}),
    ("CRLF", 'version = 2\r\n[plugins."a"]\r\n\tb = 1\r\n', {}),
    ("byte order mark", '\ufeffversion = 2\n', {}),
    ("long lines", "version = 2\nx = \"" + "y" * 200000 + "\"\n[plugins.a]\nb = 1\n", {}),
    ("in disabled_plugins", f'version = 2\ndisabled_plugins = ["a", "{NRI}", "b"]\n[plugins."{NRI}"]\ndisable = false\n', {"disabled_plugins": ["a", "b"]}),
    ("alone in disabled_plugins", f'version = 2\ndisabled_plugins = [\n  # off\n  "{NRI}",\n]\n', {"disabled_plugins": []}),
    ("twice in disabled_plugins", f"version = 2\ndisabled_plugins = ['{NRI}', 'x', '{NRI}']\n", {"disabled_plugins": ["x"]}),
    ("without version, empty", "", {"version": 2}),
    ("without version, comments", "# nothing\n\n", {"version": 2}),
    ("without version, names that do not change", "root = '/x'\ndisabled_plugins = []\n[grpc]\n  address = '/y'\n", {"version": 2}),
    ("version 1, empty", "# c\nversion = 1 # v\n", {"version": 2}),
    ("without version, NRI alone", f"[plugins.'{NRI}']\ndisable = false\n", {"version": 2}),
]


@pytest.mark.parametrize("why, text, more", NRI_CASES, ids=[case[0] for case in NRI_CASES])
def test_enable_nri(tmp_path, why, text, more):
    text = text.encode()
    result = enable(tmp_path, text)
    was, now = tomllib.loads(text.decode().lstrip("\ufeff")), tomllib.loads(result.decode().lstrip("\ufeff"))
    nri = now["plugins"].pop(NRI)
    old = was.get("plugins", {}).pop(NRI, None)
    assert nri == (KEYS if old is None else old | {"disable": False})
    was.update(more)
    if not was.get("plugins", True):
        del was["plugins"]
    if not now["plugins"]:
        del now["plugins"]
    assert now == was
    assert only_inserted(text, result, lines=2)
    assert result.endswith(b"\n") == (text.endswith(b"\n") or not text)
    assert (b"\r\n" in text) == (b"\r\n" in result) and not (b"\r\n" in text and re.search(rb"[^\r]\n", result))
    shown = run("patch-containerd-conf", "enable-nri", f"--config-file={tmp_path}/in.toml", "--dry-run").stdout
    patched = subprocess.run(["patch", "--binary", "-s", "-o", "-", tmp_path / "in.toml"], input=shown, capture_output=True, check=True)
    assert patched.stdout == result
    assert enable(tmp_path, result) is None


REFUSED = [
    ("not TOML", "version = 2\n[plugins\n", "line 2, column 9"),
    ("a table twice", f'version = 2\n[plugins."{NRI}"]\n[plugins."{NRI}"]\n', "line 3, column 10"),
    ("a key twice", "version = 2\nversion = 2\n", "line 2, column 1"),
    ("disable is a string", f'version = 2\n[plugins."{NRI}"]\ndisable = "true"\n', "line 3, column 11"),
    ("plugins is a list", "version = 2\nplugins = []\n", "line 2, column 11"),
    ("NRI is an array of tables", f'version = 2\n[[plugins."{NRI}"]]\n', "containerd wants a table here"),
    ("disabled_plugins is a string", "version = 2\ndisabled_plugins = 'x'\n", "line 2, column 20"),
    ("disabled_plugins holds a number", "version = 2\ndisabled_plugins = ['x', 1]\n", "line 2, column 26"),
    ("version is a string", "version = '2'\n", "line 1, column 11"),
    ("version 1, CRI settings", 'version = 1\n[plugins.cri]\nsandbox_image = "x"\n', "config migrate"),
    ("version 5", "version = 5\n", "versions 1 to 4"),
    ("docker's packaged file", '#   Copyright\n\ndisabled_plugins = ["cri"]\n\n#root = "/var/lib/containerd"\n', "the file has no version"),
    ("no version, CRI settings", '[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "x"\n', "the file has no version"),
    ("no version, imports", "imports = ['/etc/containerd/conf.d/*.toml']\n", "the file has no version"),
]


@pytest.mark.parametrize("why, text, want", REFUSED, ids=[case[0] for case in REFUSED])
def test_enable_nri_refuses_and_says_where(tmp_path, why, text, want):
    assert want in enable(tmp_path, text, status=1)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("containerd-*/*.toml")), ids=lambda p: "-".join(p.parts[-2:]))
def test_enable_nri_on_real_files(tmp_path, path):
    text = path.read_bytes()
    result = enable(tmp_path, text)
    was, now = tomllib.loads(text.decode()), tomllib.loads((result or text).decode())
    assert now["plugins"][NRI]["disable"] is False
    now["plugins"].pop(NRI), was["plugins"].pop(NRI, None)
    assert now == was and only_inserted(text, result or text, lines=1)
    if result:
        assert enable(tmp_path, result) is None


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("containerd-[12].[1-9]/*.toml")), ids=lambda p: "-".join(p.parts[-2:]))
def test_add_oci_hook_on_real_files(tmp_path, path):
    text = path.read_bytes()
    result = edit(tmp_path, text, "patch-containerd-conf", "add-oci-hook", "--runtime-spec=/x/spec.json")
    was, now = tomllib.loads(text.decode()), tomllib.loads(result.decode())
    changed = 0
    for plugin in ("io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"):
        for name, runtime in was["plugins"].get(plugin, {}).get("containerd", {}).get("runtimes", {}).items():
            if runtime["runtime_type"] == "io.containerd.runc.v2" and not runtime.get("base_runtime_spec"):
                runtime["base_runtime_spec"] = "/x/spec.json"
                changed += 1
    assert changed and now == was and only_inserted(text, result, lines=changed)
    assert edit(tmp_path, result, "patch-containerd-conf", "add-oci-hook", "--runtime-spec=/x/spec.json") is None


HOOK = ("patch-containerd-conf", "add-oci-hook")


def test_add_oci_hook_stands_below_the_type(tmp_path):
    text = ('version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\n\t[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.a]\n'
            '\t\truntime_type = "io.containerd.runc.v2" # r\n\t\tx = 1\n'
            '\t[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]\n\t\truntime_type = "io.containerd.kata.v2"\n')
    result = edit(tmp_path, text, *HOOK).decode()
    assert result == text.replace("# r\n", '# r\n\t\tbase_runtime_spec = "/etc/containerd/base-spec.json"\n')


def test_add_oci_hook_edits_templates_and_aks(tmp_path):
    text = 'version = 2\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]\n  runtime_type = "${RUNTIME_TYPE}"\n'
    assert edit(tmp_path, text, *HOOK).decode() == text + '  base_runtime_spec = "/etc/containerd/base-spec.json"\n'


def test_add_oci_hook_finds_nothing(tmp_path):
    """1.x has no runc beside these, 2.x has: which it is only --validate can tell."""
    text = f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.kata]\nruntime_type = "io.containerd.kata.v2"\n'
    assert "no runtime of type" in edit(tmp_path, text, *HOOK, status=1)


RUNC = {"runtime_type": "io.containerd.runc.v2", "base_runtime_spec": "/etc/containerd/base-spec.json"}
BUILTIN = [
    # the file, the plugin, what its table of runc says, what else changes
    ("version 2", "version = 2\n", CRI_1, RUNC | {"sandbox_mode": "podsandbox"}, {}),
    ("none", "", CRI_1, RUNC | {"sandbox_mode": "podsandbox"}, {"version": 2}),
    ("version 3", "version = 3\n", CRI_2, RUNC, {}),
    ("version 4", 'version = 4\n[debug]\nlevel = "info"\n', CRI_2, RUNC, {}),
    ("version 2, names of 2.x", "version = 2\n[plugins.'io.containerd.cri.v1.images']\nx = 1\n", CRI_2, RUNC, {}),
    ("version 3, another runtime", f'version = 3\n[plugins."{CRI_2}".containerd.runtimes.kata]\nruntime_type = "io.containerd.kata.v2"\n', CRI_2, RUNC, {}),
    ("no version, short name", "[plugins.cri]\nsandbox_image = 'x'\n", "cri", RUNC | {"sandbox_mode": "podsandbox"}, {}),
    ("version 1, nothing", "version = 1\n", CRI_1, RUNC | {"sandbox_mode": "podsandbox"}, {"version": 2}),
    ("debian", (FIXTURES / "containerd-1.6-debian/config.toml").read_text(), CRI_1, RUNC | {"sandbox_mode": "podsandbox"}, {}),
]


@pytest.mark.parametrize("why, text, plugin, runc, more", BUILTIN, ids=[case[0] for case in BUILTIN])
def test_add_oci_hook_writes_the_built_in_runtime_down(tmp_path, why, text, plugin, runc, more):
    result = edit(tmp_path, text, *HOOK)
    was, now = tomllib.loads(text) | more, tomllib.loads(result.decode())
    was.setdefault("plugins", {}).setdefault(plugin, {}).setdefault("containerd", {}).setdefault("runtimes", {})["runc"] = runc
    assert now == was and only_inserted(text.encode(), result, lines=bool(more))
    assert edit(tmp_path, result, *HOOK) is None


HOOK_CASES = [
    # the file, the tables that get the key
    ("options alone", f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.runc.options]\nSystemdCgroup = true\n', [CRI_1]),
    ("short name", '[plugins.cri.containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n', ["cri"]),
    ("version 1", 'version = 1\n[plugins."cri".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n', ["cri"]),
    ("both names", f'version = 2\n[plugins."{CRI_1}".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n'
                   f'[plugins."{CRI_2}".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n', [CRI_1, CRI_2]),
    ("an empty one", f'version = 3\n[plugins."{CRI_2}".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\nbase_runtime_spec = ""\n', [CRI_2]),
    ("a template's type", f'version = 2\n[plugins."{CRI_1}".containerd.runtimes."${{RUNTIME}}"]\nruntime_type = "${{RUNTIME_TYPE}}"\n'
                          f'[plugins."{CRI_1}".containerd.runtimes.runc]\nruntime_type = "${{RUNTIME_TYPE}}"\n', [CRI_1]),
]


@pytest.mark.parametrize("why, text, plugins", HOOK_CASES, ids=[case[0] for case in HOOK_CASES])
def test_add_oci_hook_under_all_names(tmp_path, why, text, plugins):
    result = edit(tmp_path, text, *HOOK)
    was, now = tomllib.loads(text), tomllib.loads(result.decode())
    for plugin in plugins:
        for runtime in was["plugins"][plugin]["containerd"]["runtimes"].values():
            runtime["base_runtime_spec"] = "/etc/containerd/base-spec.json"
    assert now == was and only_inserted(text.encode(), result, lines=1)
    assert edit(tmp_path, result, *HOOK) is None


@pytest.mark.parametrize("text", ['disabled_plugins = ["cri"]\n', f'version = 2\ndisabled_plugins = ["{CRI_1}"]\n',
                                  f'version = 3\ndisabled_plugins = ["{CRI_2}"]\n'])
def test_add_oci_hook_where_cri_is_off(tmp_path, text):
    assert "CRI is switched off here" in edit(tmp_path, text, *HOOK, status=1)


def test_add_oci_hook_leaves_other_specs(tmp_path):
    text = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\nbase_runtime_spec = "/other"\n'
    assert edit(tmp_path, text, *HOOK) is None


CRIO = ("patch-crio-conf", "enable-annotations")
CRIO_CASES = [
    ("absent, last in the file", '[crio.runtime.runtimes.runc]\nruntime_path = "/usr/bin/runc"\n', {"runc": ["a", "b"]}),
    ("adjacent tables", '[crio.runtime.runtimes.runc]\nx = 1\n[crio.runtime.runtimes.crun]\nx = 1\n', {"runc": ["a", "b"], "crun": ["a", "b"]}),
    ("header alone", "[crio.runtime.runtimes.runc]", {"runc": ["a", "b"]}),
    ("there, one missing", '[crio.runtime.runtimes.runc]\nallowed_annotations = ["b", "c"]\n', {"runc": ["b", "c", "a"]}),
    ("empty", '[crio.runtime.runtimes.runc]\nallowed_annotations = []\n', {"runc": ["a", "b"]}),
    ("several lines", '[crio.runtime.runtimes.runc]\nallowed_annotations = [\n\t"c", # see\n\t"b"\n]\nx = 1\n', {"runc": ["c", "b", "a"]}),
    ("last key is a multi-line array", '[crio.runtime.runtimes.runc]\nlist = [\n "x",\n]\n', {"runc": ["a", "b"]}),
    ("inline", "[crio.runtime]\nruntimes = { runc = { x = 1 } }\n", {"runc": ["a", "b"]}),
]


@pytest.mark.parametrize("why, text, want", CRIO_CASES, ids=[case[0] for case in CRIO_CASES])
def test_enable_annotations(tmp_path, why, text, want):
    result = edit(tmp_path, text, *CRIO, "--annotations=a,b,a")
    was, now = tomllib.loads(text), tomllib.loads(result.decode())
    handlers = now["crio"]["runtime"]["runtimes"]
    assert {name: handler["allowed_annotations"] for name, handler in handlers.items()} == want
    for name in want:
        was["crio"]["runtime"]["runtimes"][name]["allowed_annotations"] = want[name]
    assert now == was and only_inserted(text.encode(), result, lines=1)
    assert edit(tmp_path, result, *CRIO, "--annotations=a,b") is None


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("cri-o-*/*.conf")), ids=lambda p: p.name)
def test_enable_annotations_on_real_files(tmp_path, path):
    text = path.read_bytes()
    result = edit(tmp_path, text, *CRIO, "--annotations=run.oci.systemd.subgroup,io.x")
    was, now = tomllib.loads(text.decode()), tomllib.loads(result.decode())
    for name, handler in was["crio"]["runtime"]["runtimes"].items():
        handler["allowed_annotations"] = handler.get("allowed_annotations", []) + [
            one for one in ("run.oci.systemd.subgroup", "io.x") if one not in handler.get("allowed_annotations", [])]
    assert now == was and only_inserted(text, result, lines=len(was["crio"]["runtime"]["runtimes"]))
    assert edit(tmp_path, result, *CRIO, "--annotations=io.x") is None


def test_enable_annotations_fails_where_there_is_no_handler(tmp_path):
    assert "no [crio.runtime.runtimes.NAME]" in edit(tmp_path, "[crio]\n", *CRIO, "--annotations=a", status=1)
    assert "line 1, column 6" in edit(tmp_path, "[crio\n].x", *CRIO, "--annotations=a", status=1)
    run(*CRIO, f"--config-file={tmp_path}/none", "--annotations=a", status=1)


def test_a_file_of_1_mb_is_edited_in_little_time(tmp_path):
    text = "version = 2\n" + "".join(f'[plugins."io.example.v1.p{n}"]\n  path = "/var/lib/p{n}"\n  list = ["a", "b"]\n' for n in range(17000))
    assert len(text) > 1_000_000
    result = enable(tmp_path, text)
    assert result.decode().startswith(text) and tomllib.loads(result.decode())["plugins"][NRI] == KEYS
