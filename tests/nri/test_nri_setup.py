# SPDX-License-Identifier: Apache-2.0
"""What set-up installs is what a real containerd calls, and what it takes away is gone: by NRI, and by a base spec."""
import json
import os
import pathlib
import signal
import subprocess

import grpc
import pytest

from bed import BIN, system_calls, wait_until
from containerd_bed import KILLED

SETUP = os.environ.get("SETUP_PROGRAM", str(BIN / "tetragon-oci-hook-setup"))
HOOK = "tetragon-oci-hook"


def run(*arguments, status=0):
    done = subprocess.run([SETUP, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert status is None or done.returncode == status, (done.stdout, done.stderr)
    return done


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


@pytest.fixture
def place(folder):
    for name in ("bin", "hooks", "backup"):
        (folder / "s" / name).mkdir(parents=True)
    return folder / "s"


def install_flags(place):
    return [f"--local-binary={BIN}/{HOOK}", f"--local-install-dir={place}/bin", f"--host-install-dir={place}/bin",
            f"--oci-hooks.local-dir={place}/hooks"]


def hook_args(agent):
    return ["hook-args", f"--grpc-address={agent.address}", "--grpc-timeout=500ms", f"--unseen-dir={agent.unseen}"]


def verify(containerd, guarded, place, status):
    """Evidence by check, of those that failed."""
    done = run("verify", "--json", f"--config-file={containerd.folder}/config.toml", f"--validate={containerd.bin}/containerd",
               f"--host-install-dir={place}/bin", f"--local-binary={BIN}/{HOOK}", f"--nri-hook.socket={containerd.nri_socket}",
               f"--nri-hook.status-file={place}/status", f"--agent-socket={guarded.address.removeprefix('unix://')}", status=status)
    return {check["check"]: check["evidence"] for check in json.loads(done.stdout) if not check["ok"]}


def is_hooked(containerd):
    """Tenant A's forbidden call is its last; tenant B lives."""
    assert containerd.pod("tenant-a").run("/bin/first_lseek") == (KILLED, "")
    assert containerd.pod("tenant-b").run("/bin/first_lseek") == (0, "survived\n")


def is_free(containerd):
    assert containerd.pod("tenant-a").run("/bin/first_lseek") == (0, "survived\n")


@pytest.mark.parametrize("on_exit", ["remove", "keep"])
def test_nri_hook(containerd, guarded, place, on_exit):
    containerd.mode = f"set-up, nri-hook, {on_exit}"
    log, status = place / "log", place / "status"
    is_free(containerd)
    with open(log, "wb") as out:
        child = subprocess.Popen(
            [SETUP, "install", *install_flags(place), "--interface=nri-hook", "--daemonize", f"--on-exit={on_exit}",
             f"--nri-hook.program={BIN}/tetragon-nri-hook", f"--nri-hook.socket={containerd.nri_socket}",
             f"--nri-hook.status-file={status}", *hook_args(guarded)], stdin=subprocess.DEVNULL, stderr=out)
    try:
        wait_until(lambda: status.exists() and '"connected": true' in status.read_text(), 20, lambda: f"connected\n{log.read_text()}")
        is_hooked(containerd)
        # Only this test's containerd is known to be there; others may run beside it.
        assert set(verify(containerd, guarded, place, None)) <= {"one daemon"}
        assert files(place / "bin") == [HOOK, f"{HOOK}.log"]
        # Without the hook each start would fail.
        said = run("uninstall", f"--local-install-dir={place}/bin", f"--oci-hooks.local-dir={place}/hooks",
                   f"--nri-hook.status-file={status}", status=1).stderr
        assert "NRI plugin" in said and HOOK in files(place / "bin")
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0, log.read_text()
    assert not status.exists()
    assert "registered" in verify(containerd, guarded, place, 1)
    is_free(containerd)
    assert (HOOK in files(place / "bin")) == (on_exit == "keep")
    run("uninstall", f"--local-install-dir={place}/bin", f"--oci-hooks.local-dir={place}/hooks")
    assert files(place / "bin") == [f"{HOOK}.log"] and files(place / "hooks") == files(place / "backup") == []


def test_killed_at_every_system_call_of_an_nri_install(make_containerd, guarded, place):
    """Nothing registers the hook on the host, so in whatever state that leaves it containers start; and the next run hooks them."""
    containerd = make_containerd("2.3.4")
    containerd.mode = "set-up, nri-hook, killed"
    pod, hook, status = containerd.pod("tenant-b"), place / "bin" / HOOK, place / "status"
    arguments = [SETUP, "install", *install_flags(place), "--interface=nri-hook", "--daemonize", f"--nri-hook.program={BIN}/tetragon-nri-hook",
                 f"--nri-hook.socket={containerd.nri_socket}", f"--nri-hook.status-file={status}", *hook_args(guarded)]

    def run_until(condition, strace):
        """Whether it was so before the run ended; then it is ended."""
        child = subprocess.Popen([*strace, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: child.poll() is not None or condition(), 30, "an end, or the plugin")
            return child.poll() is None
        finally:
            subprocess.run(["pkill", "-TERM", "-P", str(child.pid)], check=False)
            child.wait(20)
            wait_until(lambda: not status.exists(), 10, "the plugin is gone")

    def starts(*what):
        try:
            assert pod.run("/bin/true") == (0, ""), what
        except grpc.RpcError as error:  # containerd learns with one failed call that a plugin is gone; whoever wanted it tries again
            assert "ttrpc: closed" in error.details()
            assert pod.run("/bin/true") == (0, ""), what

    def is_connected():
        return status.exists() and '"connected": true' in status.read_text()

    assert run_until(is_connected, system_calls.record(place / "strace"))
    seen = set()
    for n, strace in enumerate(system_calls.kills(place / "strace", "rt_sigtimedwait")):
        for path in (place / "bin").iterdir():
            path.unlink()
        assert not run_until(is_connected, strace), n
        now = frozenset((path.name.split("setup-")[0], path.stat().st_size) for path in (place / "bin").iterdir() if not path.name.endswith(".log"))
        if now not in seen:
            seen.add(now)
            starts(n, now)
    assert frozenset() in seen and frozenset({(HOOK, (BIN / HOOK).stat().st_size)}) in seen and len(seen) >= 3, seen
    assert run_until(lambda: is_connected() and not is_hooked(containerd), [])  # is_hooked asserts, and returns None


def test_base_spec(containerd, guarded, place):
    containerd.mode = "set-up, base spec"
    config, spec = containerd.folder / "config.toml", containerd.folder / "base-spec.json"
    before = config.read_bytes()
    run("install", *install_flags(place), *hook_args(guarded))
    (place / "hooks" / f"{HOOK}.json").unlink()  # containerd reads no such folder
    patch = ["patch-containerd-conf", "add-oci-hook", f"--config-file={config}", f"--backup-dir={place}/backup",
             f"--runtime-spec={spec}", f"--ctr={containerd.bin}/ctr"]
    run(*patch, "--write-runtime-spec", f"--hook={place}/bin/{HOOK}", "--in-place", f"--validate={containerd.bin}/containerd",
        *hook_args(guarded), "--runtime=containerd", f"--log-fname={place}/bin/{HOOK}.log")
    is_free(containerd)  # it is read at a start, and verify says so
    assert "had started: it does not know of it" in verify(containerd, guarded, place, 1)["restarted"]
    containerd.restart()
    is_hooked(containerd)
    assert set(verify(containerd, guarded, place, None)) <= {"one daemon"}
    guarded.close()
    with pytest.raises(grpc.RpcError, match="hook"):
        containerd.pod("tenant-a").run("/bin/true")
    # Away again, the hook last: without it each start would fail.
    said = run("uninstall", f"--local-install-dir={place}/bin", f"--oci-hooks.local-dir={place}/hooks", f"--runtime-spec={spec}", status=1).stderr
    assert "still names the hook" in said and HOOK in files(place / "bin")
    run(*patch, "--undo", "--write-runtime-spec", f"--hook={place}/bin/{HOOK}")
    assert config.read_bytes() == before and not spec.exists()
    containerd.restart()
    run("uninstall", f"--local-install-dir={place}/bin", f"--oci-hooks.local-dir={place}/hooks")
    assert containerd.pod("tenant-a").run("/bin/true") == (0, "")
    assert files(place) == [f"bin/{HOOK}.log"]
    assert not [path for path in pathlib.Path(containerd.folder).glob("*") if "setup" in path.name]
