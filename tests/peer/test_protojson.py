# SPDX-License-Identifier: Apache-2.0
"""Our protobuf JSON against Google's encoder: messages filled at random, by reflection, in every field of the schema."""
import importlib
import json
import os
import pathlib
import random
import struct
import subprocess

import pytest
from google.protobuf import json_format, wrappers_pb2
from google.protobuf.descriptor import FieldDescriptor

MESSAGES = 200
DUMP = os.environ.get("PROTOJSON_DUMP", str(pathlib.Path(__file__).resolve().parents[2] / "build/main/tests/unit/event/protojson_dump"))
RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-2**31, 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-2**63, 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
ALPHABET = 'ab /<>&"\\\n\t\x01\x1f\x7f\u00e9\u2028\ufffd\U0001f41d'


def text(rnd):
    return "".join(rnd.choices(ALPHABET, k=rnd.choice((0, 1, 8))))


def scalar(rnd, field):
    if field.cpp_type in RANGES:
        low, high = RANGES[field.cpp_type]
        return rnd.choice((0, 1, low, high, rnd.randint(low, high)))
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return rnd.random() < 0.5
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return rnd.choice([value.number for value in field.enum_type.values] + [123456])
    assert field.cpp_type == FieldDescriptor.CPPTYPE_STRING
    return rnd.randbytes(rnd.randint(0, 5)) if field.type == FieldDescriptor.TYPE_BYTES else text(rnd)


def fill_well_known(rnd, message):
    """True if `message` was of a type whose content is not free."""
    name = message.DESCRIPTOR.full_name
    nanos = rnd.choice((0, 5 * 10**8, 123456000, 123456789))
    if name == "google.protobuf.Timestamp":
        message.seconds, message.nanos = rnd.choice((0, 1772600767, -1, 2**33)), nanos
    elif name == "google.protobuf.Duration":
        sign = rnd.choice((1, -1))
        message.seconds, message.nanos = sign * rnd.choice((0, 15)), sign * nanos
    elif name == "google.protobuf.FieldMask":
        message.paths.extend(rnd.sample(["process.pod", "parent.exec_id", "process.pod.container.start_time"], rnd.randint(0, 3)))
    elif name == "google.protobuf.Any":
        inner = rnd.choice((wrappers_pb2.StringValue(value=text(rnd)), wrappers_pb2.BoolValue(value=True),
                            wrappers_pb2.Int64Value(value=-7), wrappers_pb2.BytesValue(value=b"\xff")))
        message.Pack(inner)
    else:
        return False
    return True


def fill_map(rnd, message, field):
    value = field.message_type.fields_by_name["value"]
    for _ in range(rnd.randint(0, 3)):
        getattr(message, field.name)[text(rnd)] = scalar(rnd, value)


def fill(rnd, message, depth):
    if fill_well_known(rnd, message):
        return message
    for field in message.DESCRIPTOR.fields:
        if rnd.random() < 0.3 + 0.1 * depth:
            continue
        target = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            fill_map(rnd, message, field)
        elif field.is_repeated:
            for _ in range(rnd.randint(0, 2)):
                if field.message_type:
                    fill(rnd, target.add(), depth + 1)
                else:
                    target.append(scalar(rnd, field))
        elif field.message_type:
            target.SetInParent()
            fill(rnd, target, depth + 1)
        else:
            setattr(message, field.name, scalar(rnd, field))
    return message


@pytest.mark.parametrize("module, name", [
    ("events", "GetEventsResponse"), ("events", "GetEventsRequest"), ("sensors", "GetDebugResponse"),
    ("sensors", "GetInfoResponse"), ("sensors", "ListTracingPoliciesResponse"), ("tetragon", "RuntimeHookRequest")])
def test_same_json_as_the_reference_encoder(api, module, name):
    rnd = random.Random(name)
    kind = getattr(importlib.import_module(f"tetragon.{module}_pb2"), name)
    messages = [fill(rnd, kind(), 0) for _ in range(MESSAGES)]
    packed = [message.SerializeToString() for message in messages]
    done = subprocess.run([DUMP, name], input=b"".join(struct.pack("<I", len(p)) + p for p in packed),
                          stdout=subprocess.PIPE, timeout=60)
    lines = done.stdout.decode().split("\n")[:-1]
    assert done.returncode == 0 and len(lines) == MESSAGES
    for message, line in zip(messages, lines):
        want = json_format.MessageToJson(message, preserving_proto_field_name=True)
        assert json.loads(line) == json.loads(want)
        assert json_format.Parse(line, kind()) == message
