/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "ask/ask_log.h"
#include "hook/hook_rotate.h"

#define LIMIT 1000
#define DAY (24 * 3600 * NS_PER_S)
#define NOW (INT64_C(20000) * DAY + 3723 * NS_PER_S + 456 * NS_PER_MS) /* 2024-10-04T01:02:03.456 */

static char folder[] = "/tmp/rotate-test-XXXXXX";

static void folder_empty(void)
{
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	closedir(dir);
}

static const char *path_of(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

static void file_make(const char *name, size_t bytes, int64_t mtime_ns)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	const struct timespec times[2] = { { .tv_sec = mtime_ns / NS_PER_S }, { .tv_sec = mtime_ns / NS_PER_S } };

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(path_of(name), &st) < 0 ? -1 : st.st_size;
}

static int rotate(const char *name, int64_t now_ns, struct error *err)
{
	const struct hook_rotate how = { path_of(name), now_ns, LIMIT };
	int fd = ask_log_open(how.path, err);

	assert_true(fd >= 0);
	return hook_rotate(&how, fd, err);
}

static void a_full_log_is_renamed(void **state)
{
	struct error err = { 0 };
	struct stat st;
	int fd;

	folder_empty();
	file_make("hook.log", LIMIT, NOW);
	assert_int_equal(chmod(path_of("hook.log"), 0600), 0);
	fd = rotate("hook.log", NOW, &err);
	assert_int_equal(err.code, 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(size_of("hook.log"), 1);
	assert_int_equal(size_of("hook-2024-10-04T01-02-03.456.log"), LIMIT);
	assert_int_equal(stat(path_of("hook.log"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	(void)state;
}

static void one_that_is_not_full_stays(void **state)
{
	struct error err = { 0 };

	folder_empty();
	file_make("hook.log", LIMIT - 1, NOW);
	close(rotate("hook.log", NOW, &err));
	assert_int_equal(size_of("hook.log"), LIMIT - 1);
	assert_false(is_there("hook-2024-10-04T01-02-03.456.log"));
	(void)state;
}

static void old_files_go(void **state)
{
	static const struct {
		const char *name;
		bool stays;
	} files[] = {
		{ "hook-2024-10-03T01-02-03.456.log", true },
		{ "hook-2024-10-02T01-02-03.456.log", true },
		{ "hook-2024-10-01T01-02-03.456.log", false }, /* the fourth, with the one that is new */
		{ "hook-2024-09-01T01-02-03.456.log", false },
		{ "hook-2024-09-01T01-02-03.456.log.gz", true }, /* no name of ours */
		{ "hook-2024-09-01T01:02:03.456.log", true },
		{ "hook-2024-09-01T01-02-03.456x.log", true },
		{ "other-2024-09-01T01-02-03.456.log", true },
		{ "hookx2024-09-01T01-02-03.456.log", true },
	};

	folder_empty();
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		file_make(files[i].name, 1, NOW);
	file_make("hook.log", LIMIT, NOW);
	close(rotate("hook.log", NOW, NULL));
	assert_true(is_there("hook-2024-10-04T01-02-03.456.log"));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (is_there(files[i].name) != files[i].stays)
			fail_msg("%s", files[i].name);
	(void)state;
}

static void the_first_line_of_a_day_clears_up(void **state)
{
	folder_empty();
	file_make("hook-2024-09-27T01-02-03.455.log", 1, NOW);
	file_make("hook-2024-09-27T01-02-03.456.log", 1, NOW);
	file_make("hook.log", 1, NOW - 1 * DAY);
	close(rotate("hook.log", NOW, NULL));
	assert_false(is_there("hook-2024-09-27T01-02-03.455.log"));
	assert_true(is_there("hook-2024-09-27T01-02-03.456.log"));
	assert_int_equal(size_of("hook.log"), 1);
	(void)state;
}

static void a_name_that_is_taken_is_not_overwritten(void **state)
{
	struct error err = { 0 };

	folder_empty();
	file_make("hook-2024-10-04T01-02-03.456.log", 7, NOW);
	file_make("hook.log", LIMIT, NOW);
	close(rotate("hook.log", NOW, &err));
	assert_int_equal(err.code, 0);
	assert_int_equal(size_of("hook-2024-10-04T01-02-03.456.log"), 7);
	assert_int_equal(size_of("hook.log"), LIMIT);
	(void)state;
}

static void nobody_waits_for_the_lock(void **state)
{
	int lock;

	folder_empty();
	file_make("hook.log", LIMIT, NOW);
	lock = open(path_of("hook.log"), O_RDONLY);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	close(rotate("hook.log", NOW, NULL));
	assert_int_equal(size_of("hook.log"), LIMIT);
	close(lock);
	(void)state;
}

static void whoever_comes_late_opens_the_new_file(void **state)
{
	const struct hook_rotate how = { path_of("hook.log"), NOW, LIMIT };
	int late, fd;

	folder_empty();
	file_make("hook.log", LIMIT, NOW);
	late = ask_log_open(how.path, NULL); /* before the other one renames it */
	close(rotate("hook.log", NOW - 1, NULL));
	fd = hook_rotate(&how, late, NULL);
	assert_int_equal(write(fd, "late", 4), 4);
	close(fd);
	assert_int_equal(size_of("hook.log"), 4);
	(void)state;
}

static void a_log_that_is_no_file_is_left_alone(void **state)
{
	const struct hook_rotate how = { "/dev/null", NOW, 0 };
	int fd = open("/dev/null", O_WRONLY);

	assert_int_equal(hook_rotate(&how, fd, NULL), fd);
	close(fd);
	(void)state;
}

/* Many at once, at a small limit: no line is lost or torn. */
static void many_lose_no_line(void **state)
{
	enum { CHILDREN = 8, LINES = 60 };
	static char seen[CHILDREN][LINES];
	pid_t child[CHILDREN];
	unsigned files = 0;
	DIR *dir;

	folder_empty();
	for (int c = 0; c < CHILDREN; c++) {
		child[c] = fork();
		if (child[c])
			continue;
		for (int n = 0; n < LINES; n++) {
			const struct hook_rotate how = { path_of("hook.log"), clock_now_ns(CLOCK_REALTIME), 4000 };
			int fd = hook_rotate(&how, ask_log_open(how.path, NULL), NULL);

			if (dprintf(fd, "%d %d %064d\n", c, n, 0) < 0)
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	for (int c = 0; c < CHILDREN; c++) {
		int status;

		assert_int_equal(waitpid(child[c], &status, 0), child[c]);
		assert_int_equal(status, 0);
	}
	memset(seen, 0, sizeof seen);
	dir = opendir(folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char line[256];
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		files++;
		file = fopen(path_of(entry->d_name), "re");
		assert_non_null(file);
		while (fgets(line, sizeof line, file)) {
			int c = -1, n = -1, end = 0;

			if (sscanf(line, "%d %d %*64[0]\n%n", &c, &n, &end) != 2 || !end || c < 0 || c >= CHILDREN ||
			    n < 0 || n >= LINES || seen[c][n]++)
				fail_msg("%s: torn or twice: %s", entry->d_name, line);
		}
		(void)fclose(file);
	}
	closedir(dir);
	assert_in_range(files, 2, HOOK_ROTATE_KEEP + 1); /* the oldest were removed, as they should be */
	(void)state;
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	folder_empty();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_log_is_renamed),
		cmocka_unit_test(one_that_is_not_full_stays),
		cmocka_unit_test(old_files_go),
		cmocka_unit_test(the_first_line_of_a_day_clears_up),
		cmocka_unit_test(a_name_that_is_taken_is_not_overwritten),
		cmocka_unit_test(nobody_waits_for_the_lock),
		cmocka_unit_test(whoever_comes_late_opens_the_new_file),
		cmocka_unit_test(a_log_that_is_no_file_is_left_alone),
		cmocka_unit_test(many_lose_no_line),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
