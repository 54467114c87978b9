# SPDX-License-Identifier: Apache-2.0
"""The NRI plugin inside the agent (tetragon --nri): no other process of ours, the same promises, and what can go wrong."""
import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import time

import grpc
import pytest

from bed import BIN, POLICIES, api, wait_until
from bed.agent import Agent
from containerd_bed import KILLED, Lines
from kernel_state import Policies
from test_nri_restarts import Load, Witness, seconds_of

STARTS = int(os.environ.get("NRI_STARTS", "50"))
POLICY = POLICIES / "kill-lseek.yaml"
# From this version on a plugin that answers too late fails the creation.
LATE_FAILS = {"1.7.27": False, "2.3.4": True}
versions = pytest.mark.parametrize("version", LATE_FAILS)


class Inside(Agent):
    """An agent that is the runtime's plugin too."""

    def __init__(self, folder, socket, *flags):
        super().__init__(folder)
        self.nri_log, self.status_file = self.folder / "nri.log", self.folder / "status"
        self.flags = [f"--nri={socket}", f"--nri-log-fname={self.nri_log}", f"--nri-status-file={self.status_file}", *flags]
        self.nri_lines = Lines(self.nri_log)

    def start(self, *policies, **more):
        return super().start(*(policies or [POLICY]), **more)

    def nri_status(self):
        try:
            return json.loads(self.status_file.read_text())
        except (OSError, ValueError):
            return {"connected": False, "pid": 0}

    def wait_connected(self, seconds=10):
        wait_until(lambda: self.nri_status()["connected"] and self.nri_status()["pid"] == self.child.pid, seconds,
                   lambda: f"connected\n{self.log_text()[-2000:]}")
        return self

    def lines(self, message):
        return [line for line in self.nri_lines.read() if line["msg"] == message]

    def wait_line(self, message, count=1, seconds=10):
        return wait_until(lambda: self.lines(message)[count - 1:][-1:], seconds,
                          lambda: f"'{message}'\n{self.log_text()[-3000:]}")[0]

    def asked(self):
        return {line["req-containerID"] for line in self.lines("hook request to agent succeeded")}

    def verify(self, containerd):
        """What the set-up tool says about the plugin."""
        done = subprocess.run([BIN / "tetragon-oci-hook-setup", "verify", "--json", f"--config-file={containerd.folder}/config.toml",
                               f"--nri-hook.status-file={self.status_file}"], capture_output=True, text=True, timeout=30)
        return [check["evidence"] for check in json.loads(done.stdout) if check["check"] == "registered"]

    def dump(self):
        done = subprocess.run([self.program, "--dump", f"--server-address={self.address}"], capture_output=True, text=True, check=True, timeout=30)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def told_unseen(self):
        """Ids of the containers that the lines tell of as started unseen."""
        return [line["req-containerID"] for line in self.lines("container started unseen: it is under policy from now on")]


@pytest.fixture
def make_inside(folder):
    made = []

    def make(socket, *flags):
        made.append(Inside(folder / f"i{len(made)}", socket, *flags))
        return made[-1]

    yield make
    for one in made:
        if one.child:
            one.child.send_signal(signal.SIGCONT)
        one.close()


@versions
def test_a_forbidden_first_call_never_returns(make_containerd, make_inside, version):
    containerd = make_containerd(version)
    containerd.mode = "direct in the agent"
    agent = make_inside(containerd.nri_socket).start().wait_connected()
    pod, other = containerd.pod("tenant-a"), containerd.pod("tenant-b")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert set(pool.map(lambda number: pod.run("/bin/first_lseek", name=f"first-{number}"), range(STARTS))) == {(KILLED, "")}
    assert other.run("/bin/first_lseek") == (0, "survived\n")
    status = wait_until(lambda: agent.nri_status()["created"] == STARTS + 1 and agent.nri_status(), 3, "the status file's count")
    assert (status["program"], status["mode"], status["dropped"], status["unseen"]) == ("tetragon", "direct", 0, 0)
    assert agent.verify(containerd) == [f"the NRI plugin inside the agent is connected since {status['since']}, mode direct"]
    stays = other.start("/bin/sleep", "100")
    told, = (state for state in agent.dump() if state["container_id"] == stays.id)
    assert told["reporter"] == "nri-in-agent" and told["decision_us"] > 0 and told["pod_labels_known"]


def test_auto_injects_the_hook_into_an_old_runtime(folder, make_containerd, make_inside):
    """It is told where this agent listens, and asks it over the socket."""
    containerd = make_containerd("1.7.27")
    hook = folder / "tetragon-oci-hook"
    shutil.copy(BIN / hook.name, hook)  # it reads a configuration file beside itself
    agent = make_inside(containerd.nri_socket, "--nri-mode=auto", f"--nri-hook-path={hook}", "--nri-hook-timeout=5s",
                        f"--nri-hook-args=--log-fname={folder}/hook.log").start().wait_connected()
    assert agent.nri_status()["mode"] == "inject"
    pod = containerd.pod("tenant-a")
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    assert (folder / "hook.log").read_text().count("hook request to agent succeeded") == 1
    # Without the hook each start would fail.
    done = subprocess.run([BIN / "tetragon-oci-hook-setup", "uninstall", f"--local-install-dir={folder}", f"--oci-hooks.local-dir={folder}",
                           f"--nri-hook.status-file={agent.status_file}"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "NRI plugin" in done.stderr and hook.exists()


@pytest.fixture
def make_witness():
    made = []

    def make(containerd, agent):
        made.append(Witness(list(containerd.uids), agent))
        return made[-1]

    yield make
    for witness in made:
        witness.close()


def ran_unseen(witness):
    return {identity for identity, began in witness.began.items() if began == "unseen"}


def test_runtime_restarts_under_load(make_containerd, make_inside, make_witness):
    containerd = make_containerd("2.3.4")
    agent = make_inside(containerd.nri_socket).start().wait_connected()
    agent.wait_line("second look is over")
    pods = [containerd.pod("tenant-a") for _ in range(3)]
    witness = make_witness(containerd, agent)
    for number, how in enumerate((signal.SIGTERM, signal.SIGKILL)):
        load = Load(pods)
        time.sleep(0.2)
        containerd.restart(how)
        reconnect = seconds_of(agent.wait_line("running: new containers are seen from now on", count=number + 2))
        agent.wait_line("second look is over", count=number + 2)
        load.end()
        assert witness.walk() == [], "runs under no policy"
        assert witness.free_at - reconnect < 1
        told = agent.told_unseen()
        assert len(told) == len(set(told)), "told twice"
        assert ran_unseen(witness) & set(witness.now) <= set(told) <= ran_unseen(witness)
        load.remove()
    assert agent.nri_status()["dropped"] == 2


def test_agent_restarts_under_load(make_containerd, make_inside, make_witness):
    """Killed twice. Whatever runs when the next one has connected is in the kernel's maps; what started unasked is told."""
    containerd = make_containerd("1.7.27")
    agent = make_inside(containerd.nri_socket, "--log-level=info").start().wait_connected()
    pods = [containerd.pod("tenant-a") for _ in range(3)]
    witness = make_witness(containerd, agent)
    load = Load(pods, each=60)
    for _ in range(2):
        time.sleep(0.3)
        agent.kill()
        time.sleep(0.2)
        looks = len(agent.lines("second look is over"))
        agent.start().wait_connected()
        agent.wait_line("second look is over", count=looks + 1)
        assert witness.walk() == [], "runs under no policy"
    load.end()
    assert witness.walk() == []
    told = set(agent.told_unseen()) | set(re.findall(r'msg="container started unseen[^"]*".* container-id=(\w+)', agent.log_text()))
    assert ran_unseen(witness), "nothing started while the agent was away"
    assert ran_unseen(witness) & set(witness.now) <= told


@versions
def test_stopped_for_longer_than_the_request_time_out(make_containerd, make_inside, version):
    """The runtime drops it. That container starts, or its creation fails; whatever ran is caught up with."""
    containerd = make_containerd(version)
    agent = make_inside(containerd.nri_socket).start().wait_connected()
    pod = containerd.pod("tenant-a")
    agent.wait_line("second look is over")
    agent.child.send_signal(signal.SIGSTOP)
    late = None
    try:
        if LATE_FAILS[version]:
            with pytest.raises(grpc.RpcError, match="ttrpc: closed"):
                pod.start("/bin/call_then_wait")
        else:
            late = pod.start("/bin/call_then_wait")
    finally:
        agent.child.send_signal(signal.SIGCONT)
    agent.wait_line("second look is over", count=2)
    assert agent.nri_status()["dropped"] == 1
    assert agent.told_unseen() == ([late.id] if late else [])
    if late:
        assert late.exec("/bin/first_lseek") == (KILLED, "")
        agent.wait_event("process_exec", lambda event: event["process"].get("docker", "-") in late.id and "procFS" in event["process"]["flags"])
    assert pod.run("/bin/first_lseek") == (KILLED, "")


def test_stopped_between_creation_and_start(make_containerd, make_inside):
    """Armed ahead: the kernel knows it, whoever is asleep."""
    containerd = make_containerd("2.3.4")
    agent = make_inside(containerd.nri_socket).start().wait_connected()
    container = containerd.pod("tenant-a").create("/bin/first_lseek")
    agent.child.send_signal(signal.SIGSTOP)
    try:
        container.start()
        assert (container.wait(), container.output()) == (KILLED, "")
    finally:
        agent.child.send_signal(signal.SIGCONT)
    wait_until(lambda: agent.nri_status()["dropped"] == 1 and agent.nri_status()["connected"], 5, "back, and the loss is counted")


def test_created_while_the_agent_was_away(make_containerd, make_inside):
    """Armed when the runtime lists it: it is judged even if the agent is away again at its start."""
    containerd = make_containerd("2.3.4")
    agent = make_inside(containerd.nri_socket)
    pod = containerd.pod("tenant-a")
    asked, armed = (pod.create("/bin/first_lseek") for _ in range(2))
    agent.start().wait_connected()
    agent.wait_line("second look is over")
    asked.start()
    assert (asked.wait(), asked.output()) == (KILLED, "")
    agent.kill()
    armed.start()
    assert (armed.wait(), armed.output()) == (KILLED, "")


def test_armed_and_then_found_by_the_next_agent(make_containerd, make_inside):
    """Nobody tells that one who it is: the container stays under its policies, and is not told as unseen."""
    containerd = make_containerd("1.7.27")
    agent = make_inside(containerd.nri_socket).start().wait_connected()
    container = containerd.pod("tenant-a").create("/bin/call_then_wait")
    agent.kill()
    container.start()
    assert container.exec("/bin/first_lseek") == (KILLED, "")
    agent.flags.append("--nri=no")
    agent.start()
    lines = [line for line in agent.log_text().splitlines() if f"container-id={container.id}" in line]
    assert len(lines) == 1 and "announced to an earlier agent" in lines[0]
    assert container.exec("/bin/first_lseek") == (KILLED, "")
    agent.kill()  # it keeps them for good, not only as long as this one remembers
    agent.start()
    assert container.exec("/bin/first_lseek") == (KILLED, "")


def test_required_by_the_runtime(make_containerd, make_inside):
    """Without the agent nothing is created; with the next one all is well."""
    containerd = make_containerd("2.3.4", nri="""  [plugins."io.containerd.nri.v1.nri".default_validator]
    enable = true
    required_plugins = ["tetragon"]
""")
    agent = make_inside(containerd.nri_socket)
    pod = containerd.pod("tenant-a")
    with pytest.raises(grpc.RpcError, match='required plugin "tetragon" not present'):
        pod.start("/bin/true")
    agent.start().wait_connected()
    assert pod.run("/bin/first_lseek") == (KILLED, "")


def test_no_runtime_yet(folder, make_containerd, make_inside):
    """The agent serves without it, and connects when it comes; a path that is no socket harms nobody either."""
    wrong = make_inside("/etc/hostname").start()
    agent = make_inside(folder / "c0" / "nri" / "nri.sock").start()
    assert api.is_healthy(agent.address) and api.is_healthy(wrong.address)
    containerd = make_containerd("2.3.4")
    began = time.monotonic()
    agent.wait_connected()
    assert time.monotonic() - began < 1
    assert containerd.pod("tenant-a").run("/bin/first_lseek") == (KILLED, "")
    for one, error in ((agent, "it is not there"), (wrong, "is no socket")):
        lines = one.lines("no connection to the runtime, trying again until there is one")
        assert len(lines) == 1 and error in lines[0]["reason"], "told once, with the reason"
    assert not wrong.nri_status()["connected"]
    agent.nri_log.rename(folder / "rotated")
    wait_until(agent.nri_log.exists, 3, "a log file in the place of the one that was rotated")
    for one in (agent, wrong):
        status = one.status_file
        one.stop()
        assert one.status == 0 and not status.exists()


def test_asked_by_agent_and_plugin_and_by_two_agents(make_containerd, make_inside, make_plugin):
    """The same container three times: nobody minds, nobody counts it as unseen, and each can do without the others."""
    containerd = make_containerd("1.7.27")
    agents = [make_inside(containerd.nri_socket).start().wait_connected() for _ in range(2)]
    plugin = make_plugin(containerd, agents[0], "direct").start()
    pod = containerd.pod("tenant-a")
    for _ in range(5):
        assert pod.run("/bin/first_lseek") == (KILLED, "")
    waiting = pod.start("/bin/sleep", "100")
    for one in (*agents, plugin):
        wait_until(lambda one=one: len(one.asked()) == 6, 3, "each was asked about each")
    assert not any(one.lines("container started unseen: it is under policy from now on") for one in (*agents, plugin))
    plugin.end(signal.SIGKILL)
    agents[0].kill()
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    assert waiting.exec("/bin/first_lseek") == (KILLED, "")


def test_a_socket_that_is_not_roots(folder, make_inside):
    """Whoever listens there would be believed about containers."""
    import multiprocessing
    import socket

    path = folder / "open" / "nri.sock"
    path.parent.mkdir()
    path.parent.chmod(0o777)
    folder.chmod(0o755)

    def listen(ready):
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            ready.set()
            server.accept()[0].recv(1)

    ready = multiprocessing.Event()
    stranger = multiprocessing.Process(target=listen, args=(ready,), daemon=True)
    stranger.start()
    try:
        assert ready.wait(5)
        agent = make_inside(path).start()
        assert "user 65534 listens there" in agent.wait_line("no connection to the runtime, trying again until there is one")["reason"]
    finally:
        stranger.kill()
        stranger.join()
