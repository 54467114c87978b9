/* SPDX-License-Identifier: Apache-2.0 */
#include "event/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"
#include "pod/registry.h"
#include "process/cache.h"

#define PATIENCE_MS 20000

static const struct policy *no_policy(void *context, unsigned slot, uint32_t generation)
{
	(void)context;
	(void)slot;
	(void)generation;
	return NULL;
}

struct fixture {
	struct pod_registry *registry;
	struct process_cache *cache;
	struct pipeline *pipeline;
	char dir[64], path[PATH_MAX];
	int codes[8];
	int told;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct pipeline_options options = { .node_name = "n", .policy = no_policy };

	options.registry = f->registry = pod_registry_new(NULL);
	options.cache = f->cache = process_cache_new(NULL);
	f->pipeline = pipeline_new(&options);
	(void)strcpy(f->dir, "/tmp/file_sink_test.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->path, sizeof f->path, "%s/events", f->dir);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)rmdir(f->dir);
	pipeline_free(f->pipeline);
	process_cache_free(f->cache);
	pod_registry_free(f->registry);
	free(f);
	return 0;
}

static void told(void *context, int code)
{
	struct fixture *f = context;

	if (f->told < 8)
		f->codes[f->told++] = code;
}

static void some_event(struct fixture *f)
{
	struct abi_exit record = {
		.h = { .type = ABI_REC_EXIT, .size = sizeof record, .pid = 9, .tid = 9, .ktime = 1 }
	};

	assert_int_equal(pipeline_record(f->pipeline, &record.h, sizeof record), 0);
}

static struct file_sink *sink_at(struct fixture *f, const char *path, size_t buffer)
{
	struct file_sink_options options = { .filename = path, .buffer_bytes = buffer, .trouble = told, .context = f };
	struct file_sink *sink = NULL;

	assert_int_equal(file_sink_new(&options, &sink, NULL), 0);
	pipeline_sink_add(f->pipeline, file_sink_event_sink(sink));
	return sink;
}

static void lines_are_appended_in_batches(void **state)
{
	struct fixture *f = *state;
	struct file_sink_stats stats;
	char text[4096];
	struct stat st;
	int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct file_sink *sink;
	ssize_t n;

	assert_int_equal(write(fd, "old\n", 4), 4);
	(void)close(fd);
	sink = sink_at(f, f->path, 0);
	some_event(f);
	some_event(f);
	assert_int_equal(file_sink_drain(sink, PATIENCE_MS), 0);
	file_sink_stats(sink, &stats);
	assert_int_equal(stats.lines, 2);
	assert_int_equal(stats.waiting, 0);
	file_sink_free(sink);
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof text - 1);
	assert_int_equal(n, 4 + stats.bytes);
	text[n] = '\0';
	assert_true(!strncmp(text, "old\n{\"process_exit\":", 20) && text[n - 1] == '\n');
	(void)fstat(fd, &st);
	(void)close(fd);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_new_file_is_private(void **state)
{
	struct fixture *f = *state;
	struct file_sink *sink = sink_at(f, f->path, 0);
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	file_sink_free(sink);
}

static void a_full_disk_is_told_once_and_counted(void **state)
{
	struct fixture *f = *state;
	struct file_sink *sink = sink_at(f, "/dev/full", 1024);
	struct file_sink_stats stats;

	for (int i = 0; i < 50; i++)
		some_event(f);
	assert_int_equal(file_sink_drain(sink, PATIENCE_MS), -ENOSPC);
	assert_int_equal(file_sink_drain(sink, PATIENCE_MS), -ENOSPC);
	file_sink_stats(sink, &stats);
	assert_int_equal(f->told, 1);
	assert_int_equal(f->codes[0], ENOSPC);
	assert_true(stats.write_errors > 1);
	assert_true(stats.dropped > 30);
	assert_true(stats.waiting <= 2048);
	assert_int_equal(stats.lines, 0);
	assert_int_equal(file_sink_end(sink, PATIENCE_MS), -ENOSPC);
	file_sink_stats(sink, &stats);
	assert_int_equal(stats.dropped, 50);
	file_sink_free(sink);
}

/* A pipe that nobody reads fills and then costs events; what was begun is completed later: no line tears. */
static void a_pipe_that_nobody_reads_does_not_block(void **state)
{
	struct fixture *f = *state;
	struct file_sink_stats stats;
	struct file_sink *sink;
	size_t bytes = 0, lines = 0, events = 0;
	static char text[1 << 20];
	int reader;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	reader = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	sink = sink_at(f, f->path, 8192);
	do {
		for (int i = 0; i < 20; i++, events++)
			some_event(f);
	} while (file_sink_drain(sink, 500) == 0);
	for (int i = 0; i < 200; i++, events++)
		some_event(f);
	file_sink_stats(sink, &stats);
	assert_true(stats.dropped > 0);
	assert_int_equal(stats.write_errors, 0);
	do {
		ssize_t n = read(reader, text + bytes, sizeof text - bytes);

		bytes += n > 0 ? (size_t)n : 0;
		file_sink_flush(sink);
		file_sink_stats(sink, &stats);
	} while (bytes < stats.bytes + stats.waiting);
	for (char *line = text, *end; line < text + bytes; line = end + 1, lines++) {
		end = memchr(line, '\n', (size_t)(text + bytes - line));
		assert_non_null(end);
		assert_true(!strncmp(line, "{\"process_exit\":", 16) && end[-1] == '}');
	}
	file_sink_stats(sink, &stats);
	assert_int_equal(stats.lines, lines);
	assert_int_equal(stats.lines + stats.dropped, events);
	file_sink_free(sink);
	(void)close(reader);
}

/* The end has a limit, whatever hangs; what was not written is counted. */
static void the_end_does_not_wait_for_a_reader(void **state)
{
	struct fixture *f = *state;
	struct timespec before, after;
	struct file_sink_stats stats;
	struct file_sink *sink;
	int reader;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	reader = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	sink = sink_at(f, f->path, 1 << 18);
	for (int i = 0; i < 1000; i++)
		some_event(f);
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(file_sink_end(sink, 300), -ETIMEDOUT);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 299, 2000);
	some_event(f); /* too late */
	file_sink_stats(sink, &stats);
	assert_true(stats.lines > 0 && stats.dropped > 0);
	assert_int_equal(stats.lines + stats.dropped, 1001);
	file_sink_free(sink);
	(void)close(reader);
}

/* The disk was full, and is not any more: nothing of what fits into the buffers is lost. */
static void a_disk_that_works_again_gets_what_waited(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, none = { 0, RLIM_INFINITY };
	struct file_sink *sink = sink_at(f, f->path, 0);
	struct file_sink_stats stats;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (int i = 0; i < 10; i++)
		some_event(f);
	assert_int_equal(file_sink_drain(sink, PATIENCE_MS), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	while (file_sink_drain(sink, PATIENCE_MS) == -EFBIG)
		; /* a try that had begun before */
	file_sink_stats(sink, &stats);
	assert_int_equal(stats.lines, 10);
	assert_int_equal(stats.dropped, 0);
	assert_int_equal(f->told, 2);
	assert_int_equal(f->codes[0], EFBIG);
	assert_int_equal(f->codes[1], 0);
	file_sink_free(sink);
}

static void bad_places_are_refused(void **state)
{
	struct fixture *f = *state;
	struct file_sink_options options = { .filename = f->dir };
	struct file_sink *sink;
	struct error err = { 0 };

	assert_int_equal(file_sink_new(&options, &sink, &err), -EISDIR);
	assert_non_null(strstr(err.text, f->dir));
	options.filename = "/nonexistent/events";
	assert_int_equal(file_sink_new(&options, &sink, &err), -ENOENT);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	options.filename = f->path;
	assert_int_equal(file_sink_new(&options, &sink, &err), -ENXIO);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(lines_are_appended_in_batches),
		CASE(a_new_file_is_private),
		CASE(a_full_disk_is_told_once_and_counted),
		CASE(a_pipe_that_nobody_reads_does_not_block),
		CASE(the_end_does_not_wait_for_a_reader),
		CASE(a_disk_that_works_again_gets_what_waited),
		CASE(bad_places_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
