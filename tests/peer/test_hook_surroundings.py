# SPDX-License-Identifier: Apache-2.0
"""The hook among hostile or broken surroundings: what it is given, where it lies, what it inherits."""
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from hook_bed import CID, UID, Agent, Bed, containerd_spec, raw_server


@pytest.fixture
def bed(tmp_path, hook_bin):
    return Bed(tmp_path, hook_bin)


@pytest.fixture
def agent(api, bed):
    with Agent(api, f"unix:{bed.socket}") as server:
        yield server


def is_static(program):
    return subprocess.run(["readelf", "-l", program], capture_output=True, text=True).stdout.find("INTERP") < 0


# --- the state on standard input

@pytest.mark.parametrize("state", [b"", b" \n", b"{}", b'{"id":"x","bundle":null}'])
def test_without_a_bundle_in_the_state_it_is_the_current_directory(bed, agent, state):
    assert bed.run(state=state).code == 0
    assert agent.container.rootDir == str(bed.bundle / "rootfs")


def test_closed_standard_input_is_no_state(bed, agent):
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *bed.command()], cwd=bed.bundle, capture_output=True)
    assert done.returncode == 0, done
    assert agent.container.containerID == CID


def test_the_images_own_config_json_is_never_taken(bed, agent):
    (bed.bundle / "rootfs" / "config.json").write_text(json.dumps(containerd_spec(namespace="kube-system")))
    spec = containerd_spec()
    spec["root"]["path"] = str(bed.bundle / "rootfs")
    (bed.bundle / "rootfs" / "config.json").write_text(json.dumps(spec))
    done = bed.run(state=b"", cwd=bed.bundle / "rootfs")
    assert done.code == 1 and "lies in the container's root" in done.err, done
    (bed.bundle / "rootfs" / "config.json").unlink()
    done = bed.run(state=b"", cwd=bed.bundle / "rootfs")  # and its parent's is not searched for
    assert done.code == 1 and "failed to find spec file" in done.err, done
    line = bed.line("fail to find spec file")
    assert line["level"] == "ERROR" and line["paths"] == [f"{bed.bundle}/rootfs/config.json"]
    assert line["cwd"] == str(bed.bundle / "rootfs")
    assert not agent.requests


@pytest.mark.parametrize("state", [
    b"{", b"[]", b"null", b'{"bundle":"relative"}', b'{"bundle":5}', b'{"bundle":"/a","bundle":"/b"}', b"\xff" * 100,
    b'{"bundle":"/nowhere/at/all"}', b"[" * 100000, b'{"bundle":"/' + b"a" * 70000 + b'"}', b'{"a":"' + b"x" * (1 << 20) + b'"}'])
def test_a_broken_state_is_never_tolerated(bed, agent, state):
    bed.write(containerd_spec(namespace="kube-system"))
    done = bed.run(state=state)
    assert done.code == 1 and done.err.startswith("failing container: "), done
    assert bed.messages()[-1] == "failing container"
    assert not agent.requests and not bed.records()


def test_waiting_for_the_state_counts_in_the_deadline(bed, agent):
    child = bed.start(timeout="500ms")
    began = time.monotonic()
    child.stdin.write(b'{"id":')
    child.stdin.flush()
    assert child.wait(10) == 1 and time.monotonic() - began < 5
    assert b"no complete OCI state" in child.stderr.read()
    child.stdin.close(), child.stdout.close(), child.stderr.close()


def test_a_runtime_that_leaves_the_pipe_open_waits_for_nothing(bed, agent):
    child = bed.start(timeout="20s")
    child.stdin.write(bed.state())
    child.stdin.flush()
    assert child.wait(10) == 0
    child.stdin.close(), child.stdout.close(), child.stderr.close()


# --- config.json

def deep(n):
    return '{"annotations":' + '{"a":' * n + "1" + "}" * n + "}"


BROKEN = {
    "empty": b"", "blank": b"\n", "null": b"null", "array": b"[]", "text": b'"x"', "cut": json.dumps(containerd_spec())[:-20],
    "garbage behind": json.dumps(containerd_spec()) + "x", "binary": bytes(range(256)), "deep": deep(200),
    "deep array": "[" * 500000, "two linux": '{"linux":{"cgroupsPath":"/a"},"linux":{"cgroupsPath":"/b"}}',
    "two linux, escaped": '{"linux":{"cgroupsPath":"/a"},"\\u006cinux":{"cgroupsPath":"/b"}}',
    "annotation twice": '{"annotations":{"a":"1","a":"2"}}', "annotation no text": '{"annotations":{"a":1}}',
    "annotations a list": '{"annotations":["a"]}', "linux a text": '{"linux":"x"}', "root a text": '{"root":"/"}',
    "NUL in the path": '{"linux":{"cgroupsPath":"/a\\u0000/b"}}', "mounts an object": '{"mounts":{}}',
    "many annotations": '{"annotations":{' + ",".join(f'"k{n}":""' for n in range(5000)) + "}}",
    "huge": b" " * (4 << 20) + b"{}  ",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_spec_is_told_and_never_tolerated(bed, agent, name):
    bed.write(BROKEN[name])
    done = bed.run()
    assert done.code == 1 and f"{bed.bundle}/config.json" in done.err and done.seconds < 5, done
    line = bed.line("failed to read spec file")
    assert line["level"] == "WARN" and line["name"] == f"{bed.bundle}/config.json" and line["error"]
    assert bed.line("failing container")["should-fail"] == "failCheck determined that we should fail"
    assert not agent.requests


def test_a_spec_cut_anywhere_is_broken(bed, agent):
    text = json.dumps(containerd_spec())
    for at in range(0, len(text), 37):
        bed.write(text[:at])
        assert bed.run().code == 1, at
    assert not agent.requests


@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory", "group", "world", "foreign"])
def test_only_roots_own_regular_file_is_a_spec(bed, agent, kind):
    path = bed.bundle / "config.json"
    elsewhere = bed.folder / "elsewhere.json"
    path.rename(elsewhere)
    if kind == "symlink":
        path.symlink_to(elsewhere)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        elsewhere.rename(path)
        path.chmod({"group": 0o664, "world": 0o646, "foreign": 0o644}[kind])
        if kind == "foreign":
            os.chown(path, 1000, 1000)
    done = bed.run()
    assert done.code == 1 and done.seconds < 5, done
    assert not agent.requests


@pytest.mark.parametrize("spec, cgroup, root", [
    ({}, "", ""),
    ({"root": None, "linux": None, "annotations": None, "mounts": None}, "", ""),
    ({"root": {"path": "/abs/root"}, "linux": {"cgroupsPath": "/x/y"}}, "/x/y", "/abs/root"),
    ({"linux": {"cgroupsPath": ":runc:x"}}, "/system.slice/runc-x.scope", ""),
    ({"linux": {"cgroupsPath": "a-b.slice:cri:x"}}, "/a.slice/a-b.slice/cri-x.scope", ""),
    ({"linux": {"cgroupsPath": "nonsense"}}, "", "")])
def test_a_thin_spec_is_still_asked_for(bed, agent, spec, cgroup, root):
    bed.write(spec)
    assert bed.run().code == 0
    assert (agent.container.cgroupsPath, agent.container.rootDir) == (cgroup, root)
    assert ("error getting cgroup path" in bed.messages()) == (cgroup == "")


def test_malformed_utf8_reaches_the_agent_as_replacement_characters(bed, agent):
    bed.write(b'{"annotations":{"a":"x\xffy"},"linux":{"cgroupsPath":"/c"}}')
    assert bed.run().code == 0
    assert dict(agent.container.annotations) == {"a": "x\ufffdy"}


def test_values_cannot_forge_a_log_line(bed, agent):
    spec = containerd_spec()
    spec["annotations"]["io.kubernetes.cri.container-name"] = 'x"}\n{"level":"ERROR","msg":"forged\x1b[2J' + "y" * 100000
    bed.write(spec)
    assert bed.run().code == 0
    line, = bed.lines()
    assert line["msg"] == "hook request to agent succeeded" and len(line["req-containerName"]) < 2000


# --- command line and configuration file

def test_arguments(bed):
    assert bed.run(hook="createContainer").code == 0
    line, = bed.lines()
    assert list(line) == ["time", "level", "msg", "hook"] and (line["msg"], line["hook"]) == ("nothing to do", "createContainer")
    assert bed.run(hook="poststop").code == 0 and len(bed.lines()) == 1


def run(bed, *arguments):
    return subprocess.run([bed.program, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=bed.folder)


@pytest.mark.parametrize("arguments, text", [
    ([], "no hook name"), (["createRuntime", "poststop"], "more than one hook name"), (["--nonsense", "poststop"], "nonsense"),
    (["--grpc-timeout", "poststop"], "grpc-timeout"), (["--grpc-timeout=5", "poststop"], "grpc-timeout"),
    (["--grpc-adress=x", "poststop"], "grpc-address"), (["--runtime=rkt", "poststop"], "unknown runtime 'rkt'"),
    (["--log-fname=/dev/null", "createruntime"], "did you mean 'createRuntime'?")])
def test_wrong_usage_is_status_80(bed, arguments, text):
    done = run(bed, *arguments)
    assert done.returncode == 80 and done.stdout == "", done
    assert done.stderr.startswith("tetragon-oci-hook: error: ") and text in done.stderr


def test_help_and_version_go_to_standard_output(bed):
    for flag in ("--help", "-h"):
        done = run(bed, flag)
        assert (done.returncode, done.stderr) == (0, "") and "--grpc-timeout DURATION" in done.stdout
    assert re.fullmatch(r"tetragon-oci-hook \d+\.\d+\.\d+\n", run(bed, "--version").stdout)


def test_the_configuration_file_lies_beside_the_program(bed):
    config = bed.program.parent / "tetragon-oci-hook.json"
    config.write_text(json.dumps({"log_fname": str(bed.log_file), "failAllowNamespaces": ["tenant-a"], "grpc_timeout": "300ms",
                                  "grpc_address": f"unix://{bed.socket}", "unseen_dir": str(bed.unseen), "unknown_key": 1}))
    done = subprocess.run([bed.program, "createRuntime"], input=bed.state(), capture_output=True)
    assert done.returncode == 0 and bed.messages()[-1].startswith("failCheck determined that we should not"), done
    assert bed.run("--fail-allow-namespaces=other", timeout="300ms").code == 1  # the command line ranks higher
    for text, mode, word in (("{", 0o644, "malformed"), ('{"grpc_timeout":"5"}', 0o644, "grpc-timeout"), ("{}", 0o666, "root")):
        config.write_text(text)
        config.chmod(mode)
        done = run(bed, "poststop")
        assert done.returncode == 1 and done.stderr.startswith("tetragon-oci-hook: error: ") and word in done.stderr, done
        assert "tetragon-oci-hook.json" in done.stderr


# --- the log

def test_the_log_lies_beside_the_program_unless_named(bed):
    assert run(bed, "createContainer").returncode == 0
    assert "nothing to do" in (bed.program.parent / "tetragon-oci-hook.log").read_text()


def test_an_unwritable_log_is_told_and_harms_nothing(bed, agent):
    done = bed.run("--log-fname=/dev/null/x.log")
    assert done.code == 0 and done.err.startswith("error writing to logger: "), done
    done = bed.run("--log-fname=/dev/full")
    assert done.code == 0 and "No space left" in done.err, done
    fifo = bed.folder / "fifo"
    os.mkfifo(fifo)
    done = bed.run(f"--log-fname={fifo}")
    assert done.code == 0 and done.seconds < 1, done


def test_lines_of_many_hooks_do_not_tear(bed, agent):
    def many():
        for _ in range(10):
            bed.run()

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bed.messages() == ["hook request to agent succeeded"] * 40


def test_log_levels(bed, agent):
    bed.run("--log-level=error")
    assert bed.lines() == []
    bed.run("--log-level=DEBUG")
    assert list(bed.lines()[-1])[-2:] == ["req-annotations", "duration"]
    assert bed.lines()[-1]["req-annotations"] == containerd_spec()["annotations"]
    bed.run("--log-level=loud")
    assert bed.messages()[1:] == ["was not able to parse logLevel, using default", "hook request to agent succeeded"]
    bed.socket.unlink()
    bed.run("--log-level=debug", timeout="100ms")
    assert bed.line("running fail check")["annotations"] == containerd_spec()["annotations"]


# --- what is inherited

def test_inherited_descriptors_are_closed(bed):
    keep = os.open("/etc/passwd", os.O_RDONLY)

    with raw_server(bed.socket, lambda connection, over: over.wait(20)):
        child = subprocess.Popen(bed.command(timeout="20s"), stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[keep],
                                 cwd=bed.bundle)
        child.stdin.write(bed.state())
        child.stdin.close()
        time.sleep(0.5)
        files = [os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")]
        child.terminate()
        child.wait(10)
        child.stderr.close()
    os.close(keep)
    assert "/etc/passwd" not in files and len(files) <= 5, files


def test_the_environment_changes_nothing_and_the_root_stays_shut(bed, agent):
    """The same system calls under a hostile environment; nothing below the container's root is opened."""
    traces = []
    for environment in ({}, {"LD_PRELOAD": "/tmp/x.so", "TZ": "/etc/evil", "HOME": "/", "TETRAGON_GRPC_ADDRESS": "unix:///x",
                             "GRPC_ADDRESS": "x", "NGHTTP2_DEBUG": "1", "LC_ALL": "xx", "HTTP_PROXY": "http://x"}):
        out = bed.folder / "trace"
        subprocess.run(["strace", "-f", "-o", out, "-E", "PATH", *sum((["-E", f"{k}={v}"] for k, v in environment.items()), []),
                        *bed.command()], input=bed.state(), cwd=bed.bundle, check=True, timeout=30)
        text = out.read_text()
        for path in re.findall(r'^\d+ +\w+\([^"\n]*"(/[^"]*)"', text, re.M):
            assert not path.startswith(f"{bed.bundle}/rootfs/"), path
            assert "evil" not in path and path != "/tmp/x.so" or not is_static(bed.program), path
        assert "close_range(3, 4294967295, 0)" in text
        traces.append(re.findall(r"^\d+ +(\w+)\(", text, re.M))
    if is_static(bed.program):
        calls = [[call for call in trace if call not in ("ppoll", "recvfrom", "sendto", "brk")] for trace in traces]
        assert calls[0] == calls[1]
        assert len(traces[0]) <= 60, f"{len(traces[0])} system calls: {traces[0]}"


def test_it_is_small(bed):
    if not is_static(bed.program):
        return  # a build for sanitizers
    assert bed.program.stat().st_size <= 400 * 1024
    with raw_server(bed.socket, lambda connection, over: over.wait(20)):
        child = bed.start(timeout="20s")
        child.stdin.write(bed.state())
        child.stdin.close()
        time.sleep(0.3)
        with open(f"/proc/{child.pid}/status") as status:  # not ru_maxrss: that one begins with the parent's
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
        child.terminate()
        child.wait(10)
        child.stdout.close(), child.stderr.close()
    assert peak <= 1229, f"{peak} KiB"


def test_a_full_queue_of_connections_is_tried_again(bed, api):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(bed.socket))
    listener.listen(0)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(str(bed.socket))
    bed.write(containerd_spec(namespace="kube-system"))
    done = bed.run(timeout="5s")
    assert done.code == 0 and 0.25 < done.seconds < 2, done  # tolerated: 300 ms of trying
    assert "queue of connections is full" in bed.line("hook request to the agent failed")["err"]
    for one in waiting:
        one.close()
    listener.close()


def test_a_stopped_hook_without_connection_is_told_as_stopped(bed):
    child = bed.start(timeout="20s")
    child.stdin.write(bed.state())
    child.stdin.close()
    time.sleep(0.5)
    child.terminate()
    assert child.wait(5) == 1
    assert b"stopped by a signal" in child.stderr.read()
    child.stdout.close(), child.stderr.close()


def test_uid_in_any_form_agrees_with_the_path(bed, agent):
    static = "0123456789abcdef0123456789abcdef"
    for uid, path in ((UID, f"kubepods-besteffort-pod{UID.replace('-', '_')}.slice:cri-containerd:{CID}"),
                      (static, f"kubepods-burstable-pod{static}.slice:cri-containerd:{CID}"),
                      (static, f"/kubepods/burstable/pod{static}/{CID}"),
                      (UID, f"kubelet-kubepods-pod{UID.replace('-', '_')}.slice:cri-containerd:{CID}")):
        spec = containerd_spec(uid=uid)
        spec["linux"]["cgroupsPath"] = path
        bed.write(spec)
        assert bed.run().code == 0, path
    assert len(agent.requests) == 4
