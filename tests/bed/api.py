# SPDX-License-Identifier: Apache-2.0
"""Messages and a client, generated from api/ by grpcio-tools: HTTP/2 and protobuf as others speak them."""
import functools
import importlib
import pathlib
import sys
import tempfile

import grpc

from . import TOP


@functools.cache
def _generated():
    """Generates once a process; nothing of it stays in the tree."""
    from grpc_tools import protoc

    out = tempfile.TemporaryDirectory(prefix="tetragon-api-")
    sources = [str(path) for path in sorted((TOP / "api" / "tetragon").glob("*.proto"))]
    if protoc.main(["protoc", f"-I{TOP / 'api'}", f"--python_out={out.name}", f"--grpc_python_out={out.name}", *sources]):
        raise RuntimeError("api/ does not compile")
    sys.path.insert(0, out.name)
    return out


def module(name):
    """A generated module: "sensors_pb2", "sensors_pb2_grpc", "events_pb2" …"""
    _generated()
    return importlib.import_module(f"tetragon.{name}")


class Client:
    """A connection to the agent; use it with `with`."""

    def __init__(self, address):
        _generated()
        self.channel = grpc.insecure_channel(address, options=[("grpc.default_authority", "localhost")])
        self.stub = module("sensors_pb2_grpc").FineGuidanceSensorsStub(self.channel)
        self.messages = module("sensors_pb2")
        self.events = module("events_pb2")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def add_policy(self, yaml):
        self.stub.AddTracingPolicy(self.messages.AddTracingPolicyRequest(yaml=yaml), timeout=10)

    def delete_policy(self, name, namespace=""):
        self.stub.DeleteTracingPolicy(self.messages.DeleteTracingPolicyRequest(name=name, namespace=namespace), timeout=10)

    def policies(self):
        return self.stub.ListTracingPolicies(self.messages.ListTracingPoliciesRequest(), timeout=10).policies


def is_healthy(address):
    """True once the agent answers; calls that need policies wait in the agent until they are loaded."""
    with Client(address) as client:
        try:
            client.policies()
            return True
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                return False
            raise
