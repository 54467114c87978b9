# SPDX-License-Identifier: Apache-2.0
"""What set-up installs is what podman runs, and what it takes away is gone."""
import os
import subprocess

import pytest

from bed import BIN

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
