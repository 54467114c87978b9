# SPDX-License-Identifier: Apache-2.0
"""The runtime's own init works inside the container's cgroup, and so do createContainer hooks: they are not the container."""
import pytest

from bed import PROGRAMS
from bed.podman import KILLED


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_policy_on_mount_lets_the_runtime_mount(guarded, podman, folder, runtime):
    guarded("kill-mount")
    said = folder / "said"
    script = folder / "hook.sh"
    script.write_text(f"#!/bin/sh\n{PROGRAMS}/call_mount >>{said}\n")
    script.chmod(0o755)
    podman.install("zz-device-setup", script, ["hook.sh"], ["createContainer"])

    alive = podman.run("/bin/harmless", namespace="tenant-a", runtime=runtime)
    assert (alive.returncode, alive.stdout) == (0, "survived\n"), alive.stderr
    assert said.read_text() == "survived\n", "the createContainer hook's own mount(2) was not let through"

    dead = podman.run("/bin/call_mount", namespace="tenant-a", runtime=runtime)
    assert (dead.returncode, dead.stdout) == (KILLED, ""), dead.stderr


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_policy_on_execve_judges_the_entry_point(guarded, podman, runtime):
    guarded("kill-entry-point")
    dead = podman.run("/bin/harmless", namespace="tenant-a", runtime=runtime)
    other_program = podman.run("/bin/true", namespace="tenant-a", runtime=runtime)
    other_namespace = podman.run("/bin/harmless", namespace="tenant-b", runtime=runtime)
    assert dead.returncode != 0 and dead.stdout == "", dead
    assert other_program.returncode == 0, other_program.stderr
    assert (other_namespace.returncode, other_namespace.stdout) == (0, "survived\n"), other_namespace.stderr
