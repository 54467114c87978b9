# SPDX-License-Identifier: Apache-2.0
"""Policies that choose among containers by pod labels, container name and image, without an API server."""
import json
import signal
import time

import grpc
import pytest

from agent_bed import CGROUPS, Agent, policy
from conftest import program
from test_agent_announced import Caller, first_lseek, make, place, refused
from test_agent_dump import dump

Code = grpc.StatusCode
KILLED = -signal.SIGKILL


def chosen(name, selectors, namespace="tenant-a"):
    """The policy `name` with more lines of spec; namespace None: cluster-wide."""
    text = policy(name, namespace or "x")
    if not namespace:
        text = text.replace("TracingPolicyNamespaced", "TracingPolicy").replace("  namespace: x\n", "")
    return text.replace("spec:\n", "spec:\n" + "".join(f"  {line}\n" for line in selectors.splitlines()))


class LabelCaller(Caller):
    def add(self, *args, **fields):
        self.stub.AddTracingPolicy(self.api.sensors.AddTracingPolicyRequest(yaml=chosen(*args, **fields)), timeout=10)


@pytest.fixture
def agent(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        agent.cgroup("pods")
        yield agent


@pytest.fixture
def caller(agent, api):
    agent.start()
    with LabelCaller(agent, api) as caller:
        yield caller


ids = (f"{number:02x}" * 32 for number in range(256))
WEB = "podSelector: {matchLabels: {app: web}}"


ROWS = [
    (WEB, "tenant-a", {"podLabels": {"app": "web", "x": "y"}}, True),
    (WEB, "tenant-a", {"podLabels": {"app": "db"}}, False),
    (WEB, "tenant-a", {"podLabels": {"app": "webx"}}, False),
    (WEB, "tenant-a", {"podLabelsKnown": True}, False),
    (WEB, "tenant-b", {"podLabels": {"app": "web"}}, False),
    (WEB, None, {"podLabels": {"app": "web"}}, True),
    (WEB, None, {"podLabels": {"app": "db"}}, False),
    ("podSelector: {}", None, {"podLabelsKnown": True}, True),
    ("podSelector: {}", None, {"namespace": ""}, False),
    ("podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}", "tenant-a", {"podLabelsKnown": True}, True),
    ("podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}", "tenant-a", {"podLabels": {"app": "db"}}, False),
    ("podSelector: {matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: In, values: [tenant-a]}]}", None, {}, True),
    ("podSelector: {matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: In, values: [other]}]}", None, {}, False),
    ("containerSelector: {matchLabels: {name: main}}", "tenant-a", {"containerName": "main"}, True),
    ("containerSelector: {matchLabels: {name: main}}", "tenant-a", {"containerName": "side"}, False),
    ("containerSelector: {matchLabels: {repo: registry/a}}", None, {"containerImage": "registry/a:1.2@sha256:00"}, True),
    ("containerSelector: {matchLabels: {repo: 'registry:5000/a'}}", None, {"containerImage": "registry:5000/a"}, True),
    (WEB + "\ncontainerSelector: {matchLabels: {name: main}}", None, {"podLabels": {"app": "web"}, "containerName": "side"}, False),
    (WEB + "\ncontainerSelector: {matchLabels: {name: main}}", None, {"podLabels": {"app": "web"}, "containerName": "main"}, True),
]


def test_a_policy_kills_what_it_chooses(agent, caller):
    for selectors, namespace, fields, is_killed in ROWS:
        container_id = next(ids)
        caller.add("kill", selectors, namespace=namespace)
        caller.announce(place(agent, container_id), container_id, **fields)
        status = first_lseek(agent, make(agent, place(agent, container_id)))
        assert (status == KILLED) == is_killed, (selectors, namespace, fields)
        caller.confirm(place(agent, container_id), container_id, **fields)
        caller.stub.DeleteTracingPolicy(caller.api.sensors.DeleteTracingPolicyRequest(name="kill", namespace=namespace or ""), timeout=10)


def test_no_start_before_it_is_known_whether_it_is_chosen(agent, caller):
    container_id = next(ids)
    caller.add("kill", WEB)
    caller.add("other", "podSelector: {}", namespace="tenant-b")
    refused(lambda: caller.announce(place(agent, container_id), container_id), Code.UNAVAILABLE, "policy kill chooses by labels")
    caller.announce(place(agent, container_id), container_id, namespace="tenant-b")  # no policy of its namespace looks at labels
    folder = make(agent, place(agent, next_id := next(ids)))
    refused(lambda: caller.tell(place(agent, next_id), next_id), Code.UNAVAILABLE, "policy kill chooses by labels")
    refused(lambda: caller.tell(place(agent, next_id), next_id), Code.UNAVAILABLE, "policy kill chooses by labels")
    assert first_lseek(agent, folder) >= 0
    caller.confirm(place(agent, next_id), next_id, podLabels={"app": "web"})
    caller.tell(place(agent, next_id), next_id)  # the hook's own request, which has no labels
    assert first_lseek(agent, folder) == KILLED


def test_labels_reach_the_hook_through_the_announcement(agent, caller):
    """The plugin in inject mode tells ahead, the hook asks at the start."""
    container_id = next(ids)
    caller.add("kill", WEB)
    caller.announce(place(agent, container_id), container_id, podLabels={"app": "web"})
    caller.announce(place(agent, container_id), container_id)  # what is not told this time is as it was
    folder = make(agent, place(agent, container_id))
    caller.tell(place(agent, container_id), container_id)
    assert first_lseek(agent, folder) == KILLED


def test_labels_are_not_lost_when_the_start_is_told_before_the_cgroup(agent, caller):
    """The kernel's record of the new cgroup and the hook's request come by two ways, in any order."""
    container_id = next(ids)
    caller.add("kill", WEB)
    caller.announce(place(agent, container_id), container_id, podLabels={"app": "web"}, podName="web-1")
    agent.child.send_signal(signal.SIGSTOP)
    folder = make(agent, place(agent, container_id))
    request = caller.api.tetragon.CreateContainer(cgroupsPath=place(agent, container_id), containerID=container_id, podNamespace="tenant-a")
    call = caller.stub.RuntimeHook.future(caller.api.tetragon.RuntimeHookRequest(createContainer=request), timeout=10)
    time.sleep(0.1)
    agent.child.send_signal(signal.SIGCONT)
    call.result()
    assert first_lseek(agent, folder) == KILLED
    (state,) = [state for state in dump(agent) if state["container_id"] == container_id]
    assert state["pod_labels"] == {"app": "web"} and state["pod_name"] == "web-1" and state["reporter"] == "nri"


def test_an_announced_container_is_nobody_elses(agent, caller):
    container_id = next(ids)
    caller.announce(place(agent, container_id), container_id, podLabels={"app": "web"})
    agent.child.send_signal(signal.SIGSTOP)
    make(agent, place(agent, container_id))
    request = caller.api.tetragon.CreateContainer(cgroupsPath=place(agent, container_id), containerID=container_id, podNamespace="kube-system")
    call = caller.stub.RuntimeHook.future(caller.api.tetragon.RuntimeHookRequest(createContainer=request), timeout=10)
    time.sleep(0.1)
    agent.child.send_signal(signal.SIGCONT)
    refused(call.result, Code.PERMISSION_DENIED, "identity")


def test_a_policy_that_comes_later_chooses_among_what_runs(agent, caller):
    web, db = next(ids), next(ids)
    folders = {}
    for container_id, app in ((web, "web"), (db, "db")):
        caller.announce(place(agent, container_id), container_id, podLabels={"app": app})
        folders[container_id] = make(agent, place(agent, container_id))
        caller.confirm(place(agent, container_id), container_id)
    caller.add("kill", WEB)
    assert first_lseek(agent, folders[web]) == KILLED
    assert first_lseek(agent, folders[db]) >= 0
    caller.stub.DeleteTracingPolicy(caller.api.sensors.DeleteTracingPolicyRequest(name="kill", namespace="tenant-a"), timeout=10)
    assert first_lseek(agent, folders[web]) >= 0


def test_a_restarted_agent_keeps_what_was_decided(agent, api):
    web, db = next(ids), next(ids)
    folders = {}
    agent.start()
    with LabelCaller(agent, api) as caller:
        caller.add("kill", WEB)
        for container_id, app in ((web, "web"), (db, "db")):
            caller.announce(place(agent, container_id), container_id, podLabels={"app": app})
            folders[container_id] = make(agent, place(agent, container_id))
            caller.confirm(place(agent, container_id), container_id)
    agent.end(signal.SIGKILL)
    agent.start()
    with LabelCaller(agent, api) as caller:
        caller.add("unrelated", "podSelector: {matchLabels: {app: db}}", namespace="tenant-b")  # every container is looked at again
        assert first_lseek(agent, folders[web]) == KILLED
        assert first_lseek(agent, folders[db]) >= 0
        caller.add("late", "podSelector: {matchLabels: {app: db}}")
        assert first_lseek(agent, folders[db]) >= 0  # nobody has told this agent of its labels
        caller.tell(place(agent, db), db, api.tetragon.RUNTIME_HOOK_REASON_LISTED, podLabels={"app": "db"})
        assert first_lseek(agent, folders[db]) == KILLED
        assert first_lseek(agent, folders[web]) == KILLED


def test_a_policy_that_cannot_be_decided_for_what_runs_says_so(agent, caller):
    container_id = next(ids)
    folder = make(agent, place(agent, container_id))
    caller.tell(place(agent, container_id), container_id)
    caller.add("kill", WEB)
    agent.wait_log("which nobody has told of some containers", 5)
    assert first_lseek(agent, folder) >= 0


def test_what_runs_already_is_taken_in_though_undecided(agent, caller):
    container_id = next(ids)
    caller.add("kill", WEB)
    folder = make(agent, place(agent, container_id))
    caller.tell(place(agent, container_id), container_id, caller.api.tetragon.RUNTIME_HOOK_REASON_LISTED)
    agent.wait_log("undecided-policy=kill", 5)
    assert first_lseek(agent, folder) >= 0
    caller.tell(place(agent, container_id), container_id, caller.api.tetragon.RUNTIME_HOOK_REASON_LISTED, podLabels={"app": "web"})
    assert first_lseek(agent, folder) == KILLED


def test_a_start_that_was_tolerated_though_undecided_is_told_as_unseen(agent, caller):
    container_id = next(ids)
    caller.add("kill", WEB)
    make(agent, place(agent, container_id))
    refused(lambda: caller.tell(place(agent, container_id), container_id), Code.UNAVAILABLE, "policy kill chooses by labels")
    agent.unseen.mkdir(0o755)
    record = {"cgroupsPath": place(agent, container_id), "containerID": container_id, "podNamespace": "tenant-a"}
    (agent.unseen / f"{container_id}.json").write_text(json.dumps(record))
    agent.wait_log("found-by=record", 5)
    (line,) = [line for line in agent.log_text().splitlines() if "found-by=record" in line]
    assert "container started unseen: it is under policy from now on" in line


@pytest.mark.parametrize("when", ["runs", "is announced"])
def test_an_edited_policy_keeps_whom_it_chose(agent, api, when):
    """The next agent does not know the labels: what was decided with them holds for a policy that chooses alike."""
    file = agent.folder / "kill.yaml"
    file.write_text(chosen("kill", WEB))
    ids_of = {app: next(ids) for app in ("web", "db")}
    agent.start(f"--tracing-policy={file}")
    with LabelCaller(agent, api) as caller:
        for app, container_id in ids_of.items():
            caller.announce(place(agent, container_id), container_id, podLabels={"app": app})
            if when == "runs":
                make(agent, place(agent, container_id))
                caller.confirm(place(agent, container_id), container_id)
    agent.end(signal.SIGKILL)
    file.write_text(chosen("kill", WEB).replace('"-1"', '"-1", "-2"'))
    agent.start(f"--tracing-policy={file}")
    folders = {}
    for app, container_id in ids_of.items():
        folders[app] = CGROUPS / place(agent, container_id)[1:] if when == "runs" else make(agent, place(agent, container_id))
    assert first_lseek(agent, folders["web"]) == KILLED
    assert first_lseek(agent, folders["db"]) >= 0
    agent.end()
    file.write_text(chosen("kill", "podSelector: {matchLabels: {app: other}}"))
    agent.start(f"--tracing-policy={file}")
    assert first_lseek(agent, folders["web"]) >= 0, "another choice, of which nobody knows whether it is meant"
