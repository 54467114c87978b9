# SPDX-License-Identifier: Apache-2.0
"""The hook is root's process and inherits what others left: environment, descriptors, limits, signals, folders. None of it may
change a decision, and nothing may be opened that is not on the list below."""
import os
import re
import subprocess
import sys
import time

import pytest

from hook_bed import Agent, Bed, containerd_spec

# Name: Python statements that run in the process that becomes the hook. `bed` is the bed's folder.
SURROUNDINGS = {
    "nothing": "",
    "LD_*": "env.update(LD_PRELOAD='/x.so', LD_LIBRARY_PATH='/x', LD_AUDIT='/x.so', LD_DEBUG='all', LD_BIND_NOW='1')",
    "GCONV_PATH and other paths of libraries": "env.update(GCONV_PATH='/x', LOCPATH='/x', NLSPATH='/x', TZDIR='/x', TZ=':/x', RES_OPTIONS='x', "
                                               "HOSTALIASES='/x', MALLOC_CHECK_='3', MALLOC_TRACE='/x', GLIBC_TUNABLES='glibc.malloc.check=3')",
    "proxies and names of ours": "env.update(HTTP_PROXY='http://127.0.0.1:1', http_proxy='x', TETRAGON_GRPC_ADDRESS='unix:/x', GRPC_ADDRESS='x', "
                                 "LOG_FNAME='/x', TETRAGON_OCI_HOOK_LOG_FNAME='/x', DISABLE_GRPC='true', PATH='.', HOME='/x', TMPDIR='/x')",
    "a megabyte of environment": "env.update({f'V{n}': 'x' * 120000 for n in range(9)})",
    "no environment": "env.clear()",
    "a broken environment": "env.update({b'\\xff': b'\\xfe=\\xff', b'A': b'\\x01\\n'})",
    "1,000 descriptors": "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n"
                         "fd = os.open('/etc/passwd', os.O_RDONLY)\nfor n in range(1000): os.set_inheritable(os.dup(fd), True)",
    "a descriptor of a folder, a pipe, a socket": "import socket\nfor fd in (os.open('/', os.O_RDONLY), *os.pipe(), socket.socket().detach()): os.set_inheritable(fd, True)",
    "standard output closed": "os.close(1)",
    "standard error closed": "os.close(2)",
    "both closed": "os.close(1); os.close(2)",
    "both on a full disk": "fd = os.open('/dev/full', os.O_WRONLY); os.dup2(fd, 1); os.dup2(fd, 2)",
    "both on a closed pipe": "r, w = os.pipe(); os.close(r); os.dup2(w, 1); os.dup2(w, 2)",
    "soft limits at zero": "for n in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC, "
                           "resource.RLIMIT_MEMLOCK, resource.RLIMIT_RSS, resource.RLIMIT_SIGPENDING, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_NICE, "
                           "resource.RLIMIT_RTPRIO): resource.setrlimit(n, (0, resource.getrlimit(n)[1]))",
    "hard limits at zero": "for n in (resource.RLIMIT_CORE, resource.RLIMIT_NPROC, resource.RLIMIT_MEMLOCK, resource.RLIMIT_RSS, "
                           "resource.RLIMIT_SIGPENDING, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_NICE, resource.RLIMIT_RTPRIO): resource.setrlimit(n, (0, 0))",
    "a small stack": "resource.setrlimit(resource.RLIMIT_STACK, (16384, resource.getrlimit(resource.RLIMIT_STACK)[1]))",
    "all signals blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "all signals ignored": "for n in range(1, 32):\n    if n not in (9, 19): signal.signal(n, signal.SIG_IGN)",
    "an alarm about to go off": "signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)",
    "a processor timer": "signal.setitimer(signal.ITIMER_PROF, 0.02, 0.001)",
    "the container's root as folder": "os.chdir(f'{bed}/bundle/rootfs')",
    "a folder that is gone": "os.mkdir(f'{bed}/gone'); os.chdir(f'{bed}/gone'); os.rmdir(f'{bed}/gone')",
    "a mask of 0777": "os.umask(0o777)",
    "a mask of 0": "os.umask(0)",
    "no /proc": "unshare(); mount('tmpfs', '/proc')",
    "no /dev, everything but standard input closed": "unshare(); mount('tmpfs', '/dev'); os.close(1); os.close(2)",
    "no /sys, no /etc, no /tmp but this": "unshare(); mount('tmpfs', '/sys'); mount('tmpfs', '/etc')",
    "a session of its own and a lower priority": "os.setsid(); os.nice(19)",
}

BECOME = """
import ctypes, os, resource, signal, sys
bed, program, *arguments = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
def unshare():
    assert libc.unshare(0x00020000) == 0 and libc.mount(b"none", b"/", None, 0x44000, None) == 0, os.strerror(ctypes.get_errno())
def mount(kind, where):
    assert libc.mount(kind.encode(), where.encode(), kind.encode(), 0, None) == 0, os.strerror(ctypes.get_errno())
env = {b"PATH": b"/bin"}
%s
os.execve(program, [program, *arguments], {os.fsencode(k): os.fsencode(v) for k, v in env.items()})
"""


@pytest.fixture
def bed(tmp_path, hook_bin):
    return Bed(tmp_path, hook_bin)


def is_static(program):
    return "INTERP" not in subprocess.run(["readelf", "-l", program], capture_output=True, text=True).stdout


def become(bed, name, *flags, before=(), timeout="5s"):
    """The hook in such surroundings; returns its exit status."""
    child = subprocess.run([*before, sys.executable, "-c", BECOME % SURROUNDINGS[name], str(bed.folder), *bed.command(*flags, timeout=timeout)],
                           input=bed.state(), cwd=bed.bundle, capture_output=True, timeout=30)
    return child.returncode, child.stderr.decode(errors="replace")


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_decision_is_the_same(bed, api, name):
    if not is_static(bed.program) and ("stack" in name or "limits" in name or "LD_" in name or "GCONV" in name):
        return  # a dynamic build (for sanitizers) has a loader, which obeys these
    with Agent(api, f"unix:{bed.socket}") as agent:
        assert become(bed, name)[0] == 0
        assert agent.container.podName == "web-0"
        assert bed.messages() == ["hook request to agent succeeded"]
    status, text = become(bed, name, timeout="300ms")
    assert status == 1, (status, text)
    assert bed.messages()[1:] == ["hook request to the agent failed", "failing container"]
    if not any(word in name for word in ("closed", "full", "error")):
        assert text.startswith("failing container: "), text
    bed.write(containerd_spec(namespace="kube-system"))
    assert become(bed, name)[0] == 0
    assert len(bed.records()) == 1
    assert bed.log_file.stat().st_mode & 0o777 in (0o644, 0o000) and bed.unseen.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("root, status", [(".", 1), ("..", 1), ("/", 1), ("{bed}/bundle", 1), ("{bed}", 1), ("rootfs", 0), ("nowhere", 0), ("rootfs/..", 1)])
@pytest.mark.parametrize("name", ["nothing", "no /proc"])
def test_a_bundle_in_the_containers_root_is_found_without_proc_too(bed, api, name, root, status):
    spec = containerd_spec(namespace="kube-system")
    spec["root"]["path"] = root.replace("{bed}", str(bed.folder))
    bed.write(spec)
    with Agent(api, f"unix:{bed.socket}"):
        code, text = become(bed, name)
    assert code == status and ("lies in the container's root" in text) == bool(status), text


# --- what is opened

def traced(bed, name, *flags):
    """The system calls that the hook itself makes: [(name, arguments)], from its execve on."""
    out = bed.folder / "trace"
    status, text = become(bed, name, *flags, before=["strace", "-f", "-s", "300", "-o", out])
    calls = [match.groups() for match in re.finditer(r"^\d+ +(\w+)\((.*)$", out.read_text(errors="replace"), re.M)]
    begin = max(n for n, (call, rest) in enumerate(calls) if call == "execve" and rest.startswith(f'"{bed.program}"'))
    return status, calls[begin + 1:]


def allowed(bed):
    return {
        "openat": {str(bed.program.parent / "tetragon-oci-hook.json"), str(bed.log_file), str(bed.bundle), "config.json",
                   f"{bed.bundle}/rootfs", "/dev/null", "/", str(bed.unseen)},
        "mkdir": {str(bed.unseen.parent.parent), str(bed.unseen.parent), str(bed.unseen), *map(str, bed.unseen.parents)},
    }


CALLS = {"arch_prctl", "set_tid_address", "prlimit64", "setrlimit", "getrlimit", "close_range", "poll", "ppoll", "clock_gettime", "rt_sigprocmask",
         "rt_sigaction", "rt_sigreturn", "readlink", "openat", "fstat", "newfstatat", "read", "write", "close", "socket", "connect", "sendto",
         "recvfrom", "getsockopt", "flock", "mkdir", "getdents64", "rename", "renameat", "fsync", "fchmod", "getcwd", "exit_group", "unlink", "unlinkat",
         "getpid", "getrandom", "brk", "fcntl", "lseek"}


@pytest.mark.parametrize("name", [name for name in SURROUNDINGS if "limits" not in name and "stack" not in name and "alarm" not in name])
def test_nothing_is_opened_but_what_is_listed(bed, api, name):
    if not is_static(bed.program):
        return
    counts = {}
    with Agent(api, f"unix:{bed.socket}"):
        runs = {"answered": traced(bed, name)}
    bed.write(containerd_spec(namespace="kube-system"))
    runs["tolerated"] = traced(bed, name)
    for kind, (status, calls) in runs.items():
        assert status == 0, (kind, status)
        unknown = {call for call, _ in calls} - CALLS
        assert not unknown, f"{kind}: {unknown}"
        for call, rest in calls:
            path = re.match(r'(?:AT_FDCWD, |\d+, )?"([^"]*)"', rest)
            if not path:
                continue
            path = path[1]
            if call in ("openat", "mkdir", "readlink"):
                if call == "readlink":
                    assert path == "/proc/self/exe" or re.fullmatch(r"/proc/self/fd/\d+", path), (kind, path)
                elif path == "..":
                    assert name == "no /proc" and "O_PATH" in rest, (kind, rest)
                elif path == ".":  # to make a record durable
                    assert name == "no /proc" or kind == "tolerated", (kind, rest)
                else:  # of names alone: in a folder that was opened before
                    assert path in allowed(bed)[call] or re.fullmatch(r"\.?[\w.-]+", path), (kind, call, path)
                if path == f"{bed.bundle}/rootfs":
                    assert "O_PATH" in rest, rest  # its name is needed, nothing in it
        connects = [rest for call, rest in calls if call == "connect"]
        assert connects and all(f'"{bed.socket}"' in rest for rest in connects)
        counts[kind] = len(calls)
    assert counts["answered"] <= (80 if name == "no /proc" else 60), counts  # without: three for each folder above the bundle
    assert counts["tolerated"] <= 90, counts


def test_sixty_system_calls_are_enough(bed, api):
    """By strace's own count, once more: what `strace -c` says of one call that the agent answers, and of poststop."""
    if not is_static(bed.program):
        return
    totals = {}
    with Agent(api, f"unix:{bed.socket}"):
        for hook in ("createRuntime", "poststop"):
            out = bed.folder / "count"
            subprocess.run(["strace", "-c", "-o", out, *bed.command(hook=hook)], input=bed.state(), cwd=bed.bundle, check=True, timeout=30)
            totals[hook] = int(re.search(r"^100\.00 .*?(\d+) +(?:\d+ +)?total", out.read_text(), re.M)[1])
    assert totals["createRuntime"] <= 60 and totals["poststop"] <= 25, totals


# --- standard input of other kinds

@pytest.mark.parametrize("stdin, status", [("/dev/null", 0), ("/dev/zero", 1), ("/dev/full", 1), ("/", 1), ("/etc/passwd", 1)])
def test_standard_input_of_other_kinds(bed, api, stdin, status):
    with Agent(api, f"unix:{bed.socket}"), open(stdin, "rb", buffering=0) if stdin != "/" else _folder() as source:
        began = time.monotonic()
        child = subprocess.run(bed.command(), stdin=source, cwd=bed.bundle, capture_output=True, timeout=30)
    assert child.returncode == status and time.monotonic() - began < 5, child
    if status:
        assert child.stderr.startswith(b"failing container: ")


class _folder:
    def __enter__(self):
        self.fd = os.open("/", os.O_RDONLY)
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)


def test_standard_input_for_writing_only(bed, api):
    """Nothing can be read: no state, so the current directory is the bundle."""
    with Agent(api, f"unix:{bed.socket}"), open(bed.folder / "out", "wb") as sink:
        assert subprocess.run(bed.command(), stdin=sink, cwd=bed.bundle, capture_output=True, timeout=30).returncode == 0


def test_no_argument_at_all(bed):
    """argv[0] may be missing or anything; newer kernels put an empty one in."""
    code = "import ctypes, sys; p = sys.argv[1].encode(); ctypes.CDLL(None).execve(p, (ctypes.c_char_p * 1)(None), (ctypes.c_char_p * 1)(None))"
    assert subprocess.run([sys.executable, "-c", code, str(bed.program)], capture_output=True, timeout=10).returncode == 80
