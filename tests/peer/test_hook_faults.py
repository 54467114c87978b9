# SPDX-License-Identifier: Apache-2.0
"""The list of faults: broken inputs, broken disks, sockets that are none, agents that misbehave. For each one the same is asked:
an end in bounded time and memory, status 0 or 1, one clear line on standard error when the container fails."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import time

import pytest

from hook_bed import CID, UID, Agent, Bed, containerd_spec, raw_server

MEMORY_KB = 24 * 1024  # 1.2 MB for a common call; a 4 MB config.json and its request need their own size


@pytest.fixture
def bed(tmp_path, hook_bin):
    return Bed(tmp_path, hook_bin)


def is_static(program):
    return "INTERP" not in subprocess.run(["readelf", "-l", program], capture_output=True, text=True).stdout


def fault(bed, *flags, status=1, seconds=3, **more):
    """Runs the hook and looks at what must hold whatever the fault is."""
    done = bed.run(*flags, **more)
    assert done.code == status and done.seconds < seconds, done
    assert done.out == ""
    if status:
        assert done.err.startswith("failing container: ") and "\n" not in done.err, done
        assert bed.messages()[-1] == "failing container"
    return done


# --- the inputs, cut and bent

def test_a_state_cut_at_every_byte(bed, api):
    state = bed.state()
    with Agent(api, f"unix:{bed.socket}") as agent:
        for at in range(1, len(state)):
            done = bed.run(state=state[:at])
            assert done.code == 1 and done.err.startswith("failing container: ") and done.seconds < 3, (at, done)
        assert bed.run(state=state).code == 0
        assert len(agent.requests) == 1


def test_a_config_cut_at_every_byte(bed, api):
    config = json.dumps(containerd_spec())
    with Agent(api, f"unix:{bed.socket}") as agent:
        for at in range(len(config)):
            bed.write(config[:at])
            done = bed.run()
            assert done.code == 1 and done.err.startswith("failing container: ") and done.seconds < 3, (at, done)
        assert not agent.requests


def test_a_real_config_cut_here_and_there(bed, api):
    config = (pathlib.Path(__file__).parents[1] / "fixtures/oci/cri-o-1.37.0-crun-1.8.1/config.json").read_bytes()
    with Agent(api, f"unix:{bed.socket}"):
        for at in range(0, len(config) - 1, 61):
            bed.write(config[:at])
            assert bed.run().code == 1, at


TYPES = ["null", "true", "1", "-1.5e300", '"x"', "[]", "{}", "[[]]", '{"a":1}', '[{"a":"b"}]']
MEMBERS = ["root", "root.path", "mounts", "annotations", "linux", "linux.cgroupsPath", "linux.namespaces"]


def put(spec, path, value):
    *folders, last = path.split(".")
    for folder in folders:
        spec = spec[folder]
    spec[last] = value


@pytest.mark.parametrize("member", MEMBERS)
def test_every_json_type_in_every_place(bed, api, member):
    for text in TYPES:
        spec = containerd_spec()
        put(spec, member, json.loads(text))
        bed.write(spec)
        with Agent(api, f"unix:{bed.socket}"):
            done = bed.run()
        assert done.code in (0, 1) and done.seconds < 3, (text, done)
        assert not done.code or done.err.startswith("failing container: "), (text, done)


@pytest.mark.parametrize("value", ["1e999", "-0", "99999999999999999999999999", "0.1", "-1", '"4711"', "true", "[1]"])
def test_numbers_out_of_range(bed, api, value):
    state = bed.state().decode().replace("4711", value).encode()
    with Agent(api, f"unix:{bed.socket}"):
        done = bed.run(state=state)
    assert done.code in (0, 1) and done.seconds < 3


LARGE = {
    "100,000 mounts": '{"mounts":[' + ",".join(['{"destination":"/d","type":"bind","source":"/s"}'] * 80000) + "]}",
    "100,000 tiny mounts": '{"mounts":[' + ",".join(["{}"] * 100000) + "]}",
    "100,000 options": '{"mounts":[{"options":[' + ",".join(['"ro"'] * 100000) + "]}]}",
    "100,000 annotations": '{"annotations":{' + ",".join(f'"k{n}":"v"' for n in range(100000)) + "}}",
    "100,000 namespaces": '{"linux":{"namespaces":[' + ",".join(['{"type":"pid"}'] * 100000) + "]}}",
    "100,000 open brackets": '{"x":' + "[" * 100000, "100,000 brackets": '{"x":' + "[" * 100000 + "]" * 100000 + "}",
    "100,000 braces": '{"x":' * 100000 + "1" + "}" * 100000, "a million unknown keys": "{" + ",".join('"x":1' for _ in range(600000)) + "}",
    "a text of 4 MB": '{"annotations":{"a":"' + "x" * (4 << 20) + '"}}', "a text of escapes": '{"annotations":{"a":"' + "\\u00e4" * 500000 + '"}}',
    "a text of broken bytes": b'{"annotations":{"a":"' + b"\xff" * 3000000 + b'"}}', "4 MB of blanks": " " * (4 << 20) + "{}",
    "NUL inside": b'{"annotations":{"a":"x\0y"}}', "NUL behind": b'{}\0', "UTF-16": json.dumps(containerd_spec()).encode("utf-16"),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_and_strange_configs(bed, api, name):
    bed.write(LARGE[name])
    with Agent(api, f"unix:{bed.socket}"):
        child = bed.start(timeout="5s")
        began = time.monotonic()
        out, err = child.communicate(bed.state(), timeout=20)
        assert child.returncode in (0, 1) and time.monotonic() - began < 5, (child.returncode, err)
    if name not in ("a million unknown keys", "a text of escapes", "a text of broken bytes"):
        assert child.returncode == 1 and err.startswith(b"failing container: "), err
        assert f"{bed.bundle}/config.json".encode() in err


def test_memory_is_bounded(bed, api):
    """The largest spec that is read, with an agent that takes it: peak memory as the kernel counts it."""
    if not is_static(bed.program):
        return
    bed.write('{"annotations":{' + ",".join(f'"k{n}":"{"x" * 800}"' for n in range(4000)) + "}}")
    with raw_server(bed.socket, lambda connection, over: over.wait(20)):
        child = bed.start(timeout="20s")
        child.stdin.write(bed.state())
        child.stdin.close()
        time.sleep(1)
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{child.pid}/status").read_text())[1])
        child.terminate()
        child.wait(10)
        child.stdout.close(), child.stderr.close()
    assert peak <= MEMORY_KB, f"{peak} KiB"


# --- disks

@contextlib.contextmanager
def small_disk(folder, size="64k", options=""):
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755{options}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_log_disk(bed, api):
    with small_disk(bed.folder / "disk") as disk, Agent(api, f"unix:{bed.socket}"):
        (disk / "filler").write_bytes(b"x" * 65536)
        done = bed.run(f"--log-fname={disk}/hook.log")
        assert done.code == 0 and done.err.startswith("error writing to logger: ") and "No space left" in done.err, done


def test_a_read_only_log_disk(bed, api):
    with small_disk(bed.folder / "disk") as disk, Agent(api, f"unix:{bed.socket}"):
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        done = bed.run(f"--log-fname={disk}/hook.log")
        assert done.code == 0 and done.err.startswith("error writing to logger: ") and "Read-only" in done.err, done
    done = bed.run("--log-fname=/proc/nowhere/hook.log", timeout="300ms")
    assert done.code == 1 and "failing container: " in done.err and "error writing to logger: " in done.err, done


def test_a_disk_too_full_for_a_record_starts_the_container_all_the_same(bed):
    bed.write(containerd_spec(namespace="kube-system"))
    with small_disk(bed.folder / "disk") as disk:
        (disk / "filler").write_bytes(b"x" * 65536)
        done = bed.run(f"--unseen-dir={disk}/unseen")
    assert done.code == 0
    assert "cannot write down that this container started without the agent" in bed.messages()


@pytest.mark.parametrize("kind", ["folder", "socket", "link to itself", "long name", "fifo", "a folder on the way is a file"])
def test_a_log_that_is_no_file(bed, api, kind):
    path = bed.folder / "log"
    if kind == "folder":
        path.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "long name":
        path = path / ("x" * 5000)
    else:
        path.write_text("")
        path = path / "hook.log"
    with Agent(api, f"unix:{bed.socket}"):
        done = bed.run(f"--log-fname={path}")
    assert done.code == 0 and done.err.startswith("error writing to logger: ") and done.seconds < 3, done


def test_the_log_is_rotated_in_a_real_call(bed, api):
    with Agent(api, f"unix:{bed.socket}"):
        bed.log_file.touch()
        os.truncate(bed.log_file, 50 * 1024 * 1024)
        assert bed.run().code == 0
    old, = bed.folder.glob("hook-*.log")
    assert re.fullmatch(r"hook-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log", old.name) and old.stat().st_size == 50 * 1024 * 1024
    assert bed.messages() == ["hook request to agent succeeded"]


# --- sockets that are none

def make_file(path):
    path.write_text("")


def make_loop(path):
    path.symlink_to(path)


def make_dangling(path):
    path.symlink_to("/nowhere")


def make_datagram(path):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(str(path))


def make_dead(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
        one.listen(1)


@pytest.mark.parametrize("make", [make_file, os.mkdir, make_loop, make_dangling, make_datagram, make_dead, os.mkfifo, lambda path: None],
                         ids=["regular file", "folder", "link to itself", "dangling link", "datagram socket", "nobody listens", "fifo", "nothing"])
def test_sockets_that_are_none(bed, make):
    make(bed.socket)
    done = fault(bed, timeout="500ms")
    assert str(bed.socket) in done.err and "Unavailable" in done.err
    assert bed.line("hook request to the agent failed")["agent"] == "unreachable"
    bed.write(containerd_spec(namespace="kube-system"))
    fault(bed, status=0, seconds=1.5)


def test_a_socket_that_we_may_not_use(bed):
    """Where root is not almighty (a user namespace's): permission denied is no reason to wait for less."""
    done = fault(bed, "--grpc-address=unix:///proc/1/root/nowhere/x.sock", timeout="300ms")
    assert "Unavailable" in done.err


@pytest.mark.parametrize("target", ["", "x", "http://127.0.0.1:1", "unix:", "unix://host/path", "unix:///" + "a" * 200, "127.0.0.1:0", "127.0.0.1:99999",
                                    "127.0.0.1:", "agent.example:1", "[::1]", "unix-abstract:", "dns://8.8.8.8/x:1", "ipv4:1.2.3.4:5"])
def test_targets_that_are_none(bed, target):
    done = fault(bed, f"--grpc-address={target}", timeout="5s", seconds=6)
    assert "InvalidArgument" in done.err and f"'{target}'"[:60] in done.err


def test_a_port_where_nobody_listens(bed):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        fault(bed, f"--grpc-address=127.0.0.1:{one.getsockname()[1]}", timeout="300ms")


# --- agents that misbehave

def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


SETTINGS = frame(4, 0, 0)
HEADERS = bytes([0x88])  # :status 200
GRPC = HEADERS + b"\x40\x0ccontent-type\x10application/grpc"


def text(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


TRAILERS_ONLY = GRPC + text(b"grpc-status", b"5") + text(b"grpc-message", b"no%20such%20thing%0A%1b[2J")
MESSAGE = b"\0\0\0\0\0"


def once(*parts, pause=0, wait=0.05, close=True):
    """A server that reads what there is, sends the parts, and closes (or waits)."""
    def serve(connection, over):
        connection.recv(65536)
        time.sleep(wait)
        for part in parts:
            connection.sendall(part)
            if pause:
                time.sleep(pause)
        if not close:
            over.wait(20)
    return serve


def flood(unit, head=SETTINGS):
    def serve(connection, over):
        connection.recv(65536)
        connection.sendall(head)
        while not over.is_set():
            connection.sendall(unit * 100)
    return serve


def slow(connection, over):
    connection.recv(65536)
    for byte in SETTINGS + frame(1, 4, 1, GRPC) + frame(0, 0, 1, MESSAGE) * 100:
        connection.sendall(bytes([byte]))
        if over.wait(0.2):
            return


def never_reads(connection, over):
    over.wait(20)


def reset(connection, over):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# name: (serve, code that the log has, where it is known; None: any)
AGENTS = {
    "an HTTP/1 page": (once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "Internal"),
    "an HTTP/1 redirect, slowly": (once(*(bytes([b]) for b in b"HTTP/1.1 301 M\r\n\r\n"), pause=0.01), "Internal"),
    "garbage": (once(os.urandom(4096), close=False), None),
    "a TLS alert": (once(b"\x15\x03\x01\x00\x02\x02\x46"), None),
    "nothing, closed at once": (once(), "Unavailable"),
    "reset at once": (reset, "Unavailable"),
    "half a frame": (once(SETTINGS[:5]), "Unavailable"),
    "a flood of SETTINGS": (flood(SETTINGS), "ResourceExhausted"),
    "a flood of PING": (flood(frame(6, 0, 0, b"pingping")), "ResourceExhausted"),
    "a flood of empty DATA": (flood(frame(0, 0, 1), SETTINGS + frame(1, 4, 1, GRPC)), None),
    "a flood of WINDOW_UPDATE": (flood(frame(8, 0, 0, b"\0\0\0\1")), None),
    "a flood of PRIORITY": (flood(frame(2, 0, 1, b"\0\0\0\0\1")), None),
    "a flood of unknown frames": (flood(frame(0xee, 0, 0, b"x")), None),
    "a flood of CONTINUATION": (flood(frame(9, 0, 1, b""), SETTINGS + frame(1, 0, 1, GRPC)), None),
    "5 MB of headers": (flood(frame(9, 0, 1, b"\x00\x04name\x7f\x81\x01" + b"v" * 256), SETTINGS + frame(1, 0, 1, GRPC)), None),
    "a header that fills the table": (flood(frame(1, 4, 1, b"\x40\x04name\x7f\x81\x01" + b"v" * 256)), None),
    "GOAWAY": (once(SETTINGS + frame(7, 0, 0, struct.pack(">II", 0, 0)), close=False), None),
    "GOAWAY with ENHANCE_YOUR_CALM and 10 KB of text": (once(SETTINGS + frame(7, 0, 0, struct.pack(">II", 0, 11) + b"x" * 10000), close=False), None),
    "RST_STREAM": (once(SETTINGS + frame(3, 0, 1, struct.pack(">I", 2)), close=False), "Internal"),
    "RST_STREAM, refused": (once(SETTINGS + frame(3, 0, 1, struct.pack(">I", 7)), close=False), "Unavailable"),
    "RST_STREAM with a code that nobody knows": (once(SETTINGS + frame(3, 0, 1, struct.pack(">I", 0xdead)), close=False), None),
    "RST_STREAM of another stream": (once(SETTINGS + frame(3, 0, 5, struct.pack(">I", 2)), close=False), None),
    "trailers only": (once(SETTINGS + frame(1, 5, 1, TRAILERS_ONLY), close=False), "NotFound"),
    "trailers only with a status of 99": (once(SETTINGS + frame(1, 5, 1, GRPC + text(b"grpc-status", b"99")), close=False), None),
    "trailers only with a status of words": (once(SETTINGS + frame(1, 5, 1, GRPC + text(b"grpc-status", b"good")), close=False), None),
    "no trailers": (once(SETTINGS + frame(1, 4, 1, GRPC) + frame(0, 1, 1, MESSAGE), close=False), "Internal"),
    "OK without a message": (once(SETTINGS + frame(1, 5, 1, GRPC + text(b"grpc-status", b"0")), close=False), "Internal"),
    "two messages": (once(SETTINGS + frame(1, 4, 1, GRPC) + frame(0, 0, 1, MESSAGE * 2), close=False), "Internal"),
    "a message of 4 GB": (once(SETTINGS + frame(1, 4, 1, GRPC) + frame(0, 0, 1, b"\0\xff\xff\xff\xff"), close=False), "DeadlineExceeded"),
    "a compressed message": (once(SETTINGS + frame(1, 4, 1, GRPC) + frame(0, 0, 1, b"\1\0\0\0\1x"), close=False), "Internal"),
    "HTTP 404": (once(SETTINGS + frame(1, 5, 1, b"\x8d"), close=False), "Unimplemented"),
    "HTTP 503 and a page": (once(SETTINGS + frame(1, 4, 1, b"\x48\x03503") + frame(0, 1, 1, b"<html>" * 100), close=False), None),
    "a page in HTTP/2": (once(SETTINGS + frame(1, 4, 1, HEADERS + text(b"content-type", b"text/html")) + frame(0, 1, 1, b"<html>"), close=False), "Unknown"),
    "a window of nothing": (once(frame(4, 0, 0, struct.pack(">HI", 4, 0)), close=False), "DeadlineExceeded"),
    "no streams allowed": (once(frame(4, 0, 0, struct.pack(">HI", 3, 0)), close=False), None),
    "frames of 16 MB allowed": (once(frame(4, 0, 0, struct.pack(">HI", 5, 16777215)), close=False), "DeadlineExceeded"),
    "a push": (once(SETTINGS + frame(5, 4, 1, struct.pack(">I", 2) + HEADERS), close=False), None),
    "a frame too large": (once(SETTINGS + frame(0, 0, 1, b"x" * 20000), close=False), None),
    "headers for a stream of its own": (once(SETTINGS + frame(1, 5, 2, GRPC), close=False), None),
    "one byte a fifth of a second": (slow, "DeadlineExceeded"),
    "accepts and says nothing": (never_reads, "DeadlineExceeded"),
}


@pytest.mark.parametrize("name", AGENTS)
def test_agents_that_misbehave(bed, name):
    serve, code = AGENTS[name]
    with raw_server(bed.socket, serve):
        done = fault(bed, timeout="1s", seconds=4)
        line = bed.line("hook request to the agent failed")
        assert re.match(r"rpc error: code = \w+(\(\d+\))? desc = ", line["err"]) and "\x1b" not in done.err
        if code:
            assert f"code = {code} " in line["err"], line["err"]
        bed.write(containerd_spec(namespace="kube-system"))
        fault(bed, timeout="10s", status=0, seconds=1.5)


def test_a_request_that_nobody_reads(bed):
    """The socket's buffer is smaller than the request: writing has to end with the deadline, too."""
    spec = containerd_spec()
    spec["mounts"] = [{"destination": f"/data/{n}", "source": "x" * 900} for n in range(3000)]
    bed.write(spec)
    with raw_server(bed.socket, never_reads):
        fault(bed, timeout="500ms", seconds=3)


def test_an_agent_that_appears_after_a_second(bed, api):
    child = bed.start(timeout="20s")
    child.stdin.write(bed.state())
    child.stdin.close()
    time.sleep(1)
    with Agent(api, f"unix:{bed.socket}"):
        assert child.wait(10) == 0
    child.stdout.close(), child.stderr.close()
    assert 0.9 < bed.line("hook request to agent succeeded")["duration"] < 4


# --- many at once

def test_five_hundred_hooks_at_once(bed, api):
    with Agent(api, f"unix:{bed.socket}") as agent:
        children = [bed.start(timeout="60s") for _ in range(500)]
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda child: child.communicate(bed.state(), timeout=120), children))
        assert [child.returncode for child in children] == [0] * 500
        assert len(agent.requests) == 500
    assert bed.messages() == ["hook request to agent succeeded"] * 500  # each line whole


def test_five_hundred_hooks_at_once_without_agent(bed):
    specs = []
    for n in range(50):
        bundle = bed.folder / f"bundle-{n}"
        shutil.copytree(bed.bundle, bundle)
        cid = f"{n:064x}"
        (bundle / "config.json").write_text(json.dumps(containerd_spec(namespace="kube-system", cid=cid)))
        specs.append(json.dumps({"id": cid, "bundle": str(bundle)}).encode())
    began = time.monotonic()
    children = [bed.start(timeout="60s") for _ in range(500)]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda pair: pair[1].communicate(specs[pair[0] % 50], timeout=120), enumerate(children)))
    assert [child.returncode for child in children] == [0] * 500 and time.monotonic() - began < 30
    assert len(bed.records()) == 50 and len(bed.messages()) == 1000
    assert {record["podUID"] for record in bed.records().values()} == {UID} and CID not in bed.records()
