/* SPDX-License-Identifier: Apache-2.0 */
#include "process/proc_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"

static char root[] = "/tmp/proc_scan_test.XXXXXX";

static void file_put(const char *pid, const char *name, const char *bytes, size_t n)
{
	char path[PATH_MAX];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", root, pid);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof path, "%s/%s/%s", root, pid, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void link_put(const char *pid, const char *name, const char *target)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s/%s", root, pid, name);
	assert_int_equal(symlink(target, path), 0);
}

static void stat_put(const char *pid, const char *comm, char state, unsigned ppid, unsigned flags, unsigned start)
{
	char text[256];
	int n = snprintf(text, sizeof text,
			 "%s (%s) %c %u 1 1 0 -1 %u 1 2 3 4 5 6 7 8 20 0 1 0 %u 1000 1 18446744073709551615 1", pid,
			 comm, state, ppid, flags, start);

	file_put(pid, "stat", text, (size_t)n);
}

static int tree_make(void **state)
{
	static const char argv[] = "/bin/evil\0-x\0a b\0";
	static const char status[] =
		"Name:\tevil\nUid:\t1\t1000\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t20\t1\n"
		"CapInh:\t0000000000000001\nCapPrm:\t0000000000000003\nCapEff:\t0000000000000002\n";
	static const char groups[] = "3:cpu,memory:/kubepods/v1\n1:name=systemd:/other\n0::/kubepods/v2\n";

	if (!mkdtemp(root))
		return -1;
	stat_put("2", "kthreadd", 'S', 0, 0x00208040, 1);
	file_put("2", "cmdline", "", 0);
	stat_put("20", "e) S (vil", 'S', 30, 0, 500);
	file_put("20", "cmdline", argv, sizeof argv - 1);
	file_put("20", "status", status, sizeof status - 1);
	file_put("20", "cgroup", groups, sizeof groups - 1);
	file_put("20", "loginuid", "42", 2);
	link_put("20", "exe", "/bin/evil (deleted)");
	link_put("20", "cwd", "/");
	stat_put("30", "older", 'R', 1, 0, 400); /* the parent has the higher pid: pids have wrapped */
	stat_put("40", "zombie", 'Z', 1, 0, 600);
	file_put("50", "stat", "nonsense", 8);
	file_put("x60", "stat", "", 0);
	file_put("self", "stat", "", 0);
	(void)state;
	return 0;
}

static int entry_delete(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tree_delete(void **state)
{
	(void)state;
	return nftw(root, entry_delete, 8, FTW_DEPTH | FTW_PHYS);
}

struct seen {
	char order[64];
	int stop_at;
};

static int look(void *context, struct process_found *found, bool is_kernel_thread, const char *cgroup_path)
{
	struct seen *seen = context;
	char text[16];

	(void)snprintf(text, sizeof text, "%u ", found->pid);
	(void)strncat(seen->order, text, sizeof seen->order - strlen(seen->order) - 1);
	if (found->pid == 2) {
		assert_true(is_kernel_thread);
		assert_string_equal(found->binary, "[kthreadd]");
	}
	if (found->pid == 20) {
		assert_false(is_kernel_thread);
		assert_string_equal(found->binary, "/bin/evil");
		assert_string_equal(found->arguments, "-x \"a b\"");
		assert_string_equal(found->cwd, "/");
		assert_int_equal(found->flags, PROCESS_ROOT_CWD);
		assert_int_equal(found->ppid, 30);
		assert_int_equal(found->nspid, 1);
		assert_int_equal(found->ktime_ns, 5000000000);
		assert_int_equal(found->creds.uid, 1);
		assert_int_equal(found->creds.euid, 1000);
		assert_int_equal(found->creds.fsgid, 8);
		assert_int_equal(found->creds.auid, 42);
		assert_int_equal(found->creds.cap_effective, 2);
		assert_string_equal(cgroup_path, "/kubepods/v2");
	}
	if (found->pid == 30) {
		assert_int_equal(found->flags, PROCESS_PATH_ERROR | PROCESS_CWD_ERROR | PROCESS_ARGS_ERROR);
		assert_int_equal(found->creds.auid, UINT32_MAX);
		assert_string_equal(cgroup_path, "");
	}
	return (int)found->pid == seen->stop_at ? 7 : 0;
}

static void a_tree_is_read(void **state)
{
	struct proc_scan_options options = { .procfs = root, .clock_ticks = 100 };
	struct seen seen = { .order = "" };

	assert_int_equal(proc_scan(&options, look, &seen, NULL), 0);
	assert_string_equal(seen.order, "2 30 20 ");
	seen = (struct seen){ .stop_at = 30 };
	assert_int_equal(proc_scan(&options, look, &seen, NULL), 7);
	assert_string_equal(seen.order, "2 30 ");
	(void)state;
}

static void only_those_that_are_named(void **state)
{
	const uint32_t pids[] = { 20, 999, 40, 30 }; /* one that is not there, a zombie */
	struct proc_scan_options options = { .procfs = root, .clock_ticks = 100, .pid = pids, .pids = 4 };
	struct seen seen = { .order = "" };

	assert_int_equal(proc_scan(&options, look, &seen, NULL), 0);
	assert_string_equal(seen.order, "30 20 ");
	options.pids = 0;
	seen = (struct seen){ .order = "" };
	assert_int_equal(proc_scan(&options, look, &seen, NULL), 0);
	assert_string_equal(seen.order, "");
	(void)state;
}

static int look_v1(void *context, struct process_found *found, bool is_kernel_thread, const char *cgroup_path)
{
	if (found->pid == 20)
		assert_string_equal(cgroup_path, "/kubepods/v1");
	(void)context;
	(void)is_kernel_thread;
	return 0;
}

static void the_controller_chooses_the_line(void **state)
{
	struct proc_scan_options options = { .procfs = root, .controller = "memory", .clock_ticks = 100 };

	assert_int_equal(proc_scan(&options, look_v1, NULL, NULL), 0);
	(void)state;
}

static void no_procfs_is_an_error(void **state)
{
	struct proc_scan_options options = { .procfs = "/nonexistent", .clock_ticks = 100 };
	struct error err = { 0 };

	assert_int_equal(proc_scan(&options, look, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent"));
	(void)state;
}

static int find_self(void *context, struct process_found *found, bool is_kernel_thread, const char *cgroup_path)
{
	if (found->pid == (uint32_t)getpid()) {
		assert_non_null(strstr(found->binary, "proc_scan_test"));
		*(int *)context = 1;
	}
	(void)is_kernel_thread;
	(void)cgroup_path;
	return 0;
}

static void the_real_one_holds_ourselves(void **state)
{
	struct proc_scan_options options = { .procfs = "/proc", .clock_ticks = sysconf(_SC_CLK_TCK) };
	int found = 0;

	assert_int_equal(proc_scan(&options, find_self, &found, NULL), 0);
	assert_int_equal(found, 1);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_read),
		cmocka_unit_test(only_those_that_are_named),
		cmocka_unit_test(the_controller_chooses_the_line),
		cmocka_unit_test(no_procfs_is_an_error),
		cmocka_unit_test(the_real_one_holds_ourselves),
	};

	return cmocka_run_group_tests(tests, tree_make, tree_delete);
}
