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


def containerd_host(healthy, conf):
    shutil.rmtree(healthy / "usr/bin")
    tree(healthy, ["/etc/containerd/config.toml", "/var/run/nri/nri.sock", "/var/run/tetragon/"])
    (healthy / "etc/containerd/config.toml").write_text(conf)
    return healthy / "var/run/tetragon/nri-hook.json"


CONNECTED = '{"pid": 1, "connected": true, "since": "2026-01-01T00:00:00.000Z", "mode": "inject", "reason": ""}'
LOST = CONNECTED.replace("true", "false").replace('"reason": ""', '"reason": "the runtime \\"closed\\" it"')
VALIDATOR = 'version = 3\n[plugins."io.containerd.nri.v1.nri".default_validator]\nenable = true\nrequired_plugins = ["tetragon"]\n'


@pytest.mark.parametrize("conf, status, wrong", [
    ("version = 3\n", CONNECTED, {}),
    (VALIDATOR, CONNECTED, {}),
    (VALIDATOR.replace("enable = true\n", ""), CONNECTED, {"nri required": "not enabled"}),
    (VALIDATOR + "reject_oci_hook_adjustment = true\n", CONNECTED, {"nri validator": "refuses"}),
    ("version = 3\n", None, {"registered": "no NRI plugin has written"}),
    ("version = 3\n", "{", {"registered": "nri-hook.json"}),
    ("version = 3\n", "[]", {"registered": "JSON object"}),
    ("version = 3\n", "", {"registered": "nri-hook.json"}),
    ("version = 3\n", LOST, {"registered": 'the runtime "closed" it'}),
], ids=["connected", "required", "half required", "rejects hooks", "no plugin", "cut", "other shape", "empty", "lost"])
def test_verify_nri(healthy, conf, status, wrong):
    path = containerd_host(healthy, conf)
    if status is not None:
        path.write_text(status)
    checks = verify(healthy, 1 if wrong else 0, AGENT)
    assert {name for name, check in checks.items() if not check["ok"]} == set(wrong), checks
    for name, text in wrong.items():
        assert text in checks[name]["evidence"] and checks[name]["todo"]


def test_verify_wants_the_plugin_required_when_told_so(healthy):
    path = containerd_host(healthy, "version = 3\n")
    path.write_text(CONNECTED)
    assert "not required" in verify(healthy, 0, AGENT)["nri required"]["evidence"]
    assert not verify(healthy, 1, AGENT, "--require-plugin=tetragon")["nri required"]["ok"]


def test_verify_asks_containerd_itself(healthy):
    """What is in force is what it prints, whatever the file says."""
    path = containerd_host(healthy, "version = 3\n")
    path.write_text(CONNECTED)
    judge = healthy / "judge"
    judge.write_text("#!/bin/sh\n[ \"$*\" = \"--config /etc/containerd/config.toml config dump\" ] || exit 3\n"
                     "printf '[plugins.\"io.containerd.nri.v1.nri\"]\\ndisable = true\\n'\n")
    judge.chmod(0o755)
    assert verify(healthy, 1, AGENT, f"--validate={judge}")["nri config"]["evidence"] == "NRI is disabled"
    judge.write_text("#!/bin/sh\nexit 1\n")
    assert not verify(healthy, 1, AGENT, f"--validate={judge}")["configuration"]["ok"]


def test_verify_compares_the_hook(healthy):
    other = healthy / "other"
    shutil.copy(HOOK, other)
    assert verify(healthy, 0, AGENT, f"--local-binary={other}")["hook content"]["ok"]
    other.write_bytes(other.read_bytes() + b"x")
    assert not verify(healthy, 1, AGENT, f"--local-binary={other}")["hook content"]["ok"]
    assert not verify(healthy, 1, AGENT, f"--local-binary={healthy}/none")["hook content"]["ok"]


def test_verify_reads_the_hooks_folder_that_crio_reads(healthy):
    """The last file that names hooks_dir wins, whatever the file is called, and replaces the list."""
    shutil.rmtree(healthy / "usr/bin")
    tree(healthy, ["/etc/crio/crio.conf", "/etc/crio/crio.conf.d/"])
    assert verify(healthy, 0, AGENT)["registered"]["ok"]
    conf = healthy / "etc/crio"
    (conf / "crio.conf").write_text('[crio.runtime]\nhooks_dir = ["/etc/other"]\n')
    assert "/etc/other" in verify(healthy, 1, AGENT)["registered"]["evidence"]
    (conf / "crio.conf.d/10-a").write_text('[crio.runtime]\nhooks_dir = ["/etc/other", "/usr/share/containers/oci/hooks.d"]\n')
    assert verify(healthy, 0, AGENT)["registered"]["ok"]
    (conf / "crio.conf.d/20-b.conf.bak").write_text("[crio.runtime]\nhooks_dir = []\n")
    assert not verify(healthy, 1, AGENT)["registered"]["ok"]
    tree(healthy, ["/var/run/tetragon/"])
    (healthy / "var/run/tetragon/nri-hook.json").write_text(CONNECTED)
    assert verify(healthy, 0, AGENT)["registered"]["ok"]
    (conf / "crio.conf.d/30-c").write_text("nonsense")
    assert not verify(healthy, 1, AGENT)["configuration"]["ok"]


def test_verify_names_a_second_daemon(tmp_path):
    """Two processes whose program is called containerd, each with a configuration of its own; docker's does not count."""
    program, conf = tmp_path / "containerd", tmp_path / "config.toml"
    shutil.copy("/bin/busybox", program)
    conf.write_text("version = 3\n")
    children = []
    try:
        for config in ("/x/one.toml", "/x/two.toml", "/var/run/docker/containerd/containerd.toml"):
            children.append(subprocess.Popen(["sh", "-c", "read x", "sh", "--config", config], executable=program, stdin=subprocess.PIPE))
        done = subprocess.run([SETUP, "verify", f"--config-file={conf}"], capture_output=True, text=True, timeout=60)
        assert "several containerd run" in done.stdout and "/x/one.toml" in done.stdout and "/x/two.toml" in done.stdout
        assert "docker/containerd.toml" not in done.stdout
    finally:
        for child in children:
            child.communicate()
