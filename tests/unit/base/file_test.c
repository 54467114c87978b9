/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "temp_dir.h"

static struct temp_dir dir; /* cmocka hands out one pointer; these tests want no more */

static int set_up(void **state)
{
	(void)state;
	return temp_dir_make(&dir);
}

static int tear_down(void **state)
{
	(void)state;
	return temp_dir_remove(&dir);
}

static void a_file_is_read_up_to_its_limit(void **state)
{
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 4097, 100000 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		auto_free char *bytes = malloc(sizes[i] + 1);
		size_t limits[] = { sizes[i], sizes[i] + 1, SIZE_MAX };

		assert_non_null(bytes);
		for (size_t j = 0; j < sizes[i]; j++)
			bytes[j] = (char)(j * 31);
		assert_int_equal(file_replace_at(dir.fd, "f", bytes, sizes[i], 0644, NULL), 0);
		for (size_t j = 0; j < 3; j++) {
			auto_free char *text = NULL;
			size_t len;

			if (file_read_at(dir.fd, "f", limits[j], &text, &len, NULL) || len != sizes[i] ||
			    memcmp(text, bytes, len) != 0 || text[len])
				fail_msg("%zu bytes, limit %zu", sizes[i], limits[j]);
		}
		if (sizes[i]) {
			struct error err = { 0 };
			char *text = NULL;
			size_t len = 7;

			assert_int_equal(file_read_at(dir.fd, "f", sizes[i] - 1, &text, &len, &err), -EFBIG);
			assert_true(!text && len == 7); /* outputs are set on success only */
			assert_non_null(strstr(err.text, "f: "));
		}
	}
	(void)state;
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = { { "pipe", -EINVAL }, { "folder", -EINVAL }, { "nothing", -ENOENT }, { "loop", -ELOOP } };
	struct error err;
	char *text;
	size_t len;

	assert_int_equal(mkfifoat(dir.fd, "pipe", 0600), 0);
	assert_int_equal(mkdirat(dir.fd, "folder", 0700), 0);
	assert_int_equal(symlinkat("loop", dir.fd, "loop"), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int got = file_read_at(dir.fd, rows[i].name, 10, &text, &len, &err);

		if (got != rows[i].want || err.code != -got || !strstr(err.text, rows[i].name))
			fail_msg("%s: %d, %s", rows[i].name, got, err.text);
	}
	(void)state;
}

static void *slow_writer(void *end)
{
	int fd = *(int *)end;

	for (int i = 0; i < 3000; i++)
		if (write(fd, "abc", 3) != 3)
			break;
	(void)close(fd);
	return NULL;
}

static void a_pipe_is_read_to_its_end(void **state)
{
	auto_free char *text = NULL;
	pthread_t thread;
	size_t len;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&thread, NULL, slow_writer, &ends[1]), 0);
	assert_int_equal(file_read_fd(ends[0], 9000, &text, &len, NULL), 0);
	assert_int_equal(len, 9000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close(ends[0]);
	assert_int_equal(file_read_fd(ends[0], 10, &text, &len, NULL), -EBADF);
	(void)state;
}

static void replacing_leaves_the_new_content_and_nothing_else(void **state)
{
	struct stat st;

	assert_int_equal(file_replace_at(dir.fd, "f", "old", 3, 0600, NULL), 0);
	assert_int_equal(file_replace_at(dir.fd, "f", "newer", 5, 0640, NULL), 0);
	assert_int_equal(fstatat(dir.fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(temp_dir_count(&dir), 1);
	(void)state;
}

static void a_replacement_that_fails_leaves_all_as_it_was(void **state)
{
	static const struct {
		const char *why, *name;
		int want;
	} rows[] = {
		{ "no such folder", "none/f", -ENOENT },
		{ "a folder is there", "folder", -EISDIR },
		{ "the name is too long", NULL, -ENAMETOOLONG },
	};
	char longest[300];
	struct error err;

	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(mkdirat(dir.fd, "folder", 0700), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int got = file_replace_at(dir.fd, rows[i].name ? rows[i].name : longest, "x", 1, 0600, &err);

		if (got != rows[i].want || temp_dir_count(&dir) != 1)
			fail_msg("%s: %d, %s, %d entries", rows[i].why, got, err.text, temp_dir_count(&dir));
	}
	(void)state;
}

static void names_may_hold_a_folder(void **state)
{
	char path[128];

	assert_int_equal(mkdirat(dir.fd, "folder", 0700), 0);
	assert_int_equal(file_replace_at(dir.fd, "folder/f", "x", 1, 0600, NULL), 0);
	(void)snprintf(path, sizeof path, "%s/g", dir.path);
	assert_int_equal(file_replace_at(AT_FDCWD, path, "x", 1, 0600, NULL), 0);
	assert_int_equal(faccessat(dir.fd, "folder/f", F_OK, 0), 0);
	assert_int_equal(faccessat(dir.fd, "g", F_OK, 0), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read_up_to_its_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pipe_is_read_to_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replacing_leaves_the_new_content_and_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_replacement_that_fails_leaves_all_as_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_may_hold_a_folder, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
