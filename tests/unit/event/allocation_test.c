/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario through registry, cache, pipeline, filter and file sink in which the 1st, the 2nd, … allocation fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "event/file_sink.h"
#include "event/filter.h"
#include "event/pipeline.h"
#include "pod/registry.h"
#include "process/cache.h"

/* The linker sends the program's own calls here (--wrap). */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static long until_failure = -1; /* allocations that still succeed; < 0: all */
static bool failed;

static bool fails(void)
{
	if (until_failure < 0 || until_failure-- > 0)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

static const struct policy *no_policy(void *context, unsigned slot, uint32_t generation)
{
	(void)context;
	(void)slot;
	(void)generation;
	return NULL;
}

static void records(struct pipeline *pipeline)
{
	struct abi_fork fork = { .h = { .type = ABI_REC_FORK, .size = sizeof fork, .pid = 11, .tid = 11 }, .ppid = 10 };
	struct abi_hit hit = { .h = { .type = ABI_REC_HIT, .size = sizeof hit, .pid = 11, .tid = 11, .container = 7 } };
	struct abi_exit end = { .h = { .type = ABI_REC_EXIT, .size = sizeof end, .pid = 11, .tid = 11 } };
	static struct abi_exec exec = { .h = { .type = ABI_REC_EXEC, .size = sizeof exec, .pid = 10, .tid = 10 } };

	(void)pipeline_record(pipeline, &exec.h, sizeof exec);
	(void)pipeline_record(pipeline, &fork.h, sizeof fork);
	(void)pipeline_record(pipeline, &hit.h, sizeof hit);
	exec.h.pid = exec.h.tid = 11;
	(void)pipeline_record(pipeline, &exec.h, sizeof exec);
	(void)pipeline_record(pipeline, &end.h, sizeof end);
}

static void scenario(void)
{
	struct pod_label label = { "k", "v" };
	struct pod_container container = { .cgroup_id = 7, .container_id = "c", .pod_namespace = "n" };
	Tetragon__GetEventsRequest request = TETRAGON__GET_EVENTS_REQUEST__INIT;
	Tetragon__Filter filter = TETRAGON__FILTER__INIT, *list[] = { &filter };
	char *names[] = { (char *)"n" };
	struct file_sink_options file = { .filename = "/dev/null" };
	struct pipeline_options options = { .node_name = "n", .policy = no_policy };
	struct event_filter *compiled = NULL;
	struct pipeline *pipeline = NULL;
	struct file_sink *sink = NULL;

	filter.namespace_ = names;
	filter.n_namespace_ = 1;
	request.allow_list = list;
	request.n_allow_list = 1;
	options.registry = pod_registry_new(NULL);
	options.cache = process_cache_new(NULL);
	if (options.registry && options.cache)
		pipeline = pipeline_new(&options);
	if (pipeline) {
		(void)pod_registry_add(options.registry, &container, 0, NULL);
		container.label = &label;
		container.labels = 1;
		(void)pod_registry_add(options.registry, &container, 0, NULL);
		(void)event_filter_new(&request, &compiled, NULL);
		if (file_sink_new(&file, &sink, NULL) == 0) {
			file_sink_event_sink(sink)->filter = compiled;
			pipeline_sink_add(pipeline, file_sink_event_sink(sink));
		}
		records(pipeline);
	}
	pipeline_free(pipeline);
	file_sink_free(sink);
	event_filter_free(compiled);
	process_cache_free(options.cache);
	pod_registry_free(options.registry);
}

static void each_allocation_may_fail(void **state)
{
	long n = 0;

	do {
		failed = false;
		until_failure = n++;
		scenario();
		until_failure = -1;
	} while (failed);
	assert_true(n > 20);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
