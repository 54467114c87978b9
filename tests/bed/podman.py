# SPDX-License-Identifier: Apache-2.0
"""Containers by podman, apart from everything else that podman does on this machine: own storage, own configuration, own
hooks. Containers run from a folder, so no image is needed."""
import json
import os
import pathlib
import resource
import shutil
import subprocess

from . import BIN, PROGRAMS, cgroups

TOOLS = ("sh", "sleep", "echo", "cat", "ls", "mkdir", "true", "id")
KILLED = 137


class Podman:
    def __init__(self, folder, runtime="runc"):
        self.folder = pathlib.Path(folder)
        self.runtime = runtime
        self.rootfs = self.folder / "rootfs"
        self.hooks = self.folder / "hooks.d"
        self.unseen = self.folder / "unseen"
        self.hook_log = self.folder / "hook.log"
        self.hooks.mkdir(parents=True)
        self._make_rootfs()
        self._made = []
        # podman asks for more than root may have on a machine without CAP_SYS_RESOURCE, and the start is refused.
        ulimits = []
        for name, number, enough in (("nofile", resource.RLIMIT_NOFILE, 20000), ("nproc", resource.RLIMIT_NPROC, 30000)):
            hard = resource.getrlimit(number)[1]
            limit = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
            ulimits.append(f"{name}={limit}:{limit}")
        conf = self.folder / "containers.conf"
        conf.write_text(
            f'[containers]\ndefault_ulimits = {json.dumps(ulimits)}\nnetns = "none"\nlog_driver = "k8s-file"\n'
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": str(conf)}
        self.base = ["podman", "--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run", "--tmpdir",
                     f"{self.folder}/tmp", "--storage-driver", "vfs", "--hooks-dir", str(self.hooks)]

    def _make_rootfs(self):
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "run", "cg"):
            (self.rootfs / name).mkdir(parents=True)
        shutil.copy2("/bin/busybox", self.rootfs / "bin")
        for tool in TOOLS:
            (self.rootfs / "bin" / tool).symlink_to("busybox")
        for program in PROGRAMS.iterdir():
            shutil.copy2(program, self.rootfs / "bin")
        (self.rootfs / "etc" / "forbidden").write_text("nobody should read this\n")

    def install_hook(self, agent_address, *flags, runtime_flag="containerd", timeout=15, name="tetragon",
                     program=BIN / "tetragon-oci-hook", unseen=None):
        """The hook as set-up would install it: createRuntime only, an environment that is not empty, a time-out."""
        arguments = ["tetragon-oci-hook", "--log-level=info", f"--log-fname={self.hook_log}",
                     f"--grpc-address={agent_address}", f"--runtime={runtime_flag}",
                     f"--unseen-dir={unseen or self.unseen}", *flags, "createRuntime"]
        self.install(name, program, arguments, ["createRuntime"], timeout)

    def install(self, name, program, arguments, stages, timeout=15):
        (self.hooks / f"{name}.json").write_text(json.dumps({
            "version": "1.0.0", "stages": stages, "when": {"always": True},
            "hook": {"path": str(program), "args": arguments, "env": ["LC_ALL=C"], "timeout": timeout}}))

    def remove_hook(self, name="tetragon"):
        (self.hooks / f"{name}.json").unlink(missing_ok=True)

    def hook_lines(self):
        """The hook's log lines as dictionaries."""
        if not self.hook_log.exists():
            return []
        return [json.loads(line) for line in self.hook_log.read_text().splitlines()]

    def command(self, *arguments, runtime=None):
        return [*self.base, "--runtime", runtime or self.runtime, *arguments]

    def podman(self, *arguments, runtime=None, timeout=60, **more):
        return subprocess.run(self.command(*arguments, runtime=runtime), env=self.environment, timeout=timeout,
                              stdin=more.pop("stdin", subprocess.DEVNULL), capture_output=True, text=True,
                              errors="replace", **more)

    def run_arguments(self, *command, namespace=None, annotations=None, options=(), keep=False):
        annotations = dict(annotations or {})
        if namespace is not None:
            annotations.setdefault("io.kubernetes.cri.sandbox-namespace", namespace)
            annotations.setdefault("io.kubernetes.cri.sandbox-name", "pod-" + namespace)
            annotations.setdefault("io.kubernetes.cri.container-name", "main")
            annotations.setdefault("io.kubernetes.cri.image-name", "localhost/test:1")
        words = ["run", *([] if keep else ["--rm"])]
        for key, value in annotations.items():
            words += ["--annotation", f"{key}={value}"]
        return [*words, *options, "--rootfs", str(self.rootfs), *command]

    def run(self, *command, runtime=None, timeout=60, **how):
        """Runs a container to its end. returncode is the container's: 137 killed, 126 refused by the hook."""
        return self.podman(*self.run_arguments(*command, **how), runtime=runtime, timeout=timeout)

    def start(self, *command, runtime=None, interactive=False, **how):
        """Starts a container that stays. Returns the client process (standard output is the container's)."""
        options = (*how.pop("options", ()), *(["-i"] if interactive else []))
        child = subprocess.Popen(self.command(*self.run_arguments(*command, options=options, **how), runtime=runtime),
                                 env=self.environment, stdin=subprocess.PIPE if interactive else subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        self._made.append(child)
        return child

    def container_pid(self, name):
        return int(self.podman("inspect", "--format", "{{.State.Pid}}", name).stdout)

    def container_cgroup(self, name):
        """Folder of the container's cgroup in the v2 tree."""
        for line in pathlib.Path(f"/proc/{self.container_pid(name)}/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return cgroups.v2_root() / line[3:].lstrip("/")
        raise LookupError(f"{name} is in no v2 cgroup")

    def close(self):
        ids = self.podman("ps", "--all", "--quiet", "--no-trunc").stdout.split()
        for _ in range(3):
            if not ids:
                break
            for number in ids:
                self.podman("rm", "--force", "--time", "0", number)
            ids = self.podman("ps", "--all", "--quiet", "--no-trunc").stdout.split()
        for child in self._made:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream:
                    stream.close()
        self._unmount()
        shutil.rmtree(self.folder, ignore_errors=True)
        cgroups.remove_below("libpod_parent")

    def _unmount(self):
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
            points = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{self.folder}/")]
        for point in sorted(points, reverse=True):
            subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)
