/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy on a system call by name does not see: told to the operator in the policy's status.
 * Sources: Linux, arch/x86/entry/syscalls/syscall_32.tbl, arch/x86/kernel/sys_ia32.c (halves), net/compat.c,
 * ipc/syscall.c, include/uapi/linux/io_uring.h.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/syscall_table.h"

#define SOCKETCALL "i386 socketcall(2)"
#define IPC "i386 ipc(2)"
#define HALVES(argument) "i386 passes 64-bit values in two words from argument " #argument " on"

/* Sorted by name. */
static const struct bypass {
	const char *name, *text;
} bypasses[] = {
	{ "accept", SOCKETCALL },
	{ "accept4", SOCKETCALL },
	{ "bind", SOCKETCALL },
	{ "clone", "i386 has arguments 3 and 4 swapped" },
	{ "connect", SOCKETCALL },
	{ "fadvise64", HALVES(1) },
	{ "fallocate", HALVES(2) },
	{ "fanotify_mark", HALVES(2) },
	{ "fstatfs", "i386 fstatfs64 has the size in argument 1" },
	{ "ftruncate", HALVES(1) },
	{ "getpeername", SOCKETCALL },
	{ "getsockname", SOCKETCALL },
	{ "getsockopt", SOCKETCALL },
	{ "listen", SOCKETCALL },
	{ "lookup_dcookie", HALVES(0) },
	{ "lseek", "i386 _llseek(2)" },
	{ "mmap", "i386 old_mmap (number 90); i386 counts the offset in pages" },
	{ "msgctl", IPC },
	{ "msgget", IPC },
	{ "msgrcv", IPC },
	{ "msgsnd", IPC },
	{ "pread64", HALVES(3) },
	{ "preadv", HALVES(3) },
	{ "preadv2", HALVES(3) },
	{ "pwrite64", HALVES(3) },
	{ "pwritev", HALVES(3) },
	{ "pwritev2", HALVES(3) },
	{ "readahead", HALVES(1) },
	{ "recvfrom", SOCKETCALL },
	{ "recvmmsg", SOCKETCALL },
	{ "recvmsg", SOCKETCALL },
	{ "rt_sigaction", "i386 signal has the handler itself in argument 1" },
	{ "rt_sigsuspend", "i386 sigsuspend(2)" },
	{ "select", "i386 old_select (number 82)" },
	{ "semctl", IPC },
	{ "semget", IPC },
	{ "semop", IPC },
	{ "semtimedop", IPC },
	{ "sendmmsg", SOCKETCALL },
	{ "sendmsg", SOCKETCALL },
	{ "sendto", SOCKETCALL },
	{ "setsockopt", SOCKETCALL },
	{ "settimeofday", "i386 stime(2)" },
	{ "shmat", IPC },
	{ "shmctl", IPC },
	{ "shmdt", IPC },
	{ "shmget", IPC },
	{ "shutdown", SOCKETCALL },
	{ "socket", SOCKETCALL },
	{ "socketpair", SOCKETCALL },
	{ "statfs", "i386 statfs64 has the size in argument 1" },
	{ "sync_file_range", HALVES(1) },
	{ "truncate", HALVES(1) },
};

/* Sorted. Calls whose effect some IORING_OP_* has, be it under a newer sister's name (unlink by IORING_OP_UNLINKAT). */
static const char *const in_io_uring[] = {
	"accept",          "accept4",    "bind",       "close",     "connect",    "creat",       "epoll_ctl",
	"epoll_pwait",     "epoll_wait", "fadvise64",  "fallocate", "fdatasync",  "fgetxattr",   "fsetxattr",
	"fstat",           "fsync",      "ftruncate",  "futex",     "futex_wait", "futex_waitv", "futex_wake",
	"getsockopt",      "getxattr",   "link",       "linkat",    "listen",     "lstat",       "madvise",
	"mkdir",           "mkdirat",    "newfstatat", "open",      "openat",     "openat2",     "pipe",
	"pipe2",           "poll",       "ppoll",      "pread64",   "preadv",     "preadv2",     "pwrite64",
	"pwritev",         "pwritev2",   "read",       "readv",     "recvfrom",   "recvmsg",     "rename",
	"renameat",        "renameat2",  "rmdir",      "sendmsg",   "sendto",     "setsockopt",  "setxattr",
	"shutdown",        "socket",     "splice",     "stat",      "statx",      "symlink",     "symlinkat",
	"sync_file_range", "tee",        "unlink",     "unlinkat",  "waitid",     "write",       "writev",
};

static int bypass_compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct bypass *)row)->name);
}

static int name_compare(const void *name, const void *other)
{
	return strcmp(name, *(const char *const *)other);
}

const char *syscall_bypasses(const char *name)
{
	const char *call = syscall_canonical(name);
	const struct bypass *row =
		call ? bsearch(call, bypasses, sizeof bypasses / sizeof *bypasses, sizeof *bypasses, bypass_compare)
		     : NULL;

	return row ? row->text : "";
}

bool syscall_in_io_uring(const char *name)
{
	const char *call = syscall_canonical(name);

	return call &&
	       bsearch(call, in_io_uring, sizeof in_io_uring / sizeof *in_io_uring, sizeof *in_io_uring, name_compare);
}
