# SPDX-License-Identifier: Apache-2.0
"""The hook as the NRI plugin injects it: what the runtime vouches for stands in its arguments and beats every annotation."""
import pathlib
import shutil
import tempfile

import pytest

from hook_bed import UID, Agent, Bed, containerd_spec


@pytest.fixture
def bed(hook_bin):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nri-"))
    yield Bed(folder, hook_bin)
    shutil.rmtree(folder)


def flags(namespace="tenant-a", uid=UID):
    return (f"--pod-namespace={namespace}", "--pod-name=told", f"--pod-uid={uid}", "--container-name=told-app",
            f"--container-id={'ab' * 32}")


@pytest.mark.parametrize("why,annotated,told,uid,passes", [
    ("an annotation cannot make itself tolerated", "kube-system", "tenant-a", UID, False),
    ("the runtime's word makes it tolerated", "tenant-a", "kube-system", UID, True),
    ("a UID that is not the path's is forged", "tenant-a", "kube-system", UID.replace("1", "9"), False),
])
def test_the_fail_check_goes_by_the_flags(bed, why, annotated, told, uid, passes):
    bed.write(containerd_spec(namespace=annotated))
    done = bed.run(*flags(told, uid), timeout="300ms")
    assert (done.code == 0) == passes, (why, done)


def test_another_namespace_key_counts_no_more(bed):
    spec = containerd_spec(namespace="tenant-a")
    spec["annotations"]["my/namespace"] = "kube-system"
    bed.write(spec)
    assert bed.run(*flags(), "--annotations-namespace-key=my/namespace", timeout="300ms").code == 1


def test_the_agent_is_told_the_flags(bed, api):
    bed.write(containerd_spec(namespace="annotated"))
    with Agent(api, f"unix://{bed.socket}") as agent:
        assert bed.run(*flags()).code == 0
        asked = agent.container
    assert (asked.podNamespace, asked.podName, asked.podUID) == ("tenant-a", "told", UID)
    assert (asked.containerName, asked.containerID) == ("told-app", "ab" * 32)
    assert bed.line("hook request to agent succeeded")["req-podNamespace"] == "tenant-a"
