# SPDX-License-Identifier: Apache-2.0
"""Many at once, and a plugin of somebody else's on the library."""
import concurrent.futures
import os
import subprocess
import time

import pytest

from bed import TOP, wait_until
from containerd_bed import KILLED, LATE_FAILS, LIBRARY_USERS

EXAMPLE = LIBRARY_USERS / "nri-example-plugin"
PODS = int(os.environ.get("NRI_PODS", "200"))


def figures(plugin):
    """Of the requests that the runtime waited for; the status file is written once a second at most."""
    wait_until(lambda: plugin.status()["answers"] == plugin.status()["created"] * (3 if LATE_FAILS[plugin.containerd.version] else 2),
               3, lambda: f"all counted: {plugin.status()}")
    status = plugin.status()
    print(f"{plugin.containerd.version} {plugin.mode}: {status['answers']} requests answered: "
          f"p50 {status['answerP50Us']} us, p99 {status['answerP99Us']} us, longest {status['answerMaxUs']} us")
    assert status["answerMaxUs"] < 1_000_000, "half of what the runtime waits"
    assert status["dropped"] == status["unseen"] == 0
    assert plugin.rss_kib() <= 3 * 1024


@pytest.mark.parametrize("version,mode", [
    ("1.7.27", "inject"), ("1.7.27", "direct"), ("2.1.5", "inject"), ("2.1.5", "direct"), ("2.3.4", "inject")])
def test_sixty_containers_at_once_without_a_drop(make_containerd, guarded, make_plugin, version, mode):
    containerd = make_containerd(version)
    plugin = make_plugin(containerd, guarded, mode).start()
    pods = [containerd.pod("tenant-a") for _ in range(4)]

    def one(number):
        return pods[number % 4].run("/bin/first_lseek", name=f"c-{number}")

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(one, range(60))) == {(KILLED, "")}
    figures(plugin)


def test_two_hundred_pods_at_once_without_a_drop(make_containerd, guarded, make_plugin):
    """All asked for in the same moment; each with one container, whose first call is forbidden."""
    containerd = make_containerd("2.3.4")
    plugin = make_plugin(containerd, guarded, "direct").start()

    def one(number):
        return containerd.pod("tenant-a", name=f"pod-{number}").start("/bin/first_lseek")

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(PODS) as pool:
        assert {container.wait() for container in pool.map(one, range(PODS))} == {KILLED}
    print(f"{PODS} pods in {time.monotonic() - began:.1f} s")
    figures(plugin)


def test_the_example_plugin(containerd):
    """Fifty lines on the library: adjusts a container of one namespace, comes back after a restart of the runtime."""
    with subprocess.Popen([EXAMPLE, containerd.nri_socket], stdout=subprocess.PIPE, text=True) as plugin:
        try:
            for restarted in (False, True):
                if restarted:
                    containerd.restart()
                pod = containerd.pod("tenant-a", name=f"pod-{restarted}")
                wait_until(lambda: pod.run("/bin/sh", "-c", "echo by $SEEN_BY") == (0, "by example\n"), 5, "adjusted")
                assert plugin.stdout.readline().endswith(f" in pod pod-{restarted}\n")
            assert containerd.pod("tenant-b").run("/bin/sh", "-c", "echo by $SEEN_BY") == (0, "by\n")
        finally:
            plugin.kill()
