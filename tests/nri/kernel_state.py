# SPDX-License-Identifier: Apache-2.0
"""What the kernel holds, read without the agent: its pinned maps, and the cgroup tree with the processes in it."""
import ctypes
import os
import pathlib
import platform
import struct

from bed import cgroups
from bed.agent import BPFFS

BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]  # number of the system call
LOOKUP, OBJ_GET = 1, 7
CGROUP_BYTES, SET_BYTES = 32, 144  # struct abi_cgroup, struct abi_container_set

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, *words):
    """Each word of the attribute is a 64-bit one here: descriptors come with their padding."""
    attribute = ctypes.create_string_buffer(struct.pack(f"<{len(words)}Q", *words), 128)
    return libc.syscall(BPF, command, attribute, len(words) * 8)


class Map:
    def __init__(self, path, value_bytes):
        name = ctypes.create_string_buffer(str(path).encode())
        self.fd = bpf(OBJ_GET, ctypes.addressof(name), 0)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
        self.value_bytes = value_bytes

    def get(self, key):
        """The value's bytes; None if there is none."""
        key, value = ctypes.create_string_buffer(key), ctypes.create_string_buffer(self.value_bytes)  # several threads may look
        if bpf(LOOKUP, self.fd, ctypes.addressof(key), ctypes.addressof(value), 0) < 0:
            return None
        return value.raw

    def close(self):
        os.close(self.fd)


class Policies:
    """Which cgroups are under a policy, by the maps that the kernel's programs read."""

    def __init__(self, agent):
        maps = BPFFS / agent.bpf_dir / "maps"
        self.cgroups, self.sets = Map(maps / "cgroup_policies", CGROUP_BYTES), Map(maps / "container_sets", SET_BYTES)

    def number(self, cgroup_id):
        """How many policies judge what runs there; None: the kernel does not know this cgroup."""
        entry = self.cgroups.get(struct.pack("<Q", cgroup_id))
        if entry is None:
            return None
        _, container, _, slot, _ = struct.unpack("<QQQII", entry)
        found = self.sets.get(struct.pack("<I", slot))
        assert found and struct.unpack_from("<Q", found)[0] == container, "the slot is another container's"
        return sum(word.bit_count() for word in struct.unpack_from("<16Q", found, 16))

    def close(self):
        self.cgroups.close()
        self.sets.close()


def containers_that_ran(uids, names=("guarded", "unseen")):
    """
    {container id: (cgroup id, name)} of the containers of these pods in which a process of that name is: it is the one of
    tests/programs/call_then_wait.c, so its container's first instruction is behind it. Asks neither runtime nor agent.
    """
    found = {}
    for uid in uids:
        for folder in pathlib.Path(cgroups.v2_root() / f"kubepods/besteffort/pod{uid}").glob("*"):
            try:
                for pid in (folder / "cgroup.procs").read_text().split():
                    name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                    if name in names:
                        found[folder.name] = folder.stat().st_ino, name
            except OSError:
                continue  # gone while we looked
    return found
