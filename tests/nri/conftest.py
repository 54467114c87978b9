# SPDX-License-Identifier: Apache-2.0
"""Real containerd, agent and plugin for each test, in a short temporary folder; nothing is left behind."""
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from bed import POLICIES, TOP, cgroups  # noqa: E402
from bed.agent import Agent  # noqa: E402

import containerd_bed  # noqa: E402


@pytest.fixture(scope="session")
def images():
    """Builds what is missing (minutes, once), then the test images."""
    subprocess.run([TOP / "scripts" / "build-containerd", containerd_bed.CACHE.parent], check=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nri-images-"))
    containerd_bed.images_make(folder)
    yield folder
    shutil.rmtree(folder)
    for parent in ("kubepods/besteffort", "kubepods"):
        for root in (cgroups.ROOT, *cgroups.ROOT.iterdir()):
            with contextlib.suppress(OSError):  # somebody else's is in it, or it is no hierarchy
                (root / parent).rmdir()


@pytest.fixture
def folder():
    """Short: a unix socket's path has 107 bytes."""
    path = tempfile.mkdtemp(prefix="nri-")
    yield pathlib.Path(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_containerd(folder, images):
    made = []

    def make(version, **more):
        made.append(containerd_bed.Containerd(folder / f"c{len(made)}", version, images, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=containerd_bed.VERSIONS)
def containerd(request, make_containerd):
    return make_containerd(request.param)


@pytest.fixture
def agent(folder):
    agent = Agent(folder / "a")
    yield agent
    agent.close()


@pytest.fixture(scope="session")
def shared_agent():
    """Loading its programs takes a second, which most tests need not wait for."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nri-"))
    agent = Agent(folder / "a")
    yield agent
    agent.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def guarded(shared_agent):
    """An agent that runs, with the policy that kills lseek(-1) in tenant-a. A test may end it: the next one gets it anew."""
    if shared_agent.child is None or shared_agent.child.poll() is not None:
        shared_agent.start(POLICIES / "kill-lseek.yaml")
    return shared_agent


@pytest.fixture
def make_plugin(folder):
    made = []

    def make(containerd, agent, mode, *flags, **more):
        made.append(containerd_bed.Plugin(folder / f"p{len(made)}", containerd, agent, mode, *flags, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pytest_terminal_summary(terminalreporter):
    for (version, mode), count in sorted(containerd_bed.starts.items()):
        terminalreporter.write_line(f"containers started under containerd {version}, mode {mode}: {count}")
