/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/syscall_table.h"

#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "policy/suggest.h"

struct syscall_row {
	const char *name;
	int16_t nr[ABI_ARCHES]; /* by enum abi_arch; -1: none */
};

#include "syscall_numbers.inc"

#define ROWS (sizeof syscall_rows / sizeof *syscall_rows)

/*
 * Other words for a call: a second number in i386 (the header's name of it), or the kernel's name of the function. Left
 * out because their arguments stand elsewhere: _llseek, ipc, socketcall, old_mmap, old_select, sigsuspend, stime (see
 * syscall_bypasses, which also tells from which argument on the ones below differ).
 */
static const struct alias {
	const char *name, *call;
} aliases[] = {
	{ "_newselect", "select" },
	{ "chown32", "chown" },
	{ "clock_adjtime64", "clock_adjtime" },
	{ "clock_getres_time64", "clock_getres" },
	{ "clock_gettime64", "clock_gettime" },
	{ "clock_nanosleep_time64", "clock_nanosleep" },
	{ "clock_settime64", "clock_settime" },
	{ "fadvise64_64", "fadvise64" },
	{ "fchown32", "fchown" },
	{ "fcntl64", "fcntl" },
	{ "fstat64", "fstat" },
	{ "fstatat64", "newfstatat" },
	{ "fstatfs64", "fstatfs" },
	{ "ftruncate64", "ftruncate" },
	{ "futex_time64", "futex" },
	{ "getegid32", "getegid" },
	{ "geteuid32", "geteuid" },
	{ "getgid32", "getgid" },
	{ "getgroups32", "getgroups" },
	{ "getresgid32", "getresgid" },
	{ "getresuid32", "getresuid" },
	{ "getuid32", "getuid" },
	{ "io_pgetevents_time64", "io_pgetevents" },
	{ "lchown32", "lchown" },
	{ "llseek", "_llseek" },
	{ "lstat64", "lstat" },
	{ "mmap2", "mmap" },
	{ "mmap_pgoff", "mmap" },
	{ "mq_timedreceive_time64", "mq_timedreceive" },
	{ "mq_timedsend_time64", "mq_timedsend" },
	{ "newfstat", "fstat" },
	{ "newlstat", "lstat" },
	{ "newstat", "stat" },
	{ "newuname", "uname" },
	{ "oldfstat", "fstat" },
	{ "oldlstat", "lstat" },
	{ "oldolduname", "uname" },
	{ "oldstat", "stat" },
	{ "oldumount", "umount2" },
	{ "olduname", "uname" },
	{ "ppoll_time64", "ppoll" },
	{ "pselect6_time64", "pselect6" },
	{ "readdir", "getdents" },
	{ "recvmmsg_time64", "recvmmsg" },
	{ "rt_sigtimedwait_time64", "rt_sigtimedwait" },
	{ "sched_rr_get_interval_time64", "sched_rr_get_interval" },
	{ "semtimedop_time64", "semtimedop" },
	{ "sendfile64", "sendfile" },
	{ "setfsgid32", "setfsgid" },
	{ "setfsuid32", "setfsuid" },
	{ "setgid32", "setgid" },
	{ "setgroups32", "setgroups" },
	{ "setregid32", "setregid" },
	{ "setresgid32", "setresgid" },
	{ "setresuid32", "setresuid" },
	{ "setreuid32", "setreuid" },
	{ "setuid32", "setuid" },
	{ "sigaction", "rt_sigaction" },
	{ "signal", "rt_sigaction" },
	{ "sigpending", "rt_sigpending" },
	{ "sigprocmask", "rt_sigprocmask" },
	{ "sigreturn", "rt_sigreturn" },
	{ "stat64", "stat" },
	{ "statfs64", "statfs" },
	{ "sysctl", "_sysctl" },
	{ "timer_gettime64", "timer_gettime" },
	{ "timer_settime64", "timer_settime" },
	{ "timerfd_gettime64", "timerfd_gettime" },
	{ "timerfd_settime64", "timerfd_settime" },
	{ "truncate64", "truncate" },
	{ "ugetrlimit", "getrlimit" },
	{ "umount", "umount2" },
	{ "utimensat_time64", "utimensat" },
	{ "waitpid", "wait4" },
};

#define ALIASES (sizeof aliases / sizeof *aliases)

static int row_compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct syscall_row *)row)->name);
}

static int alias_compare(const void *name, const void *alias)
{
	return strcmp(name, ((const struct alias *)alias)->name);
}

static const struct syscall_row *row_find(const char *name)
{
	return bsearch(name, syscall_rows, ROWS, sizeof *syscall_rows, row_compare);
}

const char *syscall_canonical(const char *name)
{
	const struct alias *alias = bsearch(name, aliases, ALIASES, sizeof *aliases, alias_compare);
	const struct syscall_row *row = row_find(alias ? alias->call : name);

	return row ? row->name : NULL;
}

static void number_add(struct syscall_numbers *numbers, const struct syscall_row *row, int arch)
{
	if (row && row->nr[arch] >= 0 && numbers->n < SYSCALL_NUMBERS_MAX)
		numbers->nr[numbers->n++] = (uint16_t)row->nr[arch];
}

void syscall_numbers(const char *name, int arch, struct syscall_numbers *ret_numbers)
{
	const char *call = syscall_canonical(name);

	*ret_numbers = (struct syscall_numbers){ 0 };
	if (!call || arch < 0 || arch >= ABI_ARCHES)
		return;
	number_add(ret_numbers, row_find(call), arch);
	for (size_t i = 0; i < ALIASES; i++)
		if (!strcmp(aliases[i].call, call))
			number_add(ret_numbers, row_find(aliases[i].name), arch);
}

bool syscall_is_known(const char *name)
{
	return syscall_canonical(name) != NULL;
}

const char *syscall_suggest(const char *name)
{
	struct suggestion best = suggestion_for(name);

	for (size_t i = 0; i < ROWS; i++)
		suggestion_offer(&best, syscall_rows[i].name);
	return best.word;
}

const char *syscall_name(int arch, unsigned nr)
{
	if (arch < 0 || arch >= ABI_ARCHES || nr >= ABI_SYSCALL_NR_MAX || !syscall_row_of[arch][nr])
		return NULL;
	return syscall_canonical(syscall_rows[syscall_row_of[arch][nr] - 1].name);
}
