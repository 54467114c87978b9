# SPDX-License-Identifier: Apache-2.0
"""Set-up is killed at every system call of an edit that can change anything; whatever is left, a real containerd reads and starts with."""
import subprocess

import pytest

from containerd_real import NRI, SETUP, VERSIONS, build, dump, kills, starts

ENABLE = ("patch-containerd-conf", "enable-nri")
ROOT = f'version = 2\n[plugins."{NRI}"]\n  disable = true\n'
FOLDER = 'imports = ["conf.d/*"]\n' + ROOT  # any name: a temporary file there would count
EDITS = {
    # the files, the edit
    "in place": ({"config.toml": ROOT}, (*ENABLE, "--in-place")),
    "import added": ({"config.toml": ROOT, "conf.d/other.toml": "version = 2\n"}, (*ENABLE, "--drop-in={place}/conf.d/t.toml")),
    "folder imported": ({"config.toml": FOLDER, "conf.d/other.toml": "version = 2\n"}, (*ENABLE, "--drop-in={place}/conf.d/t.toml")),
    "undo": ({"config.toml": ROOT, "conf.d/other.toml": "version = 2\n"}, (*ENABLE, "--undo")),
}


def content(place):
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file() and path.parts[len(place.parts)] != "backup"}


def restore(place, files, backup=None):
    for name, text in content(place).items():
        if files.get(name) != text:
            (place / name).unlink()
    for name, text in files.items():
        if not (place / name).exists():
            (place / name).write_text(text)
    for path in (place / "backup").glob("*"):
        path.unlink()
    for name, text in (backup or {}).items():
        (place / "backup" / name).write_text(text)


@pytest.mark.parametrize("name", EDITS)
def test_killed_at_every_system_call(tmp_path, name):
    files, edit = EDITS[name]
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "backup").mkdir()
    restore(tmp_path, files)
    common = [f"--config-file={tmp_path}/config.toml", f"--backup-dir={tmp_path}/backup"]
    arguments = [SETUP, *(one.format(place=tmp_path) for one in edit), *common]
    backup = None
    if name == "undo":
        subprocess.run([SETUP, *ENABLE, f"--drop-in={tmp_path}/conf.d/t.toml", *common], check=True, capture_output=True)
        files, backup = content(tmp_path), {path.name: path.read_text() for path in (tmp_path / "backup").glob("*")}
    steps = kills(tmp_path.parent / f"{tmp_path.name}.strace", arguments)
    states, new = {}, None
    for n in steps:
        new = new or content(tmp_path)  # after the first run, which nobody killed
        restore(tmp_path, files, backup)
        next(steps)
        now = content(tmp_path)
        leftovers = now.keys() - files.keys() - new.keys()
        assert all("/" not in one and one.startswith(".") for one in leftovers), (n, leftovers)  # never in the folder that is imported
        for one in files.keys() | new.keys():
            assert now.get(one) in (files.get(one), new.get(one)), (n, one)
        states[tuple(sorted((one, text) for one, text in now.items() if one not in leftovers))] = {
            path.name: path.read_text() for path in (tmp_path / "backup").glob("*")}
    assert len(states) == (2 if name in ("in place", "folder imported") else 3)
    for state, kept in states.items():
        restore(tmp_path, dict(state), kept)
        for version in VERSIONS:
            containerd = build(version)
            on = dump(containerd, tmp_path / "config.toml")["plugins"][NRI]["disable"] is False
            assert starts(containerd, tmp_path / "config.toml", nri=True if on else None)
        subprocess.run(arguments, check=name != "undo", capture_output=True)  # the next run brings it to its end
        assert content(tmp_path) == new
        subprocess.run([SETUP, *ENABLE, "--undo", *common], check=name != "undo", capture_output=True)
        assert content(tmp_path) == (new if name == "undo" else files)
