/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/unix_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

/* A directory's entry as an address: a path of any length, and of any move, fits into sun_path this way. */
static int address_at(int dir_fd, const char *name, struct sockaddr_un *ret_address)
{
	struct buf path = buf_over(ret_address->sun_path, sizeof ret_address->sun_path);

	ret_address->sun_family = AF_UNIX;
	buf_printf(&path, "/proc/self/fd/%d/%s", dir_fd, name);
	return path.overflow ? -ENAMETOOLONG : 0;
}

static int make_dirs(const char *path, struct error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof part)
		return error_set(err, ENAMETOOLONG, "%s", path);
	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return error_errno(err, errno, "cannot make the directory %s", part);
	}
	return 0;
}

/* What is at the socket's place: nothing or a stale socket is fine. */
static int place_is_free(int dir_fd, const char *name, struct error *err)
{
	struct sockaddr_un address = { 0 };
	struct stat st;
	auto_close int fd = -1;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "stat");
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EEXIST, "there is a file of another kind; remove it or choose another path");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, errno, "socket");
	if (address_at(dir_fd, name, &address) < 0)
		return error_set(err, ENAMETOOLONG, "the socket's name is too long");
	if (!connect(fd, (struct sockaddr *)&address, sizeof address) || errno == EAGAIN)
		return error_set(err, EADDRINUSE, "another agent answers there; stop it first");
	return 0;
}

static int socket_bound(int dir_fd, const char *name, int backlog, struct error *err)
{
	struct sockaddr_un address = { 0 };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_errno(err, errno, "socket");
	if (address_at(dir_fd, name, &address) < 0)
		return error_set(err, ENAMETOOLONG, "the socket's name is too long");
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return error_errno(err, errno, "bind");
	if (fchmodat(dir_fd, name, 0600, 0) < 0)
		return error_errno(err, errno, "chmod");
	if (listen(fd, backlog) < 0)
		return error_errno(err, errno, "listen");
	return take_fd(&fd);
}

/* Binds in a directory that only we can enter, then moves the socket to its place. */
static int socket_placed(int dir_fd, const char *name, int backlog, struct error *err)
{
	char temporary[] = ".tetragon-XXXXXX", path[64];
	struct buf at = buf_over(path, sizeof path);
	auto_close int private_fd = -1;
	int fd;

	buf_printf(&at, "/proc/self/fd/%d/%s", dir_fd, temporary);
	if (!mkdtemp(path)) /* mode 0700 */
		return error_errno(err, errno, "cannot make a private directory for it");
	memcpy(temporary, path + at.len - strlen(temporary), sizeof temporary);
	private_fd = openat(dir_fd, temporary, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = private_fd < 0 ? error_errno(err, errno, "open %s", temporary)
			    : socket_bound(private_fd, "s", backlog, err);
	if (fd >= 0 && renameat(private_fd, "s", dir_fd, name) < 0) {
		int code = errno;

		(void)close(fd);
		fd = error_errno(err, code, "rename");
	}
	if (fd < 0 && private_fd >= 0)
		(void)unlinkat(private_fd, "s", 0); /* the first error counts */
	(void)unlinkat(dir_fd, temporary, AT_REMOVEDIR);
	return fd;
}

int unix_listener_open(const char *path, int backlog, struct unix_listener *ret_listener, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct unix_listener listener = { .fd = -1 };
	struct buf name = buf_over(listener.name, sizeof listener.name);
	char dir[PATH_MAX];
	struct buf parent = buf_over(dir, sizeof dir);
	auto_close int dir_fd = -1;
	auto_close int fd = -1;
	struct stat st;
	int r;

	if (*path != '/' || !slash[1])
		return error_set(err, EINVAL, "%s: want the absolute path of a socket", path);
	buf_text(&name, slash + 1);
	buf_add(&parent, path, slash == path ? 1 : (size_t)(slash - path));
	if (name.overflow || parent.overflow)
		return error_set(err, ENAMETOOLONG, "%s", path);
	r = make_dirs(dir, err);
	if (r < 0)
		return error_wrap(err, r, "%s", path);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_errno(err, errno, "%s: open %s", path, dir);
	r = place_is_free(dir_fd, listener.name, err);
	if (r >= 0)
		r = fd = socket_placed(dir_fd, listener.name, backlog, err);
	if (r < 0)
		return error_wrap(err, r, "%s", path);
	if (fstatat(dir_fd, listener.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "%s: stat", path);
	listener.dev = st.st_dev;
	listener.ino = st.st_ino;
	listener.fd = take_fd(&fd);
	listener.dir_fd = take_fd(&dir_fd);
	*ret_listener = listener;
	return 0;
}

void unix_listener_remove(struct unix_listener *listener)
{
	struct stat st;

	if (!fstatat(listener->dir_fd, listener->name, &st, AT_SYMLINK_NOFOLLOW) && st.st_dev == listener->dev &&
	    st.st_ino == listener->ino)
		(void)unlinkat(listener->dir_fd, listener->name, 0); /* a stale one is replaced by the next start */
	(void)close(listener->dir_fd);
	listener->dir_fd = -1;
}
