/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup_place.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "sensor/hierarchy.h"

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
	auto_close int fd = hierarchy_open_id(hierarchy, cgroup_id);
	char above[PATH_MAX], whole[PATH_MAX];
	struct buf out = buf_over(path, size);
	struct str below;
	int r;

	if (fd < 0)
		return error_errno(err, -fd, "cannot find the cgroup of id %llu", (unsigned long long)cgroup_id);
	r = path_of(hierarchy->root_fd, above, sizeof above);
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
