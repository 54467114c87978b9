#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times and sizes, as a Markdown table: what the hook costs, what a container start costs, what a system call costs, what
the agent needs. Nothing here fails because of a number; ratios of one run are what can be compared.

    make bench                     all of it
    make bench ARGS="--runs 200"   a quick look
"""
import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

top = pathlib.Path(__file__).resolve().parent.parent.parent
venv = pathlib.Path(os.environ.get("TETRAGON_CACHE", "/var/cache/tetragon-rthooks")) / "venv/bin/python"
if venv.exists() and pathlib.Path(sys.prefix) != venv.parent.parent:
    os.execv(venv, [str(venv), *sys.argv])
sys.path.insert(0, str(top / "tests"))

import agent_scale  # noqa: E402
import setup_edits  # noqa: E402
from bed import BIN, POLICIES, api, cgroups  # noqa: E402
from bed.agent import Agent  # noqa: E402
from bed.podman import Podman  # noqa: E402

OUT = top / "build" / "bench"
BUNDLE = top / "tests" / "fixtures" / "oci" / "containerd-2.3.4-runc-1.1.5"
LSEEK = POLICIES / "kill-lseek.yaml"


def build():
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("noop", "spawn", "syscalls"):
        subprocess.run(["musl-gcc", "-std=gnu17", "-Os", "-static", "-Wall", "-Wextra", "-Werror", "-o", OUT / name,
                        top / "tests" / "bench" / f"{name}.c"], check=True)


def heading(text, columns):
    print(f"\n### {text}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def row(*cells):
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def rss_kb(pid, key="VmRSS"):
    return int(re.search(rf"^{key}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


class FakeStart:
    """What a runtime has ready when it calls the hook: bundle, state and the container's cgroup."""

    def __init__(self, folder):
        self.bundle = folder / "bundle"
        (self.bundle / "rootfs").mkdir(parents=True)
        shutil.copy(BUNDLE / "config.json", self.bundle)
        (self.bundle / "config.json").chmod(0o644)
        state = json.loads((BUNDLE / "state.json").read_text())
        state["bundle"], state["pid"] = str(self.bundle), os.getpid()
        self.state = folder / "state.json"
        self.state.write_text(json.dumps(state))
        path = json.loads((self.bundle / "config.json").read_text())["linux"]["cgroupsPath"]
        self.cgroup = cgroups.v2_root() / path.lstrip("/")
        self.cgroup.mkdir(parents=True)

    def close(self):
        cgroups.remove_below("kubepods")


def bench_hook(agent, folder, runs):
    """A start that the agent answers, one that is tolerated without an agent, and one that does nothing, in turn with a no-op."""
    start = FakeStart(folder)
    unseen = pathlib.Path(tempfile.mkdtemp(prefix="tg-bench-", dir="/run"))  # in memory, as /run/tetragon/unseen is
    hook, log = BIN / "tetragon-oci-hook", f"--log-fname={folder}/hook.log"
    commands = ([hook, f"--grpc-address={agent.address}", log, "--runtime=containerd", "createRuntime"],
                [hook, f"--grpc-address=unix:{folder}/nobody.sock", log, "--fail-allow-namespaces=tenant-a", f"--unseen-dir={unseen}",
                 "createRuntime"],
                [hook, log, "poststop"], [OUT / "noop"])
    try:
        arguments = [word for command in commands for word in (*command, "--")][:-1]
        done = subprocess.run([OUT / "spawn", str(runs), start.bundle, start.state, *arguments], check=True, capture_output=True, text=True)
        *ours, floor = json.loads(done.stdout)
    finally:
        start.close()
        shutil.rmtree(unseen)
    heading(f"The hook, {runs} starts of each, in turn with a static no-op",
            ["", "agent answers", "goal", "tolerated, no agent", "poststop", "goal", "no-op"])
    for key, text, goal, idle_goal in (("wall_p50", "wall time p50", "≤ 4 ×", "≤ 1.5 ×"), ("wall_p99", "wall time p99", "≤ 3 ×", ""),
                                       ("cpu_p50", "CPU time p50", "≤ 500 µs", ""), ("cpu_p99", "CPU time p99", "", "")):
        cells = [f"{one[key] / 1000:.0f} µs, {one[key] / floor[key]:.1f} ×" for one in ours]
        row(text, cells[0], goal, cells[1], cells[2], idle_goal, f"{floor[key] / 1000:.0f} µs")
    row("memory at the end", f"{ours[0]['rss_kb']} kB", "≤ 1,200 kB", f"{ours[1]['rss_kb']} kB", f"{ours[2]['rss_kb']} kB", "",
        f"{floor['rss_kb']} kB")
    row("program file", f"{hook.stat().st_size / 1000:.0f} kB", "≤ 400 kB", "", "", "", f"{(OUT / 'noop').stat().st_size / 1000:.0f} kB")
    row("failures", ours[0]["failures"], "0", ours[1]["failures"], ours[2]["failures"], "0", floor["failures"])
    if ours[0]["failures"]:
        lines = [line for line in (folder / "hook.log").read_text().splitlines() if "nobody.sock" not in line]
        print(f"\nThe hook's last line: {lines[-1]}")


def runtime_hook_us(agent, containers):
    """The agent's own time for each of so many new containers, in microseconds, sorted: it logs that at level debug."""
    paths = [f"/bench/ctr-{number:064x}" for number in range(containers)]
    with api.Client(agent.address) as client:
        for number, path in enumerate(paths):
            (cgroups.v2_root() / path[1:]).mkdir(parents=True, exist_ok=True)
            create = api.module("tetragon_pb2").CreateContainer(
                cgroupsPath=path, rootDir="/", containerName="app", containerID=f"{number:064x}", podName=f"web-{number}",
                podNamespace="tenant-a" if number % 2 else "tenant-b", containerImage="localhost/test:1")
            client.stub.RuntimeHook(api.module("tetragon_pb2").RuntimeHookRequest(createContainer=create), timeout=10)
    cgroups.remove_below("/bench")
    return sorted(int(number) for number in re.findall(r"took-us=(\d+)", agent.log_text()))


def bench_agent(agent, idle_kb, containers):
    agent.close()
    agent.start(LSEEK, flags=["--log-level=debug"])
    took = runtime_hook_us(agent, containers)
    heading("The agent", ["", "", "goal"])
    row(f"own time in RuntimeHook, {len(took)} new containers, p50", f"{took[len(took) // 2]} µs", "")
    row("the same, p99", f"{took[-1 - len(took) // 100]} µs", "≤ 150 µs")
    row("memory, idle, one policy", f"{idle_kb / 1000:.1f} MB", "≤ 20 MB")
    row("memory, after these containers", f"{rss_kb(agent.child.pid) / 1000:.1f} MB", "")
    row("program file", f"{(BIN / 'tetragon').stat().st_size / 1e6:.1f} MB", "≤ 8 MB")


def bench_podman(agent, podman, pairs):
    def start_ms():
        began = time.monotonic()
        done = podman.run("/bin/harmless", namespace="tenant-b")
        if done.returncode:
            raise RuntimeError(done.stderr)
        return (time.monotonic() - began) * 1000

    with_hook, without = [], []
    for _ in range(pairs):
        podman.install_hook(agent.address)
        with_hook.append(start_ms())
        podman.remove_hook()
        without.append(start_ms())
    differences = sorted(a - b for a, b in zip(with_hook, without))
    heading(f"podman run (runc), {pairs} pairs", ["", "median", "p10", "p90"])
    for text, values in (("with the hook", with_hook), ("without", without), ("difference of a pair", differences)):
        deciles = statistics.quantiles(values, n=10)
        row(text, f"{statistics.median(values):.1f} ms", f"{deciles[0]:.1f} ms", f"{deciles[-1]:.1f} ms")
    # A start that waited for the machine says nothing about the hook: the tenth at either end is drawn in (winsorized), as the
    # 95 % interval of a trimmed mean wants it.
    cut = len(differences) // 10
    middle = differences[cut:len(differences) - cut]
    drawn_in = [min(max(value, middle[0]), middle[-1]) for value in differences]
    margin = 1.96 * statistics.stdev(drawn_in) / (0.8 * len(differences) ** 0.5)
    row("added, mean of the middle 80 %", f"{statistics.mean(middle):.2f} ± {margin:.2f} ms", "", "")


def syscall_ns(podman, namespace):
    done = podman.run("/bin/syscalls", namespace=namespace)
    if done.returncode:
        raise RuntimeError(f"status {done.returncode}: {done.stderr}")
    words = done.stdout.split()
    return f"{words[1]} ns", f"{words[3]} ns"


def bench_syscalls(agent, podman):
    heading("A system call", ["agent", "policy", "container", "unwatched (getppid)", "watched, no match (lseek)"])
    shutil.copy(OUT / "syscalls", podman.rootfs / "bin")
    podman.remove_hook()
    row("none, nothing attached", "none", "any", *syscall_ns(podman, "tenant-a"))
    agent.start()
    podman.install_hook(agent.address)
    row("runs", "none", "known", *syscall_ns(podman, "tenant-a"))
    agent.close()
    agent.start(LSEEK)
    row("runs", "on lseek", "selected", *syscall_ns(podman, "tenant-a"))
    row("runs", "on lseek", "not selected", *syscall_ns(podman, "tenant-b"))
    podman.remove_hook()
    agent.kill()
    row("killed, pins stay", "on lseek", "unknown", *syscall_ns(podman, "tenant-b"))
    agent.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000, help="starts of the hook (2000)")
    parser.add_argument("--pairs", type=int, default=100, help="pairs of container starts (100)")
    parser.add_argument("--containers", type=int, default=10000, help="containers of the full node (10000)")
    parser.add_argument("--policies", type=int, default=1000, help="policies of the full node (1000)")
    options = parser.parse_args()
    build()
    model = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    print(f"Machine: {os.cpu_count()} cores, {model[1] if model else platform.machine()}, Linux {platform.release()}, load "
          f"{os.getloadavg()[0]:.1f}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tg-bench-"))
    podman, agent = Podman(folder / "p"), Agent(folder / "a")
    try:
        agent.start(LSEEK)
        time.sleep(2)
        idle = rss_kb(agent.child.pid)
        bench_hook(agent, folder, options.runs)
        bench_agent(agent, idle, min(options.runs, 1000))
        bench_podman(agent, podman, options.pairs)
        agent.close()
        agent_scale.table(agent_scale.run(folder, options.containers, options.policies), options.containers,
                          options.policies)
        bench_syscalls(agent, podman)
        setup_edits.bench(folder, heading, row)
        print("\n### Expressions (CEL)\n", flush=True)
        subprocess.run([top / "build" / "main" / "tests" / "bench" / "cel_bench"], check=True)
    finally:
        podman.close()
        agent.close()
        shutil.rmtree(folder, ignore_errors=True)


main()
