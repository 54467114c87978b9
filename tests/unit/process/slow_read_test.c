/* SPDX-License-Identifier: Apache-2.0 */
#include "process/slow_read.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_MS 20000

static int set_up(void **state)
{
	*state = slow_reader_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	slow_reader_free(*state);
	return 0;
}

/* A pipe whose reading end is given away. */
static int pipe_read(struct slow_reader *reader, int *ret_writer, char *memory, size_t size, int timeout_ms)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*ret_writer = ends[1];
	return (int)slow_read(reader, ends[0], memory, size, timeout_ms);
}

static void what_is_there_is_read(void **state)
{
	char text[8192];
	int ends[2];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_int_equal(write(ends[1], "one two", 7), 7);
		(void)close(ends[1]);
		assert_int_equal(slow_read(*state, ends[0], text, sizeof text, PATIENCE_MS), 7);
		assert_memory_equal(text, "one two", 7);
		assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	}
	assert_int_equal(slow_read(*state, open("/proc/self/maps", O_RDONLY | O_CLOEXEC), text, 100, PATIENCE_MS), 100);
	assert_int_equal(slow_read(*state, open("/dev/zero", O_RDONLY | O_CLOEXEC), text, sizeof text, PATIENCE_MS),
			 SLOW_READ_BYTES_MAX);
	assert_int_equal(slow_read(*state, open("/", O_RDONLY | O_CLOEXEC), text, 100, PATIENCE_MS), -EISDIR);
}

static void what_does_not_come_is_left_behind(void **state)
{
	int writer[1000], n = 0, r;
	char text[16];

	do
		r = pipe_read(*state, &writer[n++], text, sizeof text, 5);
	while (r == -ETIMEDOUT && n < 1000); /* a thread that had not begun by then is not stuck */
	assert_int_equal(r, -EBUSY);
	assert_true(n > SLOW_READ_STUCK_MAX);
	for (int i = 0; i < n / 2 + 1; i++)
		(void)close(writer[i]); /* these end */
	for (int i = 0; i < 1000; i++) {
		int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

		if (slow_read(*state, fd, text, 4, PATIENCE_MS) == 4)
			break;
		assert_true(i < 999);
		(void)usleep(5000);
	}
	slow_reader_free(*state); /* while the others are still there */
	*state = NULL;
	for (int i = n / 2 + 1; i < n; i++)
		(void)close(writer[i]);
	(void)usleep(50000); /* what they free is for the sanitizers to see */
}

static void half_of_it_is_no_answer(void **state)
{
	char text[16] = "untouched";
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "half", 4), 4);
	assert_int_equal(slow_read(*state, ends[0], text, sizeof text, 20), -ETIMEDOUT);
	assert_string_equal(text, "untouched");
	(void)close(ends[1]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_is_there_is_read),
		CASE(what_does_not_come_is_left_behind),
		CASE(half_of_it_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
