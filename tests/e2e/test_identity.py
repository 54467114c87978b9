# SPDX-License-Identifier: Apache-2.0
"""Annotations of another runtime's key set are the tenant's words: they change nothing. A forged pod UID is refused."""
from bed.podman import KILLED

FORGED = {"io.kubernetes.pod.namespace": "kube-system", "io.kubernetes.pod.name": "other",
          "io.kubernetes.pod.uid": "11111111-2222-3333-4444-555555555555",
          "io.kubernetes.container.name": "other", "io.kubernetes.cri-o.ContainerID": "0" * 64}
UID = "0f0e0d0c-0b0a-0908-0706-050403020100"


def test_another_key_set_changes_nothing(guarded, podman):
    agent = guarded("kill-lseek")
    dead = podman.run("/bin/first_lseek", namespace="tenant-a", annotations=FORGED)
    assert (dead.returncode, dead.stdout) == (KILLED, ""), dead.stderr
    pod = agent.wait_event("process_kprobe")["process_kprobe"]["process"]["pod"]
    assert (pod["namespace"], pod["name"]) == ("tenant-a", "pod-tenant-a")

    into = {**FORGED, "io.kubernetes.pod.namespace": "tenant-a"}
    alive = podman.run("/bin/first_lseek", namespace="tenant-b", annotations=into)
    assert (alive.returncode, alive.stdout) == (0, "survived\n"), alive.stderr


def test_another_key_set_does_not_make_a_start_tolerated(podman, folder):
    podman.install_hook(f"unix://{folder}/nobody.sock", "--grpc-timeout=1s")
    done = podman.run("/bin/harmless", namespace="tenant-a", annotations=FORGED)
    assert (done.returncode, done.stdout) == (126, ""), done.stderr


def test_a_pod_uid_that_the_cgroup_path_denies_is_refused(guarded, podman):
    guarded("kill-lseek")
    parent = ("--cgroup-parent", f"/kubepods/besteffort/pod{UID}")
    own = {"io.kubernetes.cri.sandbox-uid": UID}
    forged = {"io.kubernetes.cri.sandbox-uid": FORGED["io.kubernetes.pod.uid"]}
    good = podman.run("/bin/harmless", namespace="kube-system", annotations=own, options=parent)
    bad = podman.run("/bin/harmless", namespace="kube-system", annotations=forged, options=parent)
    assert (good.returncode, good.stdout) == (0, "survived\n"), good.stderr
    assert (bad.returncode, bad.stdout) == (126, ""), bad.stderr
