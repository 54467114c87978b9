# SPDX-License-Identifier: Apache-2.0
"""What others say about a container: the agent's own refusals, the runtime's validator, other plugins; with real containerd."""
import concurrent.futures
import contextlib
import subprocess

import grpc
import pytest

from bed import cgroups
from containerd_bed import KILLED, LATE_FAILS, LIBRARY_USERS

OTHER = LIBRARY_USERS / "nri-other-plugin"
VALIDATOR = """  [plugins."io.containerd.nri.v1.nri".default_validator]
    enable = true
    reject_oci_hook_adjustment = true
"""
modes = pytest.mark.parametrize("mode", ["inject", "direct"])


def refusal(pod, *command):
    with pytest.raises(grpc.RpcError) as caught:
        pod.start(*command)
    return caught.value.details()


@modes
def test_a_pod_in_another_pods_cgroup(containerd, guarded, make_plugin, mode):
    """Whoever may write a pod's configuration past the kubelet: the UID is not the cgroup path's. Never tolerated."""
    plugin = make_plugin(containerd, guarded, mode).start()
    victim = containerd.pod("tenant-a")
    for namespace in ("tenant-a", "kube-system"):
        assert "forged identity" in refusal(containerd.pod(namespace, cgroup_of=victim), "/bin/true")
    assert victim.run("/bin/first_lseek") == (KILLED, "")
    assert plugin.status()["dropped"] == 0


class ScriptedAgent:
    """A gRPC server in the agent's place that gives one answer."""

    def __init__(self, folder, code):
        self.address, self.unseen, self.asked = f"unix://{folder}/scripted.sock", folder / "unseen", 0

        def handle(_, context):
            self.asked += 1
            context.abort(code, "said the agent")

        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                return grpc.unary_unary_rpc_method_handler(handle)

        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=(Handler(),))
        self.server.add_insecure_port(self.address)
        self.server.start()

    def close(self):
        self.server.stop(0).wait()


@modes
@pytest.mark.parametrize("code,is_tolerated", [
    ("PERMISSION_DENIED", False), ("INTERNAL", True), ("RESOURCE_EXHAUSTED", True), ("UNIMPLEMENTED", True), ("NOT_FOUND", True)])
def test_what_the_agent_says(make_containerd, make_plugin, folder, mode, code, is_tolerated):
    """To a container of a namespace that is tolerated, and to one of another."""
    agent = ScriptedAgent(folder, grpc.StatusCode[code])
    try:
        containerd = make_containerd("2.3.4")
        plugin = make_plugin(containerd, agent, mode, "--grpc-timeout=300ms").start()
        assert "said the agent" in refusal(containerd.pod("tenant-a"), "/bin/true")
        system = containerd.pod("kube-system")
        if is_tolerated:
            assert system.run("/bin/true") == (0, "")
            assert len(list(agent.unseen.glob("*.json"))) == 1
        else:
            assert "said the agent" in refusal(system, "/bin/true")
        assert agent.asked >= 2 and plugin.status()["dropped"] == 0
    finally:
        agent.close()


def test_injected_hooks_are_forbidden(make_containerd, guarded, make_plugin):
    """By the runtime's validator: inject mode cannot work there, the user is told why, and auto never injects where that is possible."""
    containerd = make_containerd("2.3.4", nri=VALIDATOR)
    pod = containerd.pod("tenant-a")
    plugin = make_plugin(containerd, guarded, "inject").start()
    assert "OCI hook injection" in refusal(pod, "/bin/first_lseek")
    plugin.end()
    plugin = make_plugin(containerd, guarded, "auto").start()
    line = plugin.wait_line("configured by the runtime")
    assert line["mode"] == "direct" and "forbidden" in line["reason"]
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    assert plugin.status()["dropped"] == 0


@contextlib.contextmanager
def other_plugin(containerd, index, what):
    with subprocess.Popen([OTHER, containerd.nri_socket, index, what], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "running\n"
            yield
        finally:
            other.kill()


@modes
def test_another_plugin(containerd, guarded, make_plugin, mode):
    """Before and behind ours. Whatever it does, what runs is judged; and what it does not do goes on as before."""
    plugin = make_plugin(containerd, guarded, mode).start()
    pod = containerd.pod("tenant-a")
    for index in ("00", "02"):
        for what, text in (("refuse", "other plugin refuses"), ("reject", "other plugin rejects")):
            with other_plugin(containerd, index, what):
                if what == "reject" and not LATE_FAILS[containerd.version]:
                    assert pod.run("/bin/first_lseek") == (KILLED, ""), "nobody is asked to validate"
                else:
                    assert text in refusal(pod, "/bin/first_lseek")
        for what in ("hooks", "move", "leave"):
            with other_plugin(containerd, index, what):
                container = pod.start("/bin/first_lseek")
                assert (index, what, container.wait(), container.output()) == (index, what, KILLED, "")
                container.remove()
    with other_plugin(containerd, "00", "late"):  # two seconds: it is dropped, and ours is asked all the same
        assert pod.run("/bin/first_lseek") == (KILLED, "")
    assert plugin.status()["dropped"] == 0
    cgroups.remove_below("/nri-other")
