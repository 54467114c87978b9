/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

#define FIRST_READ 4096
#define NAME_TRIES 16

int file_read_fd(int fd, size_t limit_bytes, char **ret_text, size_t *ret_len, struct error *err)
{
	auto_free char *text = NULL;
	size_t len = 0, size = 0;
	struct stat st;

	if (limit_bytes > SIZE_MAX - 2)
		limit_bytes = SIZE_MAX - 2;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size <= limit_bytes)
		size = (size_t)st.st_size + 2; /* the NUL, and a byte that shows the end without growing */
	else
		size = FIRST_READ;
	for (;;) {
		char *more;
		ssize_t n;

		if (size > limit_bytes + 2)
			size = limit_bytes + 2;
		more = realloc(text, size);
		if (!more)
			return error_errno(err, ENOMEM, "cannot read a file of %zu bytes", size);
		text = more;
		while (len < size - 1) {
			n = read(fd, text + len, size - 1 - len);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return error_errno(err, errno, "cannot read");
			if (!n) {
				text[len] = '\0';
				*ret_text = take(text);
				*ret_len = len;
				return 0;
			}
			len += (size_t)n;
		}
		if (len > limit_bytes)
			return error_set(err, EFBIG, "cannot read: larger than the limit of %zu bytes", limit_bytes);
		size = size > SIZE_MAX / 2 ? SIZE_MAX : size * 2;
	}
}

int file_read_at(int dir_fd, const char *name, size_t limit_bytes, char **ret_text, size_t *ret_len, struct error *err)
{
	/* Nonblocking: opening a pipe that nobody writes to would wait for ever. */
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int result;

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", name);
	if (fstat(fd, &st))
		return error_errno(err, errno, "cannot inspect %s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "cannot read %s: not a regular file", name);
	result = file_read_fd(fd, limit_bytes, ret_text, ret_len, err);
	return result < 0 ? error_wrap(err, result, "%s", name) : 0;
}

/* "dir/.name.<16 hex digits>": beside the target, hidden, and not to be guessed by whoever may write there. */
static int temporary_name(const char *name, char *path, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	struct str all = str_of(name);
	struct buf out = buf_over(path, size);
	size_t base = (size_t)(str_find_last(all, '/') + 1);
	unsigned char random[8];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -EIO;
	buf_add(&out, name, base);
	buf_byte(&out, '.');
	buf_str(&out, str_from(all, base));
	buf_byte(&out, '.');
	for (size_t i = 0; i < sizeof random; i++) {
		buf_byte(&out, hex[random[i] >> 4]);
		buf_byte(&out, hex[random[i] & 15]);
	}
	return out.overflow ? -ENAMETOOLONG : 0;
}

static int temporary_open(int dir_fd, const char *name, char *path, size_t size)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		int fd, result = temporary_name(name, path, size);

		if (result < 0)
			return result;
		fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd >= 0 ? fd : -errno;
	}
	return -EEXIST;
}

static int content_write(int fd, const char *bytes, size_t n, unsigned mode)
{
	while (n) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		n -= (size_t)written;
	}
	return fchmod(fd, (mode_t)mode) || fsync(fd) ? -errno : 0;
}

/* Makes the rename itself durable. A file system that cannot sync a directory is no reason to call the write failed. */
static void directory_sync(int dir_fd, const char *path)
{
	char dir[PATH_MAX];
	struct buf out = buf_over(dir, sizeof dir);
	ptrdiff_t slash = str_find_last(str_of(path), '/');
	auto_close int fd = -1;

	buf_add(&out, slash > 0 ? path : slash ? "." : "/", slash > 0 ? (size_t)slash : 1);
	fd = openat(dir_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
}

int file_replace_at(int dir_fd, const char *name, const void *bytes, size_t n, unsigned mode, struct error *err)
{
	char path[PATH_MAX];
	auto_close int fd = temporary_open(dir_fd, name, path, sizeof path);
	int result;

	if (fd < 0)
		return error_errno(err, -fd, "cannot write %s: cannot create a temporary file beside it", name);
	result = content_write(fd, bytes, n, mode);
	if (!result && renameat(dir_fd, path, dir_fd, name))
		result = -errno;
	if (result < 0) {
		(void)unlinkat(dir_fd, path, 0); /* the first error is the one to tell */
		return error_errno(err, -result, "cannot write %s", name);
	}
	directory_sync(dir_fd, name);
	return 0;
}
