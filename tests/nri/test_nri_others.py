# SPDX-License-Identifier: Apache-2.0
"""What others say about a container: the agent's own refusals, the runtime's validator, other plugins; with real containerd."""
import concurrent.futures
import contextlib
import signal
import subprocess

import grpc
import pytest

from bed import cgroups, wait_until
from containerd_bed import KILLED, LATE_FAILS, LIBRARY_USERS

OTHER = LIBRARY_USERS / "nri-other-plugin"
VALIDATOR = """  [plugins."io.containerd.nri.v1.nri".default_validator]
    enable = true
    reject_oci_hook_adjustment = true
"""
REQUIRED = """  [plugins."io.containerd.nri.v1.nri".default_validator]
    enable = true
    required_plugins = ["tetragon"]
    tolerate_missing_plugins_annotation = "example.com/tolerate"
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
    """A gRPC server in the agent's place that answers with `code`."""

    def __init__(self, folder):
        self.address, self.unseen, self.asked, self.code = f"unix://{folder}/scripted.sock", folder / "unseen", 0, None

        def handle(_, context):
            self.asked += 1
            context.abort(self.code, "said the agent")

        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                return grpc.unary_unary_rpc_method_handler(handle)

        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=(Handler(),))
        self.server.add_insecure_port(self.address)
        self.server.start()

    def close(self):
        self.server.stop(0).wait()


@pytest.fixture
def scripted_agent(folder):
    agent = ScriptedAgent(folder)
    yield agent
    agent.close()


@modes
def test_what_the_agent_says(containerd, make_plugin, scripted_agent, mode):
    """To a container of a namespace that is tolerated, and to one of another."""
    plugin = make_plugin(containerd, scripted_agent, mode, "--grpc-timeout=300ms").start()
    other, system = containerd.pod("tenant-a"), containerd.pod("kube-system")
    for code, is_tolerated in (("PERMISSION_DENIED", False), ("INTERNAL", True), ("RESOURCE_EXHAUSTED", True),
                               ("UNAVAILABLE", True), ("UNIMPLEMENTED", True), ("NOT_FOUND", True)):
        scripted_agent.code, scripted_agent.asked = grpc.StatusCode[code], 0
        before = len(list(scripted_agent.unseen.glob("*.json")))
        text = refusal(other, "/bin/true")  # a hook's last try may be cut short by its time-out
        assert "said the agent" in text or (mode == "inject" and "no answer within the time-out" in text), code
        if is_tolerated:
            assert system.run("/bin/true") == (0, ""), code
        else:
            assert "said the agent" in refusal(system, "/bin/true"), code
        assert len(list(scripted_agent.unseen.glob("*.json"))) == before + is_tolerated, code
        assert scripted_agent.asked >= 2
    assert plugin.status()["dropped"] == 0


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


@modes
def test_a_required_plugin(make_containerd, guarded, make_plugin, mode):
    """While it is away creations are refused, but for pods that carry the annotation; each of those is found when it is back."""
    containerd = make_containerd("2.3.4", nri=REQUIRED)
    pod = containerd.pod("tenant-a")
    exempt = containerd.pod("tenant-a", annotations={"example.com/tolerate": "true"})
    plugin = make_plugin(containerd, guarded, mode)
    found = []
    for _ in range(2):
        assert 'required plugin "tetragon" not present' in refusal(pod, "/bin/first_lseek")
        found.append(exempt.start("/bin/sleep", "100").id)
        plugin.start()
        plugin.wait_line("second look is over", count=len(found))
        assert plugin.unseen() == found
        assert pod.run("/bin/first_lseek") == (KILLED, "")
        plugin.end(signal.SIGKILL)
        assert "ttrpc: closed" in refusal(pod, "/bin/first_lseek")  # noticed now


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


@modes
def test_two_of_one_name(containerd, guarded, make_plugin, mode):
    """No runtime refuses the second one: both are asked, and either is enough."""
    first, second = (make_plugin(containerd, guarded, mode).start() for _ in range(2))
    pod = containerd.pod("tenant-a")
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    for plugin in (first, second):
        wait_until(lambda: plugin.status()["created"] == 1, 3, "asked")
    first.end()
    if LATE_FAILS[containerd.version]:
        assert "ttrpc: closed" in refusal(pod, "/bin/first_lseek")  # noticed at the next creation
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    assert second.status()["dropped"] == 0
