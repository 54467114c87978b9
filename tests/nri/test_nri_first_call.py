# SPDX-License-Identifier: Apache-2.0
"""Through real containerd, in either mode: a forbidden first system call kills the container, 50 times out of 50."""
import concurrent.futures
import os

import pytest

from containerd_bed import KILLED

STARTS = int(os.environ.get("NRI_STARTS", "50"))


@pytest.mark.parametrize("mode", ["inject", "direct"])
def test_a_forbidden_first_call_never_returns(containerd, guarded, make_plugin, mode):
    plugin = make_plugin(containerd, guarded, mode).start()
    pod = containerd.pod("tenant-a", name=f"web-{mode}-{containerd.version}", labels={"app": "web"})
    other = containerd.pod("tenant-b")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda number: pod.run("/bin/first_lseek", name=f"c-{number}"), range(STARTS)))
    assert ends == [(KILLED, "")] * STARTS
    assert other.run("/bin/first_lseek") == (0, "survived\n")
    assert plugin.status()["dropped"] == 0

    # The event of a killed one tells whose it was, by the runtime's word, the pod's labels too.
    told = guarded.wait_event("process_kprobe", lambda event: event["process"]["pod"]["name"] == pod.name)["process_kprobe"]
    assert told["process"]["pod"]["namespace"] == "tenant-a"
    assert told["process"]["pod"]["pod_labels"]["app"] == "web"
