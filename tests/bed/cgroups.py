# SPDX-License-Identifier: Apache-2.0
"""The host's cgroup trees, as far as tests have to touch them."""
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path("/sys/fs/cgroup")


def v2_root():
    """Mount point of the cgroup2 tree: the whole tree, or its place on a hybrid host."""
    unified = ROOT / "unified"
    return unified if (unified / "cgroup.procs").exists() else ROOT


def is_hybrid():
    return v2_root() != ROOT


def remove_below(name_part):
    """Removes empty cgroups whose path has `name_part`, leaves first, in every hierarchy."""
    for folder, _, _ in os.walk(ROOT, topdown=False):
        if name_part in folder:
            try:
                os.rmdir(folder)
            except OSError:
                pass  # somebody is still in it, or it is not a cgroup


class NoControllersInV2:
    """crun refuses hybrid hosts whose v2 tree has a controller: moves hugetlb, the one left there, to v1 for a while."""

    def __init__(self):
        self.path = ROOT / "hugetlb"
        self.mounted = False

    def __enter__(self):
        if is_hybrid() and "hugetlb" in (v2_root() / "cgroup.controllers").read_text() and not self.path.is_mount():
            self.path.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", self.path], check=True)
            self.mounted = True
        return self

    def __exit__(self, *_):
        if not self.mounted:
            return
        for attempt in range(20):
            for folder, _, _ in os.walk(self.path, topdown=False):
                if folder != str(self.path):
                    try:
                        os.rmdir(folder)
                    except OSError:
                        pass
            if subprocess.run(["umount", self.path], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.2)
        if not self.path.is_mount():
            self.path.rmdir()
