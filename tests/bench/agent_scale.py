#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent with many containers and policies: its own time for each RuntimeHook, and how long a policy's coming and going
takes. Real agent, real empty cgroups. `make bench` runs it too; alone:

    tests/bench/agent_scale.py [--containers 10000] [--policies 1000]     AGENT_BIN names another agent
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

top = pathlib.Path(__file__).resolve().parent.parent.parent
venv = pathlib.Path(os.environ.get("TETRAGON_CACHE", "/var/cache/tetragon-rthooks")) / "venv/bin/python"
if __name__ == "__main__" and venv.exists() and pathlib.Path(sys.prefix) != venv.parent.parent:
    os.execv(venv, [str(venv), *sys.argv])
sys.path.insert(0, str(top / "tests"))

from bed import BIN, POLICIES, api, cgroups  # noqa: E402
from bed.agent import STATE, Agent  # noqa: E402

NAMESPACES = 250
POD = "/bench-scale/burstable/pod{pod:08x}-0000-4000-8000-000000000000/{id:064x}"


def namespace(number):
    return f"tenant-{number % NAMESPACES}"


def policy(number):
    text = (POLICIES / "kill-lseek.yaml").read_text()
    text = re.sub(r"(?m)^  name: .*", f"  name: scale-{number}", text, count=1)
    return re.sub(r"(?m)^  namespace: .*", f"  namespace: {namespace(number)}", text, count=1)


def request(number):
    pb = api.module("tetragon_pb2")
    return pb.RuntimeHookRequest(createContainer=pb.CreateContainer(
        cgroupsPath=POD.format(pod=number // 2, id=number), rootDir="/", containerName="app", containerID=f"{number:064x}",
        podName=f"web-{number}", podNamespace=namespace(number), containerImage="localhost/test:1"))


def cgroups_make(containers):
    """As a node has them when the hooks ask: they are all there."""
    for number in range(containers):
        (cgroups.v2_root() / POD.format(pod=number // 2, id=number)[1:]).mkdir(parents=True, exist_ok=True)


def took_us(agent, begin):
    return sorted(int(number) for number in re.findall(r"took-us=(\d+)", agent.log_text()[begin:]))


def at(values, part):
    return values[min(len(values) - 1, int(len(values) * part))]


def seconds(call, *args):
    began = time.monotonic()
    call(*args)
    return time.monotonic() - began


def run(folder, containers, policies):
    """Returns what was measured: name → value."""
    agent = Agent(pathlib.Path(folder) / "agent", program=pathlib.Path(os.environ.get("AGENT_BIN", BIN / "tetragon")))
    files = pathlib.Path(folder) / "policies"
    files.mkdir()
    for number in range(policies):
        (files / f"{number:04d}.yaml").write_text(policy(number))
    measured = {}
    records = STATE / agent.bpf_dir
    records.mkdir(mode=0o755, parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", records], check=True)  # as a host's /run
    try:
        cgroups_make(containers)
        began = time.monotonic()
        agent.start(flags=[f"--tracing-policy-dir={files}", "--log-level=debug"], wait=False)
        agent.wait_ready(120)
        measured["start_s"] = time.monotonic() - began
        os.sched_setscheduler(agent.child.pid, os.SCHED_FIFO, os.sched_param(1))  # others' load is not its own time
        with api.Client(agent.address) as client:
            begin = len(agent.log_text())
            for number in range(containers):
                client.stub.RuntimeHook(request(number), timeout=10)
            filling = took_us(agent, begin)
            # The figure that counts is that of a full node: the same number once more, by containers that come and go.
            begin = len(agent.log_text())
            for number in range(containers, containers + 1000):
                (cgroups.v2_root() / POD.format(pod=number // 2, id=number)[1:]).mkdir(parents=True, exist_ok=True)
                client.stub.RuntimeHook(request(number), timeout=10)
            full = took_us(agent, begin)
            add = sorted(seconds(client.add_policy, policy(policies + number)) for number in range(5))
            delete = sorted(seconds(client.delete_policy, f"scale-{policies + number}", namespace(policies + number))
                            for number in range(5))
        measured |= {"filling_p50_us": at(filling, 0.5), "filling_p99_us": at(filling, 0.99), "full_p50_us": at(full, 0.5),
                     "full_p99_us": at(full, 0.99), "full_max_us": full[-1], "add_s": add[2], "delete_s": delete[2]}
        status = pathlib.Path(f"/proc/{agent.child.pid}/status").read_text()
        measured["rss_mb"] = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000
    finally:
        agent.kill()
        subprocess.run(["umount", records], check=True)
        agent.close()
        cgroups.remove_below("/bench-scale")
    return measured


def table(measured, containers, policies):
    print(f"\n### The agent with {containers:,} containers and {policies:,} policies\n\n| | | goal |\n|---|---|---|")
    for text, value, goal in (
            ("own time in RuntimeHook while they come, p50", f"{measured['filling_p50_us']} µs", ""),
            ("the same, p99", f"{measured['filling_p99_us']} µs", ""),
            ("own time in RuntimeHook when they are all there, p50", f"{measured['full_p50_us']} µs", ""),
            ("the same, p99", f"{measured['full_p99_us']} µs", "≤ 150 µs"),
            ("the same, longest of 1,000", f"{measured['full_max_us']} µs", ""),
            ("adding a policy, whole call", f"{measured['add_s'] * 1000:.0f} ms", ""),
            ("deleting one, whole call", f"{measured['delete_s'] * 1000:.0f} ms", ""),
            ("start, until it answers", f"{measured['start_s']:.1f} s", ""),
            ("memory", f"{measured['rss_mb']:.1f} MB", "")):
        print(f"| {text} | {value} | {goal} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--containers", type=int, default=10000)
    parser.add_argument("--policies", type=int, default=1000)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tg-scale-"))
    try:
        table(run(folder, options.containers, options.policies), options.containers, options.policies)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
