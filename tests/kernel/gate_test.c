/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/kernel/gate_test.c: the sensor and its BPF programs on the running kernel, without a container runtime: the
 * test plays the runtime and looks at what the kernel does to the container. Also runs as the only program of a virtual
 * machine.
 *   gate_test PROGRAMS_DIR      needs root; prints TAP; exit 1 if a row failed
 * The rows run in a child: whatever becomes of it, its cgroups, pins and files go.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate.h"
#include "runtime_bed.h"
#include "tenant.h"

#define KILL_EXEC                                                                                   \
	HEAD "  - call: sys_execve\n    syscall: true\n    args:\n    - {index: 0, type: string}\n" \
	     "    selectors:\n    - matchArgs:\n      - {index: 0, operator: Postfix, values: [/harmless]}\n" KILL

static const struct {
	const char *why, *policy, *program;
	bool selected, dies;
	enum twist twist;
	bool needs_setup; /* the runtime's own calls must go through */
} starts[] = {
	{ "first instruction of a selected container", KILL_LSEEK, "/bin/first_lseek", true, true, PLAIN, false },
	{ "the same in one that is not selected", KILL_LSEEK, "/bin/first_lseek", false, false, PLAIN, false },
	{ "the runtime's init calls it before pivot_root", KILL_LSEEK, "/bin/harmless", true, false, CALL_BEFORE_PIVOT,
	  true },
	{ "the runtime's init calls it after an exec that failed", KILL_LSEEK, "/bin/harmless", true, false, EXEC_FAILS,
	  true },
	{ "int 0x80", KILL_LSEEK, "/bin/lseek_int80", true, true, PLAIN, false },
	{ "32-bit program", KILL_LSEEK, "/bin/lseek_i386", true, true, PLAIN, false },
	{ "clone child", KILL_LSEEK, "/bin/clone_child", true, true, PLAIN, false },
	{ "second thread", KILL_LSEEK, "/bin/second_thread", true, true, PLAIN, false },
	{ "second program", KILL_LSEEK, "/bin/exec_second", true, true, PLAIN, false },
	{ "path whose page is not there yet", KILL_OPEN, "/bin/open_rodata", true, true, PLAIN, false },
	{ "forbidden entry point", KILL_EXEC, "/bin/harmless", true, true, PLAIN, false },
	{ "another entry point", KILL_EXEC, "/bin/first_lseek", true, false, PLAIN, false },
};

static void container_starts(struct bed *bed)
{
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		struct outcome outcome;
		struct container c;

		policy_load(bed, starts[i].policy);
		container_new(bed, &c, "start");
		container_register(bed, &c, starts[i].selected);
		outcome = container_run(bed, &c, starts[i].program, starts[i].twist);
		row(bed,
		    (starts[i].dies
			     ? !outcome.survived && (killed(outcome) || (WIFEXITED(outcome.status) &&
									 WEXITSTATUS(outcome.status) == 128 + SIGKILL))
			     : WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 0) &&
			    outcome.passed_setup == starts[i].needs_setup,
		    "start: %s (status %x, survived %d)", starts[i].why, (unsigned)outcome.status, outcome.survived);
		container_remove(&c);
		policy_unload(bed);
	}
}

/* A policy for the whole host that only looks at lseek with our whence; the caller is killed or not. */
static const struct {
	const char *why, *type, *op, *values;
	long offset;
	bool dies;
} numbers[] = {
	{ "Equal hits", "int64", "Equal", "'5'", 5, true },
	{ "Equal misses", "int64", "Equal", "'5'", 6, false },
	{ "Equal, second value", "int64", "Equal", "'5', '6'", 6, true },
	{ "Equal, negative", "int64", "Equal", "'-7'", -7, true },
	{ "NotEqual misses its value", "int64", "NotEqual", "'5'", 5, false },
	{ "NotEqual hits another", "int64", "NotEqual", "'5'", 6, true },
	{ "GT is strict", "int64", "GT", "'5'", 5, false },
	{ "GT hits", "int64", "GT", "'5'", 6, true },
	{ "GT is signed", "int64", "GT", "'5'", -1, false },
	{ "GT unsigned", "uint64", "GT", "'5'", -1, true },
	{ "LT hits negative", "int64", "LT", "'5'", -1, true },
	{ "LT unsigned", "uint64", "LT", "'5'", -1, false },
	{ "Mask hits", "uint64", "Mask", "'0x30'", 0x10, true },
	{ "Mask misses", "uint64", "Mask", "'0x30'", 0x0f, false },
	{ "InRange lower end", "int64", "InRange", "'-3:3'", -3, true },
	{ "InRange upper end", "int64", "InRange", "'-3:3'", 3, true },
	{ "InRange beyond", "int64", "InRange", "'-3:3'", 4, false },
	{ "int looks at 32 bits", "int", "Equal", "'5'", (1l << 40) | 5, true },
	{ "uint32 looks at 32 bits", "uint32", "Equal", "'4294967295'", -1, true },
	{ "size_t looks at 64 bits", "size_t", "Equal", "'5'", (1l << 40) | 5, false },
};

static int forked_call(long nr, long a, long b, long c)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		syscall(nr, a, b, c);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork", NULL);
	return status;
}

static void number_filters(struct bed *bed)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char yaml[1024];
		int status;

		snprintf(yaml, sizeof yaml,
			 HEAD "  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 1, type: %s}\n    - "
			      "{index: 2, type: "
			      "int}\n    selectors:\n    - matchArgs:\n      - {index: 2, operator: Equal, values: "
			      "['%d']}\n      - "
			      "{index: 1, operator: %s, values: [%s]}\n" KILL,
			 numbers[i].type, MARKER, numbers[i].op, numbers[i].values);
		policy_load_global(bed, SLOT, yaml);
		status = forked_call(SYS_lseek, -1, numbers[i].offset, MARKER);
		row(bed, (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) == numbers[i].dies,
		    "number: %s (status %x)", numbers[i].why, (unsigned)status);
		policy_unload(bed);
	}
}

static const struct {
	const char *why, *op, *values, *path;
	bool dies;
} strings[] = {
	{ "Equal hits", "Equal", "/tg/a/b", "/tg/a/b", true },
	{ "Equal is not a prefix", "Equal", "/tg/a/b", "/tg/a/bc", false },
	{ "Equal, second value", "Equal", "/tg/x, /tg/y", "/tg/y", true },
	{ "Prefix hits", "Prefix", "/tg/a/", "/tg/a/b", true },
	{ "Prefix equals", "Prefix", "/tg/a/", "/tg/a/", true },
	{ "Prefix misses", "Prefix", "/tg/a/", "/tg/a", false },
	{ "Postfix hits", "Postfix", ".tgsecret", "/tg/a.tgsecret", true },
	{ "Postfix equals", "Postfix", ".tgsecret", ".tgsecret", true },
	{ "Postfix misses", "Postfix", ".tgsecret", "/tg/a.tgsecrets", false },
};

static void string_filters(struct bed *bed)
{
	char long_path[4000];

	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		char yaml[1024], path[64];
		int status;

		snprintf(path, sizeof path, "%s", strings[i].path); /* on the stack: readable at entry */
		snprintf(yaml, sizeof yaml,
			 HEAD "  - call: sys_unlinkat\n    syscall: true\n    args:\n    - {index: 1, type: string}\n  "
			      "  - {index: 2, "
			      "type: int}\n    selectors:\n    - matchArgs:\n      - {index: 2, operator: Equal, "
			      "values: ['%d']}\n    "
			      "  - {index: 1, operator: %s, values: [%s]}\n" KILL,
			 MARKER, strings[i].op, strings[i].values);
		policy_load_global(bed, SLOT, yaml);
		status = forked_call(SYS_unlinkat, -1, (long)path, MARKER);
		row(bed, (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) == strings[i].dies,
		    "string: %s (status %x)", strings[i].why, (unsigned)status);
		if (i == sizeof strings / sizeof *strings - 2) { /* the one with Postfix ".tgsecret" is loaded */
			memset(long_path, 'x', sizeof long_path);
			memcpy(long_path + sizeof long_path - 10, ".tgsecret", 10);
			status = forked_call(SYS_unlinkat, -1, (long)long_path, MARKER);
			row(bed, WIFSIGNALED(status), "string: Postfix of a path of %zu bytes", sizeof long_path - 1);
			status = forked_call(SYS_unlinkat, -1, 0x10, MARKER);
			row(bed, WIFSIGNALED(status), "string: unreadable for good under Sigkill is a match");
		}
		policy_unload(bed);
	}
}

static void first_selector_wins(struct bed *bed)
{
	int status;

	policy_load_global(
		bed, SLOT,
		HEAD
		"  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 1, type: int64}\n    - {index: 2, "
		"type: "
		"int}\n    selectors:\n    - matchArgs:\n      - {index: 1, operator: Equal, values: ['1']}\n      "
		"matchActions:\n      - action: NoPost\n    - matchArgs:\n      - {index: 2, operator: Equal, values: "
		"['32437']}\n" KILL);
	status = forked_call(SYS_lseek, -1, 1, MARKER);
	row(bed, status == 0, "selectors: the first one lets it pass (status %x)", (unsigned)status);
	status = forked_call(SYS_lseek, -1, 2, MARKER);
	row(bed, WIFSIGNALED(status), "selectors: the second one kills (status %x)", (unsigned)status);
	policy_unload(bed);
}

/* NULL is how futimens(3) says "the file itself": no path that a policy could name. */
static void null_string(struct bed *bed)
{
	int fd = 1001, status = 0; /* a number that nobody else's call has */
	pid_t pid;

	policy_load_global(bed, SLOT,
			   HEAD "  - call: sys_utimensat\n    syscall: true\n    args:\n    - {index: 0, type: int}\n"
				"    - {index: 1, type: string}\n    selectors:\n    - matchArgs:\n"
				"      - {index: 0, operator: Equal, values: ['1001']}\n"
				"      - {index: 1, operator: Equal, values: [/etc/shadow]}\n" KILL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		must(dup2(fileno(stdin), fd) == fd, "dup2", NULL);
		(void)futimens(fd, NULL);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork", NULL);
	row(bed, status == 0, "string: NULL is no match (status %x)", (unsigned)status);
	status = forked_call(SYS_utimensat, fd, 0x10, 0);
	row(bed, WIFSIGNALED(status), "string: an address that can't be read is (status %x)", (unsigned)status);
	policy_unload(bed);
}

static int rows_run(struct bed *bed, const char *programs)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN); /* a guest that is dead reads nothing */
	bed_make(bed, programs);
	printf("# hierarchy %s (%s)\n", bed->hierarchy.root, bed->hierarchy.mode);
	bed_sensor_open(bed, NULL, false);
	row(bed, !sensor_adopted(bed->sensor), "open: nothing to take over");
	container_starts(bed);
	number_filters(bed);
	string_filters(bed);
	null_string(bed);
	first_selector_wins(bed);
	gate_places(bed);
	gate_running(bed);
	gate_hostile(bed);
	gate_events(bed);
	gate_pins(bed);
	printf("1..%d\n", bed->rows);
	fflush(stdout);
	return bed->failed ? 1 : 0;
}

/* Waits for the rows; a signal that ends us ends them first. */
static int rows_wait(pid_t rows, const sigset_t *signals)
{
	int status, signal;

	while (waitpid(rows, &status, WNOHANG) == 0)
		if (sigwait(signals, &signal) == 0 && signal != SIGCHLD)
			(void)kill(rows, SIGKILL); /* reaped in the next round */
	return status;
}

int main(int argc, char **argv)
{
	sigset_t signals, before;
	struct bed bed;
	int status;
	pid_t pid;

	if (argc > 2 && !strcmp(argv[1], "tenant"))
		return tenant_run(argv + 2);
	if (argc != 2) {
		fprintf(stderr, "usage: gate_test PROGRAMS_DIR\n");
		return 2;
	}
	bed_init(&bed, getpid());
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	must(sigprocmask(SIG_BLOCK, &signals, &before) == 0, "sigprocmask", NULL);
	pid = fork();
	must(pid >= 0, "fork", NULL);
	if (pid == 0) {
		must(sigprocmask(SIG_SETMASK, &before, NULL) == 0, "sigprocmask", NULL);
		_exit(rows_run(&bed, argv[1]));
	}
	status = rows_wait(pid, &signals);
	if (bed_clean(&bed) && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		printf("# cgroups were left\n");
		return 1;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("Bail out! the rows ended with signal %d\n", WTERMSIG(status));
	return 2;
}
