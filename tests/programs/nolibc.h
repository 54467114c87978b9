/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/programs/nolibc.h: what the programs in the test containers stand on: system calls and nothing else, so that no
 * libc start-up runs before the instruction that a test is about. Each program includes it once.
 *
 * Exit status: 0 and "survived" on standard output: nothing stopped it. SIGKILL: the policy did. SETUP_FAILED and a
 * word on standard error: what it needs before the forbidden call did not work, so it tells nothing about the policy.
 */
#ifndef NOLIBC_H
#define NOLIBC_H

#include <stddef.h>

#define SETUP_FAILED 3
#define KILLED 137 /* a child of ours died by SIGKILL */

#if defined(__x86_64__)
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_CLOSE = 3,
	NR_LSEEK = 8,
	NR_MMAP = 9,
	NR_PAUSE = 34,
	NR_GETPID = 39,
	NR_CLONE = 56,
	NR_EXECVE = 59,
	NR_EXIT = 60,
	NR_WAIT4 = 61,
	NR_MKDIR = 83,
	NR_MOUNT = 165,
	NR_EXIT_GROUP = 231,
	NR_OPENAT = 257
};

static inline long call(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__i386__)
enum { NR_READ = 3, NR_WRITE = 4, NR_CLOSE = 6, NR_LSEEK = 19, NR_EXIT_GROUP = 252 };

static inline long call(long nr, long a, long b, long c, long d, long e)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return result;
}
#else
#error "no system calls for this machine"
#endif

static inline size_t text_length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static inline void say(int fd, const char *text)
{
	call(NR_WRITE, fd, (long)text, (long)text_length(text), 0, 0);
}

static inline _Noreturn void leave(int status)
{
	for (;;)
		call(NR_EXIT_GROUP, status, 0, 0, 0, 0);
}

static inline _Noreturn void survived(void)
{
	say(1, "survived\n");
	leave(0);
}

static inline _Noreturn void setup_failed(const char *what)
{
	say(2, what);
	say(2, ": failed\n");
	leave(SETUP_FAILED);
}

static inline void forbidden_lseek(void)
{
	call(NR_LSEEK, -1, 0, 0, 0, 0);
}

#ifdef __x86_64__
/* Waits for a child and ends as it did. */
static inline _Noreturn void leave_as_child(long pid)
{
	int status = 0;

	if (call(NR_WAIT4, pid, (long)&status, 0, 0, 0) != pid)
		setup_failed("wait4");
	leave((status & 0x7f) == 9 ? KILLED : (status >> 8) & 0xff);
}

/*
 * Appends to `path` (NUL-terminated, of `size` bytes) where this process is in the cgroup2 tree: the line "0::/…" of
 * /proc/self/cgroup.
 */
static inline void append_own_cgroup(char *path, size_t size)
{
	static char text[4096];
	long fd = call(NR_OPENAT, -100, (long)"/proc/self/cgroup", 0, 0, 0);
	long n = call(NR_READ, fd, (long)text, sizeof text - 1, 0, 0);
	size_t to = text_length(path);

	if (fd < 0 || n <= 0)
		setup_failed("/proc/self/cgroup");
	call(NR_CLOSE, fd, 0, 0, 0, 0);
	for (const char *line = text; *line;) {
		if (line[0] == '0' && line[1] == ':' && line[2] == ':') {
			for (line += 3; *line && *line != '\n' && to + 1 < size; line++)
				path[to++] = *line;
			path[to] = 0;
			return;
		}
		while (*line && *line++ != '\n')
			;
	}
	setup_failed("no cgroup2 line in /proc/self/cgroup");
}

static inline void append(char *path, size_t size, const char *text)
{
	size_t to = text_length(path);

	while (*text && to + 1 < size)
		path[to++] = *text++;
	path[to] = 0;
}

/* Moves the calling process into the cgroup whose folder is `path`. */
static inline void enter_cgroup(char *path, size_t size)
{
	long fd;

	append(path, size, "/cgroup.procs");
	fd = call(NR_OPENAT, -100, (long)path, 1 /* O_WRONLY */, 0, 0);
	if (fd < 0 || call(NR_WRITE, fd, (long)"0", 1, 0, 0) != 1)
		setup_failed(path);
	call(NR_CLOSE, fd, 0, 0, 0, 0);
}
#endif

#endif
