# SPDX-License-Identifier: Apache-2.0
"""The agent under test: socket, BPF folder, log and event file of its own."""
import json
import pathlib
import shutil
import signal
import socket
import subprocess

from . import BIN, wait_until

BPFFS = pathlib.Path("/sys/fs/bpf")
STATE = pathlib.Path("/run/tetragon")  # the agent's records, in a folder named after its BPF folder


class Agent:
    def __init__(self, folder, *flags, program=BIN / "tetragon"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.program = program
        self.flags = list(flags)
        self.socket = self.folder / "tetragon.sock"
        self.address = f"unix://{self.socket}"
        self.bpf_dir = f"bed-{self.folder.parent.name}-{self.folder.name}"
        self.log = self.folder / "agent.log"
        self.export = self.folder / "events.json"
        self.unseen = self.folder / "unseen"
        self.child = None

    def arguments(self, *flags):
        return [str(self.program), f"--server-address={self.address}", f"--bpf-dir={self.bpf_dir}",
                f"--export-filename={self.export}", f"--unseen-dir={self.unseen}", "--log-level=info",
                "--release-pinned-bpf=false", "--keep-sensors-on-exit=true", "--tracing-policy-dir=",
                *self.flags, *flags]

    def start(self, *policies, flags=(), wait=True):
        """Starts it with these policy files. Returns when it has told that it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.arguments(*(f"--tracing-policy={path}" for path in policies), *flags)
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=20):
        wait_until(self._is_ready, seconds, lambda: f"agent ready\n{self.log_text()}")

    def _is_ready(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"the agent ended with status {self.child.returncode}:\n{self.log_text()}")
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket))
        except OSError:
            return False
        # The socket comes before the policies, and calls wait for them; so can tests.
        from . import api

        return api.is_healthy(self.address)

    def kill(self):
        """As the kernel would when memory runs out: no clean-up."""
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def _end(self, how):
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise
        self.status = self.child.returncode
        self.child = None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def events(self, kind=None):
        """The events written so far; `kind` is the key of the event's oneof: process_exec, process_kprobe …"""
        found = []
        if self.export.exists():
            for line in self.export.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    event = json.loads(line)
                    if kind is None or kind in event:
                        found.append(event)
        return found

    def wait_event(self, kind, predicate=lambda event: True, seconds=5):
        """First event of that kind for whose body predicate() is true: the whole event."""
        def look():
            return next((event for event in self.events(kind) if predicate(event[kind])), None)

        return wait_until(look, seconds, lambda: f"{kind}; {len(self.events())} events\n{self.log_text()[-3000:]}")

    def pins(self):
        folder = BPFFS / self.bpf_dir
        return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []

    def close(self):
        """Ends it, and takes what it left in the kernel away."""
        try:
            self._end(signal.SIGKILL)
        finally:
            shutil.rmtree(BPFFS / self.bpf_dir, ignore_errors=True)
            shutil.rmtree(STATE / self.bpf_dir, ignore_errors=True)
            shutil.rmtree(self.folder, ignore_errors=True)
