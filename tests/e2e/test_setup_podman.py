# SPDX-License-Identifier: Apache-2.0
"""What set-up installs is what podman runs, and what it takes away is gone."""
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from bed import BIN, system_calls

SETUP = os.environ.get("SETUP_PROGRAM", str(BIN / "tetragon-oci-hook-setup"))


def setup(folder, podman, command, *arguments):
    flags = [f"--local-install-dir={folder}/bin", f"--oci-hooks.local-dir={podman.hooks}"]
    if command == "install":
        flags += [f"--local-binary={BIN}/tetragon-oci-hook", f"--host-install-dir={folder}/bin", "--runtime=podman"]
    done = subprocess.run([SETUP, command, *flags, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_install_run_uninstall(folder, podman, runtime):
    podman.runtime = runtime
    (folder / "bin").mkdir()

    def start():
        return podman.podman(*podman.run_arguments("/bin/echo", "started"))

    assert "started" in start().stdout
    setup(folder, podman, "install", "hook-args", f"--grpc-address=unix://{folder}/none.sock", "--grpc-timeout=300ms")
    failed = start()
    assert failed.returncode and "started" not in failed.stdout
    assert (folder / "bin/tetragon-oci-hook.log").exists()
    setup(folder, podman, "install", "hook-args", "--disable-grpc")
    assert "started" in start().stdout
    assert "gRPC was disabled" in (folder / "bin/tetragon-oci-hook.log").read_text()
    setup(folder, podman, "uninstall")
    lines = (folder / "bin/tetragon-oci-hook.log").read_text()
    assert "started" in start().stdout and (folder / "bin/tetragon-oci-hook.log").read_text() == lines
    assert sorted(path.name for path in (folder / "bin").iterdir()) == ["tetragon-oci-hook.log"]
    assert list(podman.hooks.iterdir()) == []


def state(*folders):
    """Names and contents; a temporary name's random part is left out."""
    return frozenset((re.sub("setup-[0-9a-f]{16}", "setup-X", path.name), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
                     for folder in folders for path in folder.iterdir() if path.suffix != ".log")


def test_killed_at_every_system_call_of_an_install(folder, podman):
    """In whatever state that leaves the host, podman starts containers; through the hook, if it is registered."""
    place, hook, registration = folder / "bin", folder / "bin/tetragon-oci-hook", podman.hooks / "tetragon-oci-hook.json"
    place.mkdir()
    arguments = [SETUP, "install", f"--local-install-dir={place}", f"--host-install-dir={place}", f"--oci-hooks.local-dir={podman.hooks}",
                 f"--local-binary={BIN}/tetragon-oci-hook", "--runtime=podman", "hook-args", "--disable-grpc"]
    subprocess.run([*system_calls.record(folder / "strace"), *arguments], check=True, timeout=60, capture_output=True)
    done, seen = state(place, podman.hooks), {}
    for n, strace in enumerate(system_calls.kills(folder / "strace")):
        for path in [*place.iterdir(), *podman.hooks.iterdir()]:
            path.unlink()
        assert subprocess.run([*strace, *arguments], capture_output=True, timeout=60).returncode == -signal.SIGKILL, n
        now = state(place, podman.hooks)
        if now in seen:
            continue
        seen[now] = n
        if registration.exists():
            assert json.loads(registration.read_text())["hook"]["path"] == str(hook)
            assert hook.read_bytes() == pathlib.Path(f"{BIN}/tetragon-oci-hook").read_bytes() and os.access(hook, os.X_OK), n
        assert "started" in podman.podman(*podman.run_arguments("/bin/echo", "started")).stdout, (n, now)
        assert (place / "tetragon-oci-hook.log").exists() == registration.exists(), (n, now)
        # The next run leaves nothing of this one.
        subprocess.run(arguments, check=True, timeout=60, capture_output=True)
        assert state(place, podman.hooks) == done, n
    assert done in seen and frozenset() in seen and len(seen) >= 5, seen


def test_install_over_a_hook_that_runs(folder, podman):
    """A container that starts while the hook is replaced gets the old one or the new one, and every start succeeds."""
    (folder / "bin").mkdir()
    again = ["hook-args", "--disable-grpc"]
    setup(folder, podman, "install", *again)
    starts = [subprocess.Popen([*podman.base, *podman.run_arguments("/bin/echo", "started")], env=podman.environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True) for _ in range(4)]
    for _ in range(20):
        setup(folder, podman, "install", *again)
    for start in starts:
        assert "started" in start.communicate(timeout=60)[0]
