# SPDX-License-Identifier: Apache-2.0
"""Real container starts that do a forbidden thing at their first chance, each in another way, while the agent is killed and
restarted at random moments. The last line is "starts=N killed=K refused=R escaped=E"; exit 1 if one escaped, or if one
ended in a way that proves nothing.

A mutation leaves a piece out. Then escapes must be seen, else the target could not see one: exit 0 if there are any.
    no-hook      containers start without asking the agent
    no-inherit   the kernel program that gives a new cgroup its parent's policies is not attached
"""
import argparse
import collections
import concurrent.futures
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from bed import POLICIES, cgroups  # noqa: E402
from bed.agent import Agent  # noqa: E402
from bed.podman import KILLED, Podman  # noqa: E402

NAMESPACE = "tenant-a"
REFUSED = (126, 127)  # podman's status when the hook said no; 127 if the hook's words are "No such file or directory"
POLICY_FILES = [POLICIES / "kill-lseek.yaml", POLICIES / "kill-open.yaml"]
CG = ("-v", f"{cgroups.v2_root()}:/cg")


def by_itself(program):
    """The container's own program does it."""
    def attempt(podman, _name, runtime):
        done = podman.run(f"/bin/{program}", namespace=NAMESPACE, options=CG, runtime=runtime)
        return done.returncode, done.stdout, done.stderr

    attempt.__name__ = program
    return attempt


def in_waiting(podman, name, runtime, program, act):
    """The container waits; act() brings something into it from outside."""
    client = podman.start(f"/bin/{program}", namespace=NAMESPACE, options=("--name", name, *CG), runtime=runtime)
    if client.stdout.readline() != "ready\n":
        return client.wait(60), "", client.stderr.read()
    try:
        done = act()
    finally:
        podman.podman("kill", name, runtime=runtime)
        client.wait(60)
    return (KILLED if done.returncode == -9 else done.returncode), done.stdout, done.stderr


def runtime_exec(podman, name, runtime):
    return in_waiting(podman, name, runtime, "wait_forever",
                      lambda: podman.podman("exec", name, "/bin/first_lseek", runtime=runtime))


def exec_into_inner_cgroup(podman, name, runtime):
    def act():
        inner = podman.container_cgroup(name) / "inner"
        return subprocess.run(
            ["sh", "-c", 'echo 0 >"$1/cgroup.procs"; exec nsenter --target "$2" --mount --root -- /bin/first_lseek', "sh",
             inner, str(podman.container_pid(name))], capture_output=True, text=True, timeout=60)

    return in_waiting(podman, name, runtime, "inner_cgroup_pause", act)


WAYS = [by_itself("first_lseek"), by_itself("open_rodata"), by_itself("lseek_int80"), by_itself("lseek_i386"),
        by_itself("clone_child"), by_itself("second_thread"), by_itself("exec_second"), runtime_exec,
        by_itself("inner_cgroup"), exec_into_inner_cgroup, by_itself("root_cgroup")]


def outcome(status, output, errors):
    if "survived" in output:
        return "escaped"
    if status == KILLED:
        return "killed"
    if status in REFUSED and "hook" in errors:
        return "refused"
    return "unclear"


class Restarts:
    """Kills the agent at random moments and starts it again, until it is closed."""

    def __init__(self, agent, chance):
        self.agent, self.chance, self.count = agent, chance, 0
        self.end = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            while not self.end.wait(self.chance.uniform(0.2, 2)):
                self.agent.kill()
                time.sleep(self.chance.uniform(0, 0.5))
                self.count += 1
                self.agent.start(*POLICY_FILES)
        except Exception as error:  # a thread's exception would go unseen
            self.failure = error

    def close(self):
        self.end.set()
        self.thread.join()


def run(options, podman, agent, chance):
    ways = [exec_into_inner_cgroup] if options.mutation == "no-inherit" else WAYS
    starts, runtimes = options.starts, options.runtime or ["runc", "crun"]
    if options.mutation != "no-hook":
        podman.install_hook(agent.address, "--grpc-timeout=10s")
    agent.start(*POLICY_FILES, flags=["--debug-skip-program=cgroup_inherit"] if options.mutation == "no-inherit" else [])
    restarts = Restarts(agent, chance) if options.restarts and not options.mutation else None
    seen, details = collections.Counter(), []

    def attempt(number):
        way, runtime = ways[number % len(ways)], runtimes[number // len(ways) % len(runtimes)]
        status, output, errors = way(podman, f"start-{number}", runtime)
        result = outcome(status, output, errors)
        return result, f"start {number}, {runtime}, {way.__name__}: {result}, status {status}; {output.strip()} {errors.strip()}"

    with concurrent.futures.ThreadPoolExecutor(options.parallel) as pool:
        for result, text in pool.map(attempt, range(starts)):
            seen[result] += 1
            if result in ("escaped", "unclear"):
                details.append(text)
                print(text, flush=True)
            elif options.verbose:
                print(text, flush=True)
    if restarts:
        restarts.close()
        print(f"the agent was killed and restarted {restarts.count} times", flush=True)
        if restarts.failure:
            print(f"the agent could not be restarted: {restarts.failure}", flush=True)
            seen["unclear"] += 1
    if seen["unclear"]:
        print(f"{seen['unclear']} of them prove nothing: neither killed nor refused nor escaped", flush=True)
    print(f"starts={starts} killed={seen['killed']} refused={seen['refused']} escaped={seen['escaped']}", flush=True)
    if options.mutation:
        return 0 if seen["escaped"] else 1
    return 1 if seen["escaped"] or seen["unclear"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, help="how many (200; with a mutation, one of each way)")
    parser.add_argument("--mutation", choices=["no-hook", "no-inherit"])
    parser.add_argument("--runtime", action="append", choices=["runc", "crun"], help="in turn; both if not given")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--seed", type=int, default=None, help="of the random moments")
    parser.add_argument("--no-restarts", dest="restarts", action="store_false", help="leave the agent alone")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if options.starts is None:
        options.starts = {"no-hook": 2 * len(WAYS), "no-inherit": 2}.get(options.mutation, 200)
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed={seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tg-esc-"))
    podman, agent = Podman(folder / "p"), Agent(folder / "a")
    with cgroups.NoControllersInV2():
        try:
            return run(options, podman, agent, random.Random(seed))
        finally:
            podman.close()
            agent.close()
            shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
