# SPDX-License-Identifier: Apache-2.0
"""The hook for aarch64, cross-compiled by scripts/build-arm64 and run by qemu-user-static: the same decisions, the same bytes."""
import json
import pathlib
import shutil
import subprocess

import pytest

import hook_bed
from hook_bed import CID, UID, Agent, Bed, containerd_spec

TOP = pathlib.Path(__file__).resolve().parents[2]
QEMU = "qemu-aarch64-static"


@pytest.fixture(scope="session")
def arm64_hook():
    for command in (["scripts/deps", "arm64"], ["scripts/build-arm64"]):
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return TOP / "build" / "bin" / "arm64" / "tetragon-oci-hook"


class ArmBed(Bed):
    def command(self, *flags, **more):
        return [shutil.which(QEMU), *super().command(*flags, **more)]


@pytest.fixture
def bed(tmp_path, arm64_hook):
    return ArmBed(tmp_path, arm64_hook)


def test_it_is_a_small_static_program_for_aarch64(arm64_hook):
    head = arm64_hook.read_bytes()[:20]
    assert head[:6] == b"\x7fELF\x02\x01" and head[18:20] == b"\xb7\x00"
    assert "INTERP" not in subprocess.run(["readelf", "-l", arm64_hook], capture_output=True, text=True).stdout
    assert arm64_hook.stat().st_size <= 450 * 1024


def test_questions(bed):
    for argument, text in (("--help", "Usage: tetragon-oci-hook"), ("--version", "tetragon-oci-hook "), ("--just-print-config", '"grpc_timeout": "10s"')):
        done = subprocess.run([QEMU, bed.program, argument], capture_output=True, text=True)
        assert done.returncode == 0 and text in done.stdout, done
    done = subprocess.run([QEMU, bed.program, "--eval-cel", "'\u00e4\u00f6'.matches('^\\\\pL{2}$') && 1.5 / 2.0 == 0.75 && duration('1h') > duration('59m')"],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "true\n"), done


@pytest.mark.parametrize("name", hook_bed.fixture_names())
def test_what_real_runtimes_write(bed, api, name):
    folder = hook_bed.FIXTURES / name
    bed.write((folder / "config.json").read_bytes())
    state = json.loads((folder / "state.json").read_text())
    state["bundle"] = str(bed.bundle)
    with Agent(api, f"unix:{bed.socket}") as agent:
        assert bed.run(state=json.dumps(state).encode()).code == 0
        assert (agent.container.podName, agent.container.containerID) == ("web-0", state["id"])


def test_decisions(bed, api):
    assert bed.run(timeout="300ms").code == 1
    assert bed.run("--fail-allow-namespaces-regex=^tenant-", timeout="300ms").code == 0
    assert bed.run("--fail-cel-expr=namespace != 'tenant-a'", timeout="300ms").code == 0
    assert bed.run("--fail-cel-expr=namespace == 'tenant-a'", timeout="300ms").code == 1
    assert list(bed.records()) == [f"{CID}.json"]
    bed.write(containerd_spec(namespace="kube-system", uid=UID.replace("1", "9")))
    assert "forged identity" in bed.run().err
    bed.write(b'{"annotations":{"a":"x\xff\xc3\xa4"},"linux":{"cgroupsPath":"/c"}}')
    with Agent(api, f"unix:{bed.socket}") as agent:
        assert bed.run().code == 0
        assert dict(agent.container.annotations) == {"a": "x\ufffd\u00e4"}
