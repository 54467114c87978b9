/* SPDX-License-Identifier: Apache-2.0 */
/* Needs root, as the hook does: files change their owner here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "oci/bundle.h"
#include "oci/spec.h"

static char memory[SPEC_MAX_BYTES + 65536];
static char dir[64];

static void file_make(mode_t mode, off_t size)
{
	char path[128];
	auto_close int fd = -1;

	(void)snprintf(path, sizeof path, "%s/config.json", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	if (size < 0)
		assert_int_equal(write(fd, "{}", 2), 2);
	else
		assert_int_equal(ftruncate(fd, size), 0);
}

static void path_make(char *path, const char *name)
{
	(void)snprintf(path, 128, "%s/%s", dir, name);
}

static int set_up(void **state)
{
	char path[128];

	memcpy(dir, "/tmp/bundle-test-XXXXXX", sizeof "/tmp/bundle-test-XXXXXX");
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	path_make(path, "rootfs");
	return mkdir(path, 0755);
}

static int tear_down(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	(void)state;
	return system(command); /* a path of our own making */
}

static int read_bundle(const char *path, struct bundle *bundle, struct error *err)
{
	struct arena arena = arena_over(memory, sizeof memory);

	return bundle_read(str_of(path), &arena, bundle, err);
}

enum kind { NONE, PLAIN, GROUP_WRITABLE, WORLD_WRITABLE, FOREIGN, LINK, FIFO, DIRECTORY, HUGE };

static const struct {
	const char *why;
	enum kind kind;
	int want;
	const char *error;
} kinds[] = {
	{ "no file", NONE, -ENOENT, "it is not there" },
	{ "a plain file", PLAIN, 0, "" },
	{ "writable by its group", GROUP_WRITABLE, -EPERM, "writable by others" },
	{ "writable by all", WORLD_WRITABLE, -EPERM, "writable by others" },
	{ "of another user", FOREIGN, -EPERM, "owned by uid 1000" },
	{ "a symbolic link", LINK, -EPERM, "symbolic link" },
	{ "a FIFO without writer", FIFO, -EPERM, "not a regular file" },
	{ "a directory", DIRECTORY, -EPERM, "not a regular file" },
	{ "too large", HUGE, -EFBIG, "more than" },
};

static void kind_make(enum kind kind)
{
	char path[128], other[128];

	path_make(path, "config.json");
	path_make(other, "other");
	(void)unlink(path);
	(void)rmdir(path);
	if (kind == LINK)
		assert_int_equal(symlink("/etc/passwd", path), 0);
	else if (kind == FIFO)
		assert_int_equal(mkfifo(path, 0644), 0);
	else if (kind == DIRECTORY)
		assert_int_equal(mkdir(path, 0755), 0);
	else if (kind != NONE)
		file_make(kind == GROUP_WRITABLE   ? 0664
			  : kind == WORLD_WRITABLE ? 0646
						   : 0644,
			  kind == HUGE ? SPEC_MAX_BYTES + 1 : -1);
	if (kind == FOREIGN)
		assert_int_equal(chown(path, 1000, 1000), 0);
}

static void only_roots_own_file_is_read(void **state)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct error err = { 0 };
		struct bundle bundle;
		int r;

		kind_make(kinds[i].kind);
		r = read_bundle(dir, &bundle, &err);
		if (r != kinds[i].want || !strstr(err.text, kinds[i].error))
			fail_msg("%s: %d, %s", kinds[i].why, r, err.text);
		if (r >= 0 && !str_is(bundle.config, "{}"))
			fail_msg("%s: '%.*s'", kinds[i].why, (int)bundle.config.len, bundle.config.p);
		bundle_done(&bundle);
		assert_int_equal(bundle.dir_fd, -1);
	}
	(void)state;
}

static void the_current_directory_stands_in_and_its_parent_never(void **state)
{
	char path[128], before[PATH_MAX];
	struct bundle bundle;

	kind_make(PLAIN);
	assert_non_null(getcwd(before, sizeof before));
	path_make(path, "rootfs");
	assert_int_equal(chdir(path), 0);
	assert_int_equal(read_bundle("", &bundle, NULL), -ENOENT);
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(read_bundle("", &bundle, NULL), 0);
	assert_true(str_is(bundle.path, dir));
	bundle_done(&bundle);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(read_bundle("/nowhere/at/all", &bundle, NULL), -ENOENT);
	(void)state;
}

static const struct {
	const char *bundle, *root, *want;
} joins[] = {
	{ "/b", "rootfs", "/b/rootfs" },
	{ "/b/", "./rootfs//x/", "/b/rootfs/x" },
	{ "/b", "/abs/root", "/abs/root" },
	{ "/b", "/abs//./root/", "/abs/root" },
	{ "/b/c", "../root", "/b/root" },
	{ "/b", "../../../root", "/root" },
	{ "/b", "/", "/" },
	{ "/b", ".", "/b" },
	{ "/", "r", "/r" },
	{ "/b", "", "" },
};

static void the_root_directory_is_joined_as_text(void **state)
{
	for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
		struct arena arena = arena_over(memory, sizeof memory);
		struct bundle bundle = { .dir_fd = -1, .path = str_of(joins[i].bundle) };
		struct str got = bundle_root_dir(&bundle, str_of(joins[i].root), &arena);

		if (!str_is(got, joins[i].want))
			fail_msg("%s + %s: '%.*s'", joins[i].bundle, joins[i].root, (int)got.len, got.p);
	}
	(void)state;
}

static int outside(const char *root)
{
	struct arena arena = arena_over(memory + SPEC_MAX_BYTES, 65536);
	struct bundle bundle;
	int r;

	kind_make(PLAIN);
	assert_int_equal(read_bundle(dir, &bundle, NULL), 0);
	r = bundle_check_outside(&bundle, bundle_root_dir(&bundle, str_of(root), &arena), NULL);
	bundle_done(&bundle);
	return r;
}

static void a_bundle_in_the_containers_root_is_no_bundle(void **state)
{
	char path[128];

	assert_int_equal(outside("rootfs"), 0);
	assert_int_equal(outside("missing"), 0);
	assert_int_equal(outside(""), 0);
	assert_int_equal(outside("."), -EPERM);
	assert_int_equal(outside(".."), -EPERM);
	assert_int_equal(outside("/"), -EPERM);
	assert_int_equal(outside("/tmp"), -EPERM);
	path_make(path, "link");
	assert_int_equal(symlink(dir, path), 0);
	assert_int_equal(outside("link"), -EPERM);
	(void)unlink(path);
	assert_int_equal(symlink("rootfs", path), 0);
	assert_int_equal(outside("link"), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_roots_own_file_is_read),
		cmocka_unit_test(the_current_directory_stands_in_and_its_parent_never),
		cmocka_unit_test(the_root_directory_is_joined_as_text),
		cmocka_unit_test(a_bundle_in_the_containers_root_is_no_bundle),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
