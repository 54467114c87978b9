# SPDX-License-Identifier: Apache-2.0
"""The hook against a gRPC server that is not ours, and against peers that are no gRPC servers at all."""
import json
import re

import grpc
import pytest

import hook_bed
from hook_bed import CID, UID, Agent, Bed, containerd_spec, raw_server


@pytest.fixture
def bed(tmp_path, hook_bin):
    return Bed(tmp_path, hook_bin)


@pytest.fixture
def agent(api, bed):
    with Agent(api, f"unix:{bed.socket}") as server:
        yield server


@pytest.fixture
def agent_that(api, bed):
    """agent_that(code, text): an agent that answers each call with this status."""
    servers = []

    def make(code, text):
        servers.append(Agent(api, f"unix:{bed.socket}", answer=lambda context: context.abort(code, text)))
        return servers[-1]

    yield make
    for server in servers:
        server.server.stop(0).wait()


def test_the_request_says_all_that_the_spec_says(bed, agent):
    spec = containerd_spec()
    done = bed.run()
    assert (done.code, done.out, done.err) == (0, "", ""), done
    container = agent.container
    assert container.cgroupsPath == spec["linux"]["cgroupsPath"]
    assert container.rootDir == str(bed.bundle / "rootfs")
    assert dict(container.annotations) == spec["annotations"]
    assert (container.containerName, container.containerID, container.containerImage) == ("app", CID, "localhost/bb:1")
    assert (container.podName, container.podUID, container.podNamespace) == ("web-0", UID, "tenant-a")
    got = [{"destination": m.destination, "type": m.type, "source": m.source, **({"options": list(m.options)} if m.options else {})}
           for m in container.mounts]
    assert got == spec["mounts"]


def test_the_success_line_has_the_keys_in_their_order(bed, agent):
    assert bed.run().code == 0
    assert bed.messages() == ["hook request to agent succeeded"]
    line = bed.lines()[0]
    assert list(line) == ["time", "level", "msg", "hook", "start-time", "req-cgroups", "req-rootdir", "req-containerName",
                          "req-containerID", "req-containerImage", "req-podName", "req-podUID", "req-podNamespace", "duration"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line["time"])
    assert line["level"] == "INFO" and line["hook"] == "createRuntime" and line["req-podNamespace"] == "tenant-a"


def test_an_answered_error_is_told_apart_and_fails(bed, agent_that):
    agent_that(grpc.StatusCode.UNKNOWN, "server runtime hook failed. Check agent logs with logid=42 for details")
    done = bed.run()
    assert done.code == 1
    line = bed.line("hook request to the agent failed")
    assert line["err"] == ("rpc error: code = Unknown desc = server runtime hook failed. "
                           "Check agent logs with logid=42 for details")
    assert line["agent"] == "answered with an error"
    assert bed.line("failing container")["should-fail"] == "failCheck determined that we should fail"
    assert done.err.startswith("failing container: ") and str(bed.socket) in done.err
    assert done.err.endswith(f". Check logs ({bed.log_file}) for additional info")
    assert done.seconds < 1.5


@pytest.mark.parametrize("code, name, tolerated", [
    ("INVALID_ARGUMENT", "InvalidArgument", True), ("NOT_FOUND", "NotFound", True), ("INTERNAL", "Internal", True),
    ("RESOURCE_EXHAUSTED", "ResourceExhausted", True), ("UNAUTHENTICATED", "Unauthenticated", True),
    ("UNAVAILABLE", "Unavailable", True), ("PERMISSION_DENIED", "PermissionDenied", False)])
def test_a_tolerated_container_starts_unless_it_is_a_forgery(bed, agent_that, code, name, tolerated):
    agent_that(getattr(grpc.StatusCode, code), "naïve 100% text\n")
    bed.write(containerd_spec(namespace="kube-system"))
    done = bed.run()
    assert done.code == (0 if tolerated else 1), done
    assert bed.line("hook request to the agent failed")["err"].startswith(f"rpc error: code = {name} desc = naïve 100% text")
    assert len(bed.records()) == tolerated


def test_unavailable_from_the_agent_is_tried_again(bed, api):
    calls = []

    def answer(context):
        calls.append(1)
        if len(calls) < 4:
            context.abort(grpc.StatusCode.UNAVAILABLE, "starting")

    with Agent(api, f"unix:{bed.socket}", answer=answer):
        done = bed.run()
    assert (done.code, len(calls)) == (0, 4), done


def test_a_large_request_passes_the_flow_control_window(bed, agent):
    spec = containerd_spec()
    spec["mounts"] = [{"destination": f"/data/{n}", "source": "x" * 900, "options": ["ro"]} for n in range(1000)]
    bed.write(spec)
    assert bed.run().code == 0
    assert len(agent.container.mounts) == 1000 and agent.container.mounts[999].destination == "/data/999"


def test_tcp_and_abstract_addresses(bed, api):
    name = f"unix-abstract:hook-test-{bed.folder.name}"
    with Agent(api, f"unix:{bed.socket}", name, "127.0.0.1:0") as agent:
        port = agent.ports[2]
        for address in (name, f"127.0.0.1:{port}", f"localhost:{port}", f"dns:///localhost:{port}",
                        "unix:../agent.sock"):  # the last one: relative to the current directory, the bundle
            assert bed.run(f"--grpc-address={address}").code == 0, address
        assert len(agent.requests) == 5


def test_agent_down_and_not_tolerated_fails_after_the_timeout(bed):
    done = bed.run(timeout="1s")
    assert done.code == 1 and 0.9 < done.seconds < 4, done
    assert "no connection to the agent at unix://" in done.err and re.search(r"after (0.9|1.)\d* s", done.err) and "the socket is not there" in done.err
    line = bed.line("hook request to the agent failed")
    assert line["err"].startswith("rpc error: code = Unavailable desc = ") and line["agent"] == "unreachable"
    assert bed.messages() == ["hook request to the agent failed", "failing container"]
    assert not bed.records()


def test_agent_down_and_tolerated_starts_at_once_and_is_written_down(bed):
    bed.write(containerd_spec(namespace="kube-system"))
    done = bed.run(timeout="10s")
    assert (done.code, done.err) == (0, "") and done.seconds < 1, done
    assert bed.messages() == ["hook request to the agent failed",
                              "failCheck determined that we should not fail this container, even if there was an error"]
    (name, record), = bed.records().items()
    assert name == f"{CID}.json"
    assert record.pop("time").endswith("Z")
    assert record == {"cgroupsPath": f"/kubepods/besteffort/pod{UID}/{CID}", "rootDir": str(bed.bundle / "rootfs"),
                      "containerID": CID, "containerName": "app", "containerImage": "localhost/bb:1", "podName": "web-0",
                      "podUID": UID, "podNamespace": "kube-system"}
    assert (bed.unseen.stat().st_mode & 0o777, (bed.unseen / name).stat().st_mode & 0o777) == (0o700, 0o600)


def test_an_agent_that_comes_a_second_later_is_waited_for(bed, api):
    child = bed.start(timeout="20s")
    child.stdin.write(bed.state())
    child.stdin.close()
    hook_bed.time.sleep(1)
    assert child.poll() is None
    with Agent(api, f"unix:{bed.socket}") as agent:
        assert child.wait(10) == 0
        assert agent.container.podName == "web-0"
    child.stdout.close()
    child.stderr.close()


def silent(connection, over):
    over.wait(30)


def test_a_silent_agent_costs_the_timeout_or_300_ms(bed):
    with raw_server(bed.socket, silent):
        done = bed.run(timeout="1s")
        assert done.code == 1 and 0.9 < done.seconds < 4, done
        assert bed.line("hook request to the agent failed")["err"].startswith("rpc error: code = DeadlineExceeded desc = ")
        bed.write(containerd_spec(namespace="kube-system"))
        done = bed.run(timeout="10s")
        assert done.code == 0 and 0.25 < done.seconds < 3, done


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n", b"SSH-2.0-other\r\n", b"\0" * 4096, b"\xff" * 65536,
    b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\x10\x01\x04\0\0\0\x01" + b"\xff" * 16,  # settings, then no HPACK
    b"\0\0\x08\x07\0\0\0\0\0" + b"\0" * 8], ids=["http1", "text", "zeros", "ones", "hpack", "goaway-first"])
def test_a_peer_that_is_no_grpc_server_is_told_at_once(bed, answer):
    def serve(connection, over):
        connection.recv(1)
        connection.sendall(answer)
        over.wait(10)

    with raw_server(bed.socket, serve):
        done = bed.run(timeout="8s")
    assert done.code == 1 and done.seconds < 4, done
    assert bed.line("hook request to the agent failed")["agent"] == "answered with an error"


def test_floods_end_at_a_limit(bed):
    def serve(connection, over):
        connection.sendall(b"\0\0\0\x04\0\0\0\0\0")
        while not over.is_set():
            connection.sendall(b"\0\0\x08\x06\0\0\0\0\0" + b"pingping")

    with raw_server(bed.socket, serve):
        done = bed.run(timeout="8s")
    assert done.code == 1 and done.seconds < 6, done
    assert "ResourceExhausted" in bed.line("hook request to the agent failed")["err"]


def test_sigterm_ends_the_call_and_the_fail_check_decides(bed):
    with raw_server(bed.socket, silent):
        child = bed.start(timeout="20s")
        child.stdin.write(bed.state())
        child.stdin.close()
        hook_bed.time.sleep(0.5)
        began = hook_bed.time.monotonic()
        child.terminate()
        assert child.wait(10) == 1 and hook_bed.time.monotonic() - began < 2
        child.stdout.close()
        child.stderr.close()
    assert "code = Canceled" in bed.line("hook request to the agent failed")["err"]


def test_sigterm_lets_a_tolerated_container_start(bed):
    bed.write(containerd_spec(namespace="kube-system"))
    with raw_server(bed.socket, silent):
        child = bed.start(timeout="20s")
        child.stdin.write(bed.state())
        child.stdin.close()
        hook_bed.time.sleep(0.1)
        child.terminate()
        assert child.wait(10) == 0
        child.stdout.close()
        child.stderr.close()
    assert len(bed.records()) == 1


def test_a_connection_that_breaks_is_made_again(bed, api):
    child = None

    def close_at_once(connection, over):
        connection.recv(1)

    with raw_server(bed.socket, close_at_once):
        child = bed.start(timeout="20s")
        child.stdin.write(bed.state())
        child.stdin.close()
        hook_bed.time.sleep(0.5)
        assert child.poll() is None
    with Agent(api, f"unix:{bed.socket}") as agent:
        assert child.wait(10) == 0
        assert agent.container.podName == "web-0"
    child.stdout.close()
    child.stderr.close()


def test_disabled_grpc_never_connects(bed, agent):
    assert bed.run("--disable-grpc").code == 0
    assert bed.messages() == ["gRPC was disabled, so will not be contacting the agent"]
    assert not agent.requests


def test_a_forged_uid_is_refused_whatever_the_namespace(bed, agent):
    bed.write(containerd_spec(namespace="kube-system", uid=UID.replace("1", "9")))
    done = bed.run()
    assert done.code == 1 and "forged identity" in done.err, done
    assert not agent.requests and not bed.records()


def test_a_climbing_cgroup_path_is_refused(bed, agent):
    spec = containerd_spec(namespace="kube-system")
    spec["linux"]["cgroupsPath"] = "/kubepods/../system.slice/x"
    bed.write(spec)
    assert bed.run().code == 1
    assert not agent.requests


def test_annotations_of_another_key_set_change_nothing(bed, agent):
    spec = containerd_spec()
    spec["linux"]["cgroupsPath"] = f"/kubepods/besteffort/pod{UID}/crio-{CID}"
    spec["annotations"].update({"io.kubernetes.cri.sandbox-namespace": "kube-system",
                                "io.kubernetes.pod.namespace": "tenant-a", "io.kubernetes.pod.name": "web-0"})
    bed.write(spec)
    assert bed.run().code == 0
    assert (agent.container.podNamespace, agent.container.podUID) == ("tenant-a", "")
    agent.server.stop(0).wait()
    assert bed.run(timeout="300ms").code == 1  # kube-system by containerd's key does not tolerate it


def test_namespace_keys_when_given_need_one_that_is_allowed(bed):
    spec = containerd_spec()
    spec["annotations"]["team"] = "ops"
    bed.write(spec)
    flags = ["--annotations-namespace-key=other,team", "--fail-allow-namespaces=dev,ops"]
    assert bed.run(*flags, timeout="300ms").code == 0
    assert bed.run("--fail-allow-namespaces=dev,ops", timeout="300ms").code == 1


@pytest.mark.parametrize("name", hook_bed.fixture_names())
def test_what_real_runtimes_write(bed, agent, name):
    folder = hook_bed.FIXTURES / name
    spec = json.loads((folder / "config.json").read_text())
    bed.write((folder / "config.json").read_bytes())
    state = json.loads((folder / "state.json").read_text())
    state["bundle"] = str(bed.bundle)
    assert bed.run(state=json.dumps(state).encode()).code == 0
    container = agent.container
    assert container.cgroupsPath == spec["linux"]["cgroupsPath"]
    assert (container.podName, container.podNamespace, container.containerID) == ("web-0", "tenant-a", state["id"])
    root = spec["root"]["path"]
    assert container.rootDir == (root if root.startswith("/") else str(bed.bundle / root))
    assert dict(container.annotations) == spec["annotations"] and len(container.mounts) == len(spec["mounts"])


@pytest.mark.parametrize("name", sorted(set(hook_bed.fixture_names(with_state=False)) - set(hook_bed.fixture_names())))
def test_what_real_runtimes_write_of_which_no_state_was_caught(bed, agent, name):
    """Sandboxes, and specs of the systemd driver: the container's id comes from the cgroup's path."""
    spec = json.loads((hook_bed.FIXTURES / name / "config.json").read_text())
    bed.write(json.dumps(spec))
    assert bed.run(state=b"").code == 0
    container = agent.container
    given = spec["linux"]["cgroupsPath"]
    if ":" in given:
        slice_name, prefix, leaf = given.split(":")
        parts = slice_name.removesuffix(".slice").split("-")
        levels = ["-".join(parts[:n + 1]) + ".slice" for n in range(len(parts))]
        assert container.cgroupsPath == "/" + "/".join(levels) + f"/{prefix}-{leaf}.scope"
    else:
        assert container.cgroupsPath == given
    assert re.fullmatch("[0-9a-f]{64}", container.containerID) and container.containerID in given
    assert container.podNamespace == "tenant-a" and container.podUID.replace("-", "_") in given.replace("-", "_")
