# SPDX-License-Identifier: Apache-2.0
"""patch-crio-conf over all files that CRI-O reads. What is in force is told by crio_reader.py."""
import pathlib
import subprocess

import pytest

from containerd_real import SETUP, changed, kills
from crio_reader import BUILT_IN, in_force

READER = pathlib.Path(__file__).with_name("crio_reader.py")
ANNOTATIONS = ("patch-crio-conf", "enable-annotations", "--annotations=a,b")
RUNC = '[crio.runtime.runtimes.runc]\nruntime_path = "/usr/bin/runc"\nruntime_root = "/run/runc"\nmonitor_env = [\n  "PATH=/bin", # theirs\n]\n'
CRUN = '[crio.runtime.runtimes.crun]\nruntime_path = "/usr/bin/crun"\nallowed_annotations = ["c"]\n[crio.runtime.runtimes.crun.platform_runtime_paths]\n"linux/arm64" = "/x"\n'


@pytest.fixture
def crio(tmp_path):
    (tmp_path / "crio.conf.d").mkdir()
    return tmp_path


def write(crio, files):
    for name, text in files.items():
        (crio / name).parent.mkdir(parents=True, exist_ok=True)
        (crio / name).write_text(text)


def content(crio):
    return {str(path.relative_to(crio)): path.read_text() for path in crio.rglob("*") if path.is_file() and "backup" not in path.parts}


def force(crio):
    return in_force(str(crio / "crio.conf"), str(crio / "crio.conf.d"))


def run(crio, *arguments, status=0, config="crio.conf"):
    done = subprocess.run([SETUP, *map(str, arguments), f"--config-file={crio}/{config}", f"--backup-dir={crio}/backup"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stderr


def handlers(crio):
    return force(crio)["crio"]["runtime"]["runtimes"]


def only_annotations(before, after):
    return all(path[-1] == "allowed_annotations" for path in changed(before, after))


CASES = [
    # what it is about, the files, which of them change in place
    ("one file", {"crio.conf": RUNC + CRUN}, {"crio.conf"}),
    ("no crio.conf, as packaged", {"crio.conf.d/10-crio.conf": RUNC + CRUN}, {"crio.conf.d/10-crio.conf"}),
    ("a later file has the same handler", {"crio.conf": RUNC + CRUN, "crio.conf.d/10.conf": RUNC}, {"crio.conf", "crio.conf.d/10.conf"}),
    ("a later file has them all", {"crio.conf": RUNC + CRUN, "crio.conf.d/10.conf": RUNC, "crio.conf.d/20.conf": CRUN},
     {"crio.conf.d/10.conf", "crio.conf.d/20.conf"}),
    ("sub-folders and any extension", {"crio.conf": RUNC, "crio.conf.d/20.conf.bak": RUNC, "crio.conf.d/sub/30": RUNC + CRUN}, {"crio.conf.d/sub/30"}),
    ("folder between files", {"crio.conf.d/a/z.conf": CRUN, "crio.conf.d/a.conf": CRUN, "crio.conf.d/b": "[crio]\n"}, {"crio.conf.d/a.conf"}),
    ("allowed already", {"crio.conf": RUNC, "crio.conf.d/9": RUNC + 'allowed_annotations = ["b", "a"]\n' + CRUN.replace('"c"', '"a", "b"')}, set()),
]


@pytest.mark.parametrize("judge", [[], [f"--validate={READER}"]], ids=["alone", "judged"])
@pytest.mark.parametrize("why, files, change", CASES, ids=[case[0] for case in CASES])
def test_the_file_that_decides_is_changed(crio, why, files, change, judge):
    write(crio, files)
    before = force(crio)
    said = run(crio, *ANNOTATIONS, "--in-place", *judge)
    now = content(crio)
    assert {name for name in now if now[name] != files.get(name)} == change and now.keys() == files.keys()
    for name, handler in handlers(crio).items():
        known = any(f"runtimes.{name}]" in text for text in files.values())
        assert (set(handler.get("allowed_annotations", [])) >= {"a", "b"}) == known
        assert known or not judge or not change or f"handler={name}" in said  # the built-in one is left, and that is told
    assert only_annotations(before, force(crio))
    assert "nothing to do" in run(crio, *ANNOTATIONS, "--in-place", *judge)
    if change:
        run(crio, "patch-crio-conf", "enable-annotations", "--undo")
    assert content(crio) == files and not list((crio / "backup").glob("*"))


@pytest.mark.parametrize("why, files, change", CASES, ids=[case[0] for case in CASES])
def test_a_drop_in_has_whole_handlers(crio, why, files, change):
    write(crio, files)
    before, drop_in = force(crio), crio / "crio.conf.d/zz-tetragon.conf"
    run(crio, *ANNOTATIONS, f"--drop-in={drop_in}", f"--validate={READER}")
    after = force(crio)
    assert only_annotations(before, after) and content(crio) == files | ({"crio.conf.d/zz-tetragon.conf": drop_in.read_text()} if drop_in.exists() else {})
    for name, handler in handlers(crio).items():
        assert set(handler["allowed_annotations"]) >= {"a", "b"}, name  # the built-in one too
    assert "nothing to do" in run(crio, *ANNOTATIONS, f"--drop-in={drop_in}", f"--validate={READER}")
    if drop_in.exists():
        run(crio, ANNOTATIONS[0], ANNOTATIONS[1], "--annotations=later", f"--drop-in={drop_in}", f"--validate={READER}")
        assert all(set(one["allowed_annotations"]) >= {"a", "b", "later"} for name, one in handlers(crio).items())
        run(crio, "patch-crio-conf", "enable-annotations", "--undo", f"--drop-in={drop_in}")
    assert content(crio) == files and not list((crio / "backup").glob("*"))


def test_a_drop_in_must_be_read_and_read_last(crio):
    write(crio, {"crio.conf": RUNC, "crio.conf.d/50.conf": CRUN})
    files = content(crio)
    assert "reads only what lies below" in run(crio, *ANNOTATIONS, f"--drop-in={crio}/elsewhere.conf", status=80)
    said = run(crio, *ANNOTATIONS, f"--drop-in={crio}/crio.conf.d/10.conf", status=1)
    assert "50.conf, line 1" in said and content(crio) == files
    said = run(crio, *ANNOTATIONS, f"--drop-in={crio}/crio.conf.d/50.conf", status=1)
    assert "did not write" in said and content(crio) == files
    run(crio, *ANNOTATIONS, f"--drop-in={crio}/crio.conf.d/50.confx")
    assert all(set(one["allowed_annotations"]) >= {"a", "b"} for one in handlers(crio).values())


def test_a_named_file_that_does_not_decide(crio):
    write(crio, {"crio.conf": RUNC, "crio.conf.d/10.conf": RUNC, "crio.conf.d/20.conf": RUNC})
    files = content(crio)
    said = run(crio, *ANNOTATIONS, "--in-place", status=1, config="crio.conf.d/10.conf")
    assert "--config-file=" in said and "20.conf" in said and content(crio) == files
    assert "20.conf" in run(crio, *ANNOTATIONS, f"--output-file={crio}/out", status=1) and not (crio / "out").exists()
    run(crio, *ANNOTATIONS, "--in-place", config="crio.conf.d/20.conf")
    assert content(crio) == files | {"crio.conf.d/20.conf": content(crio)["crio.conf.d/20.conf"]} != files


def test_no_file_has_a_handler(crio):
    write(crio, {"crio.conf": "[crio]\n"})
    drop_in = crio / "crio.conf.d/t.conf"
    assert "no [crio.runtime.runtimes.NAME]" in run(crio, *ANNOTATIONS, "--in-place", status=1)
    assert "--validate" in run(crio, *ANNOTATIONS, f"--drop-in={drop_in}", status=1) and not drop_in.exists()
    run(crio, *ANNOTATIONS, f"--drop-in={drop_in}", f"--validate={READER}")
    assert handlers(crio)["crun"] == BUILT_IN["crun"] | {"allowed_annotations": ["io.containers.trace-syscall", "a", "b"]}


def test_no_crio_conf_at_all(crio):
    assert "no file has a handler" in run(crio, *ANNOTATIONS, "--in-place", status=1)
    run(crio, *ANNOTATIONS, f"--drop-in={crio}/crio.conf.d/t.conf", f"--validate={READER}")
    run(crio, *ANNOTATIONS[:2], "--undo")
    assert content(crio) == {}


def test_backups_would_be_read(crio):
    write(crio, {"crio.conf": RUNC})
    for folder in ("crio.conf.d", "crio.conf.d/backup"):
        done = subprocess.run([SETUP, *ANNOTATIONS, "--in-place", f"--config-file={crio}/crio.conf", f"--backup-dir={crio}/{folder}"], capture_output=True)
        assert done.returncode == 80 and b"would read the backups" in done.stderr
    assert content(crio) == {"crio.conf": RUNC}


def test_another_folder(crio):
    write(crio, {"etc/my.conf": RUNC, "drop/10": RUNC})
    run(crio, *ANNOTATIONS, "--in-place", f"--config-dir={crio}/drop/", config="etc/my.conf")
    assert "allowed" in content(crio)["drop/10"] and content(crio)["etc/my.conf"] == RUNC
    assert "reads only" in run(crio, *ANNOTATIONS, f"--drop-in={crio}/etc/x", f"--config-dir={crio}/drop", config="etc/my.conf", status=80)


REQUIRE = ("patch-crio-conf", "enable-annotations", "--require-plugin=tetragon", f"--validate={READER}")
LIST = '[crio.nri.default_validator]\nnri_validator_required_plugins = ["{}"]\n'


@pytest.mark.parametrize("files, change, want", [
    ({"crio.conf": "[crio]\n"}, "crio.conf", []),
    ({"crio.conf": LIST.format("x"), "crio.conf.d/5": RUNC}, "crio.conf", ["x"]),
    ({"crio.conf": LIST.format("x"), "crio.conf.d/5": LIST.format("y"), "crio.conf.d/6": RUNC}, "crio.conf.d/5", ["y"]),
    ({"crio.conf": LIST.format("x"), "crio.conf.d/5": "[crio.nri.default_validator]\nnri_enable_default_validator = false\n"}, "crio.conf.d/5", ["x"]),
    ({"crio.conf.d/5": RUNC}, "crio.conf.d/5", []),
])
@pytest.mark.parametrize("way", ["in place", "drop-in"])
def test_a_plugin_is_required(crio, files, change, want, way):
    write(crio, files)
    before = force(crio)
    drop_in = "crio.conf.d/99-t.conf"
    more = "--in-place" if way == "in place" else f"--drop-in={crio}/{drop_in}"
    run(crio, *REQUIRE, more, "--tolerate-annotation=io.x/skip")
    validator = force(crio)["crio"]["nri"]["default_validator"]
    assert validator == {"nri_enable_default_validator": True, "nri_validator_required_plugins": [*want, "tetragon"],
                         "nri_validator_tolerate_missing_plugins_annotation": "io.x/skip"}
    assert all("default_validator" in path for path in changed(before, force(crio)))
    now = content(crio)
    assert {name for name in now if now[name] != files.get(name)} == {change if way == "in place" else drop_in}
    assert "nothing to do" in run(crio, *REQUIRE, more)
    if way == "drop-in":  # annotations later, into the same file: what is there stays
        run(crio, *ANNOTATIONS, more, f"--validate={READER}")
        assert force(crio)["crio"]["nri"]["default_validator"] == validator
        assert all(set(one["allowed_annotations"]) >= {"a", "b"} for one in handlers(crio).values())
        run(crio, *REQUIRE, more)
        assert all(set(one["allowed_annotations"]) >= {"a", "b"} for one in handlers(crio).values())
    run(crio, "patch-crio-conf", "enable-annotations", "--undo")
    assert content(crio) == files


def test_killed_at_every_system_call_that_changes_anything(crio):
    """In CRI-O's folder no other name is seen at any moment, and each file is the old or the new one."""
    files = {"crio.conf": RUNC, "crio.conf.d/10": CRUN}
    arguments = [SETUP, *ANNOTATIONS, "--in-place", f"--config-file={crio}/crio.conf", f"--backup-dir={crio}/backup"]
    write(crio, files)
    steps = kills(crio.parent / f"{crio.name}.strace", arguments)
    new, seen = None, set()
    for n in steps:
        new = new or content(crio)  # after the first run, which nobody killed
        write(crio, files)
        next(steps)
        now = content(crio)
        assert {name for name in now if name.startswith("crio.conf.d/")} == {"crio.conf.d/10"}, n
        assert all(now[name] in (files[name], new[name]) for name in files), n
        seen.add(tuple(now[name] == new[name] for name in sorted(files)))
    assert all(new[name] != files[name] for name in files)
    assert seen == {(False, False), (True, False), (True, True)}
    subprocess.run(arguments, check=True, capture_output=True)
    assert content(crio) == new  # what a kill left beside crio.conf is gone
    run(crio, "patch-crio-conf", "enable-annotations", "--undo")
    assert content(crio) == files
