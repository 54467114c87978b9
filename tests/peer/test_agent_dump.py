# SPDX-License-Identifier: Apache-2.0
"""What the agent tells of its containers: GetDebug, `tetragon --dump`, and the numbers in ListTracingPolicies."""
import json
import subprocess
import time

import grpc
import pytest

from agent_bed import Agent
from conftest import program
from test_agent_announced import Caller, make, place, refused


@pytest.fixture
def agent(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        agent.cgroup("pods")
        yield agent.start()


@pytest.fixture
def caller(agent, api):
    with Caller(agent, api) as caller:
        yield caller


def dump(agent, status=0, address=None):
    done = subprocess.run([agent.program, "--dump", f"--server-address={address or agent.address}"], capture_output=True, text=True, timeout=30)
    assert done.returncode == status, done.stderr
    if status:
        return done.stderr
    states = [json.loads(line) for line in done.stdout.splitlines()]
    return [state for state in states if state["cgroup_path"].startswith(f"/{agent.bpf_dir}/")]  # others' containers may run here


def test_each_container_is_told_of(agent, caller):
    assert dump(agent) == []
    before = time.time()
    hooked, ahead, other = "1d" * 32, "2d" * 32, "3d" * 32
    caller.add_policy("one")
    caller.add_policy("two")
    caller.announce(place(agent, ahead), ahead, podName="shop-1", podLabels={"app": "shop"}, containerName="main", containerImage="r/shop:1")
    for container_id in (hooked, ahead, other):
        make(agent, place(agent, container_id))
    caller.tell(place(agent, hooked), hooked)
    caller.confirm(place(agent, ahead), ahead)
    caller.tell(place(agent, other), other, namespace="tenant-b")
    found = {state["container_id"]: state for state in dump(agent)}
    assert set(found) == {hooked, ahead, other}
    one = found[ahead]
    assert (one["pod_namespace"], one["pod_name"], one["container_name"], one["image"]) == ("tenant-a", "shop-1", "main", "r/shop:1")
    assert one["pod_labels"] == {"app": "shop"} and one["pod_labels_known"] and "pod_labels_known" not in found[hooked]
    assert one["reporter"] == "nri" and found[hooked]["reporter"] == "hook"
    assert one["cgroup_path"] == place(agent, ahead)
    told = time.strptime(one["told"].split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(told) - time.timezone - before) < 60
    for container_id in (hooked, ahead):
        assert found[container_id]["policies"] == ["tenant-a/one", "tenant-a/two"] and found[container_id]["policies_count"] == 2
        assert found[container_id]["is_in_kernel"] and 0 < found[container_id]["decision_us"] < 1000000
    assert "policies" not in found[other]
    listed = caller.stub.ListTracingPolicies(caller.api.sensors.ListTracingPoliciesRequest(), timeout=5).policies
    assert [status.containers for status in listed] == [2, 2]


def test_a_long_list_comes_in_parts(agent, caller):
    ids = [f"{number:064x}" for number in range(300)]
    for container_id in ids:
        make(agent, place(agent, container_id))
        caller.tell(place(agent, container_id), container_id, podName="x" * 200)
    assert [state["container_id"] for state in dump(agent)] == ids
    request = caller.api.sensors.GetDebugRequest(flag="CONFIG_FLAG_DUMP_CONTAINERS")
    first = caller.stub.GetDebug(request, timeout=5).containers
    assert 1 < len(first.containers) < 300 and first.next == len(first.containers)
    request.containers.container_id = ids[299]
    assert [state.container_id for state in caller.stub.GetDebug(request, timeout=5).containers.containers] == [ids[299]]
    request.containers.skip = 2**64 - 1
    assert not caller.stub.GetDebug(request, timeout=5).containers.containers


def test_who_asks_wrongly_is_told(agent, caller, tmp_path):
    assert "no agent answers" in dump(agent, 1, f"unix://{tmp_path}/nobody.sock")
    assert "nonsense" in dump(agent, 1, "nonsense")
    refused(lambda: caller.stub.GetDebug(caller.api.sensors.GetDebugRequest(flag="CONFIG_FLAG_DUMP_PROCESS_CACHE"), timeout=5),
            grpc.StatusCode.UNKNOWN, "client requested unknown config flag 1")
    assert caller.stub.GetDebug(caller.api.sensors.GetDebugRequest(), timeout=5).level == caller.api.sensors.LOG_LEVEL_DEBUG


def test_a_restarted_agent_says_that_it_was_an_earlier_one(agent, caller, api):
    container_id = "4d" * 32
    make(agent, place(agent, container_id))
    caller.tell(place(agent, container_id), container_id)
    agent.end(9)
    agent.start()
    (state,) = dump(agent)
    assert state["reporter"] == "earlier-agent" and "decision_us" not in state and state["is_in_kernel"]
