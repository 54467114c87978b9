/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_marker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "setup/kubelet_endpoint.h"

/* As in linux/openat2.h, which musl's headers do not bring. Source: openat2(2). */
struct open_in_root {
	uint64_t flags, mode, resolve;
};
#define IN_ROOT 0x10           /* RESOLVE_IN_ROOT */
#define UNIT_FILES_MAX 64      /* drop-ins of one unit that are looked at */
#define CONDITION_MAX PATH_MAX /* bytes of a marker's condition */

int host_open(int root_fd, const char *path, int flags)
{
	struct open_in_root how = { .flags = (unsigned)flags | O_CLOEXEC, .resolve = IN_ROOT };
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

static bool exists(int root_fd, const char *path)
{
	auto_close int fd = host_open(root_fd, path, O_PATH);

	return fd >= 0;
}

struct str host_tree_os(const struct host_tree *tree, struct str key)
{
	struct str text = tree->os;

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

void host_tree_init(struct host_tree *tree, int root_fd)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };
	size_t len;

	*tree = (struct host_tree){ .root_fd = root_fd };
	for (size_t i = 0; i < 2 && !tree->os_text; i++) {
		auto_close int fd = host_open(root_fd, paths[i], O_RDONLY | O_NONBLOCK);

		if (fd >= 0 && file_read_fd(fd, OS_RELEASE_MAX, &tree->os_text, &len, NULL) >= 0)
			tree->os = (struct str){ tree->os_text, len };
	}
	if (!kubelet_endpoint_find(root_fd, tree->endpoint, sizeof tree->endpoint))
		tree->endpoint[0] = '\0';
}

void host_tree_done(struct host_tree *tree)
{
	free(tree->os_text);
	*tree = (struct host_tree){ .root_fd = -1 };
}

static bool has_text(struct str text, struct str wanted)
{
	return wanted.len && text.len >= wanted.len && memmem(text.p, text.len, wanted.p, wanted.len);
}

/* A wanted text that begins with a line end is also found at the very beginning. */
static bool file_says(int dir_fd, const char *path, bool in_root, struct str wanted)
{
	auto_close int fd = in_root ? host_open(dir_fd, path, O_RDONLY | O_NONBLOCK)
				    : openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	auto_free char *text = NULL;
	size_t len;

	if (fd < 0 || file_read_fd(fd, MARKER_FILE_MAX, &text, &len, NULL) < 0)
		return false;
	return has_text((struct str){ text, len }, wanted) ||
	       (wanted.len && wanted.p[0] == '\n' && str_starts((struct str){ text, len }, str_from(wanted, 1)));
}

bool host_has_unit(int root_fd, const char *name)
{
	static const struct {
		const char *folder, *end;
	} places[] = {
		{ "/etc/systemd/system", ".service" },     { "/usr/local/lib/systemd/system", ".service" },
		{ "/usr/lib/systemd/system", ".service" }, { "/lib/systemd/system", ".service" },
		{ "/run/systemd/system", ".service" },     { "/etc/init.d", "" },
	};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char path[PATH_MAX];
		struct buf out = buf_over(path, sizeof path);

		buf_printf(&out, "%s/%s%s", places[i].folder, name, places[i].end);
		if (!out.overflow && exists(root_fd, path))
			return true;
	}
	return false;
}

bool host_enables_unit(int root_fd, const char *name)
{
	char path[PATH_MAX];
	struct buf out = buf_over(path, sizeof path);
	auto_close int fd = -1;

	buf_printf(&out, "/etc/systemd/system/multi-user.target.wants/%s.service", name);
	fd = out.overflow ? -1 : host_open(root_fd, path, O_PATH | O_NOFOLLOW);
	return fd >= 0;
}

/* `what` is NAME~TEXT. */
static bool unit_conf_says(int root_fd, struct str what)
{
	ptrdiff_t at = str_find(what, '~');
	char path[PATH_MAX];
	struct buf out = buf_over(path, sizeof path);
	struct dirent *entry;
	bool found = false;
	DIR *dir = NULL;
	int fd;

	if (at < 0)
		return false;
	buf_text(&out, "/etc/systemd/system/");
	buf_add(&out, what.p, (size_t)at);
	buf_text(&out, ".service.d");
	fd = out.overflow ? -1 : host_open(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd); /* nothing was done with it */
		return false;
	}
	for (int n = 0; !found && n < UNIT_FILES_MAX && (entry = readdir(dir)); n++)
		found = str_ends(str_of(entry->d_name), STR(".conf")) &&
			file_says(fd, entry->d_name, false, str_from(what, (size_t)at + 1));
	(void)closedir(dir);
	return found;
}

/* `text` is NUL-terminated and of this function's own. */
static bool condition_holds(const struct host_tree *tree, char *text)
{
	struct str condition = str_of(text);
	ptrdiff_t at;

	if (text[0] == '!')
		return !condition_holds(tree, text + 1);
	if (str_starts(condition, STR("unit:")))
		return host_has_unit(tree->root_fd, text + strlen("unit:"));
	if (str_starts(condition, STR("unit-conf:")))
		return unit_conf_says(tree->root_fd, str_from(condition, strlen("unit-conf:")));
	if (str_starts(condition, STR("cri:")))
		return has_text(str_of(tree->endpoint), str_from(condition, strlen("cri:")));
	if (text[0] == '/') {
		at = str_find(condition, '~');
		if (at < 0)
			return exists(tree->root_fd, text);
		text[at] = '\0';
		return file_says(tree->root_fd, text, true, str_from(condition, (size_t)at + 1));
	}
	at = str_find(condition, '=');
	return at > 0 &&
	       str_equal(host_tree_os(tree, (struct str){ text, (size_t)at }), str_from(condition, (size_t)at + 1));
}

bool host_marker_holds(const struct host_tree *tree, const char *marker, const char *from, const char *to)
{
	struct str rest = str_of(marker);

	while (rest.len) {
		ptrdiff_t end = str_find(rest, '&');
		struct str one = { rest.p, end < 0 ? rest.len : (size_t)end };
		char text[CONDITION_MAX];
		struct buf out = buf_over(text, sizeof text);

		rest = str_from(rest, one.len + 1);
		while (one.len && one.p[0] == ' ')
			one = str_from(one, 1);
		while (one.len && one.p[one.len - 1] == ' ')
			one.len--;
		if (from && str_starts(one, str_of(from))) {
			buf_text(&out, to);
			one = str_from(one, strlen(from));
		}
		buf_str(&out, one);
		if (out.overflow || !condition_holds(tree, text))
			return false;
	}
	return true;
}
