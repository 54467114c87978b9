# SPDX-License-Identifier: Apache-2.0
"""tetragon-oci-hook-setup as an administrator meets it: install and its way back, files that change at once or not at all."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import threading
import time
import tomllib

import pytest

from containerd_real import kills

TOP = pathlib.Path(__file__).resolve().parents[2]
SETUP = os.environ.get("SETUP_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook-setup"))
HOOK = os.environ.get("HOOK_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook"))
NRI = ("patch-containerd-conf", "enable-nri")


def run(*arguments, status=0, command=()):
    done = subprocess.run([*command, SETUP, *map(str, arguments)], capture_output=True, timeout=60, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


@pytest.fixture
def place(tmp_path):
    for name in ("bin", "hooks", "backup", "etc"):
        (tmp_path / name).mkdir()
    return tmp_path


def install_flags(place, hook=HOOK, host="/opt/tetragon"):
    return [f"--local-binary={hook}", f"--local-install-dir={place}/bin", f"--host-install-dir={host}",
            f"--oci-hooks.local-dir={place}/hooks"]


def uninstall(place, **more):
    return run("uninstall", f"--local-install-dir={place}/bin", f"--oci-hooks.local-dir={place}/hooks", **more)


def files(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def test_install_and_back(place):
    run("install", *install_flags(place), "--runtime=podman", "hook-args", "--grpc-timeout=1500ms", "--fail-allow-namespaces=a,b")
    assert files(place) == ["bin/tetragon-oci-hook", "hooks/tetragon-oci-hook.json"]
    assert (place / "bin/tetragon-oci-hook").read_bytes() == pathlib.Path(HOOK).read_bytes()
    assert stat.S_IMODE((place / "bin/tetragon-oci-hook").stat().st_mode) == 0o755
    text = (place / "hooks/tetragon-oci-hook.json").read_text()
    assert stat.S_IMODE((place / "hooks/tetragon-oci-hook.json").stat().st_mode) == 0o644 and not text.endswith("\n")
    registered = json.loads(text)
    path = "/opt/tetragon/tetragon-oci-hook"
    assert registered["hook"]["args"] == [path, "createRuntime", "--log-fname", path + ".log", "--runtime=podman",
                                          "--grpc-timeout=1500ms", "--fail-allow-namespaces=a,b"]
    assert registered["hook"]["path"] == path and registered["hook"]["env"] and registered["hook"]["timeout"] == 4
    assert registered["version"] == "1.0.0" and registered["when"] == {"always": True} and registered["stages"] == ["createRuntime"]
    uninstall(place)
    assert files(place) == []
    assert "no conf to remove" in uninstall(place).stderr


def test_the_timeout_comes_from_the_hooks_own_file_too(place):
    (place / "bin/tetragon-oci-hook.json").write_text('{"grpcTimeout": "30s", "logLevel": "info"}')
    run("install", *install_flags(place))
    assert json.loads((place / "hooks/tetragon-oci-hook.json").read_text())["hook"]["timeout"] == 32
    (place / "bin/tetragon-oci-hook.json").write_text('{"grpcTimeout": "nonsense"}')
    assert "grpc" in run("install", *install_flags(place), status=1).stderr
    uninstall(place)
    assert files(place) == ["bin/tetragon-oci-hook.json"]


def broken(place, content, name="tetragon-oci-hook"):
    path = place / "etc" / name
    path.write_bytes(content)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("content, why", [
    (b"", "empty"),
    (b"not a program", "no program"),
    (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(60), "aarch64"),
    (b"#!/bin/sh\nexit 1\n", "exit status 1"),
    (b"#!/bin/sh\necho something else\n", "does not call itself"),
    (b"#!/bin/sh\nkill -9 $$\n", "signal 9"),
    (pathlib.Path("/bin/true").read_bytes(), "does not call itself"),  # it repeats what it was called
], ids=["empty", "text", "architecture", "fails", "other program", "crashes", "coreutils"])
def test_a_hook_that_cannot_run_is_not_installed(place, content, why):
    run("install", *install_flags(place))
    before = {name: (place / name).read_bytes() for name in files(place)}
    assert why in run("install", *install_flags(place, broken(place, content)), status=1).stderr
    (place / "etc/tetragon-oci-hook").unlink()
    assert {name: (place / name).read_bytes() for name in files(place)} == before


def test_arguments_that_the_hook_refuses_are_not_registered(place):
    """With a slip of the pen among them each container's start would fail."""
    said = run("install", *install_flags(place), "hook-args", "--grpc-timeot=5s", status=1).stderr
    assert "did you mean --grpc-timeout" in said and files(place) == []
    (place / "bin/tetragon-oci-hook.json").write_text('{"fail_cel_expr": "1 +"}')
    assert "fail-cel-expr" in run("install", *install_flags(place), status=1).stderr
    assert files(place) == ["bin/tetragon-oci-hook.json"]
    (place / "bin/tetragon-oci-hook.json").unlink()
    # The original has no such check.
    hook = broken(place, b'#!/bin/sh\n[ "$1" = --help ] && echo "Usage: asked <hook>\n --fail-allow-namespaces" && exit 0\nexit 80\n')
    run("install", *install_flags(place, hook), "hook-args", "--whatever")
    assert installed(place)["args"][-1] == "--whatever"


def test_a_cut_hook_is_not_installed(place):
    half = broken(place, pathlib.Path(HOOK).read_bytes()[:5000])
    run("install", *install_flags(place, half), status=1)
    run("install", *install_flags(place, place / "none/tetragon-oci-hook"), status=1)
    assert files(place / "bin") == files(place / "hooks") == []


def test_an_original_hook_gets_no_flag_that_it_does_not_know(place):
    hook = broken(place, b'#!/bin/sh\n[ "$1" = --help ] && echo "Usage: tetragon-oci-hook <hook>" && exit 0\nexit 80\n')
    run("install", *install_flags(place, hook))
    assert not any("--runtime" in arg for arg in json.loads((place / "hooks/tetragon-oci-hook.json").read_text())["hook"]["args"])


def test_usage_errors_exit_80(place):
    run("install", status=80)
    run("install", *install_flags(place, host="opt"), status=80)
    run("install", *install_flags(place), "--interface=x", status=80)
    run("uninstall", "--interface=nri-hook", f"--local-install-dir={place}", status=80)
    run("nonsense", status=80)
    run(status=80)
    assert "did you mean --dry-run" in run(*NRI, "--dryrun", status=80).stderr
    # JSON cannot hold it: the hook would be registered with another argument than the one that was judged
    for odd in ("--runtime=\udcff", "hook-args\0--grpc-address=unix:///\udcff"):
        assert "is no UTF-8" in run("install", *install_flags(place), *odd.split("\0"), status=80).stderr
    assert not any((place / "hooks").iterdir())


@pytest.mark.parametrize("words, says", [
    (["instal"], "did you mean install?"), (["verfy"], "did you mean verify?"), (["zzz"], "--help lists them"),
    (["patch-containerd-conf"], "a second word: enable-nri, add-oci-hook"), (["patch-containerd-conf", "--in-place"], "a second word"),
    (["patch-containerd-conf", "enable-nir"], "did you mean enable-nri?"), (["patch-crio-conf", "x"], "there is enable-annotations"),
], ids=" ".join)
def test_words_that_are_no_commands(words, says):
    assert says in run(*words, status=80).stderr


def test_help_is_found_in_each_way():
    said = run("--help").stdout
    assert said == run("-h").stdout == run("help").stdout == run("patch-containerd-conf", "--help").stdout == run("patch-crio-conf", "help").stdout


PLUGIN = os.environ.get("NRI_PROGRAM", str(TOP / "build/bin/tetragon-nri-hook"))


def test_nri_hook_is_checked_before_anything_is_copied(place):
    flags = [*install_flags(place), "--interface=nri-hook", f"--nri-hook.program={PLUGIN}"]
    assert "needs to be daemonized" in run("install", *flags, status=1).stderr
    run("install", *flags, "--daemonize", "--nri-hook.index=1", status=80)
    assert "NRI plugin" in run("install", *flags, "--daemonize", f"--nri-hook.program={place}/none", status=1).stderr
    assert "does not call itself" in run("install", *flags, "--daemonize", f"--nri-hook.program={HOOK}", status=1).stderr
    assert files(place) == []


def test_nri_hook_that_ends_is_told(place):
    """A plugin that starts and gives up: the hook stays, the exit status says so."""
    script = broken(place, b'#!/bin/sh\n[ "$1" = --help ] && echo tetragon-nri-hook && exit 0\necho "$@" > "$0.args"\nexit 3\n', "plugin")
    said = run("install", *install_flags(place), "--interface=nri-hook", "--daemonize", f"--nri-hook.program={script}", "--nri-hook.name=x",
               "hook-args", "--fail-allow-namespaces=a,b", "--grpc-timeout=1500ms", status=1).stderr
    assert "status 3" in said and files(place / "bin") == ["tetragon-oci-hook"]
    told = (place / "etc/plugin.args").read_text().split()
    assert {"--nri-name=x", "--nri-index=01", "--grpc-timeout=1.5s", "--oci-hook-path=/opt/tetragon/tetragon-oci-hook",
            "--hook-args=--log-fname=/opt/tetragon/tetragon-oci-hook.log", "--hook-args=--fail-allow-namespaces=a\\,b"} <= set(told)


def test_uninstall_takes_only_what_is_ours(place):
    (place / "hooks/tetragon-oci-hook.json").write_text('{"version":"1.0.0","hook":{"path":"/other","args":["/other"]}}')
    shutil.copy(HOOK, place / "bin/tetragon-oci-hook")
    assert "left as it is" in uninstall(place, status=1).stderr
    assert files(place) == ["bin/tetragon-oci-hook", "hooks/tetragon-oci-hook.json"]
    (place / "hooks/tetragon-oci-hook.json").unlink()
    (place / "bin/tetragon-oci-hook").write_text("#!/bin/sh\necho other\n")
    assert "cannot be asked what it is" in uninstall(place, status=1).stderr
    assert files(place) == ["bin/tetragon-oci-hook"]


@pytest.mark.parametrize("on_exit, left", [("remove", []), ("keep", ["bin/tetragon-oci-hook", "hooks/tetragon-oci-hook.json"])])
def test_daemonize(place, on_exit, left):
    child = subprocess.Popen([SETUP, "install", *install_flags(place), "--daemonize", f"--on-exit={on_exit}"], stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            if (place / "hooks/tetragon-oci-hook.json").exists():
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=20) == 0
    finally:
        child.kill()
        child.communicate()
    assert files(place) == left


def test_an_older_daemon_leaves_what_a_newer_one_installed(place):
    """Else an upgrade would end without a hook though its daemon runs."""
    with subprocess.Popen([SETUP, "install", *install_flags(place), "--daemonize"], stderr=subprocess.PIPE) as old:
        assert b"written binary" in old.stderr.readline() and b"written conf" in old.stderr.readline()
        with subprocess.Popen([SETUP, "install", *install_flags(place), "--daemonize"], stderr=subprocess.PIPE) as new:
            assert b"written binary" in new.stderr.readline() and b"written conf" in new.stderr.readline()
            old.terminate()
            assert old.wait(timeout=20) == 0 and b"another install has replaced the hook" in old.stderr.read()
            assert files(place) == ["bin/tetragon-oci-hook", "hooks/tetragon-oci-hook.json"]
            new.terminate()
            assert new.wait(timeout=20) == 0
    assert files(place) == []


def test_print_config_is_what_install_writes(place):
    done = run("print-config", "--binary=/opt/x/tetragon-oci-hook", "--args=--grpc-timeout=3s,--log-level=debug")
    hook = json.loads(done.stdout)["hook"]
    assert hook["timeout"] == 5 and hook["env"]
    assert hook["args"] == ["/opt/x/tetragon-oci-hook", "createRuntime", "--runtime=auto", "--grpc-timeout=3s", "--log-level=debug"]


CONF = "version = 2\n[plugins.x]\n  a = 1\n"


@pytest.fixture
def conf(place):
    path = place / "etc/config.toml"
    path.write_text(CONF)
    path.chmod(0o640)
    return path


def in_place(place, conf, *more, **others):
    return run(*NRI, f"--config-file={conf}", "--in-place", f"--backup-dir={place}/backup", *more, **others)


def undo(place, conf, **more):
    return run(*NRI, f"--config-file={conf}", "--undo", f"--backup-dir={place}/backup", **more)


def test_in_place_and_undo(place, conf):
    inode = conf.stat().st_ino
    in_place(place, conf)
    assert conf.read_text().startswith(CONF) and "nri.v1.nri" in conf.read_text()
    assert stat.S_IMODE(conf.stat().st_mode) == 0o640 and conf.stat().st_ino != inode
    assert files(place / "etc") == ["config.toml"]
    assert "nothing to do" in in_place(place, conf).stderr
    undo(place, conf)
    assert conf.read_text() == CONF
    undo(place, conf, status=1)
    assert files(place / "backup") == []


def test_undo_does_not_trample_on_others(place, conf):
    in_place(place, conf)
    mine = conf.read_text() + "# mine\n"
    conf.write_text(mine)
    assert "changed by somebody" in undo(place, conf, status=1).stderr
    assert conf.read_text() == mine


def test_undo_goes_back_over_two_edits(place, conf):
    conf.write_text('version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n')
    before = conf.read_bytes()
    in_place(place, conf)
    run("patch-containerd-conf", "add-oci-hook", f"--config-file={conf}", "--in-place", f"--backup-dir={place}/backup")
    undo(place, conf)
    assert conf.read_bytes() == before


def test_output_equal_to_input(place, conf):
    run(*NRI, f"--config-file={conf}", f"--output={conf}", f"--backup-dir={place}/backup")
    assert conf.read_text().startswith(CONF) and "nri.v1.nri" in conf.read_text()


def test_output_in_the_temporary_folder(place, conf):
    said = run(*NRI, f"--config-file={conf}").stderr
    name = pathlib.Path(said.split("filename=")[1].split()[0])
    try:
        assert name.name.startswith("containerd.") and name.suffix == ".toml" and stat.S_IMODE(name.stat().st_mode) == 0o600
        assert conf.read_text() == CONF and "nri.v1.nri" in name.read_text()
    finally:
        name.unlink()


def test_a_link_stays_a_link(place, conf):
    link = place / "link.toml"
    link.symlink_to(conf)
    in_place(place, link)
    assert link.is_symlink() and "nri.v1.nri" in conf.read_text()


def test_targets_that_are_no_files(place):
    for path in (place / "none.toml", place / "etc", pathlib.Path("/dev/null"), place / "none/x.toml"):
        run(*NRI, f"--config-file={path}", "--in-place", f"--backup-dir={place}/backup", status=1)
    (place / "dangling").symlink_to(place / "none")
    run(*NRI, f"--config-file={place}/dangling", "--in-place", f"--backup-dir={place}/backup", status=1)


def test_drop_in(place, conf):
    conf.write_text(CONF + f"[plugins.'io.containerd.nri.v1.nri']\n  disable = true\n  socket_path = '/x'\n  own = [1]\n")
    drop_in = place / "etc/conf.d/nri.toml"
    drop_in.parent.mkdir()
    flags = (f"--config-file={conf}", f"--drop-in={drop_in}", f"--backup-dir={place}/backup")
    shown = run(*NRI, *flags, "--dry-run").stdout
    assert not drop_in.exists() and "+version = 2" in shown and "+imports = " in shown
    run(*NRI, *flags)
    text = drop_in.read_text()
    assert "version = 2\n" in text and "disable = false\n" in text and "socket_path = '/x'\n" in text and "own = [1]\n" in text
    assert f'imports = ["{drop_in}"]\n' in conf.read_text()
    assert "nothing to do" in run(*NRI, *flags).stderr
    conf.write_text(CONF + f"disabled_plugins = ['io.containerd.nri.v1.nri']\n".replace("disabled", "x"))
    conf.write_text("disabled_plugins = ['io.containerd.nri.v1.nri']\n" + CONF)
    assert "no drop-in can take that back" in run(*NRI, *flags, status=1).stderr


@pytest.fixture
def daemon(place, conf):
    """A process whose program is called containerd and whose configuration is ours, with somebody who starts it again."""
    program, started, over = place / "containerd", [], threading.Event()
    shutil.copy("/bin/busybox", program)

    def keep():
        while not over.is_set():
            started.append(subprocess.Popen(["sh", "-c", "read x", "sh", "-c", conf], executable=program, stdin=subprocess.PIPE))
            started[-1].wait()
            time.sleep(0.2)

    thread = threading.Thread(target=keep)
    thread.start()
    while not started:
        time.sleep(0.01)
    time.sleep(0.1)
    yield started
    over.set()
    started[-1].terminate()
    thread.join()
    for child in started:
        child.stdin.close()


@pytest.mark.parametrize("how", ["signal", "auto"])
def test_restart_by_signal(place, conf, daemon, how):
    if how == "auto" and pathlib.Path("/run/systemd/system").exists():
        how = "signal"  # auto would ask systemd, and this daemon is not its
    assert "restarted" in in_place(place, conf, f"--restart={how}").stderr
    assert len(daemon) == 2 and daemon[0].returncode == -signal.SIGTERM
    assert "nothing to do" in in_place(place, conf, f"--restart={how}").stderr
    assert len(daemon) == 2


def test_restart_of_what_does_not_run(place, conf):
    said = in_place(place, conf, "--restart=signal", status=1).stderr
    assert "no containerd runs with" in said and "nri.v1.nri" in conf.read_text()
    run(*NRI, f"--config-file={conf}", "--in-place", "--restart=sometimes", status=80)


def judge(place, script):
    path = place / "judge"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return f"--validate={path}"


def test_validate_by_a_judge(place, conf):
    """A stand-in for containerd's program; the real ones judge in tests/e2e."""
    plain = 'cat "$2"'
    in_place(place, conf, judge(place, plain))
    assert "nri.v1.nri" in conf.read_text()
    undo(place, conf)
    for script, why in [("echo broken >&2; exit 1", "does not accept the file as it is"),
                        ('case $2 in /proc/*) exit 1;; esac; cat "$2"', "refuses the result"),
                        ('case $2 in /proc/*) echo "b = 2";; esac; cat "$2"', "which nobody asked for"),
                        ('sed s/disable\\ =\\ false/disable=true/ "$2"', "would have no effect"),
                        ("echo 'a ='", "what")]:
        assert why in in_place(place, conf, judge(place, script), status=1).stderr, why
        assert conf.read_text() == CONF and files(place / "etc") == ["config.toml"]
    conf.write_text("imports = ['none.toml']\n" + CONF)
    assert "none.toml" in in_place(place, conf, judge(place, plain), status=1).stderr


CRIO = '[crio.nri]\nenable_nri = {nri}\n[crio.nri.default_validator]\nnri_enable_default_validator = false\nnri_validator_required_plugins = [\n]\n'


@pytest.mark.parametrize("text, script, why", [
    (CRIO.format(nri="true"), 'cat "$3"', None),
    ("[crio.nri]\nenable_nri = true\n", 'cat "$3"', None),
    ('[crio]\nnri = {enable_nri = true, default_validator = {nri_validator_required_plugins = ["own"]}}\n', 'cat "$3"', None),
    (CRIO.format(nri="false"), 'cat "$3"', "NRI is off"),
    (CRIO.format(nri="true"), "true", "no validator"),
    (CRIO.format(nri="true"), 'grep -q tetragon "$3" && echo a=1; cat "$3"', "nobody asked for"),
    ("[crio.nri.default_validator]\nnri_validator_required_plugins = 1\n", 'cat "$3"', "CRI-O wants a list"),
], ids=["table", "no validator yet", "inline", "NRI is off", "too old", "changes more", "wrong type"])
def test_crio_requires_a_plugin(place, text, script, why):
    """A stand-in for CRI-O's program: its arguments are `--config-dir= --config FILE config`."""
    conf = place / "etc/crio.conf"
    conf.write_text(text)
    arguments = ("patch-crio-conf", "enable-annotations", f"--config-file={conf}", "--in-place", f"--backup-dir={place}/backup",
                 "--require-plugin=tetragon", "--tolerate-annotation=io.x/skip")
    run(*arguments, status=80)
    done = run(*arguments, judge(place, script), status=1 if why else 0)
    if why:
        assert why in done.stderr and conf.read_text() == text
        return
    validator = tomllib.loads(conf.read_text())["crio"]["nri"]["default_validator"]
    assert validator["nri_enable_default_validator"] is True and validator["nri_validator_required_plugins"][-1] == "tetragon"
    assert validator["nri_validator_tolerate_missing_plugins_annotation"] == "io.x/skip"
    assert ("own" in text) == ("own" in validator["nri_validator_required_plugins"])
    assert "nothing to do" in run(*arguments, judge(place, script)).stderr
    run(*arguments[:3], arguments[4], "--undo")
    assert conf.read_text() == text


@pytest.mark.parametrize("imports", ["", 'imports = ["conf.d/*.toml"]\n'], ids=["import added", "folder imported"])
@pytest.mark.parametrize("old", [None, "version = 2\n"], ids=["new", "there"])
def test_a_refused_drop_in_is_not_left(place, conf, imports, old):
    """A folder that is imported as a whole would have it read at the next start."""
    text, drop_in = imports + CONF, place / "etc/conf.d/nri.toml"
    drop_in.parent.mkdir()
    conf.write_text(text)
    if old:
        drop_in.write_text(old)
    flags = (*NRI, f"--config-file={conf}", f"--drop-in={drop_in}", f"--backup-dir={place}/backup")
    # On paper the root imports all others by their names there.
    merge = 'cat "$2" | grep -v imports; for f in $(grep imports "$2" | grep -o "/proc[^\\"]*"); do grep -v version "$f"; done; true'
    run(*flags, judge(place, f'test -e {drop_in} -a ! "{old}" && exit 1; case $2 in /proc/*) exit 1;; esac; {merge}'), status=1)
    assert conf.read_text() == text and (drop_in.read_text() if drop_in.exists() else None) == old
    run(*flags, judge(place, merge))
    assert "disable = false" in drop_in.read_text()
    run(*flags[:3], flags[4], "--undo")
    assert conf.read_text() == text and (drop_in.read_text() if drop_in.exists() else None) == old and files(place / "backup") == []


def test_a_drop_in_stays_when_only_the_restart_fails(place, conf):
    """The file imports it by then: without it the runtime would not start."""
    drop_in = place / "etc/nri.toml"
    run(*NRI, f"--config-file={conf}", f"--drop-in={drop_in}", f"--backup-dir={place}/backup", "--restart=signal", status=1)
    assert str(drop_in) in conf.read_text() and drop_in.exists()


def test_two_runs_at_once(place, conf):
    children = [subprocess.Popen([SETUP, *NRI, f"--config-file={conf}", "--in-place", f"--backup-dir={place}/backup"],
                                 stderr=subprocess.PIPE) for _ in range(8)]
    said = [child.communicate(timeout=60)[1].decode() for child in children]
    assert all(child.returncode == 0 for child in children), said
    assert sum("nothing to do" in text for text in said) == 7
    undo(place, conf)
    assert conf.read_text() == CONF


def test_killed_at_every_system_call_of_an_edit(place, conf):
    """The old file or the new one is there, nothing else, and the next run cleans up."""
    arguments = (*NRI, f"--config-file={conf}", "--in-place", f"--backup-dir={place}/backup")
    steps, new, seen = kills(place / "strace", [SETUP, *map(str, arguments)], "all"), None, set()
    for n in steps:
        new = new or conf.read_text()
        conf.write_text(CONF)
        shutil.rmtree(place / "backup")
        (place / "backup").mkdir()
        next(steps)
        text = conf.read_text()
        assert text in (CONF, new), n
        seen.add(text)
        for leftover in files(place / "etc"):
            assert leftover == "config.toml" or (place / "etc" / leftover).read_text() == new, n
        if n % 8 and text == CONF and files(place / "etc") == ["config.toml"]:
            continue  # nothing has happened yet
        run(*arguments)
        assert conf.read_text() == new and files(place / "etc") == ["config.toml"], n
        undo(place, conf)
        assert conf.read_text() == CONF, n
    assert seen == {CONF, new}


@pytest.fixture
def small(tmp_path):
    """A file system of its own that is nearly full."""
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=True)
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_full_file_system_changes_nothing(place, small):
    conf = small / "config.toml"
    conf.write_text(CONF)
    (small / "fill").write_bytes(bytes(60 * 1024))
    said = in_place(place, conf, status=1).stderr
    assert "make room" in said and conf.read_text() == CONF and files(small) == ["config.toml", "fill"]
    run("install", f"--local-binary={HOOK}", f"--local-install-dir={small}", "--host-install-dir=/x",
        f"--oci-hooks.local-dir={place}/hooks", status=1)
    assert files(small) == ["config.toml", "fill"] and files(place / "hooks") == []


@pytest.mark.parametrize("option, why", [("ro", "read-only"), ("noexec", "noexec")])
def test_file_systems_that_cannot_hold_the_hook(place, option, why):
    folder = place / "bin"
    subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", folder], check=True)
    try:
        said = run("install", *install_flags(place), status=1).stderr
        assert why in said.lower() and ("--local-install-dir" in said) == (option == "ro")
        assert files(place) == []
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("folder, way", [("hooks", "--oci-hooks.local-dir"), ("etc", "detect")])
def test_what_to_do_on_a_read_only_file_system(place, folder, way):
    """Not what fits another file."""
    (place / "etc/config.toml").write_text(CONF)
    subprocess.run(["mount", "--bind", place / folder, place / folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place / folder], check=True)
        words = ["install", *install_flags(place)] if folder == "hooks" else \
            [*NRI, f"--config-file={place}/etc/config.toml", "--in-place", f"--backup-dir={place}/backup"]
        said = run(*words, status=1).stderr
        assert "Read-only file system; " in said and way in said and "--local-install-dir" not in said
    finally:
        subprocess.run(["umount", place / folder], check=True)


def installed(place):
    return json.loads((place / "hooks/tetragon-oci-hook.json").read_text())["hook"]


@pytest.mark.parametrize("name", ["bin", "hooks"])
def test_install_needs_its_folders(place, name):
    """Both, before anything is copied; what to do is said."""
    (place / name).rmdir()
    assert f"mkdir -p {place}/{name}" in run("install", *install_flags(place), status=1).stderr
    (place / name).write_text("")
    assert f"{place}/{name} is no folder" in run("install", *install_flags(place), status=1).stderr
    assert files(place) == [name]


@pytest.mark.parametrize("target", ["bin/tetragon-oci-hook", "hooks/tetragon-oci-hook.json"])
def test_install_where_something_else_lies(place, target):
    (place / target).mkdir()
    assert "is a folder, not a file" in run("install", *install_flags(place), status=1).stderr
    (place / target).rmdir()
    os.mkfifo(place / target)
    assert "no regular file" in run("install", *install_flags(place), status=1).stderr
    (place / target).unlink()
    # A link stays a link, what it names is replaced.
    (place / "etc/x").write_text("old")
    (place / target).symlink_to(place / "etc/x")
    run("install", *install_flags(place))
    assert (place / target).is_symlink() and (place / "etc/x").stat().st_size > 100
    (place / target).unlink()
    (place / target).symlink_to(place / "none")
    said = run("install", *install_flags(place), status=1).stderr
    assert f"a link to {place}/none, which is not there; remove the link" in said


def test_install_through_links_onto_other_file_systems(place, small):
    """Folders that are links; each on a file system of its own."""
    (place / "bin").rmdir()
    (place / "bin").symlink_to("/dev/shm")
    (place / "hooks").rmdir()
    (place / "hooks").symlink_to(small)
    hook = broken(place, b'#!/bin/sh\necho "tetragon-oci-hook"\n', f"hook-{os.getpid()}")
    try:
        run("install", *install_flags(place, hook, host="/dev/shm"))
        assert (small / f"{hook.name}.json").exists() and os.access(f"/dev/shm/{hook.name}", os.X_OK)
        run("uninstall", f"--local-install-dir={place}/bin", f"--oci-hooks.local-dir={place}/hooks", f"--binary-name={hook.name}")
        assert files(small) == [] and not os.path.exists(f"/dev/shm/{hook.name}")
    finally:
        pathlib.Path(f"/dev/shm/{hook.name}").unlink(missing_ok=True)


def test_a_full_hooks_folder_registers_nothing(place, small):
    (small / "fill").write_bytes(bytes(64 * 1024))
    said = run("install", f"--local-binary={HOOK}", f"--local-install-dir={place}/bin", "--host-install-dir=/x", f"--oci-hooks.local-dir={small}",
               status=1).stderr
    assert "the hook is there, but not registered" in said and "make room" in said and files(small) == ["fill"]


def test_installs_at_once(place):
    """Eight runs, two kinds of arguments: what is registered in the end is one of them, whole, and nothing is left over."""
    children = [subprocess.Popen([SETUP, "install", *install_flags(place), "hook-args", f"--grpc-timeout={3 + n % 2}s"], stderr=subprocess.PIPE)
                for n in range(8)]
    said = [child.communicate(timeout=60)[1].decode() for child in children]
    assert all(child.returncode == 0 for child in children), said
    assert files(place) == ["bin/tetragon-oci-hook", "hooks/tetragon-oci-hook.json"]
    assert installed(place)["timeout"] in (5, 6) and (place / "bin/tetragon-oci-hook").read_bytes() == pathlib.Path(HOOK).read_bytes()


def test_without_a_folder_named_the_runtimes_own_is_taken(place):
    """podman's, by its configuration, seen in a mount namespace; and back, though another runtime is detected by then."""
    hooks, other = place / "hooks", place / "etc/other"
    other.mkdir()
    script = f"""
        mount -t tmpfs tmpfs /etc/containers && mkdir /etc/containers/containers.conf.d
        printf '[engine]\\nhooks_dir = ["{other}", "{hooks}"]\\n' >/etc/containers/containers.conf
        {SETUP} install --local-binary={HOOK} --local-install-dir={place}/bin --host-install-dir={place}/bin --runtime=podman || exit 1
        test -f {hooks}/tetragon-oci-hook.json || exit 2
        {SETUP} uninstall --local-install-dir={place}/bin --oci-hooks.local-dir={other} && exit 3
        test -f {place}/bin/tetragon-oci-hook || exit 4
        mount -t tmpfs -o ro tmpfs {hooks}
        {SETUP} install --local-binary={HOOK} --local-install-dir={place}/bin --host-install-dir={place}/bin --runtime=podman || exit 5
        umount {hooks}
        {SETUP} uninstall --local-install-dir={place}/bin || exit 6
        {SETUP} uninstall --local-install-dir={place}/bin || exit 7
    """
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    assert "still registers" in done.stderr and files(place) == []


def test_manual_page_and_completion_are_what_the_program_says():
    done = subprocess.run([TOP / "scripts/gen-man", "--check", SETUP], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words, wanted", [
    (["ver"], {"verify"}), (["patch-containerd-conf", "a"], {"add-oci-hook"}), (["install", "--daem"], {"--daemonize"}),
    (["patch-containerd-conf", "enable-nri", "--req"], {"--require-plugin="}), (["verify", "--j"], {"--json"}),
    (["patch-crio-conf", "enable-annotations", "--restart", "s"], {"systemd", "signal"}),
], ids=" ".join)
def test_bash_completes(words, wanted):
    script = (f"compopt() {{ :; }}; . {TOP}/deploy/completion/tetragon-oci-hook-setup; COMP_WORDS=(x {' '.join(words)}); "
              f"COMP_CWORD={len(words)}; _tetragon_oci_hook_setup; echo \"${{COMPREPLY[@]}}\"")
    assert set(subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.split()) == wanted


@pytest.mark.parametrize("line, wanted", [
    ("ver", {"verify"}), ("patch-containerd-conf a", {"add-oci-hook"}), ("verify --j", {"--json"}), ("install --on-exit=", {"remove", "keep"}),
    ("patch-crio-conf enable-annotations --restart=s", {"systemd", "signal"}), ("uninstall --interface=", {"oci-hooks"}),
    ("install --local-binary=/etc/os-rel", {"os-release"}),
])
def test_zsh_completes(line, wanted):
    """An interactive shell on a terminal of its own, that is asked with the tabulator key."""
    done = subprocess.run(["zsh", TOP / "tests/peer/zsh_complete.zsh", TOP / "deploy/completion", f"tetragon-oci-hook-setup {line}"],
                          capture_output=True, text=True, timeout=60)
    assert set(done.stdout.split()) == wanted, done
