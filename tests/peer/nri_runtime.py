# SPDX-License-Identifier: Apache-2.0
"""The runtime's side of NRI, by hand: for what no real runtime can be made to send."""
import socket
import struct

import grpc_tools  # noqa: F401  the protobuf runtime comes with it


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def pair(field, key, value):
    return data(field, data(1, key) + data(2, value))


def fields(message):
    """[(number, value)] of a message: ints and bytes."""
    found, at = [], 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = take()
        if key & 7 == 0:
            found.append((key >> 3, take()))
        else:
            length = take()
            found.append((key >> 3, message[at:at + length]))
            at += length
    return found


def frames(mux_id, message):
    """As real runtimes cut a message: 4096 bytes, then all the rest."""
    return b"".join(struct.pack(">II", mux_id, len(part)) + part for part in (message[:4096], message[4096:]) if part)


def request(stream, method, payload=b""):
    body = data(1, "nri.pkg.api.v1alpha1.Plugin") + data(2, method) + data(3, payload) + number(4, 2_000_000_000)
    return frames(1, struct.pack(">IIBB", len(body), stream, 1, 0) + body)


def response(stream, payload=b"", code=0, text=""):
    body = data(1, number(1, code) + data(2, text)) if code else payload
    return frames(2, struct.pack(">IIBB", len(body), stream, 2, 0) + body)


class Runtime:
    """Listens on `path`; accept() gives a Connection."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.listener.settimeout(10)

    def accept(self):
        return Connection(self.listener.accept()[0])

    def close(self):
        self.listener.close()


class Connection:
    def __init__(self, sock):
        self.sock, self.stream, self.inbox, self.bytes = sock, -1, {1: b"", 2: b""}, b""
        self.sock.settimeout(10)

    def send(self, raw):
        self.sock.sendall(raw)

    def next_stream(self):
        self.stream += 2
        return self.stream

    def message(self, mux_id):
        """The next ttrpc message of that connection: (stream, type, payload)."""
        while True:
            inbox = self.inbox[mux_id]
            if len(inbox) >= 10:
                length, stream, kind, _ = struct.unpack(">IIBB", inbox[:10])
                if len(inbox) >= 10 + length:
                    self.inbox[mux_id] = inbox[10 + length:]
                    return stream, kind, inbox[10:10 + length]
            while len(self.bytes) < 8 or len(self.bytes) < 8 + struct.unpack(">II", self.bytes[:8])[1]:
                more = self.sock.recv(65536)
                if not more:
                    raise EOFError("the plugin closed")
                self.bytes += more
            frame_id, length = struct.unpack(">II", self.bytes[:8])
            self.inbox[frame_id] += self.bytes[8:8 + length]
            self.bytes = self.bytes[8 + length:]

    def call(self, method, payload=b""):
        """(status code, text, payload of the answer)"""
        stream = self.next_stream()
        self.send(request(stream, method, payload))
        return self.answer(stream)

    def answer(self, stream):
        got, kind, body = self.message(1)
        assert (got, kind) == (stream, 2), (got, kind, stream)
        parts = dict(fields(body))
        status = dict(fields(parts.get(1, b"")))
        return status.get(1, 0), status.get(2, b"").decode(), parts.get(2, b"")

    def register(self, name="containerd", version="v2.3.4", nri="v0.12.0", config=""):
        """Up to the answer to Configure: (plugin's name, index, event mask)."""
        stream, kind, body = self.message(2)
        assert kind == 1
        call = dict(fields(body))
        assert call[2] == b"RegisterPlugin"
        plugin = dict(fields(call[3]))
        self.send(response(stream))
        return plugin[1].decode(), plugin[2].decode(), self.configure(name, version, nri, config)

    def configure(self, name="containerd", version="v2.3.4", nri="v0.12.0", config=""):
        code, text, answer = self.call("Configure", data(1, config) + data(2, name) + data(3, version) + number(4, 5000) +
                                       number(5, 2000) + data(6, nri))
        assert code == 0, text
        return dict(fields(answer))[2]

    def close(self):
        self.sock.close()


def pod(number_, annotations=()):
    return (data(1, f"{number_:064x}") + data(2, f"pod-{number_}") + data(3, uid(number_)) + data(4, "tenant-a") +
            pair(5, "app", "web") + b"".join(pair(6, key, value) for key, value in annotations))


def uid(number_):
    return f"11111111-2222-3333-4444-{number_:012x}"


def container(number_, state=3, annotations=(), hooks=()):
    path = f"/kubepods/besteffort/pod{uid(number_)}/{number_ + (1 << 200):064x}"
    made = b"".join(data(2, data(1, hook)) for hook in hooks)
    return (data(1, f"{number_ + (1 << 200):064x}") + data(2, f"{number_:064x}") + data(3, f"app-{number_}") + number(4, state) +
            b"".join(pair(6, key, value) for key, value in annotations) + (data(10, made) if hooks else b"") +
            data(11, data(5, path)))
