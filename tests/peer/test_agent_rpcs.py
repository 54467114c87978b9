# SPDX-License-Identifier: Apache-2.0
"""Every RPC of the agent, called by Google's client: answers, refusals, and what a restart keeps."""
import importlib
import json
import os
import pathlib
import subprocess
import sys

import grpc
import pytest

from agent_bed import CGROUPS, Agent, policy
from conftest import program

Code = grpc.StatusCode
ID = "ab" * 32
UID = "0f0e0d0c-0b0a-0908-0706-050403020100"
OTHER_UID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def agent(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        yield agent.start()


@pytest.fixture
def own_agent(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        yield agent


@pytest.fixture
def stub(agent, api):
    with agent.channel() as channel:
        yield api.sensors_grpc.FineGuidanceSensorsStub(channel)


@pytest.fixture
def events(api):
    return importlib.import_module("tetragon.events_pb2")


def create(api, **fields):
    return api.tetragon.RuntimeHookRequest(createContainer=api.tetragon.CreateContainer(**fields))


def code_of(call):
    """Status and text of a call that has to fail."""
    with pytest.raises(grpc.RpcError) as failure:
        call()
    return failure.value.code(), failure.value.details()


def test_version_and_health(stub, api):
    assert stub.GetVersion(api.sensors.GetVersionRequest(), timeout=5).version
    (status,) = stub.GetHealth(api.tetragon.GetHealthStatusRequest(), timeout=5).health_status
    assert status.status == api.tetragon.HEALTH_STATUS_RUNNING and status.details == "running"


def test_other_methods_are_unimplemented(stub, api):
    for call, request in [(stub.GetInfo, api.sensors.GetInfoRequest()), (stub.ListDomains, api.sensors.ListDomainsRequest()),
                          (stub.SetDebug, api.sensors.SetDebugRequest()), (stub.ListSensors, api.sensors.ListSensorsRequest())]:
        code, text = code_of(lambda call=call, request=request: call(request, timeout=5))
        assert code == Code.UNIMPLEMENTED and "unknown method" in text


def test_policies_are_added_listed_and_deleted(stub, api):
    s = api.sensors
    stub.AddTracingPolicy(s.AddTracingPolicyRequest(yaml=policy("one")), timeout=5)
    stub.AddTracingPolicy(s.AddTracingPolicyRequest(yaml=policy("one", "tenant-b"), domain="mine"), timeout=5)
    listed = stub.ListTracingPolicies(s.ListTracingPoliciesRequest(), timeout=5).policies
    assert [(p.name, p.namespace, p.domain) for p in listed] == [("one", "tenant-a", "grpc"), ("one", "tenant-b", "mine")]
    assert [p.id for p in listed] == sorted({p.id for p in listed}), "ids count up"
    first = listed[0]
    assert first.enabled and first.state == s.TP_STATE_ENABLED and first.mode == s.TP_MODE_ENFORCE and first.filter_id
    assert "raw_tracepoint" in first.info and "lseek" in first.info
    assert [h.state for h in first.hook_statuses] == [s.STATUS_LOADED]
    (mine,) = stub.ListTracingPolicies(s.ListTracingPoliciesRequest(domain="mine"), timeout=5).policies
    assert mine.namespace == "tenant-b"
    stub.DeleteTracingPolicy(s.DeleteTracingPolicyRequest(name="one", namespace="tenant-a"), timeout=5)
    stub.DeleteTracingPolicy(s.DeleteTracingPolicyRequest(name="one", namespace="tenant-b", domain="mine"), timeout=5)
    assert not stub.ListTracingPolicies(s.ListTracingPoliciesRequest(), timeout=5).policies


@pytest.mark.parametrize("why, yaml, domain, code, text", [
    ("unknown key", policy("x").replace("operator:", "operatr:"), "", Code.INVALID_ARGUMENT, "operatr"),
    ("not YAML", "{{{", "", Code.INVALID_ARGUMENT, "line 1"),
    ("empty", "", "", Code.INVALID_ARGUMENT, ""),
    ("reserved domain", policy("x"), "sensors", Code.INVALID_ARGUMENT, "reserved"),
    ("domain with a slash", policy("x"), "a/b", Code.INVALID_ARGUMENT, "domain"),
])
def test_a_bad_policy_is_refused_whole(stub, api, why, yaml, domain, code, text):
    request = api.sensors.AddTracingPolicyRequest(yaml=yaml, domain=domain)
    got, details = code_of(lambda: stub.AddTracingPolicy(request, timeout=5))
    assert got == code and text in details, f"{why}: {got}, {details}"
    assert not stub.ListTracingPolicies(api.sensors.ListTracingPoliciesRequest(), timeout=5).policies


def test_a_key_is_taken_once(stub, api):
    request = api.sensors.AddTracingPolicyRequest(yaml=policy("twice"))
    stub.AddTracingPolicy(request, timeout=5)
    code, text = code_of(lambda: stub.AddTracingPolicy(request, timeout=5))
    assert code == Code.ALREADY_EXISTS and "tenant-a/twice" in text
    delete = api.sensors.DeleteTracingPolicyRequest(name="twice", namespace="tenant-a")
    stub.DeleteTracingPolicy(delete, timeout=5)
    code, text = code_of(lambda: stub.DeleteTracingPolicy(delete, timeout=5))
    assert code == Code.NOT_FOUND and "tenant-a/twice" in text


def test_a_container_is_admitted_and_may_be_told_again(agent, stub, api):
    path = agent.cgroup("admitted", ID)
    request = create(api, cgroupsPath=path, containerID=ID, podNamespace="tenant-a", podName="p", rootDir="/nowhere")
    stub.RuntimeHook(request, timeout=5)
    stub.RuntimeHook(request, timeout=5)
    assert f"container-id={ID}" in agent.log_text()


def test_a_cgroup_that_is_gone_is_forgotten(agent, stub, api):
    """Made anew it is another container's; and what was around it may be one now."""
    path = agent.cgroup("again", ID)
    stub.RuntimeHook(create(api, cgroupsPath=path, containerID=ID, podNamespace="tenant-a"), timeout=5)
    for new_id in ("cd" * 32, "ef" * 32):
        (CGROUPS / path.lstrip("/")).rmdir()
        (CGROUPS / path.lstrip("/")).mkdir()
        stub.RuntimeHook(create(api, cgroupsPath=path, containerID=new_id, podNamespace="tenant-b"), timeout=5)
    (CGROUPS / path.lstrip("/")).rmdir()
    stub.RuntimeHook(create(api, cgroupsPath=path.rsplit("/", 1)[0], containerID="01" * 32), timeout=5)


def test_what_is_no_containers_cgroup_is_refused(agent, stub, api):
    path = agent.cgroup("known", ID)
    stub.RuntimeHook(create(api, cgroupsPath=path, containerID=ID), timeout=5)
    parent = path.rsplit("/", 1)[0]
    for why, code, fields in [
        ("empty path", Code.INVALID_ARGUMENT, {"cgroupsPath": ""}),
        ("root", Code.INVALID_ARGUMENT, {"cgroupsPath": "/"}),
        ("root, written otherwise", Code.INVALID_ARGUMENT, {"cgroupsPath": "//.//"}),
        ("climbs", Code.INVALID_ARGUMENT, {"cgroupsPath": f"{path}/../.."}),
        ("longer than is kept", Code.INVALID_ARGUMENT, {"cgroupsPath": "/" + "a" * 1023}),
        ("namespace that cannot be", Code.INVALID_ARGUMENT, {"cgroupsPath": path, "podNamespace": "a" * 256}),
        ("UID that cannot be", Code.INVALID_ARGUMENT, {"cgroupsPath": path, "podUID": "a" * 128}),
        ("ancestor of a container", Code.INVALID_ARGUMENT, {"cgroupsPath": parent}),
        ("ancestor with slashes", Code.INVALID_ARGUMENT, {"cgroupsPath": f"/{parent}//"}),
        ("another container's", Code.INVALID_ARGUMENT, {"cgroupsPath": path, "containerID": "cd" * 32}),
        ("not there", Code.NOT_FOUND, {"cgroupsPath": f"{parent}/missing"}),
        ("far too long", Code.INVALID_ARGUMENT, {"cgroupsPath": "/x" * 5000}),
    ]:
        got, text = code_of(lambda fields=fields: stub.RuntimeHook(create(api, **fields), timeout=5))
        assert got == code, f"{why}: {got}, {text}"
    got, text = code_of(lambda: stub.RuntimeHook(api.tetragon.RuntimeHookRequest(), timeout=5))
    assert got == Code.INVALID_ARGUMENT and "createContainer" in text


def test_a_cgroup_around_the_agent_is_no_containers(own_agent, api):
    inner = own_agent.cgroup("around", "agent")
    ours = open("/proc/self/cgroup").read().split("0::", 1)[1].split("\n")[0]
    (CGROUPS / inner.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))
    try:
        own_agent.start()
    finally:
        (CGROUPS / ours.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))
    with own_agent.channel() as channel:
        stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
        code, text = code_of(lambda: stub.RuntimeHook(create(api, cgroupsPath=inner.rsplit("/", 1)[0]), timeout=5))
        assert code == Code.INVALID_ARGUMENT and "agent" in text
    own_agent.end()


def test_a_forged_pod_uid_is_refused(agent, stub, api):
    path = agent.cgroup("kubepods", f"pod{UID}", "ef" * 32)
    got, text = code_of(lambda: stub.RuntimeHook(create(api, cgroupsPath=path, podUID=OTHER_UID), timeout=5))
    assert got == Code.PERMISSION_DENIED and OTHER_UID in text
    stub.RuntimeHook(create(api, cgroupsPath=path, podUID=UID, podNamespace="tenant-a"), timeout=5)
    got, text = code_of(lambda: stub.RuntimeHook(create(api, cgroupsPath=path, podUID=UID, podNamespace="kube-system"),
                                                 timeout=5))
    assert got == Code.PERMISSION_DENIED, "the namespace that it came with is the one that it keeps"


def test_tcp_serves_what_reads(agent, api):
    with agent.channel(tcp=True) as channel:
        stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
        stub.GetVersion(api.sensors.GetVersionRequest(), timeout=5)
        stub.ListTracingPolicies(api.sensors.ListTracingPoliciesRequest(), timeout=5)
        for call, request in [
            (stub.RuntimeHook, create(api, cgroupsPath="/x")),
            (stub.AddTracingPolicy, api.sensors.AddTracingPolicyRequest(yaml=policy("tcp"))),
            (stub.DeleteTracingPolicy, api.sensors.DeleteTracingPolicyRequest(name="tcp")),
        ]:
            code, text = code_of(lambda call=call, request=request: call(request, timeout=5))
            assert code == Code.PERMISSION_DENIED and "TCP" in text


def test_only_root_may_change(agent, api):
    """The socket's mode keeps others out; if somebody opens it, the agent asks the kernel who calls."""
    assert agent.socket.stat().st_mode & 0o777 == 0o600
    os.chmod(agent.folder, 0o755)
    os.chmod(agent.socket, 0o666)
    script = f"""
import os
import grpc
from grpc import _channel  # what it imports later is imported while files can be read
os.setgroups([]); os.setgid(65534); os.setuid(65534)
channel = grpc.insecure_channel({agent.address!r}, options=[("grpc.default_authority", "localhost")])
for method in ("GetVersion", "RuntimeHook"):
    try:
        channel.unary_unary("/tetragon.FineGuidanceSensors/" + method)(b"", timeout=5)
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name, error.details())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    os.chmod(agent.socket, 0o600)
    assert done.returncode == 0, done
    first, second = done.stdout.splitlines()
    assert first == "OK" and second.startswith("PERMISSION_DENIED") and "65534" in second, done
    assert "asked for a change: refused" in agent.log_text()


def test_events_arrive(agent, stub, events, api):
    stream = stub.GetEvents(events.GetEventsRequest(allow_list=[events.Filter(event_set=[events.PROCESS_EXEC])]), timeout=30)
    stream.initial_metadata()  # the agent has subscribed us
    subprocess.run(["/bin/true"], check=True)
    for event in stream:
        assert event.HasField("process_exec")
        if event.process_exec.process.binary == "/bin/true" or event.process_exec.process.binary == "/usr/bin/true":
            break
    stream.cancel()


def test_an_unsupported_filter_is_refused(stub, events):
    request = events.GetEventsRequest(allow_list=[events.Filter(binary_regex=["x"])])
    code, text = code_of(lambda: next(stub.GetEvents(request, timeout=5)))
    assert code == Code.INVALID_ARGUMENT and "binary_regex" in text


def test_a_restart_keeps_what_was_added(own_agent, api):
    s = api.sensors
    file = own_agent.folder / "file.yaml"
    file.write_text(policy("from-file"))
    own_agent.start(f"--tracing-policy={file}")
    with own_agent.channel() as channel:
        stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
        stub.AddTracingPolicy(s.AddTracingPolicyRequest(yaml=policy("added")), timeout=5)
        stub.RuntimeHook(create(api, cgroupsPath=own_agent.cgroup("kept", ID), containerID=ID, podNamespace="tenant-a"),
                         timeout=5)
    records = sorted(os.listdir(f"/run/tetragon/{own_agent.bpf_dir}/policies"))
    own_agent.end(9)
    own_agent.start(f"--tracing-policy={file}")
    with own_agent.channel() as channel:
        stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
        listed = stub.ListTracingPolicies(s.ListTracingPoliciesRequest(), timeout=5).policies
        assert sorted((p.name, p.domain) for p in listed) == [("added", "grpc"), ("from-file", "static")]
        assert sorted(os.listdir(f"/run/tetragon/{own_agent.bpf_dir}/policies")) == records, "slots moved"
        # The container is still known: another id at its path is refused.
        code, _ = code_of(lambda: stub.RuntimeHook(create(api, cgroupsPath=own_agent.cgroup("kept", ID),
                                                          containerID="cd" * 32), timeout=5))
        assert code == Code.INVALID_ARGUMENT
    assert own_agent.end() == 0
    assert not own_agent.socket.exists()
    own_agent.start()  # the file is no longer configured
    with own_agent.channel() as channel:
        stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
        listed = stub.ListTracingPolicies(s.ListTracingPoliciesRequest(), timeout=5).policies
        assert [p.name for p in listed] == ["added"]
    assert len(os.listdir(f"/run/tetragon/{own_agent.bpf_dir}/policies")) == 1


def test_a_long_path_is_whole_after_a_restart(own_agent, api):
    path = own_agent.cgroup("long", *(letter * 180 for letter in "abcd"), ID)
    assert len(path) > 800
    own_agent.start()
    for _ in range(2):
        with own_agent.channel() as channel:
            stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
            stub.RuntimeHook(create(api, cgroupsPath=path, containerID=ID, podNamespace="tenant-a"), timeout=5)
            for other in (path.rsplit("/", 1)[0], path.rsplit("/", 2)[0]):
                code, text = code_of(lambda other=other: stub.RuntimeHook(create(api, cgroupsPath=other), timeout=5))
                assert code == Code.INVALID_ARGUMENT and "below it" in text
        own_agent.end(9)
        own_agent.start()


def test_a_wrong_file_ends_the_start(own_agent):
    folder = own_agent.folder / "policies"
    folder.mkdir()
    (folder / "good.yaml").write_text(policy("good"))
    (folder / "bad.yaml").write_text(policy("bad").replace("Equal", "Eqal"))
    done = subprocess.run(own_agent.command(f"--tracing-policy-dir={folder}"), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "bad.yaml" in done.stdout and "Eqal" in done.stdout, done
    assert not own_agent.socket.exists()


def test_others_find_the_agent_by_its_files(own_agent, api):
    folder = pathlib.Path("/run/tetragon", own_agent.bpf_dir)  # the ordinary name's lie one folder higher
    for how in (9, 15):
        own_agent.start()
        assert (folder / "tetragon.pid").read_text() == str(own_agent.child.pid)
        info = json.loads((folder / "tetragon-info.json").read_text())
        assert info["server_address"] == own_agent.address and info["pid"] == own_agent.child.pid
        assert info["map_dir"] == f"/sys/fs/bpf/{own_agent.bpf_dir}" and info["max_recv_size"] == 0
        assert sorted(info) == ["bpftool_path", "btf_fname", "export_fname", "gops_address", "gops_path", "lib_dir", "map_dir",
                                "max_recv_size", "metrics_address", "pid", "server_address"]
        assert [(folder / name).stat().st_mode & 0o777 for name in ("tetragon.pid", "tetragon-info.json")] == [0o644] * 2
        own_agent.end(how)  # one that was killed leaves them: they do not keep the next one out
    assert not [path for path in folder.iterdir() if path.name.startswith("tetragon")]


def test_wrong_use_is_status_2(own_agent):
    for flags, word in [(["--no-such-flag"], "no-such-flag"), (["--bpf-dir=a/b"], "bpf-dir"), (["--log-level=loud"], "loud"),
                        (["surplus"], "surplus"), (["--config-dir=/no/such"], "config-dir")]:
        done = subprocess.run([own_agent.program, *flags], capture_output=True, text=True, timeout=10)
        assert done.returncode == 2 and word in done.stderr, (flags, done)


def test_two_agents_of_one_name_do_not_run(agent):
    command = [agent.program, f"--server-address=unix://{agent.folder}/second.sock", f"--bpf-dir={agent.bpf_dir}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "another agent" in done.stdout, done


def test_a_record_of_an_unseen_container_is_taken(agent):
    """Also while the agent runs: a hook that gave up early has left it."""
    path = agent.cgroup("unseen", "12" * 32)
    agent.unseen.mkdir(mode=0o700, exist_ok=True)
    good = {"cgroupsPath": path, "rootDir": "/x", "containerID": "12" * 32, "podNamespace": "tenant-a", "podName": "late",
            "time": "2026-01-01T00:00:00Z"}
    for name, text in [("good.json", json.dumps(good)), ("bad.json", "{"), ("gone.json", json.dumps({"cgroupsPath": "/gone"}))]:
        file = agent.unseen / f".{name}.new"
        file.write_text(text)
        os.chmod(file, 0o600)
        file.rename(agent.unseen / name)
    agent.wait_log("started unseen", 5)
    agent.wait_log("is no good", 5)
    assert "12" * 32 in agent.log_text()
    assert not list(agent.unseen.iterdir())
