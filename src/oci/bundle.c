/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "oci/spec.h"

#define LEVELS_MAX 1024 /* folders above a bundle */

/* Reads up to `limit` bytes; the file may have grown since fstat, never beyond what was allocated. */
static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

static int config_check(const struct stat *st, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(err, EPERM, "not a regular file");
	if (st->st_uid != 0)
		return error_set(err, EPERM, "owned by uid %u, not by root", (unsigned)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, EPERM, "writable by others than root (mode %04o)", (unsigned)st->st_mode & 07777);
	if (st->st_size > SPEC_MAX_BYTES)
		return error_set(err, EFBIG, "more than %d bytes", SPEC_MAX_BYTES);
	return 0;
}

static int config_read(int dir_fd, struct arena *arena, struct str *ret_config, struct error *err)
{
	/* O_NONBLOCK: a FIFO in the file's place must not hold us up before fstat shows it. */
	auto_close int fd = openat(dir_fd, "config.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t len = 0;
	char *text;
	int r;

	if (fd < 0)
		return errno == ELOOP ? error_set(err, EPERM, "a symbolic link")
				      : error_errno(err, errno, "cannot open it");
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot stat it");
	r = config_check(&st, err);
	if (r < 0)
		return r;
	text = arena_alloc(arena, (size_t)st.st_size + 1);
	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	r = read_all(fd, text, (size_t)st.st_size, &len);
	if (r < 0)
		return error_errno(err, -r, "cannot read it");
	*ret_config = (struct str){ text, len };
	return 0;
}

int bundle_read(struct str path, struct arena *arena, struct bundle *ret_bundle, struct error *err)
{
	auto_close int dir_fd = -1;
	const char *name;
	int r;

	*ret_bundle = (struct bundle){ .dir_fd = -1, .path = path };
	if (!path.len) {
		char cwd[PATH_MAX];

		if (!getcwd(cwd, sizeof cwd) || cwd[0] != '/') /* "(unreachable)": outside of our root */
			return error_set(err, ENOENT, "cannot tell the current directory");
		name = arena_copy(arena, str_of(cwd));
	} else {
		name = arena_copy(arena, path);
	}
	if (!name)
		return error_set(err, ENOMEM, "cannot read the container's spec: out of memory");
	ret_bundle->path = str_of(name);
	dir_fd = openat(AT_FDCWD, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_errno(err, errno, "cannot open the bundle %s", name);
	r = config_read(dir_fd, arena, &ret_bundle->config, err);
	if (r < 0)
		return error_wrap(err, r, "%s/config.json", name);
	ret_bundle->dir_fd = take_fd(&dir_fd);
	return 0;
}

/* Appends the components of `path`, cleaned; `out` holds "" or a cleaned absolute path. */
static void path_append(struct buf *out, struct str path)
{
	while (path.len) {
		ptrdiff_t slash = str_find(path, '/');
		struct str component = { path.p, slash < 0 ? path.len : (size_t)slash };

		path = str_from(path, component.len + (slash >= 0));
		if (!component.len || str_is(component, "."))
			continue;
		if (str_is(component, "..")) {
			ptrdiff_t last = str_find_last((struct str){ out->p, out->len }, '/');

			out->len = last < 0 ? 0 : (size_t)last;
			out->p[out->len] = '\0';
			continue;
		}
		buf_byte(out, '/');
		buf_str(out, component);
	}
}

struct str bundle_root_dir(const struct bundle *bundle, struct str root_path, struct arena *arena)
{
	size_t size = bundle->path.len + root_path.len + 4;
	char *memory;
	struct buf out;

	if (!root_path.len)
		return STR("");
	memory = arena_alloc(arena, size);
	if (!memory)
		return (struct str){ 0 };
	out = buf_over(memory, size);
	if (root_path.p[0] != '/')
		path_append(&out, bundle->path);
	path_append(&out, root_path);
	if (!out.len)
		buf_byte(&out, '/');
	return (struct str){ out.p, out.len };
}

/* The kernel's own name of what `fd` refers to: links are resolved. */
static int fd_path(int fd, char *path, size_t size)
{
	char link_text[32];
	struct buf name = buf_over(link_text, sizeof link_text);
	ssize_t n;

	buf_text(&name, "/proc/self/fd/");
	buf_u64(&name, (uint64_t)fd);
	n = readlink(link_text, path, size - 1);
	if (n < 0)
		return -errno;
	if ((size_t)n == size - 1)
		return -ENAMETOOLONG;
	path[n] = '\0';
	return (int)n;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* `at` becomes its parent; the old descriptor is closed. Returns 0, or -errno. */
static int step_up(int *at)
{
	int up = openat(*at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (up < 0)
		return -errno;
	(void)close(*at); /* O_PATH: nothing can fail */
	*at = up;
	return 0;
}

/* Without /proc: from the bundle upwards, is one of the folders the root? 1 yes, 0 no, or -errno. */
static int walk_up(int bundle_fd, int root_fd)
{
	auto_close int at = openat(bundle_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat root, here, before = { 0 };

	if (at < 0 || fstat(root_fd, &root) < 0)
		return -errno;
	for (int level = 0; level < LEVELS_MAX; level++) {
		int r;

		if (fstat(at, &here) < 0)
			return -errno;
		if (is_same(&here, &root))
			return 1;
		if (level && is_same(&here, &before))
			return 0; /* "/" is its own parent */
		before = here;
		r = step_up(&at);
		if (r < 0)
			return r;
	}
	return -ELOOP;
}

/* As text, where /proc is: two system calls, and the error can say where the bundle really is. */
static int is_inside(const struct bundle *bundle, int root_fd, struct error *err)
{
	char root[PATH_MAX], own[PATH_MAX];
	size_t root_len = 0;
	int r = fd_path(root_fd, root, sizeof root);

	if (r >= 0) {
		root_len = (size_t)r;
		r = fd_path(bundle->dir_fd, own, sizeof own);
	}
	if (r == -ENOENT || r == -ENOTDIR) {
		r = walk_up(bundle->dir_fd, root_fd);
		if (r > 0)
			return error_set(
				err, EPERM,
				"the bundle %s lies in the container's root: its config.json cannot be trusted",
				bundle->path.p);
	}
	if (r < 0)
		return error_errno(err, -r, "cannot resolve the bundle %s and the root directory", bundle->path.p);
	if (!r)
		return 0;
	while (root_len && root[root_len - 1] == '/')
		root_len--;
	if (!strncmp(own, root, root_len) && (own[root_len] == '/' || !own[root_len]))
		return error_set(err, EPERM,
				 "the bundle %s lies in the container's root %s: its config.json cannot be trusted",
				 own, root_len ? root : "/");
	return 0;
}

int bundle_check_outside(const struct bundle *bundle, struct str root_dir, struct error *err)
{
	auto_close int root_fd = -1;
	int r;

	if (!root_dir.len)
		return 0;
	root_fd = openat(AT_FDCWD, root_dir.p, O_PATH | O_CLOEXEC); /* NUL-terminated: made by bundle_root_dir */
	if (root_fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : error_errno(err, errno, "cannot open the root directory %s", root_dir.p);
	r = is_inside(bundle, root_fd, err);
	/* Not -ENOENT: that would say that there is no spec. */
	return r == -ENOENT ? error_wrap(err, -EIO, "%s", bundle->path.p) : r;
}

void bundle_done(struct bundle *bundle)
{
	if (bundle && bundle->dir_fd >= 0) {
		(void)close(bundle->dir_fd); /* O_PATH: nothing can fail */
		bundle->dir_fd = -1;
	}
}
