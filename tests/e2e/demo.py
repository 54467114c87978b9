# SPDX-License-Identifier: Apache-2.0
"""The main job, with words: the same program in two namespaces; one is killed by its first system call."""
import datetime
import json
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from bed import POLICIES  # noqa: E402
from bed.agent import Agent  # noqa: E402
from bed.podman import KILLED, Podman  # noqa: E402

PAIRS = 7
failures = []


def tell(text=""):
    print(text, flush=True)


def expect(truth, text):
    tell(f"   {'ok  ' if truth else 'FAIL'}  {text}")
    if not truth:
        failures.append(text)


def moment(text):
    """An event's time: RFC 3339 with nanoseconds, which datetime cuts to microseconds."""
    head, _, tail = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(head + "+00:00").timestamp() + float("0." + (tail or "0"))


def container(podman, namespace):
    done = podman.run("/bin/first_lseek", namespace=namespace)
    how = {0: "ended by itself, status 0", KILLED: "was killed by SIGKILL (status 137)"}.get(
        done.returncode, f"ended with status {done.returncode}")
    tell(f"   The container in {namespace} {how}; it printed: {done.stdout.strip() or 'nothing'}")
    if done.stderr.strip():
        tell(f"   podman said: {done.stderr.strip()}")
    return done


def milliseconds_of_a_start(podman):
    began = time.monotonic()
    podman.run("/bin/harmless", namespace="tenant-b")
    return (time.monotonic() - began) * 1000


def main_job(agent, podman):
    policy = POLICIES / "kill-lseek.yaml"
    tell("1. The policy. lseek on descriptor -1 stands for \"something forbidden\": it does nothing, and nobody else calls it.")
    tell()
    tell("   " + policy.read_text().split("\n", 1)[1].replace("\n", "\n   ").rstrip())
    tell()
    tell("2. The agent starts and puts the policy into the kernel.")
    agent.start(policy)
    tell(f"   It listens on {agent.address}.")
    tell()
    tell("3. The hook is installed: from now on podman asks it before a container's first instruction.")
    podman.install_hook(agent.address)
    tell()
    tell("4. Two containers run the same program, whose very first instruction is the forbidden call.")
    dead = container(podman, "tenant-a")
    alive = container(podman, "tenant-b")
    expect(dead.returncode == KILLED and dead.stdout == "", "tenant-a: killed before the call returned")
    expect(alive.returncode == 0 and alive.stdout == "survived\n", "tenant-b: the policy is not about it")
    tell()
    tell("5. The hook's log line for tenant-a:")
    line = next((line for line in podman.hook_lines() if line.get("req-podNamespace") == "tenant-a"), None)
    expect(line is not None and line["msg"] == "hook request to agent succeeded", json.dumps(line))
    tell()
    tell("6. The event that reports the kill:")
    event = agent.wait_event("process_kprobe")
    kill = event["process_kprobe"]
    tell("   " + json.dumps(event))
    expect(kill.get("action") == "KPROBE_ACTION_SIGKILL" and kill.get("policy_name") == "kill-lseek" and
           kill["process"]["pod"]["namespace"] == "tenant-a", "SIGKILL, by policy kill-lseek, in namespace tenant-a")
    exec_event = agent.wait_event("process_exec", lambda e: e["process"].get("exec_id") == kill["process"]["exec_id"])
    exit_event = agent.wait_event("process_exit", lambda e: e["process"].get("exec_id") == kill["process"]["exec_id"])
    expect(exit_event["process_exit"].get("signal") == "SIGKILL", "the process ended by SIGKILL")
    tell()
    tell("7. Latency.")
    to_kill = (moment(event["time"]) - moment(exec_event["time"])) * 1e6
    to_end = (moment(exit_event["time"]) - moment(event["time"])) * 1e6
    tell(f"   From the program's start (exec) to the kill: {to_kill:.0f} us; from the kill to the end of the process: {to_end:.0f} us.")
    with_hook, without = [], []
    for _ in range(PAIRS):
        with_hook.append(milliseconds_of_a_start(podman))
        podman.remove_hook()
        without.append(milliseconds_of_a_start(podman))
        podman.install_hook(agent.address)
    difference = statistics.median(a - b for a, b in zip(with_hook, without))
    tell(f"   podman run with the hook {statistics.median(with_hook):.0f} ms, without {statistics.median(without):.0f} ms "
         f"(medians of {PAIRS} pairs; difference {difference:+.1f} ms, the noise of the machine included).")
    tell("   make bench measures the hook alone.")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tg-demo-"))
    podman, agent = Podman(folder / "p"), Agent(folder / "a")
    try:
        main_job(agent, podman)
    except Exception as error:  # whatever it was, the demo did not pass; say so, and clean up
        failures.append(str(error))
        tell(f"   FAIL  {error}")
    finally:
        if failures and agent.log_text():
            tell("\nThe agent's log:\n" + agent.log_text()[-5000:])
        podman.close()
        agent.close()
        shutil.rmtree(folder, ignore_errors=True)
    tell()
    tell("demo: failed" if failures else "demo: passed")
    return bool(failures)


sys.exit(main())
