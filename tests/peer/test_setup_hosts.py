# SPDX-License-Identifier: Apache-2.0
"""detect and verify on trees that look like hosts."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SETUP = os.environ.get("SETUP_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook-setup"))
HOOK = os.environ.get("HOOK_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook"))

# what the host is, its files (a name with a final / is a folder), its os-release, what set-up may do
HOSTS = [
    ("talos", ["/etc/cri/containerd.toml", "/etc/containerd/config.toml"], "ID=talos\n", "refuse"),
    ("bottlerocket", ["/etc/containerd/config.toml"], 'NAME=Bottlerocket\nID=bottlerocket\nVARIANT_ID=aws-k8s-1.33\n', "refuse"),
    ("microk8s", ["/var/snap/microk8s/current/args/containerd-template.toml"], "ID=ubuntu\n", "edit"),
    ("rke2", ["/var/lib/rancher/rke2/agent/etc/containerd/config.toml"], "ID=ubuntu\n", "refuse"),
    ("k3s", ["/var/lib/rancher/k3s/agent/etc/containerd/config.toml", "/etc/containerd/config.toml"], "ID=debian\n", "refuse"),
    ("k0s", ["/etc/k0s/containerd.toml"], "ID=debian\n", "refuse"),
    ("openshift", ["/etc/crio/crio.conf.d/00-default", "/etc/machine-config-daemon/"], "ID=rhcos\n", "check"),
    ("openshift", ["/etc/crio/crio.conf"], "ID=fedora\nVARIANT_ID=coreos\n", "check"),
    ("cos", ["/etc/containerd/config.toml", "/home/kubernetes/"], 'NAME="Container-Optimized OS"\nID=cos\n', "refuse"),
    ("flatcar", ["/usr/share/containerd/config.toml"], "ID=flatcar\n", "refuse"),
    ("eks", ["/etc/eks/", "/usr/bin/nodeadm", "/etc/containerd/config.toml"], 'ID="amzn"\nVERSION_ID="2023"\n', "refuse"),
    ("aks", ["/opt/azure/containers/provision.sh", "/etc/containerd/config.toml"], "ID=azurelinux\n", "edit"),
    ("minikube", ["/kic.txt", "/kind/", "/etc/containerd/config.toml"], "ID=debian\n", "edit"),
    ("kind", ["/kind/", "/etc/containerd/config.toml"], "ID=debian\n", "edit"),
    ("cri-o", ["/etc/crio/crio.conf"], "ID=fedora\n", "edit"),
    ("containerd", ["/etc/containerd/config.toml", "/usr/bin/podman", "/etc/docker/"], "ID=debian\n", "edit"),
    ("rancher-desktop", ["/etc/rancher/desktop/credfwd"], "ID=alpine\n", "refuse"),
    ("podman", ["/usr/bin/podman"], "ID=debian\n", "check"),
    ("docker", ["/usr/bin/dockerd", "/etc/docker/"], "ID=ubuntu\n", "refuse"),
]


def tree(root, files, os_release=None):
    for name in files:
        path = root / name.lstrip("/")
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    if os_release:
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc/os-release").write_text(os_release)
    return root


def run(*arguments, status=0):
    done = subprocess.run([SETUP, *map(str, arguments)], capture_output=True, timeout=60, text=True)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done


@pytest.mark.parametrize("host, files, os_release, action", HOSTS, ids=[f"{n}-{row[0]}" for n, row in enumerate(HOSTS)])
def test_detect(tmp_path, host, files, os_release, action):
    status = int(action == "refuse")
    found = json.loads(run("detect", "--json", f"--root={tree(tmp_path, files, os_release)}", status=status).stdout)
    assert (found["host"], found["action"]) == (host, action)
    assert found["advice"] and found["runtime"]
    if action == "edit":
        assert found["config"] and found["installDir"]
    assert re.search(r"^what to do +\S", run("detect", f"--root={tmp_path}", status=status).stdout, re.M)


def test_every_row_is_a_fixture():
    table = (TOP / "src/setup/host_table.c").read_text()
    assert set(re.findall(r'\.id = "([^"]+)"', table)) - {host for host, *_ in HOSTS} <= {"docker-desktop"}


def test_nothing_known(tmp_path):
    assert "no container runtime" in run("detect", f"--root={tmp_path}", status=1).stderr
    run("detect", f"--root={tmp_path}/none", status=1)


def test_links_of_the_tree_stay_in_the_tree(tmp_path):
    tree(tmp_path, ["/usr/lib/"])
    (tmp_path / "etc").mkdir()
    (tmp_path / "usr/lib/os-release").write_text("ID=flatcar\n")
    (tmp_path / "etc/os-release").symlink_to("/usr/lib/os-release")
    assert json.loads(run("detect", "--json", f"--root={tmp_path}", status=1).stdout)["host"] == "flatcar"


def verify(root, status, *more):
    done = run("verify", "--json", f"--root={root}", *more, status=status)
    return {check["check"]: check for check in json.loads(done.stdout)}


@pytest.fixture
def healthy(tmp_path):
    """podman's host with the hook installed and an agent's socket."""
    root = tree(tmp_path / "r", ["/usr/bin/podman", "/opt/tetragon/", "/usr/share/containers/oci/hooks.d/", "/run/"], "ID=debian\n")
    run("install", f"--local-binary={HOOK}", f"--local-install-dir={root}/opt/tetragon", "--host-install-dir=/opt/tetragon",
        f"--oci-hooks.local-dir={root}/usr/share/containers/oci/hooks.d")
    agent = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root / "run")
    agent.bind("a.sock")
    os.chdir(here)
    agent.listen()
    yield root
    agent.close()


AGENT = "--agent-socket=/run/a.sock"


def test_verify_a_healthy_host(healthy):
    checks = verify(healthy, 0, AGENT)
    assert all(check["ok"] for check in checks.values()) and {"host", "hook", "registered", "agent", "environment"} <= set(checks)
    assert "the gate is closed" in run("verify", f"--root={healthy}", AGENT).stdout


def break_binary_gone(root):
    (root / "opt/tetragon/tetragon-oci-hook").unlink()


def break_binary_empty(root):
    (root / "opt/tetragon/tetragon-oci-hook").write_bytes(b"")


def break_binary_writable(root):
    (root / "opt/tetragon/tetragon-oci-hook").chmod(0o777)


def break_binary_mode(root):
    (root / "opt/tetragon/tetragon-oci-hook").chmod(0o644)


def break_registration(root):
    (root / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json").unlink()


def break_registration_path(root):
    path = root / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json"
    path.write_text(path.read_text().replace("/opt/tetragon/tetragon-oci-hook\"", "/opt/old/tetragon-oci-hook\""))


def break_environment(root):
    path = root / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json"
    content = json.loads(path.read_text())
    del content["hook"]["env"]
    path.write_text(json.dumps(content))


def break_hook_config(root):
    (root / "opt/tetragon/tetragon-oci-hook.json").write_text("{")


def break_agent(root):
    (root / "run/a.sock").unlink()


@pytest.mark.parametrize("what, check", [
    (break_binary_gone, "hook"), (break_binary_empty, "hook"), (break_binary_writable, "hook"), (break_binary_mode, "hook"),
    (break_registration, "registered"), (break_registration_path, "registered"), (break_environment, "environment"),
    (break_hook_config, "hook config"), (break_agent, "agent"),
], ids=lambda value: getattr(value, "__name__", value))
def test_verify_finds_what_is_broken(healthy, what, check):
    what(healthy)
    checks = verify(healthy, 1, AGENT)
    assert not checks[check]["ok"] and checks[check]["evidence"] and checks[check]["todo"]


def test_verify_containerd(healthy):
    shutil.rmtree(healthy / "usr/bin")
    spec = {"hooks": {"createRuntime": [{"path": "/opt/tetragon/tetragon-oci-hook"}]}}
    tree(healthy, ["/etc/containerd/config.toml"])
    (healthy / "spec.json").write_text(json.dumps(spec))
    conf = healthy / "etc/containerd/config.toml"
    conf.write_text('version = 3\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]\nbase_runtime_spec = "/spec.json"\n')
    assert verify(healthy, 0, AGENT)["registered"]["ok"]
    conf.write_text('version = 2\n[plugins."io.containerd.nri.v1.nri"]\ndisable = true\n')
    checks = verify(healthy, 1, AGENT)
    assert not checks["nri config"]["ok"] and not checks["nri socket"]["ok"]
    conf.write_text("version = \n")
    assert not verify(healthy, 1, AGENT)["configuration"]["ok"]
