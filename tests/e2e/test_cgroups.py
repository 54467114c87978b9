# SPDX-License-Identifier: Apache-2.0
"""Cgroups below a container's are the container's; ids are those of one hierarchy, whichever it is."""
import subprocess

import pytest

from bed import cgroups
from bed.podman import KILLED

CG = ("-v", f"{cgroups.v2_root()}:/cg")


def enter(pid, cgroup, *command):
    """What a runtime does for an exec into a cgroup below the container's: enter it from outside, then the container's
    namespaces and root, then the program."""
    return subprocess.run(["sh", "-c", 'echo 0 >"$1/cgroup.procs"; shift; exec nsenter "$@"', "sh", cgroup, "--target",
                           str(pid), "--mount", "--root", "--", *command], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_cgroup_made_inside_is_under_the_policy(guarded, podman, runtime):
    guarded("kill-lseek")
    for namespace, status in (("tenant-a", -9), ("tenant-b", 0)):
        client = podman.start("/bin/inner_cgroup_pause", namespace=namespace, runtime=runtime,
                              options=("--name", namespace, *CG))
        assert client.stdout.readline() == "ready\n", client.stderr.read()
        inner = podman.container_cgroup(namespace) / "inner"
        done = enter(podman.container_pid(namespace), inner, "/bin/first_lseek")
        assert done.returncode == status, (namespace, done)


def test_a_v1_hierarchy_does_as_well(guarded, podman):
    agent = guarded("kill-lseek", flags=["--cgroup-hierarchy=pids"])
    dead = podman.run("/bin/first_lseek", namespace="tenant-a")
    alive = podman.run("/bin/first_lseek", namespace="tenant-b")
    assert (dead.returncode, dead.stdout) == (KILLED, ""), dead.stderr
    assert (alive.returncode, alive.stdout) == (0, "survived\n"), alive.stderr
    assert "pids" in agent.log_text()


def test_the_kernel_forgets_a_container_that_is_gone(guarded, podman):
    agent = guarded("kill-lseek")
    for _ in range(3):
        podman.run("/bin/harmless", namespace="tenant-a")
    agent.wait_event("process_exit", lambda event: event["process"].get("binary") == "/bin/harmless")
    dead = podman.run("/bin/first_lseek", namespace="tenant-a")
    assert dead.returncode == KILLED, dead.stderr
