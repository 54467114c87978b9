# SPDX-License-Identifier: Apache-2.0
"""Plugin and agent under CRI-O's rules (crio_bed.py), with real containers."""
import shutil

import pytest

import crio_bed
from bed import BIN, POLICIES, wait_until
from kernel_state import Policies
from test_nri_agent import make_inside  # noqa: F401  a fixture

modes = pytest.mark.parametrize("mode", ["inject", "direct"])


@pytest.fixture
def crio(folder):
    crio = crio_bed.Crio(folder / "crio")
    yield crio
    crio.close()


@pytest.fixture
def connected(crio, make_plugin):
    """Starts the plugin and takes its connection."""
    def connect(agent, mode, *flags, listed=()):
        plugin = make_plugin(crio, agent, mode, *flags).start(wait=False)
        assert crio.connect(*listed) == "tetragon"
        plugin.wait_connected()
        return plugin

    return connect


@modes
@pytest.mark.parametrize("more", [{}, {"systemd": True}, {"systemd": True, "sub_cgroup": True}],
                         ids=["cgroupfs", "systemd", "systemd, crun's sub-cgroup"])
def test_a_forbidden_first_call(crio, connected, guarded, mode, more):
    plugin = connected(guarded, mode)
    container = crio.container("/bin/first_lseek", **more).create().start()
    assert container.is_killed()
    assert container.log == [(0, ""), (0, "")]
    other = crio.container("/bin/first_lseek", namespace="tenant-b", **more).create().start()
    assert not other.is_killed()
    told = guarded.wait_event("process_kprobe", lambda event: event["process"]["docker"] == container.id[:31])["process_kprobe"]
    assert told["process"]["pod"]["pod_labels"]["app"] == "web"
    assert plugin.status()["dropped"] == 0


@modes
def test_without_agent(crio, connected, agent, mode):
    """An error stops a container at CRI CreateContainer: the plugin's own, or its hook's, which runs within it."""
    connected(agent, mode, "--grpc-timeout=500ms")
    with pytest.raises(crio_bed.Refused, match="no connection to the agent at"):
        crio.container("/bin/first_lseek").create()
    system = crio.container("/bin/first_lseek", namespace="kube-system").create().start()
    assert not system.is_killed()
    assert (agent.unseen / f"{system.id}.json").exists()


@modes
def test_the_agent_ends_before_the_start(crio, connected, guarded, mode):
    """The error at StartContainer is ignored, but what was told at the creation is in the kernel."""
    connected(guarded, mode, "--grpc-timeout=500ms")
    container = crio.container("/bin/first_lseek").create()
    guarded.kill()
    container.start()
    assert container.log[1][0] == (2 if mode == "direct" else 0)
    assert container.is_killed()


@modes
def test_created_while_the_plugin_was_away(crio, connected, guarded, mode):
    """It is in the list as created, with its init in its cgroup already."""
    crio.events = 0
    container = crio.container("/bin/first_lseek").create()
    running = crio.container("/bin/call_then_wait").create().start()
    plugin = connected(guarded, mode, listed=(container, running))
    plugin.wait_line("the agent knows what the runtime listed")
    assert plugin.unseen() == [running.id]
    container.start()
    assert container.log[-1] == (0, "")
    assert container.is_killed()
    policies = Policies(guarded)
    assert policies.number(running.cgroup().stat().st_ino) == 1
    policies.close()


@modes
def test_started_against_the_word(crio, connected, agent, mode):
    """Created while the plugin was away, and started while the agent is: nothing can stop it here. The next agent knows."""
    crio.events = 0
    container = crio.container("/bin/call_then_wait").create()
    plugin = connected(agent, mode, "--grpc-timeout=500ms", listed=(container,))
    container.start()
    code, text = container.log[-1]
    assert code == 2 and "no connection to the agent at" in text
    line = plugin.wait_line("this runtime starts a container whatever a plugin says: written down for the next agent")
    assert line["req-containerID"] == container.id
    agent.start(POLICIES / "kill-lseek.yaml")
    policies = Policies(agent)
    wait_until(lambda: policies.number(container.cgroup().stat().st_ino) == 1, 5, "under policy")
    policies.close()


FORGED = {"io.kubernetes.cri.sandbox-namespace": "kube-system", "io.kubernetes.cri.sandbox-name": "other",
          "io.kubernetes.cri.sandbox-uid": "99999999-2222-3333-4444-555555555555", "io.kubernetes.pod.namespace": "kube-system",
          "io.kubernetes.cri.container-name": "other"}


@modes
def test_annotations_of_the_tenant(crio, connected, agent, mode):
    """CRI-O copies all of a pod's annotations to its containers: none of them says who a container is."""
    connected(agent, mode, "--grpc-timeout=500ms")
    with pytest.raises(crio_bed.Refused, match="no connection to the agent at"):
        crio.container("/bin/first_lseek", annotations=FORGED).create()
    agent.start(POLICIES / "kill-lseek.yaml")
    container = crio.container("/bin/first_lseek", annotations=FORGED).create().start()
    assert container.is_killed()
    told = agent.wait_event("process_kprobe")["process_kprobe"]["process"]["pod"]
    assert (told["namespace"], told["name"], told["container"]["name"]) == ("tenant-a", "web-0", "app")


@pytest.mark.parametrize("systemd", [False, True])
def test_the_pods_own_container(crio, connected, guarded, systemd):
    """drop_infra_ctr = false: NRI says nothing about it, so it is nobody's; containers of the pod are guarded all the same."""
    plugin = connected(guarded, "direct")
    infra = crio.container("/bin/first_lseek", systemd=systemd, is_infra=True).create().start()
    assert not infra.is_killed()
    assert crio.container("/bin/first_lseek", systemd=systemd).create().start().is_killed()
    assert plugin.unseen() == []


@pytest.mark.parametrize("mode,more", [("direct", {}), ("direct", {"systemd": True, "sub_cgroup": True}), ("inject", {"systemd": True})],
                         ids=["direct", "direct, systemd, crun's sub-cgroup", "inject, systemd"])
def test_the_plugin_inside_the_agent(crio, folder, make_inside, mode, more):  # noqa: F811
    """Also for what was made before an agent died or while there was none."""
    hook = folder / "tetragon-oci-hook"
    shutil.copy(BIN / hook.name, hook)  # it reads a configuration file beside itself
    agent = make_inside(crio.nri_socket, f"--nri-mode={mode}", f"--nri-hook-path={hook}", "--nri-hook-timeout=5s").start()
    assert crio.connect() == "tetragon"
    agent.wait_connected()
    assert crio.container("/bin/first_lseek", **more).create().start().is_killed()
    assert not crio.container("/bin/first_lseek", namespace="tenant-b", **more).create().start().is_killed()
    before = crio.container("/bin/first_lseek", **more).create()
    runs = crio.container("/bin/call_then_wait", **more).create().start()
    agent.kill()
    crio.events = 0  # nobody is connected
    assert before.start().is_killed()
    between = crio.container("/bin/first_lseek", **more).create()
    crio.forget()
    agent.start()
    assert crio.connect(between, runs) == "tetragon"
    agent.wait_line("the agent knows what the runtime listed", count=2)
    between.start()
    assert between.log[-1] == (0, "") and between.is_killed()
    labels = {state["container_id"]: state.get("pod_labels", {}).get("app") for state in agent.dump()}
    assert labels[runs.id] == labels[between.id] == "web"
