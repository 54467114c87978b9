# SPDX-License-Identifier: Apache-2.0
"""Many at once, and a plugin of somebody else's on the library."""
import concurrent.futures
import subprocess

import pytest

from bed import TOP, wait_until
from containerd_bed import KILLED

EXAMPLE = TOP / "build" / "main" / "tests" / "unit" / "nri" / "nri-example-plugin"


@pytest.mark.parametrize("mode", ["inject", "direct"])
def test_sixty_containers_at_once_without_a_drop(containerd, guarded, make_plugin, mode):
    plugin = make_plugin(containerd, guarded, mode, "--log-level=debug").start()
    pods = [containerd.pod("tenant-a") for _ in range(4)]

    def one(number):
        return pods[number % 4].run("/bin/first_lseek", name=f"c-{number}")

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(one, range(60))) == {(KILLED, "")}
    assert plugin.status()["dropped"] == 0
    took = sorted(line["took-us"] for line in plugin.lines() if "took-us" in line)
    if took:
        print(f"calls of the agent under load: p50 {took[len(took) // 2]} us, max {took[-1]} us")
        assert took[-1] < 1_000_000
    assert plugin.rss_kib() <= 3 * 1024


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
