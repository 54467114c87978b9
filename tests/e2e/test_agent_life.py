# SPDX-License-Identifier: Apache-2.0
"""The agent goes away and comes back: what runs stays under policy, the fail check decides about what starts."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time

import grpc
import pytest

from bed import POLICIES, cgroups, wait_until
from bed.api import Client, module
from bed.podman import KILLED

LSEEK = POLICIES / "kill-lseek.yaml"


def looping(podman, name, namespace="tenant-a"):
    """A container that makes the forbidden call for each byte it gets."""
    client = podman.start("/bin/lseek_loop", namespace=namespace, interactive=True, options=("--name", name))
    assert client.stdout.readline() == "ready\n", client.stderr.read()
    return client


def poke(client):
    client.stdin.write("x")
    client.stdin.flush()


def dies_when_poked(client):
    poke(client)
    return client.wait(20) == KILLED and client.stdout.read() == ""


def lives_when_poked(client):
    poke(client)
    return client.stdout.readline() == "survived\n" and client.poll() is None


def test_without_the_agent_the_policy_stays(guarded, podman, agent):
    guarded("kill-lseek")
    selected, other = looping(podman, "a"), looping(podman, "b", "tenant-b")
    agent.kill()
    assert dies_when_poked(selected)
    assert lives_when_poked(other)


def test_a_restarted_agent_takes_over(guarded, podman, agent):
    guarded("kill-lseek")
    old = looping(podman, "old")
    agent.kill()
    agent.start(LSEEK)
    new = podman.run("/bin/first_lseek", namespace="tenant-a")
    assert (new.returncode, new.stdout) == (KILLED, ""), new.stderr
    assert dies_when_poked(old)
    kill = agent.wait_event("process_kprobe", lambda event: event["process"].get("binary") == "/bin/lseek_loop")
    assert kill["process_kprobe"]["process"]["pod"]["namespace"] == "tenant-a"


def test_a_deleted_policy_sets_its_containers_free(guarded, podman, agent):
    guarded("kill-lseek")
    container = looping(podman, "c")
    with Client(agent.address) as client:
        listed = client.policies()
        assert [(policy.name, policy.namespace) for policy in listed] == [("kill-lseek", "tenant-a")]
        assert "raw_tracepoint: SIGKILL before the call returns" in listed[0].info, listed[0].info
        client.delete_policy("kill-lseek", "tenant-a")
        assert list(client.policies()) == []
        assert lives_when_poked(container)
        client.add_policy(LSEEK.read_text())
        assert dies_when_poked(container)


def test_a_policy_says_what_it_guarantees(agent):
    agent.start(POLICIES / "kill-open.yaml")
    with Client(agent.address) as client:
        info = client.policies()[0].info
    for part in ("raw_tracepoint", "call's own effect may happen", "io_uring", "racy"):
        assert part in info, info


def test_a_tolerated_namespace_starts_without_agent(podman, folder):
    podman.install_hook(f"unix://{folder}/nobody.sock", "--grpc-timeout=10s")
    began = time.monotonic()
    done = podman.run("/bin/harmless", namespace="kube-system")
    assert (done.returncode, done.stdout) == (0, "survived\n"), done.stderr
    assert time.monotonic() - began < 5, "it waited for the time-out"
    lines = podman.hook_lines()
    assert [(line["level"], line["msg"]) for line in lines] == [
        ("WARN", "hook request to the agent failed"),
        ("INFO", "failCheck determined that we should not fail this container, even if there was an error")], lines


def test_any_other_namespace_fails_after_the_time_out(podman, folder):
    address = f"unix://{folder}/nobody.sock"
    podman.install_hook(address, "--grpc-timeout=1s")
    began = time.monotonic()
    done = podman.run("/bin/harmless", namespace="tenant-a")
    took = time.monotonic() - began
    assert (done.returncode, done.stdout) == (126, ""), done.stderr
    assert 1 <= took < 6, took
    assert re.search(r"after (0\.99\d|1\.\d+) s", done.stderr), done.stderr
    for part in (f"{folder}/nobody.sock", str(podman.hook_log)):
        assert part in done.stderr, f"'{part}' is missing: {done.stderr}"
    assert not list(podman.unseen.glob("*")), "a start that did not happen is not one that was unseen"


def test_an_agent_that_is_back_in_time_costs_only_time(guarded, podman, agent):
    guarded("kill-lseek")
    agent.kill()
    late = threading.Timer(1.5, agent.start, [LSEEK])
    late.start()
    began = time.monotonic()
    done = podman.run("/bin/first_lseek", namespace="tenant-a")
    late.join()
    agent.wait_ready()
    assert (done.returncode, done.stdout) == (KILLED, ""), done.stderr
    assert 1.4 < time.monotonic() - began < 8


def test_what_started_unseen_is_found(podman, agent):
    podman.install_hook(agent.address, "--fail-allow-namespaces=tenant-a", unseen=agent.unseen)
    recorded = looping(podman, "recorded")
    assert list(agent.unseen.iterdir()), "the hook left no record"
    podman.remove_hook()
    walked = looping(podman, "walked")
    podman_walked = podman.container_cgroup("walked").name
    agent.start(LSEEK)
    wait_until(lambda: not list(agent.unseen.glob("*")), 5, "records read and removed")
    assert "unseen" in agent.log_text(), agent.log_text()
    assert podman_walked.removeprefix("libpod-")[:12] in agent.log_text(), agent.log_text()
    assert dies_when_poked(recorded)
    assert lives_when_poked(walked), "nobody knows this one's namespace"


def test_one_whose_record_comes_late_is_found_too(podman, agent, folder):
    """The agent runs, but the hook did not reach it: the record is read a moment later, and what runs is told."""
    agent.start(LSEEK)
    podman.install_hook(f"unix://{folder}/nobody.sock", "--fail-allow-namespaces=tenant-a", unseen=agent.unseen)
    late = looping(podman, "late")
    container = podman.container_cgroup("late").name.removeprefix("libpod-")[:12]
    event = agent.wait_event("process_exec", lambda event: event["process"].get("binary") == "/bin/lseek_loop"
                             and "procFS" in event["process"]["flags"])
    process = event["process_exec"]["process"]
    assert process["pod"]["namespace"] == "tenant-a" and container in process["pod"]["container"]["id"], process
    assert "unseen" in agent.log_text() and container in agent.log_text(), agent.log_text()
    assert not list(agent.unseen.glob("*"))
    assert dies_when_poked(late)
    kill = agent.wait_event("process_kprobe", lambda event: event["process"].get("binary") == "/bin/lseek_loop")
    assert kill["process_kprobe"]["process"]["pod"]["namespace"] == "tenant-a"


def test_a_record_that_could_not_be_served_is_tried_again(podman, agent, folder):
    """The container has more cgroups below it than one look takes: not all are under policy until some are gone."""
    podman.install_hook(f"unix://{folder}/nobody.sock", "--fail-allow-namespaces=tenant-a", unseen=agent.unseen)
    busy = looping(podman, "busy")
    cgroup = podman.container_cgroup("busy")
    below = [cgroup / str(number // 100) / str(number) for number in range(8200)]
    for path in below:
        path.mkdir(parents=True)
    agent.start(LSEEK)
    try:
        assert "trying again later" in agent.log_text(), agent.log_text()
        assert list(agent.unseen.glob("*.json"))
    finally:
        for path in below:
            path.rmdir()
        for number in range(82):
            (cgroup / str(number)).rmdir()
    wait_until(lambda: not list(agent.unseen.glob("*.json")), 10, agent.log_text)
    agent.wait_event("process_exec", lambda event: event["process"].get("pod", {}).get("namespace") == "tenant-a"
                     and "procFS" in event["process"]["flags"])
    assert dies_when_poked(busy)


def test_a_wrong_policy_keeps_the_agent_from_starting(agent, podman, folder):
    directory = folder / "policies"
    directory.mkdir()
    (directory / "good.yaml").write_text(LSEEK.read_text())
    (directory / "bad.yaml").write_text(LSEEK.read_text().replace("operator: Equal", "operator: Eqal"))
    agent.start(flags=[f"--tracing-policy-dir={directory}"], wait=False)
    assert agent.child.wait(20) != 0
    log = agent.log_text()
    assert "bad.yaml" in log and "Eqal" in log and "line 18" in log, log
    assert not agent.socket.exists()


def test_a_log_that_nobody_reads_holds_nobody_up(agent):
    create = module("tetragon_pb2").CreateContainer
    request = module("tetragon_pb2").RuntimeHookRequest
    child = subprocess.Popen(agent.arguments(f"--tracing-policy={LSEEK}"), stdout=subprocess.PIPE)
    agent.child = child
    agent.wait_ready()
    with Client(agent.address) as client:
        for number in range(500):  # each is refused with a line of some 200 bytes: more than a pipe takes
            with pytest.raises(grpc.RpcError, match="no such|cannot open"):
                client.stub.RuntimeHook(request(createContainer=create(cgroupsPath=f"/tg-nowhere/{number}")), timeout=5)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    text = child.stdout.read().decode()
    child.stdout.close()
    refused = re.findall(r'(?m)^level=warn msg="runtime hook refused" .*took-us=\d+$', text)
    assert 50 < len(refused) < 500 and len(text.splitlines()) == text.count("level="), (len(refused), text[-500:])


def test_an_init_in_a_cgroup_below_the_containers_is_looked_at(agent):
    """Its mount namespace is the runtime's: every exec is the container's then. crun with systemd makes such a cgroup."""
    pb = module("tetragon_pb2")
    agent.start(LSEEK, flags=["--log-level=debug"])
    for number, place in enumerate(("", "container", "container/deeper")):
        top = cgroups.v2_root() / f"tg-below-{os.getpid()}-{number}"
        (top / place).mkdir(parents=True)
        init = subprocess.Popen(["sleep", "60"])
        try:
            (top / place / "cgroup.procs").write_text(str(init.pid))
            create = pb.CreateContainer(cgroupsPath=f"/{top.name}", rootDir="/nowhere", podNamespace="tenant-a")
            with Client(agent.address) as client:
                client.stub.RuntimeHook(pb.RuntimeHookRequest(createContainer=create), timeout=5)
            (line,) = [line for line in agent.log_text().splitlines() if f"cgroup-path=/{top.name} " in line]
            assert " flags=1 " in line, f"'{place}': {line}"
        finally:
            init.kill()
            init.wait()
            cgroups.remove_below(top.name)


STUCK = """
import ctypes, mmap, os, sys, threading, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
fd = os.open(sys.argv[1], os.O_RDWR)
at = libc.mmap(None, ctypes.c_size_t(4096), mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, ctypes.c_long(0))
at = ctypes.c_void_p(at)
ctypes.string_at(at, 1)
threading.Thread(target=libc.memset, args=(at, 1, ctypes.c_size_t(1))).start()
time.sleep(0.3)
threading.Thread(target=libc.munmap, args=(at, ctypes.c_size_t(4096))).start()
time.sleep(0.3)
print("stuck", flush=True)
"""


def test_a_process_whose_memory_is_locked_does_not_keep_the_agent_from_starting(agent, folder):
    """Its command line can't be read as long as a file server is silent: ps hangs, the gate must not."""
    with hung_disk(folder, 6) as path:
        stuck = subprocess.Popen([sys.executable, "-c", STUCK, path], stdout=subprocess.PIPE, text=True)
        assert stuck.stdout.readline() == "stuck\n"
        reader = subprocess.Popen(["cat", f"/proc/{stuck.pid}/cmdline"], stdout=subprocess.DEVNULL)
        time.sleep(0.2)
        assert reader.poll() is None, "the test is no test: its command line can be read"
        began = time.monotonic()
        agent.start(LSEEK)
        assert time.monotonic() - began < 4
        event = agent.wait_event("process_exec", lambda event: event["process"]["pid"] == stuck.pid)
        assert event["process_exec"]["process"].get("arguments", "") == ""
        assert "errorArgs" in event["process_exec"]["process"]["flags"], event
    assert stuck.wait(20) == 0 and reader.wait(20) == 0
    stuck.stdout.close()


def test_an_announcement_that_is_never_used_leaves_nothing(agent):
    """Containers whose creation fails, again and again: each would hold one of the node's 16,384 places."""
    pb = module("tetragon_pb2")
    agent.start(LSEEK, flags=["--announce-timeout=200ms"])
    with Client(agent.address) as client:
        for number in range(20):
            name = f"{os.getpid():032x}{number:032x}"
            create = pb.CreateContainer(cgroupsPath=f"/tg-never/cri-containerd-{name}.scope", containerID=name, reason=1)
            client.stub.RuntimeHook(pb.RuntimeHookRequest(createContainer=create), timeout=5)
    time.sleep(4)
    agent.stop()
    (statistics,) = [line for line in agent.log_text().splitlines() if "msg=statistics" in line]
    count = {word.split("=")[0]: int(word.split("=")[1]) for word in statistics.split() if word.split("=")[-1].isdigit()}
    assert count["announcements-expired"] == 20
    assert count.get("container-slots", 0) <= count.get("containers-admitted", 0) < 16, "what else runs on the host has one"


@contextlib.contextmanager
def nobody_reads(folder):
    """A FIFO whose reader does not read."""
    path = folder / "events"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield path
    finally:
        os.close(reader)


@contextlib.contextmanager
def full_disk(folder):
    disk = folder / "full"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        yield disk / "events"
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@contextlib.contextmanager
def hung_disk(folder, seconds=8):
    """A file system that is frozen: a write to it does not come back before it is thawed."""
    image, disk = folder / "image", folder / "hung"
    disk.mkdir()
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    (disk / "events").write_bytes(b"\n" * 4096)
    (disk / "events").chmod(0o600)
    os.sync()
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)
    thaw = threading.Timer(seconds, subprocess.run, [["fsfreeze", "--unfreeze", disk]])  # the end of the agent waits for it
    thaw.start()
    try:
        yield disk / "events"
    finally:
        thaw.join()
        subprocess.run(["umount", "--lazy", disk], check=True)


def make_events(number, bytes_each=2000):
    """Execs with long arguments."""
    script = f'x=$(printf %0{bytes_each}d 0); i=0; while [ $i -lt {number} ]; do /bin/true $x; i=$((i+1)); done'
    return subprocess.Popen(["sh", "-c", script])


@pytest.mark.parametrize("place", [nobody_reads, full_disk, hung_disk])
def test_events_that_cannot_be_written_hold_nobody_up(agent, folder, place):
    create = module("tetragon_pb2").CreateContainer
    request = module("tetragon_pb2").RuntimeHookRequest
    with place(folder) as path:
        agent.export = path
        agent.start(LSEEK)
        made = make_events(700)
        slowest, asked = 0.0, 0
        with Client(agent.address) as client:
            while made.poll() is None or asked < 20:
                name = f"tg-export-{os.getpid()}-{asked}"
                (cgroups.v2_root() / name).mkdir()
                began = time.monotonic()
                client.stub.RuntimeHook(request(createContainer=create(cgroupsPath=f"/{name}", podNamespace="tenant-a")), timeout=5)
                slowest = max(slowest, time.monotonic() - began)
                (cgroups.v2_root() / name).rmdir()
                asked += 1
                time.sleep(0.01)
        assert slowest < 1, f"{slowest} s"
        child = agent.child
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        wait_until(lambda: "msg=statistics" in agent.log_text(), 5, agent.log_text)
        assert time.monotonic() - began < 4
        lost = re.search(r"export-lost=(\d+)", agent.log_text())
        assert lost and int(lost[1]) > 0, agent.log_text()
        if place is full_disk:
            assert "events cannot be written" in agent.log_text()
    assert child.wait(20) == 0
