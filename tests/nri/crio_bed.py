# SPDX-License-Identifier: Apache-2.0
"""
CRI-O's side of NRI, as its captured streams (tests/fixtures/nri/cri-o-1.37.0) show it, around a real runc: what the plugin
is sent are the captured messages with other names in them; container, cgroups and OCI hooks are real.

What differs from containerd: OCI hooks run within CRI CreateContainer; PostCreateContainer comes when the init process is in
its cgroup; errors of PostCreateContainer and StartContainer are ignored; the leaf is "crio-<id>", or "crio-<id>.scope" with
the systemd driver, below which crun makes a cgroup "container"; all of the pod's annotations are the container's.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

from bed import PROGRAMS, TOP, cgroups, wait_until
from containerd_bed import RUNC, TOOLS

sys.path.insert(0, str(TOP / "tests" / "peer"))
import nri_runtime as nri  # noqa: E402

CAPTURED = TOP / "tests" / "fixtures" / "nri" / "cri-o-1.37.0"
CAPTURED_UID = b"11111111-2222-3333-4444-555555555555"
CREATED, RUNNING, STOPPED = 1, 3, 4
ANNOTATIONS, STATE, HOOKS, LINUX, PID = 6, 4, 10, 11, 12  # of Container
NAMESPACE, CGROUPS_PATH, ADJUST_HOOKS, VALIDATE_ADJUST = 4, 5, 5, 3


class Refused(Exception):
    """CRI CreateContainer failed."""


def captured_request(scenario, method):
    """The bytes of the first request of that name in a captured stream."""
    raw, inbox = (CAPTURED / scenario / "runtime-to-plugin.bin").read_bytes(), b""
    while raw:
        mux_id, length = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:8], "big")
        inbox += raw[8:8 + length] if mux_id == 1 else b""
        raw = raw[8 + length:]
    while inbox:
        length = int.from_bytes(inbox[:4], "big")
        request = dict(nri.fields(inbox[10:10 + length]))
        if request[2] == method.encode():
            return request[3]
        inbox = inbox[10 + length:]
    raise KeyError(method)


def encode(parts):
    return b"".join(nri.number(field, value) if isinstance(value, int) else nri.data(field, value) for field, value in parts)


def without(message, *fields):
    return encode(part for part in nri.fields(message) if part[0] not in fields)


class Crio:
    version = "cri-o 1.37.0"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.nri_socket = self.folder / "nri.sock"
        self.mode, self.made = "none", []
        self.rootfs = self.folder / "rootfs"
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "run"):
            (self.rootfs / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", self.rootfs / "bin")
        for program in PROGRAMS.iterdir():
            shutil.copy(program, self.rootfs / "bin")
        for tool in TOOLS:
            (self.rootfs / "bin" / tool).symlink_to("busybox")
        self.runc = [RUNC, "--root", self.folder / "runc"]
        self.listener = nri.Runtime(self.nri_socket)

    def connect(self, *containers):
        """Takes the plugin's connection and lists these containers (empty: nothing is there)."""
        self.connection = self.listener.accept()
        name, _, self.events = self.connection.register(name="cri-o", version="1.37.0", nri="v0.12.0")
        listed = encode(part for container in containers for part in nri.fields(container.message(container.state)))
        assert self.connection.call("Synchronize", listed)[0] == 0
        return name

    def forget(self):
        """Connections that a plugin which has died opened, and nobody took."""
        self.listener.listener.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.listener.accept().close()
        self.listener.listener.settimeout(10)

    def call(self, event, method, payload):
        """(code, text, answer) of an event that was subscribed to, else nothing to say."""
        return self.connection.call(method, payload) if self.events & 1 << (event - 1) else (0, "", b"")

    def container(self, *command, **more):
        self.made.append(Container(self, command, **more))
        return self.made[-1]

    def close(self):
        for container in self.made:
            container.remove()
        for root in (cgroups.ROOT, *cgroups.ROOT.iterdir()):
            for parent in ("kubepods.slice/kubepods-besteffort.slice", "kubepods.slice"):
                with contextlib.suppress(OSError):  # somebody else's is in it, or it is no hierarchy
                    (root / parent).rmdir()
        self.listener.close()


class Container:
    """`systemd`: the driver; `is_infra`: the pod's own, of which NRI is told nothing (drop_infra_ctr = false)."""

    def __init__(self, crio, command, namespace="tenant-a", systemd=False, annotations=None, is_infra=False, sub_cgroup=False):
        self.crio, self.command, self.systemd, self.is_infra, self.sub_cgroup = crio, command, systemd, is_infra, sub_cgroup
        self.uid, self.id = str(uuid.uuid4()), os.urandom(32).hex()
        self.state, self.pid, self.hooks, self.log = 0, 0, b"", []
        request = captured_request("full", "CreateContainer").replace(CAPTURED_UID, self.uid.encode())
        parts = dict(nri.fields(request))
        old = dict(nri.fields(parts[2]))[1]
        self.pod = encode((field, namespace.encode() if field == NAMESPACE else value) for field, value in nri.fields(parts[1]))
        self.body = without(parts[2].replace(old, self.id.encode()), HOOKS, LINUX)
        self.body += b"".join(nri.pair(ANNOTATIONS, key, value) for key, value in (annotations or {}).items())
        if systemd:
            unit = f"kubepods-besteffort-pod{self.uid.replace('-', '_')}.slice"
            self.told_path = f"{unit}:crio:{self.id}"
            self.path = f"/kubepods.slice/kubepods-besteffort.slice/{unit}/crio-{self.id}.scope"
        else:
            self.told_path = self.path = f"/kubepods/besteffort/pod{self.uid}/crio-{self.id}"
        self.bundle = crio.folder / "overlay-containers" / self.id / "userdata"

    def message(self, state=0):
        body = without(self.body, STATE, PID) + nri.data(LINUX, nri.data(CGROUPS_PATH, self.told_path))
        body += nri.number(STATE, state) if state else b""
        body += nri.number(PID, self.pid) if self.pid else b""
        body += nri.data(HOOKS, self.hooks) if self.hooks else b""
        return nri.data(1, self.pod) + nri.data(2, body)

    def cgroup(self):
        return cgroups.v2_root() / self.path[1:]

    def create(self):
        """CRI CreateContainer: raises Refused."""
        if not self.is_infra:
            self._nri_create()
        self._bundle_write()
        # What the container writes goes where `runc create` writes, and outlives it.
        with open(self.bundle / "out", "wb") as out, open(self.bundle / "err", "wb") as err:
            status = subprocess.run([*self.crio.runc, "create", "--bundle", self.bundle, "--pid-file", self.bundle / "pid", self.id],
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=30).returncode
        if status:
            self.crio.call(10, "StopContainer", self.message(STOPPED))
            raise Refused((self.bundle / "err").read_text())
        self.pid, self.state = int((self.bundle / "pid").read_text()), CREATED
        if self.sub_cgroup:  # as crun does with the systemd driver
            (self.cgroup() / "container").mkdir()
            (self.cgroup() / "container" / "cgroup.procs").write_text(str(self.pid))
        if not self.is_infra:
            self.log.append(self.crio.call(5, "PostCreateContainer", self.message(CREATED))[:2])
        return self

    def _nri_create(self):
        code, text, answer = self.crio.call(4, "CreateContainer", self.message())
        if code:
            raise Refused(text)
        adjust = dict(nri.fields(answer)).get(1, b"")
        self.hooks = dict(nri.fields(adjust)).get(ADJUST_HOOKS, b"")
        rejected = dict(nri.fields(self.crio.call(14, "ValidateContainerAdjustment",
                                                  self.message() + nri.data(VALIDATE_ADJUST, adjust))[2]))
        if rejected.get(1):
            raise Refused(rejected[2].decode())

    def _bundle_write(self):
        self.bundle.mkdir(parents=True)
        subprocess.run([RUNC, "spec"], cwd=self.bundle, check=True)
        spec = json.loads((self.bundle / "config.json").read_text())
        spec["process"].update(args=list(self.command), terminal=False)
        spec["root"] = {"path": str(self.crio.rootfs), "readonly": True}
        spec["linux"]["cgroupsPath"] = self.path
        spec["annotations"] = {key.decode(): value.decode() for key, value in (
            dict(nri.fields(pair)).values() for field, pair in nri.fields(self.body) if field == ANNOTATIONS)}
        spec["hooks"] = {"createRuntime": [self._hook(hook) for _, hook in nri.fields(self.hooks)]}
        (self.bundle / "config.json").write_text(json.dumps(spec))

    def _hook(self, message):
        found = {"args": [], "env": []}
        for field, value in nri.fields(message):
            if field == 1:
                found["path"] = value.decode()
            elif field in (2, 3):
                found["args" if field == 2 else "env"].append(value.decode())
            elif field == 4:
                found["timeout"] = dict(nri.fields(value))[1]
        return found

    def start(self):
        """CRI StartContainer: whatever the plugins say."""
        if not self.is_infra:
            self.log.append(self.crio.call(6, "StartContainer", self.message(CREATED))[:2])
        subprocess.run([*self.crio.runc, "start", self.id], check=True, timeout=30)
        self.state = RUNNING
        return self

    def is_killed(self):
        """Waits for the end of a /bin/first_lseek: True if it did not come to write its line."""
        wait_until(lambda: not pathlib.Path(f"/proc/{self.pid}/stat").exists() or
                   pathlib.Path(f"/proc/{self.pid}/stat").read_text().split()[2] == "Z", 5, "the container ends")
        return (self.bundle / "out").read_text() == ""

    def remove(self):
        subprocess.run([*self.crio.runc, "delete", "--force", self.id], check=False, timeout=30, stderr=subprocess.DEVNULL)
        cgroups.remove_below(self.uid)
        cgroups.remove_below(self.uid.replace("-", "_"))
