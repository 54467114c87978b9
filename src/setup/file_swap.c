/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/file_swap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 100000000L /* 10 s in all */
#define MARK ".setup-"           /* within a temporary name */
#define RANDOM_BYTES 8
#define LABEL "security.selinux"
#define LABEL_MAX 1024

static int lock(struct file_swap *swap, const char *dir, struct error *err)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		const struct timespec pause = { 0, LOCK_PAUSE_NS };

		if (!flock(swap->dir_fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0; /* a file system without locks: go on without */
		(void)nanosleep(&pause, NULL);
	}
	return error_set(err, EAGAIN, "%s: another run of this program works here for more than 10 s; try again", dir);
}

static bool is_held(const struct file_swap *swap, const struct file_swap *holder)
{
	struct stat ours, theirs;

	return holder && !fstat(swap->dir_fd, &ours) && !fstat(holder->dir_fd, &theirs) &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int link_refuse(const char *path, struct error *err)
{
	char to[PATH_MAX];
	ssize_t len = readlink(path, to, sizeof to);

	return error_set(err, ENOENT,
			 "%s: a link to %.*s, which is not there; remove the link, or make what it points to", path,
			 len > 0 ? (int)len : 0, to);
}

/* The target's folder and name. A target that is not there yet has its folder resolved instead. */
static int target_resolve(struct file_swap *swap, const char *path, char *dir, struct error *err)
{
	char *slash;
	struct buf out = buf_over(swap->path, sizeof swap->path);

	if (!realpath(path, swap->path)) {
		struct str all = str_of(path);
		ptrdiff_t at = str_find_last(all, '/');
		char parent[PATH_MAX], real[PATH_MAX];
		struct stat st;

		if (errno != ENOENT)
			return error_errno(err, errno, "%s", path);
		if (!lstat(path, &st))
			return link_refuse(path, err);
		out = buf_over(parent, sizeof parent);
		buf_add(&out, at > 0 ? path : at ? "." : "/", at > 0 ? (size_t)at : 1);
		if (out.overflow)
			return error_set(err, ENAMETOOLONG, "%s: too long", path);
		if (!realpath(parent, real)) {
			int code = errno;

			return code == ENOENT
				       ? error_set(err, code, "%s: there is no folder %s; make it first", path, parent)
				       : error_errno(err, code, "%s: its folder %s", path, parent);
		}
		out = buf_over(swap->path, sizeof swap->path);
		buf_text(&out, strcmp(real, "/") != 0 ? real : "");
		buf_byte(&out, '/');
		buf_text(&out, path + at + 1);
		if (out.overflow)
			return error_set(err, ENAMETOOLONG, "%s: too long", path);
	}
	slash = strrchr(swap->path, '/');
	out = buf_over(dir, PATH_MAX);
	buf_add(&out, swap->path, slash == swap->path ? 1 : (size_t)(slash - swap->path));
	out = buf_over(swap->name, sizeof swap->name);
	buf_text(&out, slash + 1);
	if (out.overflow || !swap->name[0] || out.len + sizeof "." MARK + 2 * (size_t)RANDOM_BYTES > NAME_MAX)
		return error_set(err, ENAMETOOLONG, "%s: not a name that a file can have here", path);
	return 0;
}

static bool is_leftover(const char *entry, const char *name)
{
	struct str all = str_of(entry), mark = STR(MARK);
	size_t head = 1 + strlen(name);

	return all.len == head + mark.len + 2 * (size_t)RANDOM_BYTES && entry[0] == '.' &&
	       !strncmp(entry + 1, name, head - 1) && str_starts(str_from(all, head), mark);
}

/* Of a run that was killed; we have the lock, so nobody is using it. */
static void leftovers_remove(const struct file_swap *swap, int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* nothing to do about it: a leftover is untidy, no more */
		return;
	}
	while ((entry = readdir(dir)))
		if (is_leftover(entry->d_name, swap->name))
			(void)unlinkat(folder, entry->d_name, 0); /* as above */
	(void)closedir(dir);
}

int file_swap_begin(struct file_swap *swap, const char *path, const struct file_swap *holder, struct error *err)
{
	char dir[PATH_MAX];
	struct stat st;
	int result;

	*swap = (struct file_swap)FILE_SWAP_NONE;
	result = target_resolve(swap, path, dir, err);
	if (result < 0)
		return result;
	swap->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (swap->dir_fd < 0)
		return error_errno(err, errno, "%s", dir);
	result = is_held(swap, holder) ? 0 : lock(swap, dir, err);
	if (result < 0)
		return result;
	if (!fstatat(swap->dir_fd, swap->name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (!S_ISREG(st.st_mode))
			return error_set(err, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "%s: %s", path,
					 S_ISDIR(st.st_mode)
						 ? "is a folder, not a file; name a file, or move it away"
						 : "is no regular file; move it away or name another place");
		swap->exists = true;
		swap->mode = st.st_mode & 07777;
		swap->uid = st.st_uid;
		swap->gid = st.st_gid;
	}
	leftovers_remove(swap, swap->dir_fd);
	return 0;
}

/* Where the temporary file lies. */
static int temporary_folder(const struct file_swap *swap)
{
	return swap->apart_fd >= 0 ? swap->apart_fd : swap->dir_fd;
}

/* Number of the mount that `fd` lies on; -1 where /proc does not tell. */
static long mount_id(int fd)
{
	char path[64], text[512];
	const char *at;
	ssize_t n;
	auto_close int info = -1;

	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	n = info >= 0 ? read(info, text, sizeof text - 1) : 0;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strstr(text, "mnt_id:");
	return at ? strtol(at + strlen("mnt_id:"), NULL, 10) : -1;
}

void file_swap_apart(struct file_swap *swap, const char *dir)
{
	swap->apart_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (swap->apart_fd < 0)
		return;
	if (mount_id(swap->apart_fd) >= 0 && mount_id(swap->apart_fd) == mount_id(swap->dir_fd))
		leftovers_remove(swap, swap->apart_fd);
	else
		(void)close(take_fd(&swap->apart_fd)); /* a rename would not work from there */
}

int file_swap_read(const struct file_swap *swap, size_t limit_bytes, char **ret_text, size_t *ret_len,
		   struct error *err)
{
	int result = file_read_at(swap->dir_fd, swap->name, limit_bytes, ret_text, ret_len, NULL);

	if (result == -ENOENT)
		return error_set(err, ENOENT, "%s: no such file", swap->path);
	if (result == -EFBIG)
		return error_set(err, EFBIG, "%s: larger than %zu bytes", swap->path, limit_bytes);
	return result < 0 ? error_errno(err, -result, "cannot read %s", swap->path) : 0;
}

static int temporary_name(struct file_swap *swap, char *name)
{
	unsigned char random[RANDOM_BYTES];
	struct buf out = buf_over(name, NAME_MAX + 1);

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -EIO;
	buf_printf(&out, ".%s" MARK, swap->name);
	for (size_t i = 0; i < sizeof random; i++)
		buf_printf(&out, "%02x", random[i]);
	return 0;
}

static int content_write(const struct file_swap *swap, int fd, const char *bytes, size_t n, mode_t mode)
{
	char label[LABEL_MAX];
	char old[PATH_MAX];
	ssize_t length;

	while (n) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		n -= (size_t)written;
	}
	if (swap->exists && (swap->uid != geteuid() || swap->gid != getegid()) && fchown(fd, swap->uid, swap->gid))
		return -errno;
	if (fchmod(fd, swap->exists ? swap->mode : mode))
		return -errno;
	(void)snprintf(old, sizeof old, "/proc/self/fd/%d/%s", swap->dir_fd, swap->name);
	length = swap->exists ? lgetxattr(old, LABEL, label, sizeof label) : -1;
	if (length > 0 && fsetxattr(fd, LABEL, label, (size_t)length, 0) && errno != EOPNOTSUPP)
		return -errno;
	return fsync(fd) ? -errno : 0;
}

/* Gives a file without a name the temporary one. */
static int name_give(const struct file_swap *swap, int fd, const char *name)
{
	char proc[64];

	if (!linkat(fd, "", temporary_folder(swap), name, AT_EMPTY_PATH))
		return 0;
	(void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, proc, temporary_folder(swap), name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static const char *advice(const struct file_swap *swap, int code)
{
	switch (code) {
	case EROFS:
		return swap->elsewhere ? swap->elsewhere
				       : "; `detect` tells whether this host has another place for such a change";
	case EACCES:
	case EPERM:
		return "; run this as root, or choose another place";
	case ENOSPC:
	case EDQUOT:
		return "; make room and run this again: nothing has been changed";
	default:
		return "";
	}
}

int file_swap_write(struct file_swap *swap, const void *bytes, size_t n, mode_t mode, struct error *err)
{
	char name[NAME_MAX + 1];
	auto_close int fd = openat(temporary_folder(swap), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool nameless = fd >= 0;
	int result = temporary_name(swap, name);

	if (!result && nameless) {
		result = content_write(swap, fd, bytes, n, mode);
		if (!result && name_give(swap, fd, name) < 0) {
			(void)close(take_fd(&fd)); /* no /proc here: by name, then */
			nameless = false;
		}
	}
	if (!result && !nameless) {
		fd = openat(temporary_folder(swap), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0) {
			result = -errno;
		} else {
			memcpy(swap->temporary, name, sizeof name);
			result = content_write(swap, fd, bytes, n, mode);
		}
	}
	if (result < 0)
		return error_set(err, -result, "cannot write %s: %s%s", swap->path, strerror(-result),
				 advice(swap, -result));
	memcpy(swap->temporary, name, sizeof name);
	return 0;
}

int file_swap_commit(struct file_swap *swap, struct error *err)
{
	if (renameat(temporary_folder(swap), swap->temporary, swap->dir_fd, swap->name)) {
		int code = errno;

		return error_set(err, code, "cannot write %s: %s%s", swap->path, strerror(code), advice(swap, code));
	}
	swap->temporary[0] = '\0';
	(void)fsync(swap->dir_fd); /* what it cannot sync is no reason to call the write failed */
	return 0;
}

int file_swap_remove(struct file_swap *swap, struct error *err)
{
	if (unlinkat(swap->dir_fd, swap->name, 0)) {
		int code = errno;

		return error_set(err, code, "cannot remove %s: %s%s", swap->path, strerror(code), advice(swap, code));
	}
	(void)fsync(swap->dir_fd); /* as above */
	return 0;
}

void file_swap_end(struct file_swap *swap)
{
	if (swap->dir_fd < 0)
		return;
	if (swap->temporary[0])
		(void)unlinkat(temporary_folder(swap), swap->temporary,
			       0); /* the error before this one is the one to tell */
	(void)close(swap->dir_fd); /* unlocks */
	if (swap->apart_fd >= 0)
		(void)close(swap->apart_fd); /* only read */
	swap->apart_fd = swap->dir_fd = -1;
}

int file_swap(const char *path, const void *bytes, size_t n, mode_t mode, const struct file_swap *holder,
	      struct error *err)
{
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	int result = file_swap_begin(&swap, path, holder, err);

	if (result >= 0)
		result = file_swap_write(&swap, bytes, n, mode, err);
	return result < 0 ? result : file_swap_commit(&swap, err);
}
