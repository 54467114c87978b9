#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the plugin adds to a container's start through containerd's CRI: starts in turn without it, with inject, with direct, and with
the plugin inside the agent.

    tests/bench/nri.py [--starts 200] [--version 2.3.4]

A start is CreateContainer and StartContainer of a container that ends at once. Prints a Markdown table: medians, and for each
mode the mean difference to the bare start next to it with its 95 % confidence interval; and, by time stamps, what the two requests of a
container took in the plugin, or in the agent.
"""
import argparse
import json
import math
import os
import pathlib
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
sys.path[:0] = [str(top / "tests"), str(top / "tests" / "nri")]

import containerd_bed  # noqa: E402
from bed import POLICIES  # noqa: E402
from bed.agent import Agent  # noqa: E402

MODES = ("bare", "inject", "direct", "in the agent")


def start_ms(pod):
    began = time.monotonic()
    container = pod.start("/bin/harmless")
    took = (time.monotonic() - began) * 1e3
    container.wait()
    container.remove()
    return took


def row(*cells):
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def times(lines, key):
    """Of each call, and of both calls of a container."""
    calls = {}
    for line in lines:
        if key in line:
            calls.setdefault(line["req-containerID"], []).append(line[key])
    return [one for some in calls.values() for one in some], [sum(each) for each in calls.values() if len(each) == 2]


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--starts", type=int, default=200)
    options.add_argument("--version", default="2.3.4", choices=containerd_bed.VERSIONS)
    options = options.parse_args()
    subprocess.run([top / "scripts" / "build-containerd", containerd_bed.CACHE.parent], check=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nrib-"))
    runtimes, plugins, agent = {}, {}, Agent(folder / "a")
    try:
        containerd_bed.images_make(folder)
        # One containerd for each mode, all of them there all the time: in turn, so that what else goes on hits all alike.
        for mode in MODES:
            runtimes[mode] = containerd_bed.Containerd(folder / mode[:6].strip(), options.version, folder)
        # One agent for all of them, which is the plugin of one.
        inside = folder / "inside.log", folder / "inside.json"
        agent.start(POLICIES / "kill-lseek.yaml", flags=[
            f"--nri={runtimes['in the agent'].nri_socket}", f"--nri-log-fname={inside[0]}", f"--nri-status-file={inside[1]}",
            "--log-level=debug"])
        for mode in MODES:
            if mode in ("inject", "direct"):
                plugins[mode] = containerd_bed.Plugin(folder / f"p-{mode}", runtimes[mode], agent, mode, "--log-level=debug").start()
        pods = {mode: runtimes[mode].pod("tenant-b") for mode in MODES}
        took = {mode: [] for mode in MODES}
        for number in range(options.starts + 5):
            for mode in MODES[number % len(MODES):] + MODES[:number % len(MODES)]:
                ms = start_ms(pods[mode])
                if number >= 5:  # caches are warm
                    took[mode].append(ms)
        print(f"\n### A container's start through containerd {options.version}, {options.starts} of each in turn, load {os.getloadavg()[0]:.1f}\n")
        row("", "median", "p10", "p90", "mean difference to bare", "95 %")
        row("---", "---", "---", "---", "---", "---")
        for mode in MODES:
            pairs = [a - b for a, b in zip(took[mode], took["bare"])]
            mean, error = statistics.mean(pairs), 1.96 * statistics.stdev(pairs) / math.sqrt(len(pairs))
            row(mode, *(f"{quantile(took[mode], part):.1f} ms" for part in (0.5, 0.1, 0.9)),
                *(("", "") if mode == "bare" else (f"{mean:+.1f} ms", f"± {error:.1f} ms")))
        print()
        row("by time stamps", "p50", "p99", "n")
        row("---", "---", "---", "---")
        for mode, lines in (("direct", plugins["direct"].lines()), ("in the agent", [json.loads(line) for line in inside[0].read_text().splitlines()])):
            for what, key in (("the agent's answer", "took-us"), ("from a request's arrival to its answer", "since-request-us")):
                each, both = times(lines, key)
                for name, values in ((f"{mode}: {what}", each), (f"{mode}: {what}, both requests of a container", both)):
                    row(name, f"{quantile(values, .5)} µs", f"{quantile(values, .99)} µs", len(values))
        for mode, plugin in plugins.items():
            row(f"{mode}: memory of the plugin", f"{plugin.rss_kib()} KiB", "", "")
        print(json.dumps({"dropped": [plugin.status()["dropped"] for plugin in plugins.values()]}), file=sys.stderr)
    finally:
        for one in [*plugins.values(), *runtimes.values(), agent]:
            one.close()
        shutil.rmtree(folder, ignore_errors=True)


main()
