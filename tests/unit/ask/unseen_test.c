/* SPDX-License-Identifier: Apache-2.0 */
/* Needs root, as the hook does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "ask/ask_unseen.h"

static char dir[64], unseen[96];

static int set_up(void **state)
{
	memcpy(dir, "/tmp/unseen-test-XXXXXX", sizeof "/tmp/unseen-test-XXXXXX");
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(unseen, sizeof unseen, "%s/a/b", dir);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	(void)state;
	return system(command); /* a path of our own making */
}

static struct ask_container container_of(const char *id, const char *path)
{
	return (struct ask_container){
		.identity = { .container_id = str_of(id),
			      .pod_name = STR("web\"0\n"),
			      .pod_namespace = STR("kube-system") },
		.cgroup_path = str_of(path),
		.root_dir = STR("/r"),
	};
}

static bool exists(const char *name)
{
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", unseen, name);
	return lstat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && S_ISREG(st.st_mode);
}

static size_t files_count(const char *head)
{
	DIR *folder = opendir(unseen);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += !strncmp(entry->d_name, head, strlen(head));
	(void)closedir(folder);
	return count;
}

static void the_record_is_json_for_root_only(void **state)
{
	struct ask_container container = container_of("abc", "/c");
	auto_free char *text = NULL;
	struct stat st;
	char path[160];
	size_t len;

	assert_int_equal(ask_unseen_record(unseen, &container, 1700000000123456789, NULL), 0);
	assert_int_equal(stat(unseen, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(exists("abc.json"));
	(void)snprintf(path, sizeof path, "%s/abc.json", unseen);
	assert_int_equal(file_read_at(AT_FDCWD, path, 65536, &text, &len, NULL), 0);
	assert_string_equal(
		text,
		"{\"cgroupsPath\": \"/c\",\n\"rootDir\": \"/r\",\n\"containerID\": \"abc\",\n\"containerName\": \"\",\n"
		"\"containerImage\": \"\",\n\"podName\": \"web\\\"0\\n\",\n\"podUID\": \"\",\n"
		"\"podNamespace\": \"kube-system\",\n\"time\": \"2023-11-14T22:13:20.123456789Z\"}\n");
	(void)state;
}

static void no_id_can_leave_the_folder(void **state)
{
	static const char *const ids[] = { "", "../../x", "a/b", ".hidden", "a b", "\xff" };

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		char path[8] = { '/', (char)('a' + i) };
		struct ask_container container = container_of(ids[i], path);

		if (ask_unseen_record(unseen, &container, 0, NULL) < 0)
			fail_msg("'%s'", ids[i]);
	}
	assert_int_equal(files_count("path-"), sizeof ids / sizeof *ids);
	(void)state;
}

static void a_folder_that_is_not_roots_alone_is_not_used(void **state)
{
	struct ask_container container = container_of("abc", "/c");
	struct error err = { 0 };

	assert_int_equal(chmod(unseen, 0755), 0);
	assert_int_equal(ask_unseen_record(unseen, &container, 0, &err), -EPERM);
	assert_non_null(strstr(err.text, unseen));
	assert_int_equal(chmod(unseen, 0700), 0);
	assert_int_equal(chown(unseen, 1000, 0), 0);
	assert_int_equal(ask_unseen_record(unseen, &container, 0, &err), -EPERM);
	assert_int_equal(chown(unseen, 0, 0), 0);
	assert_int_equal(ask_unseen_record("/dev/null/x", &container, 0, &err), -ENOTDIR);
	(void)state;
}

static void the_folder_has_a_limit(void **state)
{
	struct ask_container container = container_of("one-more", "/c");
	auto_close int fd = open(unseen, O_RDONLY | O_DIRECTORY);
	char name[32];

	for (int i = 0; i < ASK_UNSEEN_MAX; i++) {
		(void)snprintf(name, sizeof name, "n%d", i);
		(void)close(openat(fd, name, O_CREAT | O_WRONLY, 0600));
	}
	assert_int_equal(ask_unseen_record(unseen, &container, 0, NULL), -ENOSPC);
	assert_false(exists("one-more.json"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_is_json_for_root_only),
		cmocka_unit_test(no_id_can_leave_the_folder),
		cmocka_unit_test(a_folder_that_is_not_roots_alone_is_not_used),
		cmocka_unit_test(the_folder_has_a_limit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
