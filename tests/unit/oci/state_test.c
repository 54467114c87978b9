/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "oci/state.h"

static char memory[2 * STATE_MAX_BYTES];

static const struct {
	const char *why, *text;
	int want;
	const char *id, *bundle; /* or a part of the error in `id` */
	int64_t pid;
} states[] = {
	{ "runc", "{\"ociVersion\":\"1.0.2-dev\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":42,\"bundle\":\"/b\"}",
	  0, "c1", "/b", 42 },
	{ "unknown members are skipped", "{\"root\":{\"a\":[1,{\"id\":\"x\"}]},\"id\":\"c\"}", 0, "c", "", 0 },
	{ "escaped keys and values", "{\"\\u0069d\":\"\\u0063\\n\",\"bundle\":\"\\/b\"}", 0, "c\n", "/b", 0 },
	{ "null is absent", "{\"id\":null,\"bundle\":null,\"pid\":null}", 0, "", "", 0 },
	{ "nothing", "", 0, "", "", 0 },
	{ "blanks", " \r\n\t", 0, "", "", 0 },
	{ "empty object", "{}", 0, "", "", 0 },

	{ "array", "[]", -EINVAL, "not a JSON object", NULL, 0 },
	{ "cut", "{\"id\":\"c", -EINVAL, "byte 8", NULL, 0 },
	{ "garbage behind", "{} x", -EINVAL, "byte 3", NULL, 0 },
	{ "id is a number", "{\"id\":1}", -EINVAL, "id: want a string", NULL, 0 },
	{ "bundle twice", "{\"bundle\":\"/a\",\"bundle\":\"/b\"}", -EINVAL, "bundle is there twice", NULL, 0 },
	{ "bundle twice, once escaped", "{\"bundle\":\"/a\",\"b\\u0075ndle\":\"/b\"}", -EINVAL, "bundle is there twice",
	  NULL, 0 },
	{ "relative bundle", "{\"bundle\":\"b\"}", -EINVAL, "not an absolute path", NULL, 0 },
	{ "NUL in the bundle", "{\"bundle\":\"/a\\u0000b\"}", -EINVAL, "holds a NUL", NULL, 0 },
	{ "pid is a text", "{\"pid\":\"1\"}", -EINVAL, "pid: want", NULL, 0 },
	{ "negative pid", "{\"pid\":-1}", -EINVAL, "pid: want", NULL, 0 },
	{ "pid with a fraction", "{\"pid\":1.5}", -EINVAL, "pid: want", NULL, 0 },
	{ "huge pid", "{\"pid\":99999999999999999999}", -EINVAL, "pid: want", NULL, 0 },
};

static void parse_follows_the_table(void **unused)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		struct arena arena = arena_over(memory, sizeof memory);
		struct oci_state state = { 0 };
		struct error err = { 0 };
		int r = state_parse(str_of(states[i].text), &arena, &state, &err);

		if (r != states[i].want)
			fail_msg("%s: %d, %s", states[i].why, r, err.text);
		if (r < 0 ? !strstr(err.text, states[i].id)
			  : !str_is(state.id, states[i].id) || !str_is(state.bundle, states[i].bundle) ||
				    state.pid != states[i].pid)
			fail_msg("%s: %s, '%.*s' '%.*s'", states[i].why, err.text, (int)state.id.len, state.id.p,
				 (int)state.bundle.len, state.bundle.p);
	}
	(void)unused;
}

static void parse_says_when_memory_is_out(void **unused)
{
	struct arena arena = arena_over(memory, 16);
	struct oci_state state;

	assert_int_equal(state_parse(STR("{\"id\":\"\\u0041aaaaaaaaaaaaaaaaaaaaaaaa\"}"), &arena, &state, NULL),
			 -ENOMEM);
	(void)unused;
}

/* A pipe with `text` in it; the writing end stays open if `keep`. */
static int pipe_with(const char *text, int *keep)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], text, strlen(text)), strlen(text));
	if (keep)
		*keep = fd[1];
	else
		(void)close(fd[1]);
	return fd[0];
}

static int read_from(int fd, int64_t wait_ns, struct str *ret_text, struct error *err)
{
	static struct arena arena;

	arena = arena_over(memory, sizeof memory);
	return state_read(fd, clock_now_ns(CLOCK_MONOTONIC) + wait_ns, NULL, &arena, ret_text, err);
}

static void read_ends_with_the_object_although_the_pipe_is_open(void **unused)
{
	static const char text[] = "{\"a\":\"}\\\"\",\"b\":[{}]}";
	struct str got;
	int keep, fd = pipe_with(text, &keep);

	assert_int_equal(read_from(fd, 10 * NS_PER_S, &got, NULL), 0);
	assert_true(str_is(got, text));
	(void)close(fd);
	(void)close(keep);
	(void)unused;
}

static void read_waits_no_longer_than_the_deadline(void **unused)
{
	struct error err = { 0 };
	struct str got;
	int keep, fd = pipe_with("{\"a\":", &keep);

	assert_int_equal(read_from(fd, 20 * NS_PER_MS, &got, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "no complete OCI state"));
	(void)close(fd);
	(void)close(keep);
	(void)unused;
}

static void read_takes_what_is_there_at_the_end(void **unused)
{
	struct str got;
	int fd = pipe_with("{\"a\":", NULL);

	assert_int_equal(read_from(fd, NS_PER_S, &got, NULL), 0);
	assert_true(str_is(got, "{\"a\":"));
	(void)close(fd);
	fd = pipe_with("", NULL);
	assert_int_equal(read_from(fd, NS_PER_S, &got, NULL), 0);
	assert_int_equal(got.len, 0);
	(void)close(fd);
	assert_int_equal(read_from(fd, NS_PER_S, &got, NULL), 0); /* not open any more */
	assert_int_equal(got.len, 0);
	(void)unused;
}

static void read_has_a_limit(void **unused)
{
	char name[] = "/tmp/state-test-XXXXXX";
	struct error err = { 0 };
	struct str got;
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	(void)unlink(name);
	assert_int_equal(ftruncate(fd, STATE_MAX_BYTES), 0);
	assert_int_equal(read_from(fd, NS_PER_S, &got, &err), 0);
	assert_int_equal(got.len, STATE_MAX_BYTES);
	assert_int_equal(ftruncate(fd, STATE_MAX_BYTES + 1), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read_from(fd, NS_PER_S, &got, &err), -EFBIG);
	(void)close(fd);
	(void)unused;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_follows_the_table),
		cmocka_unit_test(parse_says_when_memory_is_out),
		cmocka_unit_test(read_ends_with_the_object_although_the_pipe_is_open),
		cmocka_unit_test(read_waits_no_longer_than_the_deadline),
		cmocka_unit_test(read_takes_what_is_there_at_the_end),
		cmocka_unit_test(read_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
