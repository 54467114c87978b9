/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define DAY_NS (24 * 3600 * NS_PER_S)
#define STAMP_LEN 23 /* 2006-01-02T15-04-05.000 */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1 /* musl has it in no header. Source: renameat2(2) */
#endif
#define ENTRIES_MAX 100000 /* of the folder that are looked at: the log's place is the operator's choice */

/* A path's parts: folder, name without extension, extension. Spans of it. */
struct log_name {
	struct str dir, stem, extension;
};

static struct log_name name_split(const char *path)
{
	struct str all = str_of(path);
	ptrdiff_t slash = str_find_last(all, '/'), dot;
	struct log_name name = { .dir = slash < 0 ? STR(".") : (struct str){ path, slash ? (size_t)slash : 1 },
				 .stem = str_from(all, (size_t)(slash + 1)) };

	dot = str_find_last(name.stem, '.');
	if (dot >= 0) {
		name.extension = str_from(name.stem, (size_t)dot);
		name.stem.len = (size_t)dot;
	}
	return name;
}

/* RFC 3339 with milliseconds, ':' as '-', without the 'Z': sorts by time. */
static void stamp_write(struct buf *out, int64_t unix_ns)
{
	size_t begin = out->len;

	clock_write_rfc3339(out, unix_ns, 3);
	if (out->overflow)
		return;
	out->p[--out->len] = '\0';
	for (size_t i = begin; i < out->len; i++)
		if (out->p[i] == ':')
			out->p[i] = '-';
}

/* Whether the name is one of our old files; its stamp then. */
static bool is_old(const struct log_name *name, struct str entry, struct str *ret_stamp)
{
	static const char shape[] = "dddd-dd-ddTdd-dd-dd.ddd"; /* d: a digit */

	if (entry.len != name->stem.len + 1 + STAMP_LEN + name->extension.len || !str_starts(entry, name->stem) ||
	    !str_ends(entry, name->extension) || entry.p[name->stem.len] != '-')
		return false;
	*ret_stamp = (struct str){ entry.p + name->stem.len + 1, STAMP_LEN };
	for (size_t i = 0; i < STAMP_LEN; i++) {
		char c = ret_stamp->p[i];

		if (shape[i] == 'd' ? c < '0' || c > '9' : c != shape[i])
			return false;
	}
	return true;
}

/* The kernel's record of a directory entry: the libraries' readdir would allocate. Source: getdents64(2). */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t length;
	uint8_t type;
	char name[];
};

typedef char stamp[STAMP_LEN + 1];

/* Keeps the newest stamps, the newest first. */
static void newest_note(stamp newest[HOOK_ROTATE_KEEP], struct str found)
{
	for (size_t i = 0; i < HOOK_ROTATE_KEEP; i++) {
		if (newest[i][0] && memcmp(newest[i], found.p, STAMP_LEN) >= 0)
			continue;
		memmove(newest[i + 1 < HOOK_ROTATE_KEEP ? i + 1 : i], newest[i],
			(HOOK_ROTATE_KEEP - i - 1) * sizeof *newest);
		memcpy(newest[i], found.p, STAMP_LEN);
		return;
	}
}

/* Walks the old files: notes them (remove false), or removes those before `newest`'s last and before `limit`. */
static void old_files_walk(int dir_fd, const struct log_name *name, stamp newest[HOOK_ROTATE_KEEP], const char *limit,
			   bool remove)
{
	_Alignas(struct entry) char buffer[8192];
	unsigned entries = 0;
	long n;

	while (entries < ENTRIES_MAX && (n = syscall(SYS_getdents64, dir_fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n; entries++) {
			const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
			struct str found;

			at += entry->length;
			if (!is_old(name, str_of(entry->name), &found))
				continue;
			if (!remove)
				newest_note(newest, found);
			else if (memcmp(found.p, limit, STAMP_LEN) < 0 ||
				 memcmp(found.p, newest[HOOK_ROTATE_KEEP - 1], STAMP_LEN) < 0)
				(void)unlinkat(dir_fd, entry->name, 0); /* another hook may have been first */
		}
}

static void old_files_remove(const struct log_name *name, int64_t unix_ns)
{
	stamp newest[HOOK_ROTATE_KEEP] = { 0 };
	char dir[PATH_MAX], limit[STAMP_LEN + 2];
	struct buf path = buf_over(dir, sizeof dir), limit_text = buf_over(limit, sizeof limit);
	auto_close int dir_fd = -1;

	buf_str(&path, name->dir);
	stamp_write(&limit_text, unix_ns - HOOK_ROTATE_DAYS * DAY_NS);
	dir_fd = path.overflow ? -1 : openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return; /* where the log can be written, this is rare, and tomorrow is another day */
	old_files_walk(dir_fd, name, newest, limit, false);
	if (lseek(dir_fd, 0, SEEK_SET) == 0)
		old_files_walk(dir_fd, name, newest, limit, true);
}

/* Never over an older file, as long as the kernel and the file system can tell. */
static int rename_new(const char *from, const char *to)
{
	struct stat st;

	if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -errno;
	if (fstatat(AT_FDCWD, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(AT_FDCWD, from, AT_FDCWD, to) < 0 ? -errno : 0;
}

static int log_reopen(const char *path, mode_t mode)
{
	int fd =
		openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode & 07777);

	return fd < 0 ? -errno : fd;
}

/* The lock is held. Returns the new file's descriptor, or -errno. */
static int log_rename(const struct hook_rotate *rotate, const struct log_name *name, const struct stat *st)
{
	char old[PATH_MAX];
	struct buf out = buf_over(old, sizeof old);
	int r;

	if (strchr(rotate->path, '/')) {
		buf_str(&out, name->dir);
		buf_text(&out, name->dir.len == 1 && name->dir.p[0] == '/' ? "" : "/");
	}
	buf_str(&out, name->stem);
	buf_byte(&out, '-');
	stamp_write(&out, rotate->unix_ns);
	buf_str(&out, name->extension);
	if (out.overflow)
		return -ENAMETOOLONG;
	r = rename_new(rotate->path, old);
	if (r < 0)
		return r;
	r = log_reopen(rotate->path, st->st_mode);
	if (r >= 0)
		(void)fchown(r, st->st_uid, st->st_gid); /* as the old one's; if not, root's will do */
	return r;
}

static bool is_other_day(int64_t a_ns, int64_t b_ns)
{
	return a_ns / DAY_NS != b_ns / DAY_NS;
}

int hook_rotate(const struct hook_rotate *rotate, int fd, struct error *err)
{
	struct log_name name = name_split(rotate->path);
	struct stat st, now;
	bool is_full;
	int r = -1;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fd;
	is_full = st.st_size >= rotate->limit_bytes;
	if (!is_full && (!st.st_size || !is_other_day(st.st_mtim.tv_sec * NS_PER_S, rotate->unix_ns)))
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fd; /* somebody is at it */
	if (is_full && fstatat(AT_FDCWD, rotate->path, &now, 0) == 0) {
		if (now.st_ino == st.st_ino && now.st_dev == st.st_dev)
			r = log_rename(rotate, &name, &st);
		else
			r = log_reopen(rotate->path, st.st_mode);
		if (r < 0 && r != -EEXIST) /* that one: two in one millisecond; the next hook tries again */
			(void)error_errno(err, -r, "cannot rotate %s", rotate->path);
	}
	old_files_remove(&name, rotate->unix_ns);
	if (r < 0) {
		(void)flock(fd, LOCK_UN); /* cannot fail: it is ours */
		return fd;
	}
	(void)close(fd); /* nothing was written through it; gives the lock back, too */
	return r;
}
