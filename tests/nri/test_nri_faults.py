# SPDX-License-Identifier: Apache-2.0
"""What happens to a container when something goes wrong, for each containerd and either mode: docs/nri.md has the table."""
import concurrent.futures
import json
import pathlib
import shutil
import signal
import socket
import time

import grpc
import pytest

from bed import POLICIES, wait_until
from containerd_bed import KILLED, LATE_FAILS, PROGRAM

SLOW = "1s"  # of the agent's answer, in inject mode; direct mode takes half of the runtime's 2 s
modes = pytest.mark.parametrize("mode", ["inject", "direct"])


def is_judged(container):
    return container.exec("/bin/first_lseek") == (KILLED, "")


def refusal(pod, *command):
    """Creates and starts; the text of the refusal."""
    with pytest.raises(grpc.RpcError) as caught:
        pod.start(*command)
    return caught.value.details()


@modes
def test_agent_absent(containerd, agent, make_plugin, mode):
    plugin = make_plugin(containerd, agent, mode, f"--grpc-timeout={SLOW}").start()
    text = refusal(containerd.pod("tenant-a"), "/bin/sleep", "100")
    assert "no connection to the agent at" in text
    tolerated = containerd.pod("kube-system").start("/bin/sleep", "100")
    assert (agent.unseen / f"{tolerated.id}.json").exists()
    assert plugin.status()["dropped"] == 0
    agent.start(POLICIES / "kill-lseek.yaml")  # reads the record
    wait_until(lambda: not (agent.unseen / f"{tolerated.id}.json").exists(), 5, "record was read")
    assert containerd.pod("tenant-a").run("/bin/first_lseek") == (KILLED, "")


@modes
def test_agent_slow(containerd, guarded, make_plugin, mode):
    plugin = make_plugin(containerd, guarded, mode, f"--grpc-timeout={SLOW}").start()
    pod, system = containerd.pod("tenant-a"), containerd.pod("kube-system")
    guarded.child.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        text = refusal(pod, "/bin/sleep", "100")
        assert time.monotonic() - began < 1.9
        assert "no answer" in text
        began = time.monotonic()
        system.start("/bin/sleep", "100")
        assert time.monotonic() - began < 1.2  # twice 300 ms in direct mode, and the start itself
    finally:
        guarded.child.send_signal(signal.SIGCONT)
    assert plugin.status()["dropped"] == 0
    assert pod.run("/bin/first_lseek") == (KILLED, "")


@modes
def test_agent_restarts(containerd, guarded, make_plugin, mode):
    """What ran stays under policy. Starts meanwhile: a hook waits for the next agent, direct mode lets the kubelet try again."""
    plugin = make_plugin(containerd, guarded, mode).start()
    pod, system = containerd.pod("tenant-a"), containerd.pod("kube-system")
    before = pod.start("/bin/sleep", "100")
    guarded.kill()
    assert system.run("/bin/true") == (0, "")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        if mode == "direct":
            assert "no connection to the agent at" in refusal(pod, "/bin/first_lseek")
        else:
            waits = pool.submit(pod.run, "/bin/first_lseek")
        guarded.start(POLICIES / "kill-lseek.yaml")
        assert mode == "direct" or waits.result() == (KILLED, "")
    assert is_judged(before)
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    assert plugin.status()["dropped"] == 0


@modes
def test_plugin_away(containerd, guarded, make_plugin, mode):
    """What started meanwhile is taken under policy and told; what was only created is asked for at its start."""
    plugin = make_plugin(containerd, guarded, mode).start()
    pod = containerd.pod("tenant-a")
    plugin.wait_line("second look is over")
    seen = pod.start("/bin/sleep", "100")
    plugin.end(signal.SIGKILL)
    if LATE_FAILS[containerd.version]:
        # The runtime notices the loss at the next creation only, and fails that one.
        assert "ttrpc: closed" in refusal(pod, "/bin/sleep", "100")
    ran = [pod.start("/bin/sleep", "100") for _ in range(3)]
    created = pod.create("/bin/first_lseek")
    waiting = pod.create("/bin/sleep", "100")
    assert [container.exec("/bin/first_lseek")[0] for container in ran] == [0, 0, 0], "nobody was there"
    plugin.start()
    began = time.monotonic()
    plugin.wait_line("the agent knows what the runtime listed", count=2)
    assert time.monotonic() - began < 1
    assert all(is_judged(container) for container in [seen, *ran])
    assert sorted(plugin.unseen()) == sorted(container.id for container in ran)
    created.start()
    assert (created.wait(), created.output()) == (KILLED, "")
    waiting.start()
    assert is_judged(waiting)
    wait_until(lambda: plugin.status()["unseen"] == 3, 3, "status tells")


@modes
def test_plugin_stopped_too_long(containerd, guarded, make_plugin, mode):
    """The runtime drops it. That container starts, or its creation fails; whatever ran is caught up with."""
    plugin = make_plugin(containerd, guarded, mode).start()
    pod = containerd.pod("tenant-a")
    plugin.wait_line("second look is over")
    plugin.child.send_signal(signal.SIGSTOP)
    try:
        late = None
        if LATE_FAILS[containerd.version]:
            assert "ttrpc: closed" in refusal(pod, "/bin/sleep", "100")
        else:
            late = pod.start("/bin/sleep", "100")
            assert late.exec("/bin/first_lseek")[0] == 0, "the plugin was dropped"
    finally:
        plugin.child.send_signal(signal.SIGCONT)
    plugin.wait_line("second look is over", count=2)
    assert plugin.status()["dropped"] == 1
    assert len(plugin.lines("connection to the runtime is lost: new containers are not seen until it is back")) == 1
    if late:
        assert is_judged(late)
        assert plugin.unseen() == [late.id]
    assert pod.run("/bin/first_lseek") == (KILLED, "")


@modes
def test_plugin_stopped_at_the_start(containerd, guarded, make_plugin, mode):
    """Dropped between creation and start: the hook is in the container, or the kernel was told ahead."""
    plugin = make_plugin(containerd, guarded, mode).start()
    pod = containerd.pod("tenant-a")
    container = pod.create("/bin/first_lseek")
    plugin.child.send_signal(signal.SIGSTOP)
    try:
        container.start()
        assert (container.wait(), container.output()) == (KILLED, "")
    finally:
        plugin.child.send_signal(signal.SIGCONT)
    plugin.wait_connected()
    wait_until(lambda: plugin.status()["dropped"] == 1, 5, "the loss is counted")


def test_launched_by_the_runtime(make_containerd, guarded, folder):
    """From the plugin folder, with its configuration file; gone with the runtime and back with it."""
    containerd = make_containerd("2.3.4")
    log, default_log = folder / "launched.log", pathlib.Path("/var/log/tetragon/nri-hook.log")
    was_there = default_log.exists()
    config = containerd.folder / "nri" / "conf.d" / "01-tetragon.conf"
    config.write_text(json.dumps(
        {"mode": "direct", "grpc_address": guarded.address, "log_fname": str(log), "nri_socket": str(containerd.nri_socket)}))
    shutil.copy(PROGRAM, folder / "plugin")
    (folder / "plugin").rename(containerd.plugins / "01-tetragon")
    for how in (signal.SIGTERM, signal.SIGKILL):
        containerd.restart(how)
        wait_until(lambda: log.exists() and "second look is over" in log.read_text(), 10, "plugin runs")
        assert containerd.pod("tenant-a").run("/bin/first_lseek") == (KILLED, "")
        log.unlink()
    config.write_text('{"mode": "direct", "no-such-flag": 1}')
    containerd.restart()
    wait_until(lambda: "no-such-flag" in containerd.log_text(), 10, lambda: f"the reason is told\n{containerd.log_text()[-2000:]}")
    if not was_there:
        default_log.unlink()


@pytest.mark.parametrize("version,mode", [("1.7.27", "inject"), ("2.3.4", "direct")])
def test_auto_chooses_by_what_a_late_answer_does(make_containerd, guarded, make_plugin, version, mode):
    plugin = make_plugin(make_containerd(version), guarded, "auto").start()
    line = plugin.wait_line("configured by the runtime")
    assert (line["mode"], line["reason"].split(":")[0]) == (mode, "auto")
    assert plugin.status()["mode"] == mode


def test_a_stranger_on_the_socket_delays_but_does_not_stop(make_containerd, guarded, make_plugin):
    """A peer that connects and says nothing holds the others up for the registration time-out."""
    containerd = make_containerd("2.3.4")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(containerd.nri_socket))
        plugin = make_plugin(containerd, guarded, "direct").start(wait=False)
        plugin.wait_connected(15)
    assert containerd.pod("tenant-a").run("/bin/first_lseek") == (KILLED, "")


@pytest.mark.parametrize("version", ["2.3.4"])  # 1.7.27 does the same
def test_a_list_that_the_runtime_cannot_split(make_containerd, guarded, make_plugin, version):
    """One pod with more than 4 MiB of annotations: the runtime sends empty parts until it gives up. Told, and tried again."""
    containerd = make_containerd(version)
    pod = containerd.pod("tenant-a")
    made = [pod.create("/bin/first_lseek", annotations={"example.com/big": "x" * 200_000}) for _ in range(26)]
    plugin = make_plugin(containerd, guarded, "direct").start(wait=False)
    line = plugin.wait_line("connection to the runtime is lost: new containers are not seen until it is back")
    assert "while it listed its containers, after " in line["reason"]
    assert int(line["reason"].split(" after ")[1].split()[0]) > 1000
    assert plugin.rss_kib() <= 3 * 1024
    assert pod.run("/bin/first_lseek") == (0, "survived\n"), "such a node has no plugin"
    for container in made[6:]:
        container.remove()
    plugin.wait_connected(30)
    assert pod.run("/bin/first_lseek") == (KILLED, "")
    made[0].start()
    assert made[0].wait() == KILLED
