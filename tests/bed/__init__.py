# SPDX-License-Identifier: Apache-2.0
"""The test bed: a real container runtime with our hook, and our agent, in temporary folders of their own.

    podman.Podman   containers by podman with runc or crun, hooks from a folder of the test
    agent.Agent     build/bin/tetragon on a socket and a BPF folder of its own; its log and its event lines
    cgroups         what the host's cgroup trees need and what has to be cleaned
    system_calls    a program killed at each of its system calls
    api             Python classes for the messages of api/, and a client of the agent
"""
import pathlib

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = TOP / "build" / "bin"
PROGRAMS = TOP / "build" / "programs"
POLICIES = TOP / "tests" / "e2e" / "policies"


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(), or raises after `seconds`."""
    import time

    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)
