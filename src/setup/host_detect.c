/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_detect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

/* As in linux/openat2.h, which musl's headers do not bring. Source: openat2(2). */
struct open_in_root {
	uint64_t flags, mode, resolve;
};
#define IN_ROOT 0x10 /* RESOLVE_IN_ROOT */

int host_open(int root_fd, const char *path, int flags)
{
	struct open_in_root how = { .flags = (unsigned)flags | O_CLOEXEC, .resolve = IN_ROOT };
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

static bool exists(int root_fd, const char *path)
{
	int fd = host_open(root_fd, path, O_PATH);

	if (fd < 0)
		return false;
	(void)close(fd); /* only looked at */
	return true;
}

/* The value of `key` in os-release, without quotes: a span of `text`, or absent. */
static struct str os_value(struct str text, struct str key)
{
	while (text.len) {
		ptrdiff_t end = str_find(text, '\n');
		struct str line = { text.p, end < 0 ? text.len : (size_t)end };

		text = str_from(text, line.len + 1);
		if (!str_starts(line, key) || line.len <= key.len || line.p[key.len] != '=')
			continue;
		line = str_from(line, key.len + 1);
		if (line.len >= 2 && (line.p[0] == '"' || line.p[0] == '\'') && line.p[line.len - 1] == line.p[0])
			line = (struct str){ line.p + 1, line.len - 2 };
		return line;
	}
	return (struct str){ 0 };
}

static bool condition_holds(int root_fd, struct str os, struct str condition)
{
	char path[PATH_MAX];
	struct buf out = buf_over(path, sizeof path);
	ptrdiff_t equals;

	buf_str(&out, condition);
	if (condition.len && condition.p[0] == '/')
		return !out.overflow && exists(root_fd, path);
	equals = str_find(condition, '=');
	return equals > 0 && str_equal(os_value(os, (struct str){ condition.p, (size_t)equals }),
				       str_from(condition, (size_t)equals + 1));
}

/* All conditions of a marker. */
static bool marker_holds(int root_fd, struct str os, const char *marker)
{
	struct str rest = str_of(marker);

	while (rest.len) {
		ptrdiff_t end = str_find(rest, '&');
		struct str one = { rest.p, end < 0 ? rest.len : (size_t)end };

		rest = str_from(rest, one.len + 1);
		while (one.len && one.p[0] == ' ')
			one = str_from(one, 1);
		while (one.len && one.p[one.len - 1] == ' ')
			one.len--;
		if (!condition_holds(root_fd, os, one))
			return false;
	}
	return true;
}

static void os_read(int root_fd, char **ret_text, size_t *ret_len)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };

	*ret_text = NULL;
	*ret_len = 0;
	for (size_t i = 0; i < 2 && !*ret_text; i++) {
		auto_close int fd = host_open(root_fd, paths[i], O_RDONLY | O_NONBLOCK);

		if (fd >= 0 && file_read_fd(fd, OS_RELEASE_MAX, ret_text, ret_len, NULL) < 0)
			*ret_text = NULL; /* a tree without it is examined all the same */
	}
}

int host_detect(const char *root, struct host_found *ret, struct error *err)
{
	auto_close int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *text = NULL;
	struct str os, pretty;
	size_t len;

	if (root_fd < 0)
		return error_errno(err, errno, "cannot examine %s", root);
	os_read(root_fd, &text, &len);
	os = text ? (struct str){ text, len } : (struct str){ 0 };
	pretty = os_value(os, STR("PRETTY_NAME"));
	*ret = (struct host_found){ 0 };
	(void)snprintf(ret->os, sizeof ret->os, "%.*s", (int)(pretty.len < 127 ? pretty.len : 127),
		       pretty.p ? pretty.p : "");
	for (const struct host *host = host_table; host->id; host++) {
		for (size_t i = 0; i < HOST_MARKERS && host->markers[i]; i++) {
			if (!marker_holds(root_fd, os, host->markers[i]))
				continue;
			ret->host = host;
			ret->marker = host->markers[i];
			return 0;
		}
	}
	return error_set(err, ENOENT,
			 "%s: no container runtime that this program knows: neither a file nor a unit of one is there",
			 root);
}
