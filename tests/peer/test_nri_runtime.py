# SPDX-License-Identifier: Apache-2.0
"""tetragon-nri-hook against a runtime made by hand, and an agent that is a real gRPC server: identities, limits, speed."""
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import time

import grpc
import pytest

import nri_runtime as nri
from hook_bed import Agent

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("NRI_PROGRAM", TOP / "build" / "bin" / "tetragon-nri-hook"))
NOT_THERE = (grpc.StatusCode.NOT_FOUND, "no such cgroup")


class Plugin:
    def __init__(self, folder, mode, *flags):
        self.folder, self.log, self.status_file = folder, folder / "log", folder / "status"
        self.runtime = nri.Runtime(folder / "nri.sock")
        self.child = subprocess.Popen([
            PROGRAM, f"--nri-socket={folder}/nri.sock", f"--mode={mode}", f"--grpc-address=unix://{folder}/agent.sock",
            f"--log-fname={self.log}", f"--unseen-dir={folder}/unseen", f"--status-file={self.status_file}", *flags])

    def lines(self, message):
        found = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [line for line in found if line["msg"] == message]

    def wait_line(self, message, seconds=5):
        end = time.monotonic() + seconds
        while not self.lines(message):
            assert time.monotonic() < end, f"no '{message}' in\n{self.log.read_text()[-2000:]}"
            time.sleep(0.005)
        return self.lines(message)[-1]

    def memory_kib(self, what="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1])

    def connect(self, **more):
        connection = self.runtime.accept()
        self.registered = connection.register(**more)
        return connection

    def close(self):
        self.child.kill()
        self.child.wait()
        self.runtime.close()


@pytest.fixture
def start(folder):
    made = []

    def start(mode, *flags):
        made.append(Plugin(folder, mode, *flags))
        return made[-1]

    yield start
    for plugin in made:
        plugin.close()


@pytest.fixture
def folder(tmp_path_factory):
    import shutil
    import tempfile

    path = pathlib.Path(tempfile.mkdtemp(prefix="nri-"))
    yield path
    shutil.rmtree(path)


def event(number=1, **more):
    return nri.data(1, nri.pod(number)) + nri.data(2, nri.container(number, **more))


def hooks_of(answer):
    adjust = dict(nri.fields(answer))[1]
    return [dict_of_lists(hook) for _, hook in nri.fields(dict(nri.fields(adjust))[5])]


def dict_of_lists(message):
    found = {}
    for field, value in nri.fields(message):
        found.setdefault(field, []).append(value)
    return found


def test_the_injected_hook(start, folder):
    plugin = start("inject", "--oci-hook-path=/opt/hook", "--grpc-timeout=1500ms", "--hook-args=--log-level=debug", "--nri-index=07")
    runtime = plugin.connect(name="cri-o", version="1.37.0")
    assert plugin.registered == ("tetragon", "07", 0x2028)
    assert runtime.call("Synchronize")[0] == 0
    code, _, answer = runtime.call("CreateContainer", event())
    assert code == 0
    hook, = hooks_of(answer)
    assert hook[1] == [b"/opt/hook"]
    assert [arg.decode() for arg in hook[2]] == [
        "hook", "--grpc-timeout=1.5s", f"--grpc-address=unix://{folder}/agent.sock", "--log-level=debug", "--runtime=cri-o",
        "--pod-namespace=tenant-a", "--pod-name=pod-1", f"--pod-uid={nri.uid(1)}", "--container-name=app-1",
        f"--container-id={1 + (1 << 200):064x}", "createRuntime"]
    assert hook[3] == [b"PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    assert nri.fields(hook[4][0]) == [(1, 4)]  # seconds: 1.5, and 2 more, rounded up
    # Another plugin took it away: refused. It is there: nothing to say.
    validated = dict(nri.fields(runtime.call("ValidateContainerAdjustment", event())[2]))
    assert validated[1] == 1 and b"the hook is not among" in validated[2]
    adjust = nri.data(3, nri.data(5, nri.data(2, nri.data(1, "/opt/hook"))))
    assert runtime.call("ValidateContainerAdjustment", event() + adjust) == (0, "", b"")


def test_a_container_without_the_hook_is_asked_for_at_its_start(start, folder, api):
    plugin = start("inject", "--oci-hook-path=/opt/hook")
    with Agent(api, f"unix://{folder}/agent.sock", answer=lambda context: context.abort(*NOT_THERE)) as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        code, text, _ = runtime.call("StartContainer", event(hooks=["/bin/other"]))
        assert code == 2 and "no such cgroup" in text
        asked = agent.container
        assert (asked.podNamespace, asked.podName, asked.podUID, asked.containerName) == ("tenant-a", "pod-1", nri.uid(1), "app-1")


def test_inject_mode_tells_labels_and_waits_for_nobody(start, folder, api):
    """The hook cannot know them. No start depends on that, an agent that is away costs next to nothing, and is told later."""
    plugin = start("inject", "--oci-hook-path=/opt/hook")
    runtime = plugin.connect()
    runtime.call("Synchronize")
    began = time.monotonic()
    for number in range(300):
        assert runtime.call("StartContainer", event(number, hooks=["/opt/hook"]))[0] == 0
    assert time.monotonic() - began < 1, "no agent"
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        end = time.monotonic() + 5
        while len(agent.requests) < 256:
            assert time.monotonic() < end, len(agent.requests)
            time.sleep(0.01)
        assert runtime.call("StartContainer", event(1000, hooks=["/opt/hook"]))[0] == 0
        told = [one.createContainer for one in agent.requests]
        assert [(one.podName, dict(one.podLabels), one.reason, one.reporter) for one in told] == [
            (f"pod-{number}", {"app": "web"}, 2, "nri") for number in (*range(256), 1000)], "as many as wait, then at once"
    assert plugin.lines("failing container") == []


def test_inject_mode_tells_labels_ahead_of_the_hook(start, folder, api):
    """Policies that choose by labels are decided when the hook asks; whom the creation told of, the start needs not."""
    plugin = start("inject", "--oci-hook-path=/opt/hook")
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        assert runtime.call("CreateContainer", event(1))[0] == 0
        assert runtime.call("StartContainer", event(1, hooks=["/opt/hook"]))[0] == 0
        told = [one.createContainer for one in agent.requests]
        assert [(one.podName, dict(one.podLabels), one.podLabelsKnown, one.reason) for one in told] == [("pod-1", {"app": "web"}, True, 1)]


def test_labels_of_one_that_is_only_created_wait_for_its_cgroup(start, folder, api):
    """Created while the agent was away, and not started when it is back: at its start the hook asks, and needs them."""
    plugin = start("inject", "--oci-hook-path=/opt/hook")
    runtime = plugin.connect()
    runtime.call("Synchronize")
    image = [("io.kubernetes.cri.image-name", "localhost/tools:1")]
    assert runtime.call("CreateContainer", nri.data(1, nri.pod(1)) + nri.data(2, nri.container(1, annotations=image)))[0] == 0
    ahead, reasons = api.tetragon.RUNTIME_HOOK_REASON_AHEAD, []

    def answer(context):
        reasons.append(agent.requests[-1].createContainer.reason)
        if reasons[-1] != ahead:
            context.abort(*NOT_THERE)

    with Agent(api, f"unix://{folder}/agent.sock", answer=answer) as agent:
        end = time.monotonic() + 5
        while not reasons or reasons[-1] != ahead:
            assert time.monotonic() < end, agent.requests
            time.sleep(0.01)
        told = agent.requests[-1].createContainer
        assert (dict(told.podLabels), told.containerImage) == ({"app": "web"}, "localhost/tools:1")


def test_an_agent_that_does_not_understand_is_left_alone(start, folder, api):
    plugin = start("inject", "--oci-hook-path=/opt/hook")
    original = (grpc.StatusCode.UNKNOWN, "server runtime hook failed. Check agent logs with logid=1 for details")
    with Agent(api, f"unix://{folder}/agent.sock", answer=lambda context: context.abort(*original)) as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        for number in range(5):
            assert runtime.call("CreateContainer", event(number))[0] == 0
            assert runtime.call("StartContainer", event(number, hooks=["/opt/hook"]))[0] == 0
        assert len(agent.requests) == 1


@pytest.mark.parametrize("why,change,text", [
    ("another pod's UID in the path", lambda: nri.data(1, nri.pod(2)) + nri.data(2, nri.container(1)), "forged identity"),
    ("a path that climbs", lambda: nri.data(1, nri.pod(1)) + nri.data(2, nri.container(1) + nri.data(11, nri.data(5, "/a/../b"))),
     "forged cgroup path"),
])
def test_forged_identities_never_pass(start, folder, api, why, change, text):
    plugin = start("direct", "--fail-allow-namespaces=tenant-a")
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        for method in ("CreateContainer", "StartContainer"):
            code, got, _ = runtime.call(method, change())
            assert code == 2 and text in got, why
        assert not agent.requests


def test_the_request_to_the_agent(start, folder, api):
    plugin = start("direct")
    with Agent(api, f"unix://{folder}/agent.sock", answer=lambda context: context.abort(*NOT_THERE)) as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        image = [("io.kubernetes.cri.image-name", "localhost/tools:1"), ("team", "blue")]
        assert runtime.call("CreateContainer", nri.data(1, nri.pod(1, [("pod-note", "x")])) +
                            nri.data(2, nri.container(1, annotations=image)))[0] == 0  # NOT_FOUND: it is asked at the start
        asked = agent.container
        assert asked.cgroupsPath.startswith("/kubepods/besteffort/pod11111111-")
        assert dict(asked.annotations) == dict(image) and asked.containerImage == "localhost/tools:1"
        assert dict(asked.podLabels) == {"app": "web"} and dict(asked.podAnnotations) == {"pod-note": "x"}
        assert (asked.reason, asked.reporter) == (1, "nri")
        code, text, _ = runtime.call("StartContainer", event())
        assert code == 2 and "code = NotFound desc = no such cgroup" in text
        # A creation that was let pass is validated, another one is not.
        assert runtime.call("ValidateContainerAdjustment", event()) == (0, "", b"")
        assert dict(nri.fields(runtime.call("ValidateContainerAdjustment", event(2))[2]))[1] == 1


def test_an_agent_that_cannot_arm_ahead_is_no_use_where_the_start_cannot_be_refused(start, folder, api):
    plugin = start("auto")
    with Agent(api, f"unix://{folder}/agent.sock", answer=lambda context: context.abort(*NOT_THERE)):
        runtime = plugin.connect(name="cri-o", version="1.37.0")
        assert plugin.registered[2] == 0x2038  # PostCreateContainer too: the first moment when the cgroup is there
        runtime.call("Synchronize")
        code, text, _ = runtime.call("CreateContainer", event())
        assert code == 2 and "no such cgroup" in text


@pytest.mark.parametrize("code,namespace,passes", [
    (grpc.StatusCode.INTERNAL, "tenant-a", False), (grpc.StatusCode.INTERNAL, "kube-system", True),
    (grpc.StatusCode.PERMISSION_DENIED, "kube-system", False), (grpc.StatusCode.UNAVAILABLE, "kube-system", True),
    (grpc.StatusCode.UNAVAILABLE, "tenant-a", False),
])
def test_the_fail_check(start, folder, api, code, namespace, passes):
    plugin = start("direct", f"--fail-allow-namespaces={'tenant-a' if namespace == 'kube-system' else 'kube-system'}")
    with Agent(api, f"unix://{folder}/agent.sock", answer=lambda context: context.abort(code, "no")) as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        got, text, _ = runtime.call("StartContainer", event())
        assert len(agent.requests) == 1, "no retry"
        assert (got == 0) == passes, text
        assert len(list((folder / "unseen").glob("*.json"))) == passes


def test_an_agent_that_restarts_between_calls_loses_none(start, folder, api):
    """The connection to it stays open between calls, and is made anew when it has died."""
    plugin = start("direct")
    runtime = plugin.connect()
    runtime.call("Synchronize")
    for _ in range(4):
        with Agent(api, f"unix://{folder}/agent.sock") as agent:
            for number in range(5):
                assert runtime.call("StartContainer", event(number)) == (0, "", b"")
            assert len(agent.requests) == 5
    code, text, _ = runtime.call("StartContainer", event())
    assert code == 2 and "no connection to the agent" in text


def test_another_agent_is_told_of_what_runs(start, folder, api):
    """It knows the containers from the kernel, but not their pods' labels: the runtime is asked for its list again."""
    plugin = start("direct")
    runtime = plugin.connect()
    runtime.call("Synchronize")
    look = plugin.connect()  # the second look
    look.call("Synchronize")
    look.close()
    plugin.wait_line("second look is over")
    with Agent(api, f"unix://{folder}/agent.sock"):
        assert runtime.call("StartContainer", event())[0] == 0
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        look = plugin.connect()
        assert plugin.registered[0] == "tetragon-look"
        look.call("Synchronize", event(7))
        plugin.wait_line("another agent knows what the runtime listed")
        asked = agent.container
        assert (asked.podName, asked.reason, dict(asked.podLabels)) == ("pod-7", 3, {"app": "web"})
    assert runtime.call("StartContainer", event())[0] == 2, "the first connection is as before"


def test_an_agent_that_hung_and_was_replaced_is_another_one(start, folder, api):
    """The connection ended with a call that had no answer: nothing was left that could tell of the agent's end."""
    plugin = start("direct", "--grpc-timeout=200ms")
    runtime = plugin.connect()
    runtime.call("Synchronize")
    look = plugin.connect()
    look.call("Synchronize")
    look.close()
    plugin.wait_line("second look is over")
    with Agent(api, f"unix://{folder}/agent.sock", answer=lambda context: time.sleep(0.5 * (len(agent.requests) > 1))) as agent:
        assert runtime.call("StartContainer", event())[0] == 0
        code, text, _ = runtime.call("StartContainer", event(2))
        assert code == 2 and "no answer from the agent" in text
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        look = plugin.connect()
        look.call("Synchronize", event(7))
        plugin.wait_line("another agent knows what the runtime listed")
        assert dict(agent.container.podLabels) == {"app": "web"}


def test_a_large_answer_and_a_large_question(start, folder, api):
    plugin = start("direct")
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        runtime = plugin.connect()
        runtime.call("Synchronize")
        for size in (100, 100_000, 900_000, 3_000_000):
            assert runtime.call("StartContainer", event(annotations=[("big", "x" * size)]))[0] == 0
        assert [len(asked.createContainer.annotations) for asked in agent.requests] == [1, 1, 1, 0]  # too much is left out


def test_thirteen_thousand_empty_lists(start, folder):
    """A runtime with much state sends them until its time-out; then it closes."""
    plugin = start("direct")
    runtime = plugin.connect()
    before = plugin.memory_kib()
    streams = [runtime.next_stream() for _ in range(13_000)]
    began = time.monotonic()
    for at in range(0, len(streams), 500):
        runtime.send(b"".join(request_more(stream) for stream in streams[at:at + 500]))
        for stream in streams[at:at + 500]:
            assert runtime.answer(stream)[2] == nri.number(2, 1)
    assert time.monotonic() - began < 2
    assert plugin.memory_kib() - before < 1024
    runtime.close()
    plugin.connect().close()  # it comes back


def request_more(stream):
    return nri.request(stream, "Synchronize", nri.number(3, 1))


def test_a_list_of_a_thousand_containers_with_256_kib_each(start, folder, api):
    plugin = start("direct")
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        runtime = plugin.connect()
        big = [("big", "x" * (256 * 1024))]
        parts = []
        for at in range(0, 1000, 12):
            numbers = range(at, min(at + 12, 1000))
            more = nri.number(3, 1) if numbers[-1] != 999 else b""
            stream = runtime.next_stream()
            parts.append((stream, nri.request(stream, "Synchronize", b"".join(
                nri.data(1, nri.pod(number)) + nri.data(2, nri.container(number, annotations=big)) for number in numbers) + more)))
        began = time.monotonic()
        for stream, raw in parts:
            runtime.send(raw)
            code, text, _ = runtime.answer(stream)
            assert code == 0, text
        took = time.monotonic() - began
        assert took < 0.3, f"{took:.3f} s"
        assert plugin.memory_kib("VmHWM") < 64 * 1024
        # While the agent is told, events are answered all the same.
        assert runtime.call("StartContainer", event(5000))[0] == 0
        line = plugin.wait_line("the agent knows what the runtime listed", seconds=30)
        assert line["containers"] == 1000
        told = [one.createContainer for one in agent.requests if one.createContainer.reason == 3]
        assert len(told) == 1000
        assert {(one.podName, dict(one.podLabels)["app"]) for one in told} == {(f"pod-{n}", "web") for n in range(1000)}
        runtime.close()


def test_memory_and_time_of_an_answer(start, folder, api):
    """Against an agent in Python, so the time is an upper bound; tests/bench has the real one's."""
    plugin = start("direct")
    with Agent(api, f"unix://{folder}/agent.sock"):
        runtime = plugin.connect()
        runtime.call("Synchronize")
        took = []
        for number in range(300):
            began = time.monotonic()
            assert runtime.call("StartContainer", event(number))[0] == 0
            took.append(time.monotonic() - began)
        assert plugin.memory_kib() <= 3 * 1024
        print(f"p50 {statistics.median(took) * 1e6:.0f} us, RSS {plugin.memory_kib()} KiB")


@pytest.mark.parametrize("why,refuse,reason", [
    ("name taken", lambda runtime, stream: runtime.send(nri.response(stream, code=6, text="plugin 01-tetragon is there already")),
     "plugin 01-tetragon is there already"),
    ("closed", lambda runtime, stream: None, "closed by the runtime while the plugin registered"),
    ("half a list", lambda runtime, stream: half_a_list(runtime, stream),
     "closed by the runtime while it listed its containers, after 1 parts of the list"),
])
def test_a_registration_that_fails_is_told_and_tried_again(start, folder, api, why, refuse, reason):
    """Ever less often; and of half a list nobody is told."""
    plugin = start("direct")
    with Agent(api, f"unix://{folder}/agent.sock") as agent:
        began = time.monotonic()
        for _ in range(3):
            runtime = plugin.runtime.accept()
            stream, _, _ = runtime.message(2)
            refuse(runtime, stream)
            runtime.close()
        runtime = plugin.connect()
        assert time.monotonic() - began > 0.06  # 10, 20 and 40 ms
        runtime.call("Synchronize", event(2))
        plugin.wait_line("the agent knows what the runtime listed")
        assert [asked.createContainer.podName for asked in agent.requests] == ["pod-2"]
    lost = plugin.lines("connection to the runtime is lost: new containers are not seen until it is back")
    assert len(lost) == 3 and all(reason in line["reason"] for line in lost), lost
    assert json.loads(plugin.status_file.read_text())["dropped"] == 0, "it never worked"


def half_a_list(runtime, stream):
    runtime.send(nri.response(stream))
    runtime.configure()
    assert runtime.call("Synchronize", event(1) + nri.number(3, 1))[2] == nri.number(2, 1)


def test_garbage_ends_a_connection_not_the_plugin(start, folder):
    plugin = start("inject")
    for garbage in (b"\xff" * 64, b"\0\0\0\1\x7f\0\0\0", os.urandom(512)):
        runtime = plugin.runtime.accept()
        runtime.send(garbage)
        runtime.close()
    assert plugin.connect().call("Synchronize")[0] == 0
    assert plugin.child.poll() is None


@pytest.mark.parametrize("flags,text", [
    (["--mode=neither"], "want inject, direct or auto"), (["--nri-index=1"], "want two digits"),
    (["--nri-index=x1"], "want two digits"), (["--oci-hook-path=hook"], "want an absolute path"),
    (["--nri-name="], "--nri-name"), (["--grpc-address=nowhere"], "--grpc-address"), (["extra"], "unexpected argument"),
    (["--log-level=loud"], "unknown level 'loud'; want debug"), (["--grpc-timeout=0"], "no agent could ever answer"),
    (["--nri-name=a/b"], "want 1 to 119 letters"), (["--nri-name=01-tetragon"], "that is --nri-index=01"),
    (["--nri-socket="], "want an absolute path"), (["--nri-socket=nri.sock"], "want an absolute path"),
    (["--nri-socket=/" + "x" * 108], "at most 107 bytes"), (["--log-fname=/"], "--log-fname: open /"),
    (["--hook-args=" + ",".join("a" * 200)], "--hook-args"), (["--mod=direct"], "did you mean"),
])
def test_wrong_usage_is_told(flags, text):
    done = subprocess.run([PROGRAM, *flags], capture_output=True, text=True, timeout=5)
    assert done.returncode in (1, 80) and text in done.stderr, done


@pytest.mark.parametrize("make,reason", [
    (lambda path: None, "it is not there"), (lambda path: path.write_text(""), "is no socket"),
    (lambda path: path.mkdir(), "is no socket"), (lambda path: nri.Runtime(path).close(), "nobody listens there")])
def test_a_wrong_socket_is_told_once(folder, make, reason):
    make(folder / "x.sock")
    child = subprocess.Popen([PROGRAM, f"--nri-socket={folder}/x.sock"], stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    text = child.communicate(timeout=5)[1]
    assert (child.returncode, text.count(reason), text.count("\n")) == (0, 1, 2), text


def test_a_hang_up_opens_the_log_again(start, folder):
    """As after the log file was moved away; it must not end the plugin."""
    plugin = start("direct")
    runtime = plugin.connect()
    runtime.call("Synchronize")
    plugin.wait_line("running: new containers are seen from now on")
    plugin.log.rename(folder / "log.1")
    plugin.child.send_signal(signal.SIGHUP)
    plugin.wait_line("log file opened again after SIGHUP")
    # There is no room for it: on with the one that there is.
    plugin.log.rename(folder / "log.2")
    plugin.log.mkdir()
    plugin.child.send_signal(signal.SIGHUP)
    end = time.monotonic() + 5
    while "cannot open the log file again" not in (folder / "log.2").read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert runtime.call("StartContainer", event())[0] == 2  # no agent
    assert "failing container" in (folder / "log.2").read_text()


def test_the_hook_that_is_not_there(start):
    plugin = start("inject", "--oci-hook-path=/no/such/hook")
    plugin.connect()
    assert plugin.wait_line("the hook's program is not to be seen from here: if it is not on the host either, no container will start")


def test_a_configuration_that_is_wrong_is_told_to_the_runtime(folder):
    """It launched the plugin, whose standard error is /dev/null: the reason stands in the runtime's log, and in the plugin's own."""
    default_log = pathlib.Path("/var/log/tetragon/nri-hook.log")  # until it is configured
    was_there = default_log.exists()
    ours, theirs = socket.socketpair()
    os.set_inheritable(theirs.fileno(), True)
    child = subprocess.Popen([PROGRAM], close_fds=False, stderr=subprocess.DEVNULL, env={
        "NRI_PLUGIN_NAME": "tetragon", "NRI_PLUGIN_IDX": "01", "NRI_PLUGIN_SOCKET": str(theirs.fileno())})
    theirs.close()
    runtime = nri.Connection(ours)
    stream, _, _ = runtime.message(2)
    runtime.send(nri.response(stream))
    code, text, _ = runtime.call("Configure", nri.data(1, '{"mode": "sideways"}') + nri.data(2, "containerd"))
    assert code == 9 and "the plugin's configuration file: --mode: unknown mode 'sideways'" in text
    assert child.wait(5) == 1
    assert "unknown mode 'sideways'" in default_log.read_text().splitlines()[-2]
    if not was_there:
        default_log.unlink()


def test_the_environment_of_a_launched_plugin():
    done = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=5, env={"NRI_PLUGIN_SOCKET": "x"})
    assert done.returncode == 80 and "NRI_PLUGIN_SOCKET='x' is no descriptor" in done.stderr
