# SPDX-License-Identifier: Apache-2.0
"""The patch commands used in odd ways: names, links, several runs at once, drop-ins that somebody else wrote."""
import os
import subprocess

import pytest

from containerd_real import NRI, SETUP, build, dump

ENABLE, HOOK = ("patch-containerd-conf", "enable-nri"), ("patch-containerd-conf", "add-oci-hook", "--runtime-spec=/x/spec.json")
ROOT = f'version = 2\n[plugins."{NRI}"]\n  disable = true\n'


@pytest.fixture
def place(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "config.toml").write_text(ROOT)
    return tmp_path


def run(place, *arguments, status=0, config="config.toml"):
    done = subprocess.run([SETUP, *map(str, arguments), f"--config-file={config}", "--backup-dir=backup"], capture_output=True, text=True, cwd=place)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stderr


@pytest.mark.parametrize("config", ["config.toml", "./conf.d/../config.toml", ".//config.toml"])
def test_relative_names(place, config):
    run(place, *ENABLE, "--in-place", config=config)
    assert "disable = false" in (place / "config.toml").read_text()
    run(place, *ENABLE, "--undo")
    assert (place / "config.toml").read_text() == ROOT


@pytest.mark.parametrize("arguments, config, status, why", [
    ((), "", 80, "want a file"), ((), "config.toml/", 80, "want a file"), ((), "-", 1, "no such file"), ((), ".", 1, "is a folder"),
    (("--output=-",), "config.toml", 80, "--dry-run"), (("--output=none/x",), "config.toml", 1, "none"), (("--output=.",), "config.toml", 1, "folder"),
    (("--drop-in=x.toml",), "config.toml", 80, "absolute"), (("--drop-in={place}/",), "config.toml", 80, "want a file"),
    (("--drop-in={place}/none/x.toml",), "config.toml", 1, "make it first"), (("--drop-in={place}/conf.d",), "config.toml", 1, "regular file"),
    (("--drop-in={place}/config.toml",), "config.toml", 80, "another file"), (("--drop-in={place}/a*.toml",), "config.toml", 80, "* ? ["),
    (("--drop-in={place}/a\nb.toml",), "config.toml", 80, "control"), (("--drop-in={place}/x.toml", "--output=o"), "config.toml", 80, "exclude"),
    (("--undo", "--output=o"), "config.toml", 80, "exclude"), (("--undo", "--drop-in={place}/x.toml"), "config.toml", 1, "no backup"),
    (("--in-place", "--validate={place}/none"), "config.toml", 1, "--validate: the file is not touched"),
])
def test_wrong_uses(place, arguments, config, status, why):
    assert why in run(place, *ENABLE, *(one.format(place=place) for one in arguments), config=config, status=status)
    assert (place / "config.toml").read_text() == ROOT and os.listdir(place / "conf.d") == [] and not (place / "backup").exists()


def test_links(place):
    """Relative imports are relative to the name that the runtime is given, not to what a link leads to."""
    (place / "data").mkdir()
    (place / "data/real.toml").write_text('imports = ["conf.d/*.toml"]\n' + ROOT)
    (place / "config.toml").unlink()
    (place / "config.toml").symlink_to("data/real.toml")
    run(place, *ENABLE, f"--drop-in={place}/conf.d/t.toml", f"--validate={build('2.3.4')}")
    assert (place / "data/real.toml").read_text() == 'imports = ["conf.d/*.toml"]\n' + ROOT
    assert dump(build("2.3.4"), place / "config.toml")["plugins"][NRI]["disable"] is False
    run(place, *ENABLE, "--undo")
    assert os.listdir(place / "conf.d") == [] and (place / "config.toml").is_symlink()


def test_several_drop_ins_at_once(place):
    children = [subprocess.Popen([SETUP, *ENABLE, f"--config-file={place}/config.toml", f"--backup-dir={place}/backup",
                                  f"--drop-in={place}/conf.d/{n % 3}.toml"], stderr=subprocess.PIPE) for n in range(8)]
    said = [child.communicate(timeout=60)[1].decode() for child in children]
    assert all(child.returncode == 0 for child in children), said
    assert sum("nothing to do" in text for text in said) == 5 and dump(build("1.7.27"), place / "config.toml")["plugins"][NRI]["disable"] is False
    run(place, *ENABLE, "--undo")
    assert (place / "config.toml").read_text() == ROOT and os.listdir(place / "conf.d") == [] and os.listdir(place / "backup") == []


def test_a_drop_in_of_somebody_else_stays(place):
    """Not even with the same command's name: what it says would be lost."""
    theirs = place / "conf.d/99-theirs.toml"
    theirs.write_text('version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.x]\n  runtime_type = "y"\n')
    text = theirs.read_text()
    assert "did not write" in run(place, *ENABLE, f"--drop-in={theirs}", status=1) and theirs.read_text() == text
    ours = place / "conf.d/ours.toml"
    run(place, *ENABLE, f"--drop-in={ours}")
    assert "did not write" in run(place, *HOOK, f"--drop-in={ours}", f"--validate={build('2.3.4')}", status=1)
    ours.write_text(ours.read_text() + "# mine\n")
    mine = ours.read_text()
    assert "changed by somebody" in run(place, *ENABLE, "--undo", status=1)  # all or nothing: the root imports it
    assert ours.read_text() == mine and str(ours) in (place / "config.toml").read_text()


def test_undo_of_an_edit_and_two_drop_ins(place):
    containerd = build("2.3.4")
    run(place, *HOOK, "--in-place", f"--validate={containerd}")
    run(place, *ENABLE, f"--drop-in={place}/conf.d/a.toml", f"--validate={containerd}")
    (place / "conf.d/b.toml").write_text("version = 2\n")
    run(place, *ENABLE, f"--drop-in={place}/conf.d/b.toml", f"--validate={containerd}")
    shown = subprocess.run([SETUP, *ENABLE, "--undo", "--dry-run", f"--config-file={place}/config.toml", f"--backup-dir={place}/backup"],
                           capture_output=True, text=True, check=True).stdout
    assert shown.count("+++ ") == 3
    run(place, *ENABLE, "--undo")
    assert (place / "config.toml").read_text() == ROOT and (place / "conf.d/b.toml").read_text() == "version = 2\n"
    assert os.listdir(place / "conf.d") == ["b.toml"] and os.listdir(place / "backup") == []


@pytest.mark.parametrize("name", ["in place", "drop-in"])
def test_a_file_that_is_changed_meanwhile(place, name):
    """The judge takes its time; who edits the file then is not trampled on."""
    judge = place / "judge"
    judge.write_text(f'#!/bin/sh\ncase $2 in /proc/*) echo "# late" >> {place}/config.toml;; esac\n{build("2.3.4")} "$@"\n')
    judge.chmod(0o755)
    more = "--in-place" if name == "in place" else f"--drop-in={place}/conf.d/t.toml"
    assert "changed it just now" in run(place, *ENABLE, more, f"--validate={judge}", status=1)
    assert (place / "config.toml").read_text() == ROOT + "# late\n" and os.listdir(place / "conf.d") == []


def test_a_base_spec_that_is_not_there_is_told(place):
    assert "starts no pods" in run(place, *HOOK, "--in-place")
    run(place, *ENABLE, "--undo")
    assert "starts no pods" in run(place, *HOOK, "--in-place", "--restart=signal", status=1)
    assert (place / "config.toml").read_text() == ROOT
    (place / "spec.json").write_text("{}")
    assert "starts no pods" not in run(place, *HOOK[:2], f"--runtime-spec={place}/spec.json", "--in-place")
