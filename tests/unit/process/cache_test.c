/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct process *exec(struct process_cache *cache, uint32_t pid, uint32_t ppid, uint64_t ktime, const char *path)
{
	struct abi_exec record = { .h = { .type = ABI_REC_EXEC, .pid = pid, .tid = pid, .ktime = ktime },
				   .ppid = ppid };
	int n = snprintf(record.text, sizeof record.text, "%s%c%s%c%s%c%s%c", path, 0, "argv0", 0, "-a", 0, "srv", 0);

	record.path_len = (__u16)(strlen(path) + 1);
	record.args_len = sizeof "argv0" + sizeof "-a";
	record.cwd_len = (__u16)(n - record.path_len - record.args_len);
	record.nspid = pid;
	return process_cache_exec(cache, &record);
}

static struct process *fork_of(struct process_cache *cache, uint32_t ppid, uint32_t pid, uint64_t ktime)
{
	struct abi_fork record = { .h = { .type = ABI_REC_FORK, .pid = pid, .tid = pid, .ktime = ktime },
				   .ppid = ppid,
				   .nspid = pid };

	return process_cache_fork(cache, &record);
}

static struct process *exit_of(struct process_cache *cache, uint32_t pid, uint64_t ktime)
{
	struct abi_exit record = { .h = { .type = ABI_REC_EXIT, .pid = pid, .tid = pid, .ktime = ktime } };

	return process_cache_exit(cache, &record);
}

static void a_life_is_followed(void **state)
{
	struct process_cache *cache = process_cache_new(NULL);
	struct process_found init = {
		.pid = 1, .nspid = 1, .ktime_ns = 5, .binary = "/init", .arguments = "", .cwd = "/"
	};
	struct process *p = process_cache_found(cache, &init);

	assert_int_equal(p->flags, PROCESS_PROCFS | PROCESS_INIT_TREE);
	assert_int_equal(p->parent->pid, 0);
	assert_string_equal(p->parent->image->binary, "<kernel>");
	assert_null(process_cache_found(cache, &init));

	p = fork_of(cache, 1, 10, 100);
	assert_int_equal(p->flags, PROCESS_CLONE | PROCESS_INIT_TREE);
	assert_string_equal(p->image->binary, "/init");
	assert_int_equal(p->parent_ktime_ns, 5);

	p = exec(cache, 10, 1, 200, "bin/x");
	assert_int_equal(p->flags, PROCESS_EXECVE | PROCESS_CLONE | PROCESS_INIT_TREE);
	assert_string_equal(p->image->binary, "/srv/bin/x");
	assert_string_equal(p->image->arguments, "-a");
	assert_string_equal(p->image->cwd, "/srv");
	assert_int_equal(p->parent->pid, 1);

	p = exec(cache, 10, 1, 300, "/bin/y"); /* without fork: the parent is the image before */
	assert_int_equal(p->flags, PROCESS_EXECVE | PROCESS_INIT_TREE);
	assert_int_equal(p->parent_pid, 10);
	assert_int_equal(p->parent_ktime_ns, 200);
	assert_string_equal(p->parent->image->binary, "/srv/bin/x");

	p = exit_of(cache, 10, 400);
	assert_true(p->exited);
	assert_string_equal(p->parent->image->binary, "/srv/bin/x");
	assert_ptr_equal(process_cache_get(cache, 10), p); /* within the grace time */
	assert_null(exit_of(cache, 10, 401));
	assert_int_equal(process_cache_expire(cache, 500), 0);
	assert_int_equal(process_cache_expire(cache, 400 + UINT64_C(20000000000)), 1);
	assert_null(process_cache_get(cache, 10));
	process_cache_free(cache);
	(void)state;
}

static void the_fork_tells_the_parent_though_it_died(void **state)
{
	struct process_cache *cache = process_cache_new(NULL);
	struct process *p;

	(void)exec(cache, 10, 0, 100, "/bin/parent");
	(void)fork_of(cache, 10, 11, 200);
	(void)exit_of(cache, 10, 300);
	assert_int_equal(process_cache_expire(cache, UINT64_MAX / 2), 1);
	p = exec(cache, 11, 1, 400, "/bin/child"); /* pid 1 has adopted it */
	assert_int_equal(p->parent_pid, 10);
	assert_string_equal(p->parent->image->binary, "/bin/parent");
	process_cache_free(cache);
	(void)state;
}

static void what_is_not_known_is_said(void **state)
{
	struct process_cache *cache = process_cache_new(NULL);
	struct process_cache_stats stats;
	struct process *p = exec(cache, 10, 9, 100, "/bin/x");

	assert_null(p->parent);
	assert_int_equal(p->parent_pid, 9);
	assert_int_equal(p->parent_ktime_ns, 0);
	assert_true(p->flags & PROCESS_MISS);
	assert_null(process_cache_get(cache, 77));
	assert_null(exit_of(cache, 77, 1));
	assert_null(fork_of(cache, 77, 78, 1));
	process_cache_stats(cache, &stats);
	assert_int_equal(stats.misses, 3);
	process_cache_free(cache);
	(void)state;
}

static void a_recycled_pid_is_another_process(void **state)
{
	struct process_cache *cache = process_cache_new(NULL);
	struct process *p;

	(void)exec(cache, 5, 0, 10, "/bin/shell");
	(void)exec(cache, 10, 5, 100, "/bin/x");
	(void)exit_of(cache, 10, 200);
	p = exec(cache, 10, 5, 300, "/bin/y");
	assert_int_equal(p->parent_pid, 5);
	assert_false(p->exited);
	process_cache_free(cache);
	(void)state;
}

static void references_outlive_the_index(void **state)
{
	struct process_cache *cache = process_cache_new(NULL);
	struct process_cache_stats stats;
	struct process *held = process_ref(exec(cache, 10, 0, 100, "/bin/x"));

	(void)exit_of(cache, 10, 200);
	(void)process_cache_expire(cache, UINT64_MAX / 2);
	assert_string_equal(held->image->binary, "/bin/x");
	process_cache_stats(cache, &stats);
	assert_int_equal(stats.entries, 2); /* the kernel's too */
	process_unref(held);
	process_cache_stats(cache, &stats);
	assert_int_equal(stats.entries, 1);
	process_cache_free(cache);
	(void)state;
}

static void exec_in_a_loop_does_not_grow(void **state)
{
	struct process_cache *cache = process_cache_new(NULL);
	struct process_cache_stats stats;

	for (uint64_t i = 0; i < 10000; i++)
		(void)exec(cache, 10, 1, i, "/bin/x");
	process_cache_stats(cache, &stats);
	assert_int_equal(stats.entries, 3);
	assert_int_equal(stats.evicted, 0);
	process_cache_free(cache);
	(void)state;
}

/* Forks without exec, chains of parents, exits, pids that recur: the limits hold at each step. */
static void churn_is_bounded(void **state)
{
	struct process_cache_options options = { .limit = 500, .limit_bytes = 100000, .grace_ns = 1000 };
	struct process_cache *cache = process_cache_new(&options);
	struct process_cache_stats stats;
	unsigned seed = 1;
	static char path[900];

	memset(path, 'x', sizeof path - 1);
	path[0] = '/';
	for (uint64_t i = 0; i < 200000; i++) {
		uint32_t pid = 2 + (uint32_t)rand_r(&seed) % 3000, other = 2 + (uint32_t)rand_r(&seed) % 3000;

		switch (rand_r(&seed) % 4) {
		case 0:
			(void)exec(cache, pid, other, i, rand_r(&seed) % 2 ? path : "/bin/x");
			break;
		case 1:
			(void)fork_of(cache, pid, other, i);
			(void)fork_of(cache, other, other + 1, i);
			break;
		case 2:
			(void)exit_of(cache, pid, i);
			break;
		default:
			(void)process_cache_get(cache, pid);
			(void)process_cache_expire(cache, i);
		}
		process_cache_stats(cache, &stats);
		if (stats.entries > options.limit || stats.bytes > options.limit_bytes)
			fail_msg("step %llu: %llu entries, %llu bytes", (unsigned long long)i,
				 (unsigned long long)stats.entries, (unsigned long long)stats.bytes);
	}
	assert_true(stats.evicted > 0);
	process_cache_free(cache);
	(void)state;
}

static void one_too_large_is_refused(void **state)
{
	struct process_cache_options options = { .limit_bytes = 700 };
	struct process_cache *cache = process_cache_new(&options);
	struct process_cache_stats stats;
	static char path[900];

	memset(path, 'x', sizeof path - 1);
	assert_null(exec(cache, 10, 1, 1, path));
	process_cache_stats(cache, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.entries, 1);
	process_cache_free(cache);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_is_followed),
		cmocka_unit_test(the_fork_tells_the_parent_though_it_died),
		cmocka_unit_test(what_is_not_known_is_said),
		cmocka_unit_test(a_recycled_pid_is_another_process),
		cmocka_unit_test(references_outlive_the_index),
		cmocka_unit_test(exec_in_a_loop_does_not_grow),
		cmocka_unit_test(churn_is_bounded),
		cmocka_unit_test(one_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
