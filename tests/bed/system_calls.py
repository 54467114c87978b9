# SPDX-License-Identifier: Apache-2.0
"""A program killed at each of its system calls, with strace. Programs that it starts in turn are left alone."""
import pathlib
import re


def record(log):
    """strace and its options: what follows is traced into `log`."""
    return ["strace", "-qq", "-o", str(log)]


def kills(log, end=None):
    """strace and its options, once for each call in `log` up to the first whose line has `end` in it: kills at that call.
    strace counts each call by its own name."""
    counts = {}
    for line in pathlib.Path(log).read_text().splitlines():
        name = re.match(r"[a-z0-9_]+", line)
        if end and end in line:
            return
        if not name or "resumed>" in line or name.group() in ("execve", "exit_group"):  # strace's own, and an end anyway
            continue
        name = name.group()
        counts[name] = counts.get(name, 0) + 1
        yield ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={counts[name]}"]
