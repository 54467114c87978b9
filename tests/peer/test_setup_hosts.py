# SPDX-License-Identifier: Apache-2.0
"""detect and verify on trees that look like hosts."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

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


@pytest.mark.parametrize("files, unit", [
    ([K3S + RANCHER], "k3s"), ([K3S + RANCHER, "/etc/systemd/system/k3s-agent.service"], "k3s-agent"),
    (["/usr/local/lib/systemd/system/rke2-server.service", "/usr/local/lib/systemd/system/rke2-agent.service"], "rke2-server"),
    ([RKE2 + RANCHER, "/usr/lib/systemd/system/rke2-agent.service"], "rke2-agent"), (["/etc/init.d/k0scontroller"], "k0scontroller"),
    ([CONF], "containerd"), (["/usr/bin/podman"], None),
])
def test_the_unit_is_the_one_that_is_there(tmp_path, files, unit):
    done = subprocess.run([SETUP, "detect", "--json", f"--root={tree(tmp_path, files)}"], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["unit"] == unit


def test_of_two_units_the_enabled_one_is_meant(tmp_path):
    """RKE2's package brings both."""
    tree(tmp_path, ["/usr/local/lib/systemd/system/rke2-server.service", "/usr/local/lib/systemd/system/rke2-agent.service",
                    "/etc/systemd/system/multi-user.target.wants/"])
    (tmp_path / "etc/systemd/system/multi-user.target.wants/rke2-agent.service").symlink_to("/usr/local/lib/systemd/system/rke2-agent.service")
    assert json.loads(run("detect", "--json", f"--root={tmp_path}", status=1).stdout)["unit"] == "rke2-agent"


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


@pytest.mark.parametrize("files, hooks", [
    (["/etc/crio/crio.conf"], ["/usr/share/containers/oci/hooks.d"]),
    ([("/etc/crio/crio.conf.d/01-a", '[crio.runtime]\nhooks_dir = ["/a", "/b"]\n')], ["/a", "/b"]),
    ([("/etc/crio/crio.conf", "nonsense")], ["/usr/share/containers/oci/hooks.d"]),
    (["/usr/bin/podman"], ["/usr/share/containers/oci/hooks.d"]),
    (["/usr/bin/podman", ("/etc/containers/containers.conf", '[engine]\nhooks_dir = ["/c"]\n')], ["/c"]),
    ([CONF], []),
], ids=["CRI-O", "CRI-O configured", "CRI-O broken", "podman", "podman configured", "containerd"])
def test_the_hooks_folders_that_are_told_are_those_in_force(tmp_path, files, hooks):
    assert json.loads(run("detect", "--json", f"--root={tree(tmp_path, files)}").stdout)["hooks"] == hooks


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


def break_registration_when(root):
    """For some containers only."""
    path = root / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json"
    path.write_text(path.read_text().replace('"always": true', '"always": true, "commands": ["x"]'))


def break_registration_stage(root):
    path = root / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json"
    path.write_text(re.sub(r'"stages": \[[^]]*', '"stages": ["poststop"', path.read_text()))


def break_environment(root):
    path = root / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json"
    content = json.loads(path.read_text())
    del content["hook"]["env"]
    path.write_text(json.dumps(content))


def break_hook_config(root):
    (root / "opt/tetragon/tetragon-oci-hook.json").write_text("{")


def break_binary_architecture(root):
    path = root / "opt/tetragon/tetragon-oci-hook"
    path.write_bytes(path.read_bytes()[:18] + b"\xb7\x00" + path.read_bytes()[20:])


def break_content(root):
    """Runs, and is not what was installed."""
    path = root / "opt/tetragon/tetragon-oci-hook"
    path.write_bytes(path.read_bytes() + b"x")


def break_agent(root):
    (root / "run/a.sock").unlink()


@pytest.mark.parametrize("what, check", [
    (break_binary_gone, "hook"), (break_binary_empty, "hook"), (break_binary_writable, "hook"), (break_binary_mode, "hook"),
    (break_registration, "registered"), (break_registration_path, "registered"),
    (break_registration_when, "registered"), (break_registration_stage, "registered"), (break_environment, "environment"),
    (break_hook_config, "hook config"), (break_agent, "agent"), (break_binary_architecture, "hook"), (break_content, "hook content"),
], ids=lambda value: getattr(value, "__name__", value))
def test_verify_finds_what_is_broken(healthy, what, check):
    what(healthy)
    checks = verify(healthy, 1, AGENT)
    assert not checks[check]["ok"] and checks[check]["evidence"] and checks[check]["todo"]


@pytest.mark.parametrize("option, check, why", [
    ("noexec", "hook", "mounted noexec"), ("ro", "log", "read-only"), ("nosuid", None, "mounted nosuid"),
])
def test_verify_on_a_file_system_of_that_kind(healthy, option, check, why):
    """A real mount over the hook's folder."""
    folder, kept = healthy / "opt/tetragon", healthy / "kept"
    shutil.copytree(folder, kept)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", f"remount,{option}", folder], check=True)
        checks = verify(healthy, 1 if check else 0, AGENT)
        assert {name for name, one in checks.items() if not one["ok"]} == ({check} if check else set()), checks
        assert why in checks[check or "hook"]["evidence"]
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("enforce, label, good, says", [
    ("1", "system_u:object_r:bin_t:s0", True, "bin_t"), ("1", "system_u:object_r:container_runtime_exec_t:s0", True, "exec_t"),
    ("1", "system_u:object_r:usr_t:s0", True, "usr_t"), ("1", "unconfined_u:object_r:user_home_t:s0", False, "user_home_t"),
    ("1", "system_u:object_r:container_file_t:s0:c1,c2", False, "container_file_t"), ("1", None, False, "unknown"),
    ("1", "nonsense", False, "nonsense"), ("0", "unconfined_u:object_r:user_home_t:s0", None, ""),
])
def test_verify_selinux(healthy, enforce, label, good, says):
    """The label is an extended attribute like any other where the kernel does not enforce."""
    tree(healthy, [("/sys/fs/selinux/enforce", enforce)])
    if label:
        os.setxattr(healthy / "opt/tetragon/tetragon-oci-hook", "security.selinux", label.encode() + b"\0")
    checks = verify(healthy, 1 if good is False else 0, AGENT)
    if good is None:
        assert "selinux" not in checks
        return
    assert checks["selinux"]["ok"] == good and says in checks["selinux"]["evidence"]
    assert bool(checks["selinux"]["todo"]) == (not good or "usr_t" in says)


def test_verify_json_is_the_screen(healthy):
    for breaks in (lambda root: None, break_environment, break_agent, break_binary_gone):
        breaks(healthy)
        status = 0 if breaks.__name__ == "<lambda>" else 1
        rows = json.loads(run("verify", "--json", f"--root={healthy}", AGENT, status=status).stdout)
        lines = [f"{'✓' if row['ok'] else '✗'} {row['check']:<14} {row['evidence']}{'; ' + row['todo'] if row['todo'] else ''}" for row in rows]
        shown = run("verify", f"--root={healthy}", AGENT, status=status).stdout.splitlines()
        assert shown == [*lines, f"the gate is {'open' if status else 'closed'}"]


def test_verify_compares_with_what_was_installed(healthy):
    """Where no hook lies to compare with, by the sum in the registration; without one that is told, and no more."""
    content = verify(healthy, 0, AGENT)["hook content"]
    assert content["ok"] and hashlib.sha256(pathlib.Path(HOOK).read_bytes()).hexdigest() in content["evidence"]
    path = healthy / "usr/share/containers/oci/hooks.d/tetragon-oci-hook.json"
    registered = json.loads(path.read_text())
    assert len(registered["hook"]["env"]) == 2
    del registered["hook"]["env"][1]
    path.write_text(json.dumps(registered))
    content = verify(healthy, 0, AGENT)["hook content"]
    assert content["ok"] and "nothing to compare" in content["evidence"] and "--local-binary" in content["todo"]


@pytest.mark.parametrize("files, read", [
    ([], True),
    ([("/etc/containers/containers.conf", '[engine]\nhooks_dir = ["/etc/other"]\n')], False),
    ([("/etc/containers/containers.conf", '[engine]\nhooks_dir = ["/etc/other"]\n'),
      ("/etc/containers/containers.conf.d/10-a.conf", '[engine]\nhooks_dir = ["/x", "/usr/share/containers/oci/hooks.d"]\n')], True),
    ([("/usr/share/containers/containers.conf", '[engine]\nhooks_dir = ["/etc/other"]\n'),
      ("/etc/containers/containers.conf.d/10-a.conf", '[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d", {append = true}]\n')], True),
    ([("/etc/containers/containers.conf.d/10-a.txt", '[engine]\nhooks_dir = ["/etc/other"]\n')], True),
], ids=["default", "elsewhere", "last file", "appended", "other ending"])
def test_verify_reads_the_hooks_folders_of_podman(healthy, files, read):
    tree(healthy, files)
    assert verify(healthy, int(not read), AGENT)["registered"]["ok"] == read


def test_podman_does_not_read_etc_unless_told(healthy):
    shutil.move(healthy / "usr/share/containers/oci", healthy / "etc/containers/oci")
    assert not verify(healthy, 1, AGENT)["registered"]["ok"]


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


NRI = '[plugins."io.containerd.nri.v1.nri"]\n'


@pytest.mark.parametrize("root, imported, wrong", [
    ('imports = ["conf.d/*.toml"]\n', {"conf.d/a.toml": NRI + "disable = true\n"}, {"nri config": "conf.d/a.toml"}),
    ('imports = ["conf.d/*.toml"]\n', {"conf.d/a.toml": NRI + "disable = true\n", "conf.d/b.toml": NRI + "disable = false\n"}, {}),
    ('imports = ["/etc/containerd/a.toml"]\n', {"a.toml": 'imports = ["b.toml", "/etc/containerd/config.toml"]\n', "b.toml": NRI + "disable = true\n"},
     {"nri config": "/etc/containerd/b.toml"}),
    ('imports = ["a.toml"]\n', {"a.toml": "disabled_plugins = ['io.containerd.nri.v1.nri']\n" + NRI + "disable = false\n"},
     {"nri config": "disabled_plugins of /etc/containerd/a.toml"}),
    ('imports = ["a.toml"]\n', {"a.toml": VALIDATOR + "reject_oci_hook_adjustment = true\n"}, {"nri validator": "refuses"}),
    ('imports = ["a.toml"]\n', {"a.toml": NRI + "socket_path = '/nowhere'\n"}, {"nri socket": "/nowhere"}),
    ('imports = ["a.toml"]\n', {}, {"configuration": "does not start"}),
    ('imports = ["a.toml"]\n', {"a.toml": "x = \n"}, {"configuration": "a.toml: line 1"}),
    ('imports = ["conf.*/a.toml"]\n', {}, {"configuration": "--validate"}),
    ('imports = ["conf.d/*.toml"]\n', {"conf.d/a.txt": NRI + "disable = true\n"}, {}),
], ids=["folder", "the last wins", "level by level", "disabled for good", "validator", "socket", "missing", "no TOML", "pattern of folders",
        "other ending"])
def test_verify_follows_imports(healthy, root, imported, wrong):
    path = containerd_host(healthy, "version = 3\n" + root)
    path.write_text(CONNECTED)
    tree(healthy / "etc/containerd", [(name, text) for name, text in imported.items()])
    checks = verify(healthy, 1 if wrong else 0, AGENT)
    assert {name for name, check in checks.items() if not check["ok"]} == set(wrong), checks
    for name, text in wrong.items():
        assert text in checks[name]["evidence"]


def test_a_hook_that_is_elsewhere(tmp_path):
    """On Container-Optimized OS nothing can lie in the usual folder: where it belongs is told."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=cos\n")
    (tmp_path / "home/kubernetes").mkdir(parents=True)
    found = json.loads(subprocess.run([SETUP, "verify", "--json", f"--root={tmp_path}"], capture_output=True).stdout)
    hook = next(check for check in found if check["check"] == "hook")
    assert "--host-install-dir" in hook["todo"] and "/home/kubernetes/bin/tetragon" in hook["todo"]


def test_a_containerd_without_a_file_has_its_defaults(healthy):
    """Some packages bring none; with 2.x the gate can be closed all the same."""
    containerd_host(healthy, "").write_text(CONNECTED)
    (healthy / "etc/containerd/config.toml").unlink()
    (healthy / "var/lib/kubelet").mkdir(parents=True)
    (healthy / "var/lib/kubelet/config.yaml").write_text("containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n")
    checks = verify(healthy, 0, AGENT)
    assert "defaults" in checks["configuration"]["evidence"] and checks["nri socket"]["ok"]
    wrong = verify(healthy, 1, AGENT, "--config-file=/etc/containerd/confg.toml")["configuration"]
    assert not wrong["ok"] and "--config-file" in wrong["todo"]


def test_each_handler_needs_the_hook(healthy):
    handler = '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.{}]\n'
    spec = "base_runtime_spec = '/spec.json'\n"
    containerd_host(healthy, "version = 3\nimports = ['a.toml']\n" + handler.format("runc") + spec + handler.format("crun"))
    tree(healthy, [("/spec.json", json.dumps({"hooks": {"createRuntime": [{"path": "/opt/tetragon/tetragon-oci-hook"}]}})),
                   ("/etc/containerd/a.toml", "")])
    registered = verify(healthy, 1, AGENT)["registered"]
    assert not registered["ok"] and registered["evidence"].endswith(": crun")
    # Another file may give it its spec; a sandbox has no use for one.
    (healthy / "etc/containerd/a.toml").write_text("version = 3\n" + handler.format("crun") + spec)
    assert verify(healthy, 0, AGENT)["registered"]["ok"]
    (healthy / "etc/containerd/a.toml").write_text("version = 3\n" + handler.format("crun") + "runtime_type = 'io.containerd.runsc.v1'\n")
    assert verify(healthy, 0, AGENT)["registered"]["ok"]


def test_direct_mode_needs_no_hook(healthy):
    path = containerd_host(healthy, VALIDATOR + "reject_oci_hook_adjustment = true\n")
    (healthy / "opt/tetragon/tetragon-oci-hook").unlink()
    path.write_text(CONNECTED.replace("inject", "direct"))
    checks = verify(healthy, 0, AGENT)
    assert "mode direct" in checks["hook"]["evidence"] and "hook content" not in checks
    path.write_text(CONNECTED)
    assert not verify(healthy, 1, AGENT)["hook"]["ok"]
    path.write_text(LOST.replace("inject", "direct"))
    assert not verify(healthy, 1, AGENT)["hook"]["ok"]


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
    if status == CONNECTED:
        assert "connected since 2026-01-01T00:00:00.000Z, mode inject" in checks["registered"]["evidence"]


def test_what_others_wrote_makes_no_line_of_its_own(healthy):
    path = containerd_host(healthy, "version = 3\n")
    path.write_text(LOST.replace("the runtime", "gone\\n\u2713 agent          fine"))
    shown = run("verify", f"--root={healthy}", AGENT, status=1).stdout.splitlines()
    assert [line for line in shown if line.startswith("\u2713 agent")] == ["\u2713 agent          /run/a.sock answers the door"]


def test_verify_wants_the_plugin_required_when_told_so(healthy):
    path = containerd_host(healthy, "version = 3\n")
    path.write_text(CONNECTED)
    required = verify(healthy, 0, AGENT)["nri required"]
    assert "not required" in required["evidence"] and "--require-plugin=NAME" in required["todo"]
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
    tree(healthy, ["/var/run/tetragon/", "/var/run/nri/nri.sock"])
    (healthy / "var/run/tetragon/nri-hook.json").write_text(CONNECTED)
    assert verify(healthy, 0, AGENT)["registered"]["ok"]
    (conf / "crio.conf.d/30-c").write_text("nonsense")
    assert not verify(healthy, 1, AGENT)["configuration"]["ok"]


@pytest.mark.parametrize("nri, wrong", [
    ("", {}), ("enable_nri = true\n", {}), ("enable_nri = false\n", {"nri config": "disabled"}), ('nri_listen = "/x"\n', {"nri socket": "/x"}),
    ("[crio.nri.default_validator]\nnri_validator_reject_oci_hook_adjustment = true\n", {"nri validator": "refuses"}),
    ('[crio.nri.default_validator]\nnri_validator_required_plugins = ["tetragon"]\n', {"nri required": "not enabled"}),
    ('[crio.nri.default_validator]\nnri_enable_default_validator = true\nnri_validator_required_plugins = ["tetragon"]\n', {}),
], ids=["nothing said", "on", "off", "elsewhere", "refuses hooks", "half required", "required"])
def test_verify_nri_of_crio(healthy, nri, wrong):
    shutil.rmtree(healthy / "usr/bin")
    break_registration(healthy)
    tree(healthy, ["/etc/crio/crio.conf", ("/etc/crio/crio.conf.d/10-nri.conf", "[crio.nri]\n" + nri), "/var/run/nri/nri.sock",
                   ("/var/run/tetragon/nri-hook.json", CONNECTED)])
    checks = verify(healthy, 1 if wrong else 0, AGENT)
    assert {name for name, check in checks.items() if not check["ok"]} == set(wrong), checks
    for name, text in wrong.items():
        assert text in checks[name]["evidence"]
    assert checks["registered"]["ok"]


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


@pytest.fixture
def crio_host(tmp_path):
    """A process whose program is called crio, with a configuration of its own, in process and mount namespaces of its own."""
    program, conf, hooks = tmp_path / "crio", tmp_path / "crio.conf", tmp_path / "hooks.d"
    shutil.copy("/bin/busybox", program)
    hooks.mkdir()
    conf.write_text(f'[crio.runtime]\nhooks_dir = ["{hooks}"]\n')
    (tmp_path / "bin").mkdir()
    run("install", f"--local-binary={HOOK}", f"--local-install-dir={tmp_path}/bin", f"--host-install-dir={tmp_path}/bin", f"--oci-hooks.local-dir={hooks}",
        "hook-args", "--disable-grpc")
    time.sleep(0.05)

    os.mkfifo(tmp_path / "pipe")

    def check(between):
        script = (f"(exec -a sh {program} -c 'read x' sh --config {conf}) <{tmp_path}/pipe & exec 9>{tmp_path}/pipe; sleep 0.1; {between}; "
                  f"{SETUP} verify --json --host-install-dir={tmp_path}/bin 2>/dev/null; exec 9>&-")
        done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "bash", "-c", script], capture_output=True, text=True, timeout=60)
        return {row["check"]: row for row in json.loads(done.stdout)}

    return check, conf, hooks


def test_crio_looks_only_where_it_looked_at_its_start(crio_host):
    check, conf, hooks = crio_host
    checks = check("true")
    assert checks["host"]["ok"] and "crio" in checks["host"]["evidence"] and checks["registered"]["ok"] and checks["restarted"]["ok"], checks
    # A file in a folder that was there is seen; one that names other folders, or a folder that is new, is not.
    assert check(f"touch {hooks}/other.json")["restarted"]["ok"]
    restarted = check(f"touch {conf}")["restarted"]
    assert not restarted["ok"] and "crio.conf, which names hooks_dir" in restarted["evidence"] and "restart crio" in restarted["todo"]
    restarted = check(f"cp -r {hooks} {hooks}2; rm -r {hooks}; mv {hooks}2 {hooks}")["restarted"]
    assert not restarted["ok"] and "was made after CRI-O" in restarted["evidence"]
