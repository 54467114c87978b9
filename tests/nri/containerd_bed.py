# SPDX-License-Identifier: Apache-2.0
"""A containerd of the test's own: roots, sockets, images, pods through CRI; and our NRI plugin beside it."""
import concurrent.futures
import contextlib
import functools
import hashlib
import importlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

import grpc

from bed import BIN, PROGRAMS, TOP, cgroups, wait_until

CACHE = pathlib.Path(os.environ.get("TETRAGON_CACHE", "/var/cache/tetragon-rthooks")) / "containerd"
VERSIONS = ("1.7.27", "2.1.5", "2.3.4")
RUNC = CACHE / "runc-1.3.3" / "runc"
PROGRAM = pathlib.Path(os.environ.get("NRI_PROGRAM", BIN / "tetragon-nri-hook"))
# Small programs on the library, as others would write them.
LIBRARY_USERS = pathlib.Path(os.environ.get("NRI_BUILD", TOP / "build" / "main")) / "tests" / "unit" / "nri"
# NRI's event 14, ValidateContainerAdjustment: from this version on a plugin that answers too late fails the creation.
LATE_FAILS = {"1.7.27": False, "2.1.5": False, "2.3.4": True}
TOOLS = ("sh", "sleep", "echo", "cat", "true")
KILLED = 137
LONG = 180  # seconds for a call of CRI, when two hundred are made at once on a busy machine
RUNNING, EXITED = 1, 2  # of CRI's ContainerState

starts = {}  # (version, mode): containers that were started; told at the end


@functools.cache
def cri_modules():
    """CRI's messages and stubs, generated once a process from the protocol file that scripts/build-containerd left."""
    from grpc_tools import protoc

    out = tempfile.TemporaryDirectory(prefix="cri-")
    shutil.copy(CACHE / "cri" / "api.proto", pathlib.Path(out.name) / "cri_v1.proto")
    if protoc.main(["protoc", f"-I{out.name}", f"--python_out={out.name}", f"--grpc_python_out={out.name}",
                    f"{out.name}/cri_v1.proto"]):
        raise RuntimeError("CRI's protocol file does not compile")
    sys.path.insert(0, out.name)
    return importlib.import_module("cri_v1_pb2"), importlib.import_module("cri_v1_pb2_grpc"), out


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def image_write(path, name, files, command):
    """An OCI image layout in a tar, one layer. `files`: path in the image to contents, or to a link's target (str)."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in ("bin", "proc", "sys", "dev", "tmp", "etc", "run"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for where, what in files.items():
            entry = tarfile.TarInfo(where)
            entry.mode = 0o755
            if isinstance(what, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, what
                tar.addfile(entry)
            else:
                entry.size = len(what)
                tar.addfile(entry, io.BytesIO(what))
    layer = layer.getvalue()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": command},
                         "rootfs": {"type": "layers", "diff_ids": [sha(layer)]}}).encode()
    kind = "application/vnd.oci.image."
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
        "config": {"mediaType": kind + "config.v1+json", "digest": sha(config), "size": len(config)},
        "layers": [{"mediaType": kind + "layer.v1.tar", "digest": sha(layer), "size": len(layer)}]}).encode()
    index = json.dumps({"schemaVersion": 2, "mediaType": kind + "index.v1+json", "manifests": [
        {"mediaType": kind + "manifest.v1+json", "digest": sha(manifest), "size": len(manifest),
         "platform": {"architecture": "amd64", "os": "linux"},
         "annotations": {"io.containerd.image.name": name}}]}).encode()
    with tarfile.open(path, "w") as tar:
        for where, data in (("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index),
                            *((f"blobs/sha256/{sha(blob)[7:]}", blob) for blob in (config, manifest, layer))):
            entry = tarfile.TarInfo(where)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def images_make(folder):
    """pause.tar and tools.tar in `folder`."""
    waiting = (PROGRAMS / "wait_forever").read_bytes()
    image_write(folder / "pause.tar", "localhost/pause:1", {"bin/pause": waiting}, ["/bin/pause"])
    files = {"bin/busybox": pathlib.Path("/bin/busybox").read_bytes(), **{f"bin/{tool}": "busybox" for tool in TOOLS}}
    files.update({f"bin/{program.name}": program.read_bytes() for program in PROGRAMS.iterdir()})
    image_write(folder / "tools.tar", "localhost/tools:1", files, ["/bin/true"])


CONFIG = """version = {format}
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[ttrpc]
  address = "{folder}/containerd.sock.ttrpc"
[debug]
  level = "info"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
{cri}
[plugins."io.containerd.nri.v1.nri"]
  disable = false
  socket_path = "{folder}/nri/nri.sock"
  plugin_path = "{folder}/nri/plugins"
  plugin_config_path = "{folder}/nri/conf.d"
{nri}"""
CRI_1 = """[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "{runc}"
"""
CRI_2 = """[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = "{runc}"
"""


class Containerd:
    def __init__(self, folder, version, images, nri=""):
        self.folder, self.version = pathlib.Path(folder), version
        self.bin = CACHE / version
        self.socket = self.folder / "containerd.sock"
        self.nri_socket = self.folder / "nri" / "nri.sock"
        self.plugins = self.folder / "nri" / "plugins"
        self.log = self.folder / "log"
        self.child = None
        self.uids = []
        self.mode = "none"
        for name in ("nri/plugins", "nri/conf.d", "pods"):
            (self.folder / name).mkdir(parents=True)
        cri = (CRI_1 if version.startswith("1.") else CRI_2).format(runc=RUNC)
        (self.folder / "config.toml").write_text(
            CONFIG.format(format=2 if version.startswith("1.") else 3, folder=self.folder, cri=cri, nri=nri))
        self.start()
        for image in ("pause", "tools"):
            subprocess.run([self.bin / "ctr", "-a", self.socket, "-n", "k8s.io", "images", "import", images / f"{image}.tar"],
                           check=True, timeout=60, stdout=subprocess.DEVNULL)

    def start(self):
        environment = {**os.environ, "PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([self.bin / "containerd", "-c", self.folder / "config.toml"],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self._connect()
        wait_until(self._is_ready, 30, lambda: f"containerd ready\n{self.log_text()[-3000:]}")

    def _connect(self):
        messages, stubs, _ = cri_modules()
        self.api = messages
        self.channel = grpc.insecure_channel(f"unix://{self.socket}", options=[
            ("grpc.default_authority", "localhost"), ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 200), ("grpc.use_local_subchannel_pool", 1)])
        self.runtime = stubs.RuntimeServiceStub(self.channel)

    def _is_ready(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"containerd ended with status {self.child.returncode}\n{self.log_text()[-3000:]}")
        try:
            self.runtime.Version(self.api.VersionRequest(), timeout=2)
            return self.nri_socket.exists()
        except grpc.RpcError:
            return False

    def end(self, how=signal.SIGTERM):
        if self.child and self.child.poll() is None:
            self.child.send_signal(how)
            self.child.wait(30)
        self.channel.close()

    def restart(self, how=signal.SIGTERM):
        self.end(how)
        self.start()

    def log_text(self):
        return self.log.read_text(errors="replace")

    def shims(self):
        """Process ids of the shims of this containerd: they outlive it."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    arguments = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"shim" in arguments[0] and str(self.socket).encode() in arguments:
                    found.append(int(entry.name))
        return found

    def close(self):
        try:
            if self.child.poll() is None:
                self.remove_all()
        except grpc.RpcError as error:
            print(f"cannot remove pods: {error}")
        finally:
            self.end(signal.SIGKILL)
            for pid in self.shims():
                subprocess.run(["pkill", "-KILL", "-P", str(pid)], check=False)
                os.kill(pid, signal.SIGKILL)
            for line in pathlib.Path("/proc/mounts").read_text().splitlines()[::-1]:
                if line.split()[1].startswith(str(self.folder)):
                    subprocess.run(["umount", "-l", line.split()[1]], check=False)
            self._remove_cgroups()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_cgroups(self):
        """Those of killed containers are busy for a moment yet; a `runc init` whose shim died before the start waits for ever."""
        def gone():
            for uid in self.uids:
                for procs in (cgroups.v2_root() / "kubepods/besteffort").glob(f"pod{uid}/*/cgroup.procs"):
                    with contextlib.suppress(OSError):
                        for pid in procs.read_text().split():
                            os.kill(int(pid), signal.SIGKILL)
                cgroups.remove_below(f"pod{uid}")
            return not any((cgroups.v2_root() / f"kubepods/besteffort/pod{uid}").exists() for uid in self.uids)

        with contextlib.suppress(TimeoutError):
            wait_until(gone, 5, "cgroups are gone")

    # --- pods and containers ---

    def pod(self, namespace="tenant-a", name=None, labels=None, annotations=None, cgroup_of=None):
        """`cgroup_of`: a pod in whose cgroup it is put, as no kubelet would."""
        number = len(self.uids)
        uid = f"{os.getpid() & 0xffffff:08x}-{number:04x}-4000-8000-{time.time_ns() & 0xffffffffffff:012x}"
        self.uids.append(uid)
        return Pod(self, namespace, name or f"pod-{number}", uid, labels or {}, annotations or {}, cgroup_of)

    def remove_all(self):
        def remove(pod):
            self.runtime.StopPodSandbox(self.api.StopPodSandboxRequest(pod_sandbox_id=pod.id), timeout=LONG)
            self.runtime.RemovePodSandbox(self.api.RemovePodSandboxRequest(pod_sandbox_id=pod.id), timeout=LONG)

        pods = self.runtime.ListPodSandbox(self.api.ListPodSandboxRequest(), timeout=10).items
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(remove, pods))

    def running(self):
        """Ids of running containers, as CRI tells."""
        return {container.id for container in
                self.runtime.ListContainers(self.api.ListContainersRequest(), timeout=10).containers
                if container.state == RUNNING}


class Pod:
    def __init__(self, containerd, namespace, name, uid, labels, annotations, cgroup_of):
        self.containerd, self.api = containerd, containerd.api
        self.namespace, self.name, self.uid, self.number = namespace, name, uid, 0
        self.logs = containerd.folder / "pods" / uid
        identity = {"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace, "io.kubernetes.pod.uid": uid}
        node = self.api.NamespaceOption(network=2, pid=1)
        self.config = self.api.PodSandboxConfig(
            metadata=self.api.PodSandboxMetadata(name=name, namespace=namespace, uid=uid),
            log_directory=str(self.logs), labels={**labels, **identity}, annotations=annotations,
            linux=self.api.LinuxPodSandboxConfig(
                cgroup_parent=f"/kubepods/besteffort/pod{cgroup_of.uid if cgroup_of else uid}",
                security_context=self.api.LinuxSandboxSecurityContext(namespace_options=node)))
        self.id = containerd.runtime.RunPodSandbox(self.api.RunPodSandboxRequest(config=self.config), timeout=LONG).pod_sandbox_id

    def create(self, *command, name=None, annotations=None):
        """Creates a container; grpc.RpcError if that is refused."""
        self.number += 1
        name = name or f"c{self.number}"
        config = self.api.ContainerConfig(
            metadata=self.api.ContainerMetadata(name=name), image=self.api.ImageSpec(image="localhost/tools:1"),
            command=command, log_path=f"{name}.log", annotations=annotations or {},
            linux=self.api.LinuxContainerConfig(security_context=self.api.LinuxContainerSecurityContext(
                namespace_options=self.api.NamespaceOption(network=2, pid=1))))
        reply = self.containerd.runtime.CreateContainer(self.api.CreateContainerRequest(
            pod_sandbox_id=self.id, config=config, sandbox_config=self.config), timeout=LONG)
        return Container(self, name, reply.container_id)

    def start(self, *command, **more):
        container = self.create(*command, **more)
        container.start()
        return container

    def run(self, *command, **more):
        """Created, started, over: (exit code, what it wrote)."""
        container = self.start(*command, **more)
        code, text = container.wait(), container.output()
        container.remove()
        return code, text


class Container:
    def __init__(self, pod, name, identity):
        self.pod, self.name, self.id = pod, name, identity
        self.api, self.runtime = pod.api, pod.containerd.runtime
        self.cgroup = cgroups.v2_root() / f"kubepods/besteffort/pod{pod.uid}/{identity}"

    def start(self):
        self.pod.containerd.runtime.StartContainer(self.api.StartContainerRequest(container_id=self.id), timeout=LONG)
        key = self.pod.containerd.version, self.pod.containerd.mode
        starts[key] = starts.get(key, 0) + 1

    def status(self):
        return self.pod.containerd.runtime.ContainerStatus(
            self.api.ContainerStatusRequest(container_id=self.id), timeout=10).status

    def wait(self, seconds=20):
        """Waits for the end; its exit code."""
        wait_until(lambda: self.status().state == EXITED, seconds, f"container {self.name} ends")
        return self.status().exit_code

    def output(self):
        path = self.pod.logs / f"{self.name}.log"
        return "".join(line.split(" ", 3)[3] for line in path.read_text().splitlines(keepends=True)) if path.exists() else ""

    def exec(self, *command):
        reply = self.pod.containerd.runtime.ExecSync(
            self.api.ExecSyncRequest(container_id=self.id, cmd=command, timeout=10), timeout=20)
        return reply.exit_code, reply.stdout.decode()

    def remove(self):
        self.pod.containerd.runtime.RemoveContainer(self.api.RemoveContainerRequest(container_id=self.id), timeout=LONG)


class Lines:
    """A log of JSON lines that grows: each is parsed once."""

    def __init__(self, path):
        self.path, self.at, self.rest, self.parsed = pathlib.Path(path), 0, b"", []

    def read(self):
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self.at)
                new = file.read()
            self.at += len(new)
            *whole, self.rest = (self.rest + new).split(b"\n")
            self.parsed += map(json.loads, whole)
        return self.parsed


class Plugin:
    """tetragon-nri-hook for one containerd and one agent."""

    def __init__(self, folder, containerd, agent, mode, *flags, name="tetragon", hook=BIN / "tetragon-oci-hook"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.containerd, self.agent, self.mode = containerd, agent, mode
        self.log, self.status_file, self.hook_log = (self.folder / name for name in ("log", "status", "hook.log"))
        # A copy: the hook reads a configuration file beside itself.
        self.hook = self.folder / "tetragon-oci-hook"
        shutil.copy(hook, self.hook)
        self.flags = [f"--mode={mode}", f"--nri-socket={containerd.nri_socket}", f"--oci-hook-path={self.hook}",
                      f"--grpc-address={agent.address}", f"--unseen-dir={agent.unseen}", f"--log-fname={self.log}",
                      f"--status-file={self.status_file}", f"--nri-name={name}",
                      f"--hook-args=--log-fname={self.hook_log},--unseen-dir={agent.unseen}", *flags]
        self.child = None
        self.log_lines, self.hook_log_lines = Lines(self.log), Lines(self.hook_log)
        containerd.mode = mode

    def start(self, wait=True):
        self.child = subprocess.Popen([PROGRAM, *self.flags], stdin=subprocess.DEVNULL)
        if wait:
            self.wait_connected()
        return self

    def status(self):
        try:
            return json.loads(self.status_file.read_text())
        except (OSError, ValueError):
            return {"connected": False, "pid": 0}

    def wait_connected(self, seconds=10):
        wait_until(lambda: self.status()["connected"] and self.status()["pid"] == self.child.pid, seconds,
                   lambda: f"plugin connected\n{self.log_text()[-2000:]}")

    def wait_line(self, message, count=1, seconds=10):
        """Waits until the log has so many lines with that message, gives the last."""
        return wait_until(lambda: self.lines(message)[count - 1:][-1:], seconds,
                          lambda: f"'{message}'\n{self.log_text()[-3000:]}")[0]

    def lines(self, message=None):
        return [line for line in self.log_lines.read() if message in (None, line["msg"])]

    def log_text(self):
        return self.log.read_text() if self.log.exists() else ""

    def hook_lines(self):
        return self.hook_log_lines.read()

    def asked(self):
        """Ids of the containers that the agent was asked about before they ran, ahead or at the start, by plugin or hook."""
        return {line["req-containerID"] for line in self.lines() + self.hook_lines()
                if line["msg"] == "hook request to agent succeeded"}

    def unseen_lines(self):
        return self.lines("container started unseen: it is under policy from now on")

    def unseen(self):
        """Ids of those that it told of as started unseen, in that order."""
        return [line["req-containerID"] for line in self.unseen_lines()]

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])

    def end(self, how=signal.SIGTERM):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(how)
            self.child.wait(10)

    def close(self):
        self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


