# SPDX-License-Identifier: Apache-2.0
"""A container that a policy selects never executes one instruction outside it: its first system call is judged already."""
import pytest

from bed.podman import KILLED
from bed.cgroups import v2_root

CG = ("-v", f"{v2_root()}:/cg")


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_only_the_selected_namespace_dies(guarded, podman, runtime):
    agent = guarded("kill-lseek")
    dead = podman.run("/bin/first_lseek", namespace="tenant-a", runtime=runtime)
    alive = podman.run("/bin/first_lseek", namespace="tenant-b", runtime=runtime)

    assert (dead.returncode, dead.stdout) == (KILLED, ""), dead.stderr
    assert (alive.returncode, alive.stdout) == (0, "survived\n"), alive.stderr

    kill = agent.wait_event("process_kprobe")["process_kprobe"]
    assert kill["policy_name"] == "kill-lseek"
    assert kill["action"] == "KPROBE_ACTION_SIGKILL"
    assert kill["function_name"] == "__x64_sys_lseek"
    assert kill["args"][0]["int_arg"] == -1
    process = kill["process"]
    assert process["binary"] == "/bin/first_lseek"
    assert process["pod"]["namespace"] == "tenant-a"
    assert process["pod"]["name"] == "pod-tenant-a"
    assert process["pod"]["container"]["name"] == "main"
    agent.wait_event("process_exec", lambda event: event["process"].get("exec_id") == process["exec_id"])
    end = agent.wait_event("process_exit", lambda event: event["process"].get("exec_id") == process["exec_id"])["process_exit"]
    assert end["signal"] == "SIGKILL"
    assert len(agent.events("process_kprobe")) == 1


def test_the_hook_logs_what_it_did(guarded, podman):
    guarded("kill-lseek")
    podman.run("/bin/harmless", namespace="tenant-a")
    lines = podman.hook_lines()
    assert lines, "no log line"
    assert lines[-1]["level"] == "INFO"
    assert lines[-1]["msg"] == "hook request to agent succeeded"
    assert lines[-1]["hook"] == "createRuntime"
    assert lines[-1]["req-podNamespace"] == "tenant-a"


@pytest.mark.parametrize("runtime", ["runc", "crun"])
@pytest.mark.parametrize("program", ["first_lseek", "lseek_int80", "lseek_i386", "clone_child", "second_thread",
                                     "exec_second", "inner_cgroup", "root_cgroup"])
def test_each_way_to_the_call_ends_there(guarded, podman, program, runtime):
    guarded("kill-lseek")
    done = podman.run(f"/bin/{program}", namespace="tenant-a", runtime=runtime, options=CG)
    assert (done.returncode, done.stdout) == (KILLED, ""), done.stderr


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_path_on_an_untouched_page_is_read(guarded, podman, runtime):
    agent = guarded("kill-open")
    done = podman.run("/bin/open_rodata", namespace="tenant-a", runtime=runtime)
    other = podman.run("/bin/cat", "/etc/forbidden", namespace="tenant-b", runtime=runtime)
    assert (done.returncode, done.stdout) == (KILLED, ""), done.stderr
    assert other.returncode == 0, other.stderr
    kill = agent.wait_event("process_kprobe")["process_kprobe"]
    assert kill["args"][1]["string_arg"] == "/etc/forbidden"


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_exec_into_a_container_is_judged(guarded, podman, runtime):
    guarded("kill-lseek")
    client = podman.start("/bin/wait_forever", namespace="tenant-a", runtime=runtime, options=("--name", "c1"))
    assert client.stdout.readline() == "ready\n", client.stderr.read()
    done = podman.podman("exec", "c1", "/bin/first_lseek", runtime=runtime)
    assert (done.returncode, done.stdout) == (KILLED, ""), done.stderr
    assert client.poll() is None, "the container itself did nothing"
