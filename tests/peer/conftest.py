# SPDX-License-Identifier: Apache-2.0
"""Shared by the peer tests: the project's interface as Python modules, and where the programs are."""
import importlib
import os
import pathlib
import sys
import types

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def program(variable, name):
    """A program under test: named by an environment variable, else what `make` leaves in build/bin/."""
    path = os.environ.get(variable, str(TOP / "build" / "bin" / name))
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: run `make`, or set {variable}")
    return path


@pytest.fixture(scope="session")
def hook_bin():
    return program("HOOK_BIN", "tetragon-oci-hook")


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """Our own .proto files, compiled by Google's compiler: api.tetragon (messages), api.sensors, api.sensors_grpc (services)."""
    from grpc_tools import protoc

    out = tmp_path_factory.mktemp("api")
    files = sorted(str(path.relative_to(TOP / "api")) for path in (TOP / "api" / "tetragon").glob("*.proto"))
    status = protoc.main(["protoc", f"-I{TOP / 'api'}", f"--python_out={out}", f"--grpc_python_out={out}", *files])
    if status:
        pytest.fail("protoc failed")
    sys.path.insert(0, str(out))
    return types.SimpleNamespace(
        tetragon=importlib.import_module("tetragon.tetragon_pb2"),
        sensors=importlib.import_module("tetragon.sensors_pb2"),
        sensors_grpc=importlib.import_module("tetragon.sensors_pb2_grpc"))
