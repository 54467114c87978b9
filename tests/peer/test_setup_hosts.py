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

# What the host is; its files: a name with a final / is a folder, a pair has that content; its os-release; what set-up may do.
CONF = "/etc/containerd/config.toml"
KUBEADM = "/var/lib/kubelet/kubeadm-flags.env"
RKE2, K3S = "/var/lib/rancher/rke2", "/var/lib/rancher/k3s"
RANCHER = "/agent/etc/containerd/config.toml"


def endpoint(socket):
    return KUBEADM, f'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix://{socket} --pod-infra-container-image=x"\n'


PACKAGED = CONF, '#   Copyright\n\ndisabled_plugins = ["cri"]\n\n#root = "/var/lib/containerd"\n'
HOSTS = [
    ("talos", ["/etc/cri/containerd.toml", CONF], "ID=talos\n", "refuse"),
    ("talos", ["/etc/cri/containerd.toml"], None, "refuse"),
    ("bottlerocket", [CONF], 'NAME=Bottlerocket\nID=bottlerocket\nVARIANT_ID=aws-k8s-1.33\n', "refuse"),
    ("bottlerocket", ["/usr/share/bottlerocket/application-inventory.json"], "VARIANT_ID=aws-ecs-2\n", "refuse"),
    ("microk8s", ["/var/snap/microk8s/current/args/containerd-template.toml"], "ID=ubuntu\n", "edit"),
    ("microk8s", [("/snap/microk8s/current/meta/snap.yaml", "confinement: classic\n"), CONF], "ID=ubuntu\n", "edit"),
    ("microk8s", [("/snap/microk8s/current/meta/snap.yaml", "confinement: strict\n")], "ID=ubuntu\n", "refuse"),
    ("rke2", [RKE2 + RANCHER, K3S + RANCHER], "ID=ubuntu\n", "refuse"),
    ("rke2", ["/usr/local/lib/systemd/system/rke2-agent.service", CONF], "ID=ubuntu\n", "refuse"),
    ("k3s", [K3S + RANCHER, CONF], "ID=debian\n", "refuse"),
    ("k3s", ["/etc/systemd/system/k3s-agent.service"], "ID=debian\n", "refuse"),
    ("k3s", ["/etc/init.d/k3s"], "ID=alpine\n", "refuse"),
    ("k3s", [("/etc/rancher/k3s/config.yaml", "token: x\ndata-dir: \"/mnt/data/\" # ours\n"), "/mnt/data" + RANCHER], "ID=sles\n", "refuse"),
    ("k0s", ["/etc/k0s/containerd.toml"], "ID=debian\n", "refuse"),
    ("k0s", [("/etc/k0s/containerd.toml", "# k0s_managed=true\nversion = 3\n")], "ID=debian\n", "refuse"),
    ("k0s", [("/etc/k0s/containerd.toml", "# mine\nversion = 2\n")], "ID=debian\n", "edit"),
    ("k0s", ["/var/lib/k0s/bin/containerd"], "ID=debian\n", "refuse"),
    ("k0s", ["/etc/systemd/system/k0scontroller.service"], "ID=debian\n", "refuse"),
    ("openshift", ["/etc/crio/crio.conf.d/00-default", "/etc/machine-config-daemon/"], "ID=rhcos\n", "check"),
    ("openshift", ["/etc/crio/crio.conf.d/00-default"], "ID=scos\n", "check"),
    ("openshift", ["/etc/crio/crio.conf.d/00-default"], 'ID="rhel"\nVARIANT_ID=coreos\n', "check"),
    ("openshift", ["/etc/crio/crio.conf"], "ID=fedora\nVARIANT_ID=coreos\n", "check"),
    ("openshift", ["/etc/crio/", "/etc/machine-config-daemon/"], "ID=rhel\n", "check"),
    ("cos", [CONF, "/home/kubernetes/"], 'NAME="Container-Optimized OS"\nID=cos\n', "refuse"),
    ("cos", [CONF], "ID=cos\n", "refuse"),
    ("flatcar", ["/usr/share/containerd/config.toml"], "ID=flatcar\n", "refuse"),
    ("flatcar", [("/usr/share/containerd/config.toml", 'imports = ["/etc/containerd/conf.d/*.toml"]\n')], "ID=flatcar\n", "refuse"),
    ("flatcar", [CONF, ("/etc/systemd/system/containerd.service.d/10-x.conf",
                        f"[Service]\nEnvironment=CONTAINERD_CONFIG={CONF}\n")], "ID=flatcar\n", "edit"),
    ("flatcar", [CONF, ("/etc/systemd/system/containerd.service.d/10-x.conf", "[Service]\n")], "ID=flatcar\n", "refuse"),
    ("eks", ["/etc/eks/", "/usr/bin/nodeadm", CONF], 'ID="amzn"\nVERSION_ID="2023"\n', "refuse"),
    ("eks", ["/etc/systemd/system/nodeadm-run.service", "/etc/systemd/system/nodeadm-config.service", CONF], 'ID="amzn"\n', "refuse"),
    ("eks-al2", ["/etc/eks/bootstrap.sh", CONF], 'ID="amzn"\nVERSION_ID="2"\n', "edit"),
    ("aks", ["/opt/azure/containers/provision.sh", CONF], "ID=azurelinux\n", "edit"),
    ("aks", ["/opt/azure/containers/provision_source.sh"], "ID=mariner\n", "edit"),
    ("aks", ["/opt/azure/containers/kubelet.sh", CONF], "ID=ubuntu\n", "edit"),
    ("minikube", ["/kic.txt", "/version.json", "/kind/", CONF, "/etc/crio/", "/etc/docker/"], "ID=debian\n", "edit"),
    ("minikube", ["/kic.txt", "/kind/", CONF, "/etc/crio/", endpoint("/var/run/crio/crio.sock")], "ID=debian\n", "edit"),
    ("minikube", ["/kic.txt", "/kind/", CONF, "/etc/docker/", endpoint("/var/run/cri-dockerd.sock")], "ID=debian\n", "refuse"),
    ("minikube", ["/var/lib/minikube/", CONF], "ID=buildroot\n", "edit"),
    ("kind", ["/kind/", CONF], "ID=debian\n", "edit"),
    ("kind", ["/etc/containerd/cri-base.json", CONF], "ID=debian\n", "edit"),
    ("cri-o", ["/etc/crio/crio.conf"], "ID=fedora\n", "edit"),
    ("cri-o", ["/usr/lib/systemd/system/crio.service"], "ID=fedora\n", "edit"),
    ("cri-o", [CONF, "/etc/crio/crio.conf", endpoint("/var/run/crio/crio.sock")], "ID=ubuntu\n", "edit"),
    ("containerd", [CONF, "/etc/crio/crio.conf", endpoint("/run/containerd/containerd.sock")], "ID=ubuntu\n", "edit"),
    ("containerd", ["/etc/crio/crio.conf", ("/var/lib/kubelet/config.yaml",
                                            'containerRuntimeEndpoint: "unix:///var/run/containerd/containerd.sock"\n')], "ID=ubuntu\n", "edit"),
    ("cri-o", ["/etc/crio/crio.conf", ("/var/lib/kubelet/config.yaml", "# containerRuntimeEndpoint: /run/containerd/containerd.sock\n")],
     "ID=ubuntu\n", "edit"),
    ("containerd", [CONF, "/usr/bin/podman", "/etc/docker/"], "ID=debian\n", "edit"),
    ("containerd", ["/usr/lib/systemd/system/containerd.service", "/var/lib/kubelet/"], "ID=ubuntu\n", "edit"),
    ("containerd", ["/usr/lib/systemd/system/containerd.service"], "ID=ubuntu\n", "edit"),
    ("gke-ubuntu", [CONF, "/home/kubernetes/bin/kubelet"], "ID=ubuntu\n", "edit"),
    ("containerd", [PACKAGED, "/etc/docker/", "/var/lib/kubelet/config.yaml"], "ID=ubuntu\n", "edit"),
    ("docker", [PACKAGED, "/etc/docker/"], "ID=ubuntu\n", "refuse"),
    ("docker", [(CONF, PACKAGED[1].replace("disabled", "# disabled")), "/usr/bin/dockerd", endpoint("/var/run/cri-dockerd.sock")],
     "ID=ubuntu\n", "refuse"),
    ("rancher-desktop", ["/etc/rancher/desktop/credfwd"], "ID=alpine\n", "refuse"),
    ("rancher-desktop", ["/etc/rancher/desktop/credfwd", "/etc/init.d/k3s", K3S + RANCHER], "ID=alpine\n", "refuse"),
    ("docker-desktop", ["/etc/docker/", "/usr/bin/dockerd"], "ID=docker-desktop\n", "refuse"),
    ("docker-desktop", ["/etc/docker/", ("/proc/sys/kernel/osrelease", "6.6.12-linuxkit\n")], "ID=alpine\n", "refuse"),
    ("podman", ["/usr/bin/podman"], "ID=debian\n", "check"),
    ("docker", ["/usr/bin/dockerd", "/etc/docker/"], "ID=ubuntu\n", "refuse"),
    ("docker", ["/usr/lib/systemd/system/docker.service", "/usr/lib/systemd/system/containerd.service"], "ID=ubuntu\n", "refuse"),
    ("nerdctl", ["/usr/local/bin/nerdctl", "/usr/local/lib/systemd/system/containerd.service"], "ID=ubuntu\n", "refuse"),
    ("containerd", ["/usr/local/bin/nerdctl", CONF], "ID=ubuntu\n", "edit"),
]


def tree(root, files, os_release=None):
    for name in files:
        name, content = name if isinstance(name, tuple) else (name, "")
        path = root / name.lstrip("/")
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(content)
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
    ids = set(re.findall(r'\.id = "([^"]+)"', table)) | set(re.findall(r'RANCHER_COMMON\("([^"]+)"', table))
    assert ids == {host for host, *_ in HOSTS}


@pytest.mark.parametrize("product, name", [("rke2", "RKE2"), ("k3s", "k3s")])
@pytest.mark.parametrize("files, moved, says", [
    ([("config.toml", 'version = 3\nimports = ["DIR/config-v3.toml.d/*.toml"]\n')], False, "--drop-in=DIR/config-v3.toml.d/tetragon.toml"),
    ([("config.toml", 'version = 2\nimports = ["DIR/config.toml.d/*.toml"]\n')], True, "--drop-in=DIR/config.toml.d/tetragon.toml"),
    ([("config.toml", "version = 3\n"), ("config-v3.toml.tmpl", "")], False, "DIR/config-v3.toml.tmpl, else"),
    ([("config.toml", "version = 2\n")], True, "Put a template beside it, DIR/config-v3.toml.tmpl"),
], ids=["drop-ins, version 3", "drop-ins, version 2", "template", "plain"])
def test_the_way_for_a_file_that_is_made_anew(tmp_path, product, name, files, moved, says):
    data = "/srv/x" if moved else f"/var/lib/rancher/{product}"
    folder = f"{data}/agent/etc/containerd"
    tree(tmp_path, [(f"{folder}/{file}", text.replace("DIR", folder)) for file, text in files])
    if moved:
        tree(tmp_path, [(f"/etc/rancher/{product}/config.yaml", "# data-dir: /no\n'data-dir': /srv/x\n")])
    found = json.loads(run("detect", "--json", f"--root={tmp_path}", status=1).stdout)
    assert (found["host"], found["name"], found["config"], found["reads"]) == (product, name, None, f"{folder}/config.toml")
    assert says.replace("DIR", folder) in found["advice"]


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
