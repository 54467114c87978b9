# SPDX-License-Identifier: Apache-2.0
"""The real agent, on sockets and a BPF folder of its own, for tests that speak to it as others do."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import grpc

CGROUPS = pathlib.Path("/sys/fs/cgroup/unified" if os.path.exists("/sys/fs/cgroup/unified/cgroup.procs") else "/sys/fs/cgroup")

LSEEK = """\
apiVersion: cilium.io/v1alpha1
kind: TracingPolicyNamespaced
metadata:
  name: {name}
  namespace: {namespace}
spec:
  kprobes:
  - call: sys_lseek
    syscall: true
    args:
    - index: 0
      type: int
    selectors:
    - matchArgs:
      - index: 0
        operator: Equal
        values: ["-1"]
      matchActions:
      - action: Sigkill
"""


def policy(name, namespace="tenant-a"):
    return LSEEK.format(name=name, namespace=namespace)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Agent:
    """One agent; `flags` are added to its command line. Use it with `with`."""

    def __init__(self, program, *flags):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tga-"))  # short: a socket's path has 107 bytes
        self.program = program
        self.flags = list(flags)
        self.socket = self.folder / "run" / "tetragon.sock"
        self.address = f"unix://{self.socket}"
        self.port = free_port()
        self.bpf_dir = f"peer-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.log = self.folder / "log"
        self.unseen = self.folder / "unseen"
        self.child = None
        self.cgroups = []

    def command(self, *flags):
        return [self.program, f"--server-address={self.address}", f"--server-address=127.0.0.1:{self.port}",
                f"--bpf-dir={self.bpf_dir}", f"--unseen-dir={self.unseen}", "--tracing-policy-dir=", "--log-level=debug",
                *self.flags, *flags]

    def start(self, *flags):
        with open(self.log, "ab") as log:
            mark = log.tell()
            self.child = subprocess.Popen(self.command(*flags), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_log("msg=ready", 30, mark)
        return self

    def log_text(self, begin=0):
        return self.log.read_bytes()[begin:].decode(errors="replace")

    def wait_log(self, text, seconds=10, begin=0):
        end = time.monotonic() + seconds
        while text not in self.log_text(begin):
            if self.child.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"'{text}' is not in the log; status {self.child.poll()}:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)

    def end(self, how=signal.SIGTERM):
        """Ends it and returns its exit status."""
        self.child.send_signal(how)
        status = self.child.wait(20)
        self.child = None
        return status

    def memory_kib(self):
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def cgroup(self, *names):
        """Makes an empty cgroup below one of the test's own; returns its path as a runtime would tell it."""
        path = CGROUPS / self.bpf_dir
        for name in ("", *names):
            path = path / name if name else path
            if not path.exists():
                path.mkdir()
                self.cgroups.append(path)
        return "/" + str(path.relative_to(CGROUPS))

    def channel(self, tcp=False):
        options = [("grpc.default_authority", "localhost"), ("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.port}" if tcp else self.address, options=options)

    def connect(self):
        """A bare connection to the unix socket."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(str(self.socket))
        return sock

    def close(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for path in reversed(self.cgroups):
            try:
                path.rmdir()
            except OSError:
                pass  # gone already
        shutil.rmtree(pathlib.Path("/sys/fs/bpf") / self.bpf_dir, ignore_errors=True)
        shutil.rmtree(pathlib.Path("/run/tetragon") / self.bpf_dir, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
