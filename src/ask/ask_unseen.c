/* SPDX-License-Identifier: Apache-2.0 */
#include "ask/ask_unseen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#define NAME_MAX_BYTES 128 /* of a container id that becomes a file name */

/* A file name that can neither climb nor hide: letters, digits, '-', '_', '.', no dot in front. */
static bool is_name(struct str id)
{
	if (!id.len || id.len > NAME_MAX_BYTES || id.p[0] == '.')
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_' || c == '.'))
			return false;
	}
	return true;
}

static void name_write(struct buf *out, const struct ask_container *container)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	if (is_name(container->identity.container_id)) {
		buf_str(out, container->identity.container_id);
	} else {
		for (size_t i = 0; i < container->cgroup_path.len; i++)
			hash = (hash ^ (unsigned char)container->cgroup_path.p[i]) * UINT64_C(1099511628211);
		buf_text(out, "path-");
		for (int shift = 60; shift >= 0; shift -= 4)
			buf_byte(out, hex[hash >> shift & 15]);
	}
	buf_text(out, ".json");
}

static void member_write(struct buf *out, const char *key, struct str value)
{
	buf_text(out, out->len ? ",\n\"" : "{\"");
	buf_text(out, key);
	buf_text(out, "\": ");
	json_write_string(out, value);
}

static void record_write(struct buf *out, const struct ask_container *container, int64_t unix_ns)
{
	const struct identity *identity = &container->identity;
	char time[40];
	struct buf time_text = buf_over(time, sizeof time);

	clock_write_rfc3339(&time_text, unix_ns, 9);
	member_write(out, "cgroupsPath", container->cgroup_path);
	member_write(out, "rootDir", container->root_dir);
	member_write(out, "containerID", identity->container_id);
	member_write(out, "containerName", identity->container_name);
	member_write(out, "containerImage", identity->image);
	member_write(out, "podName", identity->pod_name);
	member_write(out, "podUID", identity->pod_uid);
	member_write(out, "podNamespace", identity->pod_namespace);
	member_write(out, "time", (struct str){ time, time_text.len });
	buf_text(out, "}\n");
}

/* mkdir -p; the last one for root only. */
static int dir_make(const char *dir)
{
	char path[PATH_MAX];
	struct buf copy = buf_over(path, sizeof path);

	buf_text(&copy, dir);
	if (copy.overflow)
		return -ENAMETOOLONG;
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int dir_open(const char *dir, struct error *err)
{
	auto_close int fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		int r = dir_make(dir);

		if (r < 0)
			return error_errno(err, -r, "cannot make it");
		fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return error_errno(err, errno, "cannot open it");
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot stat it");
	if (st.st_uid != 0 || st.st_mode & 077)
		return error_set(err, EPERM, "uid %u, mode %04o: must be root's alone", (unsigned)st.st_uid,
				 (unsigned)st.st_mode & 07777);
	return take_fd(&fd);
}

/* The kernel's record of a directory entry: the libraries' readdir would allocate. Source: getdents64(2). */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t length;
	uint8_t type;
	char name[];
};

static int entries_count(int dir_fd, unsigned limit)
{
	_Alignas(struct entry) char buffer[8192];
	unsigned count = 0;
	long n;

	while (count <= limit && (n = syscall(SYS_getdents64, dir_fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n; at += ((const struct entry *)(const void *)(buffer + at))->length)
			count++;
	return count <= limit ? 0 : -ENOSPC;
}

/*
 * A whole file or none: written under a name that no record has, then renamed. Not synced: a machine that goes down
 * takes the containers with it.
 */
static int file_put(int dir_fd, const char *name, struct str text, struct error *err)
{
	char memory[NAME_MAX_BYTES + 48];
	struct buf temporary = buf_over(memory, sizeof memory);
	auto_close int fd = -1;
	ssize_t n;
	int r = 0;

	buf_byte(&temporary, '.');
	buf_text(&temporary, name);
	buf_byte(&temporary, '.');
	buf_u64(&temporary, (uint64_t)getpid());
	fd = openat(dir_fd, memory, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "cannot make %s", name);
	(void)fchmod(fd, 0600); /* whatever the mask: it is ours */
	n = write(fd, text.p, text.len);
	if (n != (ssize_t)text.len)
		r = error_errno(err, n < 0 ? errno : ENOSPC, "cannot write %s", name);
	else if (renameat(dir_fd, memory, dir_fd, name) < 0)
		r = error_errno(err, errno, "cannot rename it to %s", name);
	if (r < 0)
		(void)unlinkat(dir_fd, memory, 0); /* it is of no use */
	return r;
}

int ask_unseen_record(const char *dir, const struct ask_container *container, int64_t unix_ns, struct error *err)
{
	char name[NAME_MAX_BYTES + 16], text[ASK_UNSEEN_RECORD_MAX];
	struct buf name_text = buf_over(name, sizeof name);
	struct buf record = buf_over(text, sizeof text);
	auto_close int fd = -1;
	int r;

	fd = r = dir_open(dir, err);
	if (r >= 0 && entries_count(fd, ASK_UNSEEN_MAX + 2) < 0) /* "." and ".." */
		r = error_set(err, ENOSPC, "there are %d records already", ASK_UNSEEN_MAX);
	if (r >= 0) {
		name_write(&name_text, container);
		record_write(&record, container, unix_ns);
		r = record.overflow
			    ? error_set(err, ENOBUFS, "the record is larger than %d bytes", ASK_UNSEEN_RECORD_MAX)
			    : file_put(fd, name, (struct str){ text, record.len }, err);
	}
	if (r < 0)
		return error_wrap(err, r, "%s", dir);
	return 0;
}
