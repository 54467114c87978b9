/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "ask/ask_log.h"

static char memory[65536], text[65536];

static struct spec_annotation annotations[] = {
	{ STR("b"), STR("2") },
	{ STR("a"), STR("<\n>") },
	{ STR("bb"), STR("") },
	{ STR("B"), STR("&") },
};

static const struct ask_container container = {
	.spec = { .annotation = annotations, .annotations = sizeof annotations / sizeof *annotations },
	.identity = { .pod_name = STR("p"), .container_id = STR("id") },
	.cgroup_path = STR("/c"),
};

/* One line of `level` with the context; what stands behind the message, the time left out. */
static const char *line_of(enum log_level level, bool has_container)
{
	struct arena arena = arena_over(memory, sizeof memory);
	struct ask_log ask_log;
	struct log_line line;
	int fd[2];
	struct log log = { .level = level, .format = LOG_JSON };
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	log.fd = fd[1];
	ask_log_init(&ask_log, &log, 1700000000000000000, 0, &arena);
	ask_log.container = has_container ? &container : NULL;
	ask_log_begin(&ask_log, &line, LOG_WARN, "m");
	log_text(&line, "own", "x");
	assert_int_equal(log_end(&line), 0);
	(void)close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	(void)close(fd[0]);
	assert_true(n > 0);
	text[n] = '\0';
	return strstr(text, "\"level\"");
}

static void context_comes_before_the_own_keys(void **state)
{
	assert_string_equal(line_of(LOG_INFO, false),
			    "\"level\":\"WARN\",\"msg\":\"m\",\"hook\":\"createRuntime\","
			    "\"start-time\":\"2023-11-14T22:13:20.000000000Z\",\"own\":\"x\"}\n");
	assert_string_equal(
		line_of(LOG_INFO, true),
		"\"level\":\"WARN\",\"msg\":\"m\",\"hook\":\"createRuntime\","
		"\"start-time\":\"2023-11-14T22:13:20.000000000Z\",\"req-cgroups\":\"/c\",\"req-rootdir\":\"\","
		"\"req-containerName\":\"\",\"req-containerID\":\"id\",\"req-containerImage\":\"\",\"req-podName\":"
		"\"p\","
		"\"req-podUID\":\"\",\"req-podNamespace\":\"\",\"own\":\"x\"}\n");
	(void)state;
}

static void annotations_are_sorted_at_debug_level(void **state)
{
	assert_non_null(strstr(line_of(LOG_DEBUG, true), "\"req-podNamespace\":\"\",\"req-annotations\":{\"B\":\"&\","
							 "\"a\":\"<\\n>\",\"b\":\"2\",\"bb\":\"\"},\"own\":\"x\"}\n"));
	(void)state;
}

static void a_missing_folder_is_made_and_a_wrong_one_told(void **state)
{
	char dir[] = "/tmp/hook-log-test-XXXXXX", path[128], command[64];
	struct error err = { 0 };
	int fd;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/a/b/hook.log", dir);
	fd = ask_log_open(path, &err);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1", 1), 1);
	(void)close(fd);
	fd = ask_log_open(path, &err);
	assert_int_equal(write(fd, "2", 1), 1);
	assert_int_equal(lseek(fd, 0, SEEK_END), 2);
	(void)close(fd);
	assert_int_equal(ask_log_open("/dev/null/x", &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "/dev/null/x"));
	assert_true(ask_log_open("", &err) < 0);
	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0); /* a path of our own making */
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_comes_before_the_own_keys),
		cmocka_unit_test(annotations_are_sorted_at_debug_level),
		cmocka_unit_test(a_missing_folder_is_made_and_a_wrong_one_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
