# SPDX-License-Identifier: Apache-2.0
"""Containers that are announced before their cgroup is there: the kernel is armed, and knows them when it is made."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import grpc
import pytest

from agent_bed import CGROUPS, Agent, policy
from conftest import TOP, program

Code = grpc.StatusCode
UID = "0f0e0d0c-0b0a-0908-0706-050403020100"
OTHER_UID = "11111111-2222-3333-4444-555555555555"
PROGRAMS = TOP / "build" / "programs"


@pytest.fixture
def agent(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        agent.cgroup("pods")
        yield agent


class Caller:
    """What the NRI plugin says to the agent."""

    def __init__(self, agent, api):
        self.agent, self.api = agent, api
        self.channel = agent.channel()
        self.stub = api.sensors_grpc.FineGuidanceSensorsStub(self.channel)

    def tell(self, path, container_id="", reason=0, namespace="tenant-a", **fields):
        create = self.api.tetragon.CreateContainer(cgroupsPath=path, containerID=container_id, podNamespace=namespace,
                                                   reason=reason, reporter="nri" if reason else "", **fields)
        return self.stub.RuntimeHook(self.api.tetragon.RuntimeHookRequest(createContainer=create), timeout=10).known

    def announce(self, path, container_id, **fields):
        return self.tell(path, container_id, self.api.tetragon.RUNTIME_HOOK_REASON_AHEAD, **fields)

    def confirm(self, path, container_id, **fields):
        return self.tell(path, container_id, self.api.tetragon.RUNTIME_HOOK_REASON_START, **fields)

    def add_policy(self, name, namespace="tenant-a"):
        self.stub.AddTracingPolicy(self.api.sensors.AddTracingPolicyRequest(yaml=policy(name, namespace)), timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()


@pytest.fixture
def caller(agent, api):
    agent.start()
    with Caller(agent, api) as caller:
        yield caller


def place(agent, container_id, pod=None):
    """Path of a container's cgroup that is not there yet, below one that is."""
    return agent.cgroup("pods", *([pod] if pod else [])) + f"/cri-containerd-{container_id}.scope"


def make(agent, path):
    folder = CGROUPS / path.lstrip("/")
    folder.mkdir()
    agent.cgroups.append(folder)
    return folder


def first_lseek(agent, folder):
    """Runs the program whose first call is lseek(-1) as a runtime would: into the cgroup, away from its mounts and root."""
    root = agent.folder / "root"
    root.mkdir(exist_ok=True)
    shutil.copy(PROGRAMS / "first_lseek", root)
    done = subprocess.run(["unshare", "-m", "sh", "-c", f"echo $$ > {folder}/cgroup.procs && exec chroot {root} /first_lseek"],
                          capture_output=True, timeout=20)
    return done.returncode


def refused(call, code, text):
    with pytest.raises(grpc.RpcError) as failure:
        call()
    assert failure.value.code() == code and text in failure.value.details(), failure.value


def counts(agent):
    """The statistics that the agent logs at its end."""
    assert agent.end() == 0
    (line,) = [line for line in agent.log_text().splitlines() if "msg=statistics" in line]
    return {word.split("=")[0]: int(word.split("=")[1]) for word in line.split() if word.split("=")[-1].isdigit()}


def armed_names(agent):
    """What waits in the kernel."""
    (pin,) = pathlib.Path("/sys/fs/bpf", agent.bpf_dir).rglob("armed")
    dump = json.loads(subprocess.run(["bpftool", "-j", "map", "dump", "pinned", pin], check=True, capture_output=True).stdout)
    return {bytes(int(byte, 16) for byte in entry["key"]).split(b"\0")[0].decode() for entry in dump}


def test_the_first_program_of_an_announced_container_is_under_policy(agent, caller):
    one, other, stranger = "1a" * 32, "1b" * 32, "1c" * 32
    known = caller.api.tetragon
    caller.add_policy("kill")
    assert caller.announce(place(agent, one), one) == known.RUNTIME_HOOK_KNOWN_NEW
    assert caller.announce(place(agent, one), one) == known.RUNTIME_HOOK_KNOWN_BEFORE
    caller.announce(place(agent, other), other, namespace="tenant-b")
    assert len(armed_names(agent)) == 2
    for container_id, status in ((one, -signal.SIGKILL), (other, 0), (stranger, 0)):
        got = first_lseek(agent, make(agent, place(agent, container_id)))
        assert (got if got <= 0 else 0) == status, container_id
    assert armed_names(agent) == set()
    assert caller.confirm(place(agent, one), one) == known.RUNTIME_HOOK_KNOWN_BEFORE
    assert caller.confirm(place(agent, stranger), stranger) == known.RUNTIME_HOOK_KNOWN_NEW
    found = counts(agent)
    assert found["containers-announced"] == 2 and found["announcements-used"] == 2


def test_a_policy_reaches_those_that_wait(agent, caller):
    early, late, freed = "2a" * 32, "2b" * 32, "2c" * 32
    caller.announce(place(agent, late), late)
    caller.add_policy("kill")
    caller.announce(place(agent, early), early)
    for container_id in (early, late):
        assert first_lseek(agent, make(agent, place(agent, container_id))) == -signal.SIGKILL
    caller.announce(place(agent, freed), freed)
    caller.stub.DeleteTracingPolicy(caller.api.sensors.DeleteTracingPolicyRequest(name="kill", namespace="tenant-a"), timeout=10)
    assert first_lseek(agent, make(agent, place(agent, freed))) >= 0
    assert not caller.stub.ListTracingPolicies(caller.api.sensors.ListTracingPoliciesRequest(), timeout=5).policies


def test_a_policy_that_comes_when_the_cgroup_is_just_made_reaches_it(agent, caller):
    container_id = "2d" * 32
    caller.announce(place(agent, container_id), container_id)
    agent.child.send_signal(signal.SIGSTOP)
    folder = make(agent, place(agent, container_id))  # its record is not read yet
    agent.child.send_signal(signal.SIGCONT)
    caller.add_policy("kill")
    assert first_lseek(agent, folder) == -signal.SIGKILL


def test_a_cgroup_that_is_there_already_is_admitted_at_once(agent, caller):
    container_id = "3a" * 32
    make(agent, place(agent, container_id))
    assert caller.announce(place(agent, container_id), container_id) == caller.api.tetragon.RUNTIME_HOOK_KNOWN_NEW
    assert armed_names(agent) == set()
    assert caller.confirm(place(agent, container_id), container_id) == caller.api.tetragon.RUNTIME_HOOK_KNOWN_BEFORE


def test_identity_is_kept_and_checked(agent, caller):
    container_id = "4a" * 32
    path = place(agent, container_id, f"pod{UID}")
    refused(lambda: caller.announce(path, container_id, podUID=OTHER_UID), Code.PERMISSION_DENIED, OTHER_UID)
    assert armed_names(agent) == set()
    caller.announce(path, container_id, podUID=UID, podLabels={"app": "shop"})
    refused(lambda: caller.announce(path, container_id, podUID=UID, namespace="kube-system"), Code.PERMISSION_DENIED, "announced")
    make(agent, path)
    refused(lambda: caller.confirm(path, container_id, podUID=UID, namespace="kube-system"), Code.PERMISSION_DENIED, "identity")
    caller.confirm(path, container_id, podUID=UID)
    caller.confirm(path, container_id, podUID=UID)


@pytest.mark.parametrize("why, leaf, container_id, code", [
    ("climbs", "../x", "", Code.INVALID_ARGUMENT),
    ("a name that anybody may use", "app", "", Code.NOT_FOUND),
    ("another container's name", f"cri-containerd-{'5a' * 32}.scope", "5b" * 32, Code.NOT_FOUND),
    ("too long for the kernel", "cri-containerd-" + "x" * 120 + "-" + "5a" * 32, "", Code.NOT_FOUND),
])
def test_what_cannot_be_armed_is_refused(agent, caller, why, leaf, container_id, code):
    refused(lambda: caller.announce(agent.cgroup("pods") + "/" + leaf, container_id), code, "")
    assert armed_names(agent) == set(), why


def test_an_announcement_expires(agent, api):
    agent.start("--announce-timeout=1500ms")
    container_id = "6a" * 32
    with Caller(agent, api) as caller:
        caller.add_policy("kill")
        caller.announce(place(agent, container_id), container_id)
        end = time.monotonic() + 10
        while armed_names(agent) and time.monotonic() < end:
            time.sleep(0.1)
        assert armed_names(agent) == set()
        folder = make(agent, place(agent, container_id))
        assert first_lseek(agent, folder) >= 0
        assert caller.confirm(place(agent, container_id), container_id) == api.tetragon.RUNTIME_HOOK_KNOWN_NEW
        assert first_lseek(agent, folder) == -signal.SIGKILL
    assert counts(agent)["announcements-expired"] == 1


def test_the_table_is_bounded(agent, caller):
    ids = [f"{number:064x}" for number in range(4096)]
    before = agent.memory_kib()
    for container_id in ids:
        caller.announce(place(agent, container_id), container_id, podLabels={"app": "x" * 60})
    refused(lambda: caller.announce(place(agent, "7a" * 32), "7a" * 32), Code.RESOURCE_EXHAUSTED, "waiting")
    caller.announce(place(agent, ids[7]), ids[7])  # again is no further one
    assert agent.memory_kib() - before < 32 * 1024
    make(agent, place(agent, ids[9]))
    caller.confirm(place(agent, ids[9]), ids[9])
    caller.announce(place(agent, "7a" * 32), "7a" * 32)
    assert counts(agent)["announcements-refused"] == 1


def test_a_restarted_agent_leaves_the_kernel_armed(agent, api):
    container_id = "8a" * 32
    agent.start()
    with Caller(agent, api) as caller:
        caller.add_policy("kill")
        caller.announce(place(agent, container_id), container_id)
    agent.end(signal.SIGKILL)
    agent.start()
    assert len(armed_names(agent)) == 1
    folder = make(agent, place(agent, container_id))
    agent.wait_log("announced with, to an earlier agent", 5)
    agent.end(signal.SIGKILL)  # known to the kernel alone
    assert first_lseek(agent, folder) == -signal.SIGKILL
    agent.start()
    assert first_lseek(agent, folder) == -signal.SIGKILL
    with Caller(agent, api) as caller:
        caller.confirm(place(agent, container_id), container_id)
        caller.add_policy("another")
    assert first_lseek(agent, folder) == -signal.SIGKILL


def test_a_runtime_that_sees_another_part_of_the_tree(agent, caller):
    """The name is the container's: it is armed wherever it is made, and registered where it is."""
    container_id, path = "9a" * 32, "/elsewhere"
    caller.add_policy("kill")
    caller.announce(f"{path}/cri-containerd-{container_id}.scope", container_id)
    folder = make(agent, place(agent, container_id))
    agent.wait_log("at another cgroup than announced", 5)
    assert first_lseek(agent, folder) == -signal.SIGKILL
    assert caller.confirm(place(agent, container_id), container_id) == caller.api.tetragon.RUNTIME_HOOK_KNOWN_BEFORE
    assert os.path.exists(folder)
