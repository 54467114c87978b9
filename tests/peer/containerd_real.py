# SPDX-License-Identifier: Apache-2.0
"""Real containerds for tests of set-up: what they have in force, and whether their daemon starts, on a /etc, /run, /var/lib
and /opt of its own, so that default paths may be used and nothing is left."""
import contextlib
import os
import pathlib
import subprocess
import time
import tomllib

TOP = pathlib.Path(__file__).resolve().parents[2]
SETUP = os.environ.get("SETUP_PROGRAM", str(TOP / "build/bin/tetragon-oci-hook-setup"))
CACHE = os.environ.get("TETRAGON_CACHE", "/var/cache/tetragon-rthooks")
VERSIONS = ["1.7.27", "2.1.5", "2.3.4"]
NRI = "io.containerd.nri.v1.nri"
CRI_1, CRI_2 = "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"
PRIVATE = "for d in /run /var/lib /opt /etc; do mount -t tmpfs tmpfs $d || exit; done; "


def build(version):
    subprocess.run([TOP / "scripts/build-containerd", CACHE], check=True, stdout=subprocess.DEVNULL)
    return pathlib.Path(CACHE) / "containerd" / version / "containerd"


def newest(containerd):
    """The highest version of a file that it reads."""
    return {"1.7.27": 2, "2.1.5": 3, "2.3.4": 4}[containerd.parent.name]


def dump(containerd, path):
    done = subprocess.run([containerd, "--config", path, "config", "dump"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return tomllib.loads(done.stdout)


def leaves(table, path=()):
    if not isinstance(table, dict):
        return {path: table}
    return {key: value for name, child in table.items() for key, value in leaves(child, (*path, name)).items()}


def changed(before, after):
    """Paths of the keys that differ, imports left out."""
    x, y = leaves(before), leaves(after)
    return {path for path in x.keys() | y.keys() if path[0] != "imports" and x.get(path) != y.get(path)}


@contextlib.contextmanager
def daemon(containerd, path, prepare=""):
    """A running daemon: its root folder, as /proc shows it. `path` None: its default. `prepare`: shell commands in its private /etc."""
    process = subprocess.Popen(["unshare", "-m", "sh", "-c", PRIVATE + prepare + 'exec "$0" "$@"', containerd,
                                *(["--config", path] if path else [])], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    root = pathlib.Path(f"/proc/{process.pid}/root")
    try:
        end = time.monotonic() + 20
        while not (root / "run/containerd/containerd.sock.ttrpc").exists():
            assert process.poll() is None and time.monotonic() < end, process.stderr.read()
            time.sleep(0.01)
        yield root
        assert process.poll() is None, process.stderr.read()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def starts(containerd, path, nri=None):
    with daemon(containerd, path) as root:
        return nri is None or has_nri(root) == nri


def has_nri(root):
    """CRI starts it a moment after the sockets are there."""
    end = time.monotonic() + 1
    while not (root / "run/nri/nri.sock").exists() and time.monotonic() < end:
        time.sleep(0.01)
    return (root / "run/nri/nri.sock").exists()


def cri_status(containerd, root):
    """"ok" or "error": whether CRI was loaded."""
    listed = subprocess.run([containerd.parent / "ctr", "-a", root / "run/containerd/containerd.sock", "plugins", "ls"], capture_output=True,
                            text=True, timeout=20, check=True).stdout
    return next(line.split()[-1] for line in listed.splitlines() if line.split()[:2] == ["io.containerd.grpc.v1", "cri"])


def does_not_start(containerd, path):
    done = subprocess.run(["unshare", "-m", "sh", "-c", PRIVATE + 'exec timeout 20 "$0" --config "$1"', containerd, path],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 124), done.stderr
    return done.stderr


def setup(place, path, *arguments, status=0):
    done = subprocess.run([SETUP, *map(str, arguments), f"--config-file={path}", f"--backup-dir={place}/backup"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stderr


# The calls that can change a file or a folder: between two of them nothing does, so a kill there leaves the same.
CHANGING = "openat,write,pwrite64,linkat,link,renameat,renameat2,rename,unlinkat,unlink,mkdir,mkdirat,rmdir,fchmod,fchown,fsetxattr,ftruncate,fsync,exit_group"


def kills(log, arguments, calls=CHANGING):
    """Runs the arguments once; then again for each of their calls, killed at it. Yields the number of the call, and when
    asked again runs it."""
    subprocess.run(["strace", "-qq", "-e", f"trace={calls}", "-o", log, *arguments], check=True, capture_output=True)
    counts = {}
    for n, line in enumerate(pathlib.Path(log).read_text().splitlines(), 1):
        name = line.split("(")[0]
        counts[name] = counts.get(name, 0) + 1  # strace counts each call by its own name
        yield n
        subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                        f"inject={name}:signal=KILL:when={counts[name]}", *arguments], capture_output=True, timeout=60)
        yield None
