# SPDX-License-Identifier: Apache-2.0
"""Forgeries need the hook and an agent that keeps what it was asked, nothing else: the bed is the peer tests'."""
import os
import pathlib
import sys
import types

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "tests" / "peer"), str(TOP / "tests")]

from bed.api import module  # noqa: E402
from hook_bed import Agent, Bed  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def cgroup_trees():
    """No container is started here: the folder above needs not be made ready for one."""


@pytest.fixture(scope="session")
def api():
    return types.SimpleNamespace(tetragon=module("tetragon_pb2"), sensors=module("sensors_pb2"))


@pytest.fixture
def bed(tmp_path):
    return Bed(tmp_path, os.environ.get("HOOK_BIN", str(TOP / "build" / "bin" / "tetragon-oci-hook")))


@pytest.fixture
def agent(api, bed):
    with Agent(api, f"unix:{bed.socket}") as server:
        yield server
