# SPDX-License-Identifier: Apache-2.0
"""
Runtime and plugin restarted under load. What is true is told by the containers themselves (tests/programs/call_then_wait.c),
the cgroup tree and the kernel's maps; what the plugin says is held against it.
"""
import concurrent.futures
import contextlib
import datetime
import signal
import threading
import time

import grpc
import pytest

from bed import wait_until
from kernel_state import Policies, containers_that_ran

RESTARTS = 10
WITHIN = 1.0  # seconds from the reconnect until every running container is under its policies

modes = pytest.mark.parametrize("mode", ["inject", "direct"])


class Load:
    """Threads that create and start containers that stay, as the kubelet would after a restart: again and again."""

    def __init__(self, pods, each=30):
        self.containers, self.over = [], threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(pod, each)) for pod in pods]
        for thread in self.threads:
            thread.start()

    def _run(self, pod, each):
        started = 0
        while started < each and not self.over.is_set():
            with contextlib.suppress(grpc.RpcError, ValueError):  # the latter: its channel was closed for a restart
                container = pod.create("/bin/call_then_wait")
                self.containers.append(container)
                container.start()
                started += 1
            time.sleep(0.02)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def remove(self):
        def one(container):
            with contextlib.suppress(grpc.RpcError):
                container.remove()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, self.containers))


class Witness:
    """Walks the cgroup tree over and over: what ran, how it began, and until when some of it was under no policy."""

    def __init__(self, uids, agent):
        self.uids, self.policies = uids, Policies(agent)
        self.began = {}  # container id: "guarded" or "unseen", of all that ever ran
        self.first_at = {}  # container id: CLOCK_REALTIME of the first walk that found it
        self.now = {}    # of those that run
        self.free_at = 0.0  # CLOCK_REALTIME of the last walk that found a running container under no policy; 0: none did
        self.over, self.thread = threading.Event(), threading.Thread(target=self._run)
        self.thread.start()

    def walk(self):
        at = time.time()
        found = containers_that_ran(self.uids)
        free = [identity for identity, (cgroup_id, _) in found.items() if not self.policies.number(cgroup_id)]
        if free:
            self.free_at = at
        self.now = {identity: name for identity, (_, name) in found.items()}
        self.began.update(self.now)
        for identity in self.now:
            self.first_at.setdefault(identity, at)
        return free

    def unseen(self):
        return {identity for identity, began in list(self.began.items()) if began == "unseen"}

    def _run(self):
        while not self.over.wait(0.02):
            self.walk()

    def close(self):
        self.over.set()
        self.thread.join()
        self.policies.close()


@pytest.fixture
def make_witness(containerd, guarded):
    made = []

    def make():
        made.append(Witness(list(containerd.uids), guarded))
        return made[-1]

    yield make
    for witness in made:
        witness.close()


def seconds_of(line):
    stamp, fraction = line["time"].rstrip("Z").split(".")
    return datetime.datetime.fromisoformat(stamp + "+00:00").timestamp() + float("0." + fraction)


def check_told(plugin, witness):
    """
    Told as unseen are those whose first call nobody stopped, but for what ended before it could be told. And those that are
    told after their start and before their first call, which is judged then: nobody has found them in a walk before.
    """
    told = {line["req-containerID"]: seconds_of(line) for line in plugin.unseen_lines()}
    truth = witness.unseen()
    assert len(told) == len(plugin.unseen_lines()), "told twice"
    assert truth - set(told) <= truth - set(witness.now), "ran unseen and was not told"
    for identity in set(told) - truth:
        assert told[identity] <= witness.first_at.get(identity, told[identity]), "told as unseen although its first call was judged"
    return len(truth), len(truth - set(told)), len(set(told) - truth)


def check_counts(plugin, witness):
    """The same, of one run of the plugin: its status counts what it has told."""
    counts = check_told(plugin, witness)
    wait_until(lambda: plugin.status().get("unseen") == len(plugin.unseen()), 3, "the status file's count")
    return counts


@modes
def test_runtime_restarts_under_load(containerd, guarded, make_plugin, make_witness, mode):
    plugin = make_plugin(containerd, guarded, mode).start()
    plugin.wait_line("second look is over")
    pods = [containerd.pod("tenant-a") for _ in range(3)]
    witness = make_witness()
    took = []
    for number in range(RESTARTS):
        load = Load(pods)
        time.sleep(0.15)
        is_held = number % 4 >= 2  # the plugin is not there yet when the runtime is: what starts then starts unseen
        if is_held:
            plugin.child.send_signal(signal.SIGSTOP)
        containerd.restart(signal.SIGKILL if number % 2 else signal.SIGTERM)
        if is_held:
            before = witness.unseen()
            wait_until(lambda: witness.unseen() - before, 10, "something started unseen")
            time.sleep(0.1)  # and some more
            plugin.child.send_signal(signal.SIGCONT)
        reconnect = seconds_of(plugin.wait_line("running: new containers are seen from now on", count=number + 2))
        wait_until(lambda: time.time() > reconnect + 0.2, 2, "some are started after the reconnect")
        plugin.wait_line("second look is over", count=number + 2, seconds=15)
        load.end()
        assert witness.walk() == [], "runs under no policy"
        took.append(max(witness.free_at - reconnect, 0))
        assert took[-1] < WITHIN
        check_counts(plugin, witness)
        load.remove()
    unseen, ended, in_time = check_counts(plugin, witness)
    assert plugin.status()["dropped"] >= RESTARTS
    assert len(witness.began) > RESTARTS, "that was no load"
    print(f"{len(witness.began)} containers, {unseen} started unseen, {ended} of them ended before they could be told, "
          f"{in_time} more were told just before their first call; "
          f"the last one came under policy at most {max(took):.3f} s after the reconnect")


@modes
def test_plugin_restarts_under_load(containerd, guarded, make_plugin, make_witness, mode):
    plugin = make_plugin(containerd, guarded, mode).start()
    pods = [containerd.pod("tenant-a") for _ in range(3)]
    witness = make_witness()
    load = Load(pods, each=40)
    for _ in range(5):
        time.sleep(0.2)
        plugin.end(signal.SIGKILL)
        time.sleep(0.1)
        looks = len(plugin.lines("second look is over"))
        plugin.start()
    plugin.wait_line("second look is over", count=looks + 1, seconds=15)
    load.end()
    wait_until(lambda: witness.walk() == [], 1, "under policy")
    check_told(plugin, witness)
