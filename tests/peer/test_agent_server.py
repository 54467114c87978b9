# SPDX-License-Identifier: Apache-2.0
"""Peers that break the rules, or are merely many: the agent goes on answering the hook, and does not grow."""
import concurrent.futures
import importlib
import os
import select
import socket
import struct
import subprocess
import time

import grpc
import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from agent_bed import Agent
from conftest import program

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HOOK = "/tetragon.FineGuidanceSensors/RuntimeHook"
VERSION = "/tetragon.FineGuidanceSensors/GetVersion"
EVENTS = "/tetragon.FineGuidanceSensors/GetEvents"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4


@pytest.fixture(scope="module")
def agent(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        yield agent.start("--log-level=info")


@pytest.fixture(autouse=True)
def serves_on(agent, api):
    """Whatever a test does: at its end a hook is answered at once, and the agent has not grown much."""
    path = agent.cgroup("served", "ab" * 32)
    with agent.channel() as channel:
        ask(channel, api, path)  # warm
        before = agent.memory_kib()
        yield
        with agent.channel() as fresh:
            ask(fresh, api, path)
    grown = agent.memory_kib() - before
    assert grown < 60 * 1024, f"the agent has grown by {grown} KiB"


def ask(channel, api, path, timeout=5):
    stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
    stub.RuntimeHook(api.tetragon.RuntimeHookRequest(createContainer=api.tetragon.CreateContainer(cgroupsPath=path)),
                     timeout=timeout)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def message(payload=b"", flag=0):
    return struct.pack(">BI", flag, len(payload)) + payload


def fields(path, *more):
    return [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", path),
            ("content-type", "application/grpc"), ("te", "trailers"), *more]


class Raw:
    """A client that is correct in HTTP/2 and free above it."""

    def __init__(self, agent):
        self.sock = agent.connect()
        self.answers = {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8",
                                                                         validate_outbound_headers=False))
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def receive(self):
        """Takes what has come, waiting for something."""
        bytes_ = self.sock.recv(65536)
        assert bytes_, "closed"
        for event in self.h2.receive_data(bytes_):
            found = self.answers.setdefault(getattr(event, "stream_id", None), {})
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                found.update(event.headers)
            if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                found["over"] = True
        self.flush()

    def call(self, headers, body, end=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers)
        while body and "over" not in self.answers.get(stream, {}):
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
            if room:
                self.h2.send_data(stream, body[:room])
                body = body[room:]
            self.flush()
            if not room:
                self.receive()
        if end:
            self.h2.end_stream(stream)
        self.flush()
        return stream

    def status(self, stream, seconds=5):
        """(grpc-status, grpc-message), or (None, HTTP status)."""
        self.sock.settimeout(seconds)
        while "over" not in self.answers.get(stream, {}):
            self.receive()
        found = self.answers[stream]
        if "grpc-status" in found:
            return int(found["grpc-status"]), found.get("grpc-message", "")
        return None, found.get(":status")

    def close(self):
        self.sock.close()


@pytest.fixture
def raw(agent):
    raw = Raw(agent)
    yield raw
    raw.close()


@pytest.mark.parametrize("why, headers, body, status, text", [
    ("a good call", fields(VERSION), message(), 0, ""),
    ("unknown method", fields("/tetragon.FineGuidanceSensors/Nothing"), message(), 12, "unknown method"),
    ("path too long", fields("/" + "x" * 5000), message(), 12, "unknown method"),
    ("compressed by header", fields(VERSION, ("grpc-encoding", "gzip")), message(), 12, "compressed"),
    ("identity is no compression", fields(VERSION, ("grpc-encoding", "identity")), message(), 0, ""),
    ("compressed by flag", fields(VERSION), message(flag=1), 12, "compressed"),
    ("no message", fields(VERSION), b"", 12, "missing"),
    ("cut prefix", fields(VERSION), b"\0\0", 13, "cut"),
    ("cut message", fields(VERSION), message(b"xyz")[:-1], 13, "cut"),
    ("two messages", fields(VERSION), message() + message(), 12, "more than one"),
    ("malformed protobuf", fields(HOOK), message(b"\xff" * 30), 13, "malformed"),
    ("larger than 4 MiB", fields(HOOK), struct.pack(">BI", 0, 4 * 1024 * 1024 + 1), 8, "larger"),
    ("larger than its method allows", fields(VERSION), struct.pack(">BI", 0, 100000), 8, "larger"),
    ("4 GiB announced", fields(HOOK), struct.pack(">BI", 0, 0xFFFFFFFF), 8, "larger"),
    ("no time", fields(HOOK, ("grpc-timeout", "0m")), message(), 4, "time"),
    ("bad time", fields(HOOK, ("grpc-timeout", "soon")), message(), 13, "grpc-timeout"),
    ("too many header bytes", fields(VERSION, ("x", "y" * 20000)), message(), 8, "header"),
    ("content type with suffix", [(n, v + ("+proto" if n == "content-type" else "")) for n, v in fields(VERSION)], message(),
     0, ""),
    ("not POST", [(n, "GET" if n == ":method" else v) for n, v in fields(VERSION)], message(), None, "405"),
    ("not gRPC", [(n, "text/html" if n == "content-type" else v) for n, v in fields(VERSION)], message(), None, "415"),
])
def test_a_call_gets_the_status_that_it_deserves(raw, why, headers, body, status, text):
    got, details = raw.status(raw.call(headers, body))
    assert got == status and text in details, f"{why}: {got}, {details}"


def test_an_answer_does_not_wait_for_the_rest_of_a_refused_request(raw):
    got, _ = raw.status(raw.call(fields(HOOK), struct.pack(">BI", 0, 0xFFFFFF), end=False))
    assert got == 8


def test_requests_may_come_in_any_pieces(agent):
    """One byte a write: preface, SETTINGS, HEADERS and DATA are put together again."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    client.initiate_connection()
    client.send_headers(1, fields(VERSION))
    client.send_data(1, message(), end_stream=True)
    with agent.connect() as sock:
        for byte in client.data_to_send():
            sock.send(bytes([byte]))
        while True:
            piece = sock.recv(65536)
            assert piece
            if any(isinstance(event, h2.events.StreamEnded) for event in client.receive_data(piece)):
                break


def closed_within(sock, seconds=5):
    """True if the agent closes; what it says before is read."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        readable, _, _ = select.select([sock], [], [], 0.2)
        if readable:
            try:
                if not sock.recv(65536):
                    return True
            except ConnectionResetError:
                return True
    return False


def send_all(sock, bytes_):
    """Sends as much as the agent takes: it may have had enough before the end."""
    try:
        sock.sendall(bytes_)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        pass


SHAPES = {
    "HTTP/1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "random bytes": bytes((i * 7919) % 251 for i in range(65536)),
    "zeros": bytes(65536),
    "preface, then random bytes": PREFACE + bytes((i * 104729) % 253 for i in range(65536)),
    "frame of 16 MiB": PREFACE + frame(SETTINGS, 0, 0) + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(65536),
    "DATA before HEADERS": PREFACE + frame(SETTINGS, 0, 0) + frame(DATA, END_STREAM, 1, message()),
    "HEADERS on stream 0": PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 0, b"\x82"),
    "malformed HPACK": PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, b"\xff" * 50),
    "endless CONTINUATION": PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, b"\x82") +
    b"".join(frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y" * 200) for _ in range(400)),
    "SETTINGS flood": PREFACE + frame(SETTINGS, 0, 0) * 5000,
    "PING flood": PREFACE + frame(SETTINGS, 0, 0) + frame(PING, 0, 0, b"12345678") * 5000,
    "huge SETTINGS": PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 4096) * 2000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_peer_that_speaks_something_else_is_cut_off(agent, shape):
    with agent.connect() as sock:
        send_all(sock, SHAPES[shape])
        assert closed_within(sock), shape


def test_a_reset_flood_is_cut_off(agent):
    """Open and reset streams as fast as possible."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    client.initiate_connection()
    with agent.connect() as sock:
        for i in range(5000):
            stream = 2 * i + 1
            client.send_headers(stream, fields(EVENTS))
            client.reset_stream(stream)
            if i % 100 == 0:
                send_all(sock, client.data_to_send())
        send_all(sock, client.data_to_send())
        assert closed_within(sock)


def test_more_streams_than_allowed_are_refused_singly(agent, raw):
    """Calls that never end take a place each; the connection itself goes on."""
    raw.sock.settimeout(2)
    for event in raw.h2.receive_data(raw.sock.recv(65536)):
        if isinstance(event, h2.events.RemoteSettingsChanged):
            assert event.changed_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS].new_value == 128
    for _ in range(128):
        raw.call(fields(HOOK), b"", end=False)


def test_half_open_connections_do_no_harm(agent):
    """A preface and silence; half a frame and silence; a call without an end; a peer that has vanished."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    client.initiate_connection()
    client.send_headers(1, fields(HOOK))
    client.send_data(1, message(b"x" * 1000)[:500])
    begun = client.data_to_send()
    held = []
    for part in (b"", PREFACE[:5], PREFACE, PREFACE + b"\x00\x00", begun):
        for _ in range(20):
            sock = agent.connect()
            sock.sendall(part)
            held.append(sock)
    time.sleep(0.3)
    for sock in held:
        sock.close()


def test_a_thousand_idle_connections(agent, api):
    held = [agent.connect() for _ in range(1000)]
    for sock in held[::2]:
        sock.sendall(PREFACE + frame(SETTINGS, 0, 0))
    with agent.channel() as channel:
        began = time.monotonic()
        ask(channel, api, agent.cgroup("served", "ab" * 32))
        assert time.monotonic() - began < 1
    for sock in held:
        sock.close()


def test_five_hundred_hooks_at_once(agent, api):
    """Each on a connection of its own, as 500 hook processes would: none is turned away."""
    path = agent.cgroup("served", "ab" * 32)
    request = api.tetragon.RuntimeHookRequest(createContainer=api.tetragon.CreateContainer(cgroupsPath=path))
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    client.initiate_connection()
    client.send_headers(1, fields(HOOK))
    client.send_data(1, message(request.SerializeToString()), end_stream=True)
    whole = client.data_to_send()
    agent.child.send_signal(19)  # SIGSTOP: all of them have to wait in the backlog
    try:
        socks = []
        for _ in range(500):
            sock = agent.connect()
            sock.sendall(whole)
            socks.append(sock)
    finally:
        agent.child.send_signal(18)  # SIGCONT

    def answered(sock):
        decoder = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        decoder.initiate_connection()
        decoder.send_headers(1, fields(HOOK), end_stream=True)
        while True:
            piece = sock.recv(65536)
            assert piece, "closed without an answer"
            for event in decoder.receive_data(piece):
                if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    if "grpc-status" in dict(event.headers):
                        return dict(event.headers)["grpc-status"] == "0"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(answered, socks))
    for sock in socks:
        sock.close()


def test_a_slow_reader_loses_events_and_nobody_else_does(agent, api):
    """A stream that is never read, a reader beside it, and much to tell."""
    events = importlib.import_module("tetragon.events_pb2")
    slow = Raw(agent)
    slow.call(fields(EVENTS), message())
    with agent.channel() as channel:
        stub = api.sensors_grpc.FineGuidanceSensorsStub(channel)
        stream = stub.GetEvents(events.GetEventsRequest(), timeout=60)
        stream.initial_metadata()
        for _ in range(20):
            subprocess.run(["/bin/sh", "-c", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done"], check=True)
        subprocess.run(["/bin/sh", "-c", "exec /bin/true the-last-one"], check=True)
        seen = 0
        for event in stream:
            seen += 1
            if event.HasField("process_exec") and "the-last-one" in event.process_exec.process.arguments:
                break
        assert seen > 4000, "2000 programs ran: each has an exec and an exit"
        stream.cancel()
    slow.close()
    time.sleep(0.2)


def test_unpacking_has_a_limit(agent, api):
    """Two bytes of an empty filter become hundreds: a request of 256 KiB must not take a gigabyte."""
    raw = Raw(agent)
    got, text = raw.status(raw.call(fields(EVENTS), message(b"\x0a\x00" * 120000)), 10)
    assert got in (3, 8, 13), text
    raw.close()


def test_tcp_connections_have_their_own_places(agent, api):
    held = []
    for _ in range(700):  # more than there are
        sock = socket.create_connection(("127.0.0.1", agent.port), timeout=5)
        held.append(sock)
    with agent.channel() as channel:
        ask(channel, api, agent.cgroup("served", "ab" * 32))
    with agent.channel(tcp=True) as channel:  # an idle one makes room
        api.sensors_grpc.FineGuidanceSensorsStub(channel).GetVersion(api.sensors.GetVersionRequest(), timeout=5)
    for sock in held:
        sock.close()


def test_a_deadline_is_kept_by_the_agent_too(agent):
    """A call whose request never comes ends when its own time is over."""
    raw = Raw(agent)
    got, text = raw.status(raw.call(fields(HOOK, ("grpc-timeout", "200m")), message(b"x" * 100)[:50], end=False), 3)
    assert got == 4, text
    raw.close()


def test_requests_together_have_a_limit(agent):
    """Half-received large requests on one connection: beyond its budget they are refused, not kept."""
    raw = Raw(agent)
    raw.sock.settimeout(5)
    for _ in range(2):
        raw.call(fields(HOOK), message(b"\0" * 3_900_000)[:3_000_000], end=False)
    got, text = raw.status(raw.call(fields(HOOK), message(b"\0" * 3_900_000)[:3_000_000], end=False))
    assert got == 8 and "too many" in text
    raw.close()


def test_signals_end_it_cleanly(api):
    for how in (15, 2):
        with Agent(program("AGENT_BIN", "tetragon")) as agent:
            agent.start()
            with agent.channel() as channel:
                events = importlib.import_module("tetragon.events_pb2")
                stream = api.sensors_grpc.FineGuidanceSensorsStub(channel).GetEvents(events.GetEventsRequest(), timeout=20)
                stream.initial_metadata()
                assert agent.end(how) == 0
                with pytest.raises(grpc.RpcError):
                    for _ in stream:
                        pass
            assert not agent.socket.exists() and "statistics" in agent.log_text()


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(api):
    with Agent(program("AGENT_BIN", "tetragon")) as agent:
        agent.start()
        other = [agent.program, f"--server-address={agent.address}", f"--bpf-dir={agent.bpf_dir}-2"]
        done = subprocess.run(other, capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "another agent answers" in done.stdout, done
        assert agent.socket.exists()
        agent.end(9)
        assert agent.socket.exists()
        agent.start()
        with agent.channel() as channel:
            api.sensors_grpc.FineGuidanceSensorsStub(channel).GetVersion(api.sensors.GetVersionRequest(), timeout=5)
        subprocess.run(["rm", "-rf", f"/run/tetragon/{agent.bpf_dir}-2"], check=True)
        assert not [name for name in os.listdir(agent.socket.parent) if name.startswith(".tetragon-")]
