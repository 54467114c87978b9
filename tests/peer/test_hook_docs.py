# SPDX-License-Identifier: Apache-2.0
"""What is written about the hook agrees with the hook."""
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCS = TOP / "docs"


def flags(hook_bin):
    return re.findall(r"^  (?:-h, )?--([a-z-]+)", subprocess.run([hook_bin, "--help"], capture_output=True, text=True).stdout, re.M)


def test_manual_page_and_completion_are_what_the_program_says(hook_bin):
    done = subprocess.run([TOP / "scripts" / "gen-man", "--check", hook_bin], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_flag_is_in_the_comparison(hook_bin):
    text = (DOCS / "compatibility.md").read_text()
    for flag in flags(hook_bin):
        assert f"`--{flag}`" in text or any(flag.startswith(stem) for stem in ("pod-", "container-")), flag


def test_every_line_of_the_log_is_in_the_comparison():
    """Each message that a source of the hook writes is named there, and in the other direction what is said to be the same is written."""
    text = (DOCS / "compatibility.md").read_text()
    sources = "".join(path.read_text() for path in (TOP / "src" / "hook").glob("*.c"))
    sources = re.sub(r'"\s*\n\s*"', "", sources)
    written = set(re.findall(r'(?:ask_log_begin\([^"]*?|log_event\([^"]*?)LOG_\w+,\s*"([^"]+)"', sources))
    assert len(written) >= 12
    for message in written:
        assert f"`{message}`" in text, message
    for row in re.findall(r"^\| ((?:DEBUG|INFO|WARN|ERROR) .*?) \| (\w+) \|", text, re.M):
        for message in re.findall(r"`([^`]+)`", row[0]):
            assert (message in written) == (row[1] != "different"), message


def complete(*words):
    """What bash offers for the last word."""
    script = f"source {TOP}/deploy/completion/tetragon-oci-hook; COMP_WORDS=({' '.join(words)} ''); " \
             f"COMP_CWORD={len(words)}; compopt() {{ :; }}; _tetragon_oci_hook; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bash_completes(hook_bin):
    assert complete("tetragon-oci-hook") == ["createRuntime", "createContainer", "poststop", "server-version"]
    assert complete("tetragon-oci-hook", "--runtime") == ["auto", "containerd", "cri-o", "podman", "docker"]
    assert complete("tetragon-oci-hook", "--log-level", "=") == ["debug", "info", "warn", "error"]
    assert complete("tetragon-oci-hook", "--grpc-timeout") == []


@pytest.mark.parametrize("name", ["createRuntime", "createContainer", "poststop", "server-version"])
def test_the_hooks_that_completion_offers_exist(hook_bin, name):
    done = subprocess.run([hook_bin, name, "--log-fname=/dev/null", "--grpc-address=unix:/nowhere", "--grpc-timeout=50ms"], capture_output=True,
                          stdin=subprocess.DEVNULL, cwd="/")
    assert done.returncode in (0, 1)
