# SPDX-License-Identifier: Apache-2.0
"""What the hook's peer tests share: a bundle, a way to call the hook, agents of several kinds."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import grpc

TOP = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = TOP / "tests" / "fixtures" / "oci"
METHOD = "/tetragon.FineGuidanceSensors/RuntimeHook"

UID = "11111111-2222-3333-4444-555555555555"
CID = "0123456789abcdef" * 4


def containerd_spec(namespace="tenant-a", uid=UID, cid=CID):
    return {
        "ociVersion": "1.1.0", "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec"]},
                   {"destination": "/data", "type": "bind", "source": "/srv/data"}],
        "annotations": {"io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.container-type": "container",
                        "io.kubernetes.cri.image-name": "localhost/bb:1", "io.kubernetes.cri.sandbox-name": "web-0",
                        "io.kubernetes.cri.sandbox-namespace": namespace, "io.kubernetes.cri.sandbox-uid": uid},
        "linux": {"cgroupsPath": f"/kubepods/besteffort/pod{UID}/{cid}", "namespaces": [{"type": "mount"}]},
    }


class Bed:
    """A bundle below a temporary folder, the hook called on it, its log and its records."""

    def __init__(self, folder, hook_bin):
        self.folder = pathlib.Path(folder)
        self.bundle = self.folder / "bundle"
        (self.bundle / "rootfs").mkdir(parents=True)
        self.socket = self.folder / "agent.sock"
        self.log_file = self.folder / "hook.log"
        self.unseen = self.folder / "run" / "unseen"
        self.program = self.folder / "bin" / "tetragon-oci-hook"
        self.program.parent.mkdir()
        shutil.copy(hook_bin, self.program)  # no configuration file of another test beside it
        self.write(containerd_spec())

    def write(self, spec):
        """config.json from a dict, or as it is (bytes, str)."""
        path = self.bundle / "config.json"
        path.unlink(missing_ok=True)
        data = spec if isinstance(spec, bytes) else spec.encode() if isinstance(spec, str) else json.dumps(spec).encode()
        path.write_bytes(data)
        path.chmod(0o644)

    def state(self, **changes):
        state = {"ociVersion": "1.0.2", "id": CID, "status": "creating", "pid": 4711, "bundle": str(self.bundle)}
        state.update(changes)
        return json.dumps({key: value for key, value in state.items() if value is not None}).encode()

    def command(self, *flags, hook="createRuntime", timeout="2s"):
        return [str(self.program), f"--log-fname={self.log_file}", f"--grpc-address=unix://{self.socket}",
                f"--grpc-timeout={timeout}", f"--unseen-dir={self.unseen}", *flags, hook]

    def start(self, *flags, stdin=subprocess.PIPE, cwd=None, **more):
        return subprocess.Popen(self.command(*flags, **more), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                cwd=cwd or self.bundle)

    def run(self, *flags, state=None, cwd=None, **more):
        began = time.monotonic()
        child = self.start(*flags, cwd=cwd, **more)
        out, err = child.communicate(self.state() if state is None else state, timeout=60)
        return Done(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began)

    def lines(self):
        return [json.loads(line) for line in self.log_file.read_text().splitlines()] if self.log_file.exists() else []

    def messages(self):
        return [line["msg"] for line in self.lines()]

    def line(self, message):
        found = [line for line in self.lines() if line["msg"] == message]
        assert found, f"no line '{message}' in {self.lines()}"
        return found[-1]

    def records(self):
        return {path.name: json.loads(path.read_text()) for path in self.unseen.glob("*.json")}


class Done:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.2f} s, stdout {self.out!r}, stderr {self.err!r}"


class Agent:
    """A real gRPC server (grpcio) that keeps what it was asked and answers as told."""

    def __init__(self, api, *addresses, answer=None):
        self.requests = []

        def handle(data, context):
            self.requests.append(api.tetragon.RuntimeHookRequest.FromString(data))
            if answer:
                answer(context)
            return b""

        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                return grpc.unary_unary_rpc_method_handler(handle) if details.method == METHOD else None

        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4), handlers=(Handler(),))
        self.ports = [self.server.add_insecure_port(address) for address in addresses]
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait()

    @property
    def container(self):
        assert len(self.requests) == 1, f"{len(self.requests)} requests"
        return self.requests[0].createContainer


@contextlib.contextmanager
def raw_server(path, serve, backlog=16):
    """A unix socket whose connections are handed to serve(connection), each in a thread; closed at the end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(backlog)
    over = threading.Event()

    def one(connection):
        with connection, contextlib.suppress(OSError):
            serve(connection, over)

    def accept():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        os.unlink(path)


def fixture_names(with_state=True):
    return sorted(path.parent.name for path in FIXTURES.glob("*/config.json")
                  if not with_state or (path.parent / "state.json").exists())
