# SPDX-License-Identifier: Apache-2.0
"""What set-up makes of containerd daemons that run. Each test has process and mount namespaces of its own, in which no other
daemon is seen; all in it ends with its first process."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

import containerd_bed
from bed import BIN

SETUP = os.environ.get("SETUP_PROGRAM", str(BIN / "tetragon-oci-hook-setup"))
CONF = """version = 2
root = "{dir}/root"
state = "{dir}/state"
disabled_plugins = [{disabled}]
[grpc]
  address = "{dir}/s"
[ttrpc]
  address = "{dir}/t"
[plugins."io.containerd.internal.v1.opt"]
  path = "{dir}/opt"
[plugins."io.containerd.nri.v1.nri"]
  disable = false
  socket_path = "{nri}"
  plugin_path = "{dir}/plugins"
  plugin_config_path = "{dir}/conf.d"
"""


class Bed:
    """A shell in namespaces of its own, to which lines are written; daemons are started by it."""

    def __init__(self, folder):
        self.folder = folder
        self.shell = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

    def run(self, line, status=0):
        self.shell.stdin.write(f"{line}\necho \"--end $?\"\n")
        text = ""
        for out in self.shell.stdout:
            if out.startswith("--end "):
                assert status is None or int(out[6:]) == status, text
                return text
            text += out
        raise AssertionError(f"the shell ended\n{text}")

    def own(self, folder):
        """From now on `folder` is this shell's own: changes are seen in here alone."""
        self.run(f"d=$(mktemp -d -p {self.folder}) && mount -t tmpfs tmpfs $d && mkdir $d/u $d/w && "
                 f"mount -t overlay overlay -o lowerdir={folder},upperdir=$d/u,workdir=$d/w {folder}")

    def config(self, name, nri=None, disabled=""):
        """Writes a configuration into a folder of that name, gives its path."""
        where = self.folder / name
        where.mkdir(parents=True, exist_ok=True)
        path = where / "config.toml"
        path.write_text(CONF.format(dir=where, nri=nri or f"{where}/nri.sock", disabled=disabled))
        return path

    def daemon(self, version, config, arguments=None, program=None):
        """Starts containerd; its process id within the namespace."""
        program = program or containerd_bed.CACHE / version / "containerd"
        socket = f"{config.parent}/s"
        pid = self.run(f"{program} {arguments or f'-c {config}'} >{config.parent}/log 2>&1 </dev/null & echo $!").strip()
        end = time.monotonic() + 20
        while not os.path.exists(socket):
            assert time.monotonic() < end, pathlib.Path(f"{config.parent}/log").read_text()
            time.sleep(0.02)
        return int(pid)

    def detect(self, *more):
        """What it found; only its complaint where it found nothing."""
        text = self.run(f"{SETUP} detect --json {' '.join(more)}", None)
        return json.loads(text[:text.rindex("}") + 1]) if text.startswith("{") else text

    def verify(self, config, *more):
        text = self.run(f"{SETUP} verify --json --config-file={config} {' '.join(more)} 2>/dev/null", None)
        return {check["check"]: check for check in json.loads(text)}

    def verify_until(self, config, good, check="nri socket"):
        """NRI's socket comes a moment after containerd's own."""
        end = time.monotonic() + 10
        while (checks := self.verify(config))[check]["ok"] != good and time.monotonic() < end:
            time.sleep(0.05)
        return checks

    def close(self):
        self.shell.stdin.close()
        self.shell.wait(20)
        self.shell.stdout.close()


@pytest.fixture
def bed(folder, images):
    bed = Bed(folder)
    yield bed
    bed.close()


@pytest.mark.parametrize("version", containerd_bed.VERSIONS)
def test_a_daemon_that_runs_outranks_files(bed, version):
    config = bed.config("a")
    without = bed.detect()
    pid = bed.daemon(version, config)
    found = bed.detect()
    assert (found["host"], found["action"], found["config"], found["pid"]) == ("containerd", "edit", str(config), pid)
    assert found["program"].endswith(f"{version}/containerd") and str(pid) in found["marker"]
    # Files alone, when they are asked for.
    assert bed.detect("--root=/") == without
    bed.run(f"kill {pid}; wait {pid}", None)
    assert bed.detect() == without


@pytest.mark.parametrize("form", ["--config={}", "--config {}", "-c {}", "-c={}", "--log-level info --config {} --log-level=info"])
def test_each_way_to_name_a_configuration(bed, form):
    config = bed.config("a")
    bed.daemon("2.3.4", config, form.format(config))
    assert bed.detect()["config"] == str(config)


def test_a_relative_name_is_seen_from_where_the_daemon_is(bed):
    config = bed.config("a")
    bed.run(f"cd {config.parent}")
    bed.daemon("2.3.4", config, "-c config.toml")
    bed.run("cd /")
    assert bed.detect()["config"] == str(config)


def test_k3s_is_told_by_its_daemon(bed):
    """Also where its data folder was moved, and by the file that its containerd was given."""
    config = bed.config("data/agent/etc/containerd")
    program = bed.folder / "data/data/0123/bin/k3s"
    program.parent.mkdir(parents=True)
    shutil.copy(containerd_bed.CACHE / "2.3.4/containerd", program)
    (program.parent / "containerd").symlink_to("k3s")
    bed.daemon("2.3.4", config, f"-c {config} -a {config.parent}/s --state {config.parent}/state", program=program.parent / "containerd")
    found = bed.detect()
    assert (found["host"], found["reads"], found["config"]) == ("k3s", str(config), None)
    assert f"{bed.folder}/data/agent/etc/containerd/config-v3.toml.tmpl" in found["advice"]
    # A drop-in beside the named file is read when k3s' own unit is restarted, not containerd's.
    (config.parent / "config-v3.toml.d").mkdir()
    config.write_text('imports = ["config-v3.toml.d/*.toml"]\n' + config.read_text())
    enable = f"{SETUP} patch-containerd-conf enable-nri --drop-in={config.parent}/config-v3.toml.d/x.toml --backup-dir={bed.folder}/b"
    assert "restarted\" unit=k3s" in bed.run(f"{enable} --config-file={config}")


def test_several_daemons_are_named_and_the_kubelet_chooses(bed):
    one, two = bed.config("a"), bed.config("b")
    first = bed.daemon("1.7.27", one, f"-c {one} -a {one.parent}/s")
    second = bed.daemon("2.3.4", two, f"--config={two} --address {two.parent}/s")
    said = bed.detect()
    for text in (str(first), str(second), str(one), str(two), "1.7.27/containerd", "--config-file"):
        assert text in said
    bed.own("/var/lib")
    bed.run("mkdir -p /var/lib/kubelet")
    bed.run(f"echo 'KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix://{two.parent}/s\"' >/var/lib/kubelet/kubeadm-flags.env")
    assert bed.detect()["config"] == str(two)
    # The kubelet that runs outranks its files.
    shutil.copy("/bin/busybox", bed.folder / "kubelet")
    bed.run("set -m; mkfifo /var/lib/p")
    kubelet = bed.run(f"(exec bash -c \"exec -a sh {bed.folder}/kubelet -c 'read x' sh --container-runtime-endpoint={one.parent}/s\") "
                      "</var/lib/p >/dev/null & exec 9>/var/lib/p; k=$!; sleep 0.3; echo $k").strip()
    assert bed.detect()["config"] == str(one)
    bed.run(f"exec 9>&-; wait {kubelet}", None)
    # So do the patch commands, unless they are told.
    assert "nothing to do" in bed.run(f"{SETUP} patch-containerd-conf enable-nri --dry-run")
    bed.run("rm /var/lib/kubelet/kubeadm-flags.env")
    said = bed.run(f"{SETUP} patch-containerd-conf enable-nri --dry-run", 1)
    assert str(one) in said and str(two) in said and "--config-file" in said
    assert "nothing to do" in bed.run(f"{SETUP} patch-containerd-conf enable-nri --dry-run --config-file={one}")


def test_a_host_that_is_no_place_for_hooks_stays_so(bed):
    """Rancher Desktop runs k3s' containerd, with a file that it makes anew."""
    bed.own("/etc")
    bed.run("mkdir -p /etc/rancher/desktop")
    assert bed.detect()["host"] == "rancher-desktop"
    pid = bed.daemon("2.3.4", bed.config("data/agent/etc/containerd"))
    found = bed.detect()
    assert (found["host"], found["action"], found["pid"]) == ("rancher-desktop", "refuse", pid)


def test_a_users_own_daemon_starts_no_pods(bed):
    config = bed.config("a")
    without = bed.detect()
    bed.folder.chmod(0o755)
    shutil.copy("/bin/busybox", bed.folder / "containerd")
    pid = bed.run(f"(exec setpriv --reuid=65534 bash -c \"exec -a sh {bed.folder}/containerd -c 'while :; do sleep 1; done' sh --config {config}\") "
                  ">/dev/null & k=$!; sleep 0.3; echo $k").strip()
    assert bed.run(f"readlink /proc/{pid}/exe").strip() == str(bed.folder / "containerd")
    assert bed.detect() == without


def test_what_runs_in_a_container_is_not_this_hosts(bed):
    config = bed.config("a")
    without = bed.detect()
    bed.run(f"unshare --pid --fork --kill-child {containerd_bed.CACHE}/2.3.4/containerd -c {config} >{bed.folder}/log 2>&1 </dev/null &")
    while not os.path.exists(f"{config.parent}/s"):
        time.sleep(0.02)
    assert bed.detect() == without


@pytest.mark.parametrize("version", containerd_bed.VERSIONS)
def test_verify_knows_what_the_daemon_was_started_with(bed, version):
    config = bed.config("a")
    drop_in = bed.folder / "a/conf.d/x.toml"
    drop_in.parent.mkdir()
    config.write_text('imports = ["conf.d/*.toml"]\n' + config.read_text())
    time.sleep(0.05)
    pid = bed.daemon(version, config)
    checks = bed.verify_until(config, True)
    assert checks["restarted"]["ok"] and str(pid) in checks["restarted"]["evidence"], checks
    assert checks["nri socket"]["ok"] and f"process {pid} " in checks["nri socket"]["evidence"]
    assert "one daemon" not in checks
    # A drop-in behind its back counts as much as the file itself.
    drop_in.write_text("version = 2\n")
    checks = bed.verify(config)
    assert not checks["restarted"]["ok"] and str(drop_in) in checks["restarted"]["evidence"] and "systemctl restart" in checks["restarted"]["todo"]
    bed.run(f"kill {pid}; wait {pid}", None)
    bed.run(f"rm -f {bed.folder}/a/s")
    bed.daemon(version, config)
    assert bed.verify(config)["restarted"]["ok"]


def test_two_runtimes_on_one_nri_socket(bed):
    """The one that came last has it; for the pods of the other no plugin is asked."""
    nri = bed.folder / "nri.sock"
    one, two = bed.config("a", nri), bed.config("b", nri)
    first = bed.daemon("2.1.5", one)
    assert bed.verify_until(one, True)["nri socket"]["ok"]
    second = bed.daemon("2.3.4", two)
    checks = bed.verify_until(one, False)
    assert not checks["nri socket"]["ok"] and not checks["one daemon"]["ok"]
    assert f"belongs to process {second} " in checks["nri socket"]["evidence"] and f"process {first} " in checks["nri socket"]["evidence"]
    assert "socket_path" in checks["nri socket"]["todo"]
    assert bed.verify(two)["nri socket"]["ok"]
    # Its file stays when a daemon is killed, and nobody listens.
    bed.run(f"kill -9 {first} {second}; wait", None)
    checks = bed.verify(two)
    assert nri.exists() and not checks["nri socket"]["ok"] and "nobody listens" in checks["nri socket"]["evidence"]


def test_verify_takes_the_socket_that_the_configuration_names(bed):
    config = bed.config("a")
    assert f"{config.parent}/nri.sock is not there" in bed.verify(config)["nri socket"]["evidence"]
    assert "/other is not there" in bed.verify(config, "--nri-hook.socket=/other")["nri socket"]["evidence"]


@pytest.mark.parametrize("version", containerd_bed.VERSIONS)
def test_disabled_plugins_beats_disable(bed, version):
    """`config dump` still prints the section with disable = false; the list and the socket tell, with containerd's own word and without."""
    config = bed.config("a", disabled='"io.containerd.nri.v1.nri"')
    bed.daemon(version, config)
    for more in ((), (f"--validate={containerd_bed.CACHE}/{version}/containerd",)):
        checks = bed.verify(config, *more)
        assert not checks["nri config"]["ok"] and "disabled_plugins" in checks["nri config"]["evidence"], checks
        assert not checks["nri socket"]["ok"]
