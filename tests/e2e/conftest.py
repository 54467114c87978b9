# SPDX-License-Identifier: Apache-2.0
"""Each test gets a container runtime and an agent of its own, in a short temporary folder, and leaves nothing behind."""
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from bed import POLICIES  # noqa: E402
from bed.agent import Agent  # noqa: E402
from bed.cgroups import NoControllersInV2  # noqa: E402
from bed.podman import Podman  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def cgroup_trees():
    with NoControllersInV2():
        yield


@pytest.fixture
def folder():
    """Short: a unix socket's path has 107 bytes."""
    path = tempfile.mkdtemp(prefix="tg-")
    yield pathlib.Path(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def podman(folder):
    podman = Podman(folder / "p")
    yield podman
    podman.close()


@pytest.fixture
def agent(folder):
    agent = Agent(folder / "a")
    yield agent
    agent.close()


@pytest.fixture
def guarded(agent, podman):
    """Starts the agent with policies of tests/e2e/policies and installs the hook: guarded("kill-lseek")."""
    def start(*policies, flags=(), hook_flags=(), **hook):
        agent.start(*(POLICIES / f"{name}.yaml" for name in policies), flags=flags)
        podman.install_hook(agent.address, *hook_flags, unseen=agent.unseen, **hook)
        return agent

    return start
