/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "sensor/hierarchy.h"

#define HANDLE_KERNFS 254 /* FILEID_KERNFS, include/linux/exportfs.h: 64 bits, the id */

/* The path that the kernel shows for an open directory. */
static int path_of(int fd, char *path, size_t size)
{
	char link[64];
	struct buf text = buf_over(link, sizeof link);
	ssize_t n;

	buf_printf(&text, "/proc/self/fd/%d", fd);
	n = readlink(link, path, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	path[n] = '\0';
	return 0;
}

int cgroup_place(const struct hierarchy *hierarchy, uint64_t cgroup_id, char *path, size_t size, struct error *err)
{
	struct {
		struct file_handle head;
		unsigned char bytes[sizeof cgroup_id];
	} handle = { .head = { .handle_bytes = sizeof cgroup_id, .handle_type = HANDLE_KERNFS } };
	auto_close int root = open(hierarchy->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;
	char above[PATH_MAX], whole[PATH_MAX];
	struct buf out = buf_over(path, size);
	struct str below;
	int r;

	if (root < 0)
		return error_errno(err, errno, "cannot open %s", hierarchy->root);
	memcpy(handle.head.f_handle, &cgroup_id, sizeof cgroup_id);
	fd = open_by_handle_at(root, &handle.head, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno == ESTALE ? ENOENT : errno, "cannot find the cgroup of id %llu",
				   (unsigned long long)cgroup_id);
	r = path_of(root, above, sizeof above);
	if (r >= 0)
		r = path_of(fd, whole, sizeof whole);
	if (r < 0)
		return error_errno(err, -r, "cannot tell the path of cgroup id %llu", (unsigned long long)cgroup_id);
	below = str_from(str_of(whole), strlen(above));
	if (!str_starts(str_of(whole), str_of(above)) || !below.len || *below.p != '/' ||
	    str_ends(below, STR(" (deleted)")))
		return error_set(err, ENOENT, "the cgroup of id %llu is not below %s", (unsigned long long)cgroup_id,
				 hierarchy->root);
	buf_str(&out, below);
	return out.overflow ? error_set(err, ENAMETOOLONG, "%s", whole) : 0;
}
