/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroup_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sensor/hierarchy.h"

struct walk {
	cgroup_walk_fn *each;
	void *context;
	unsigned left; /* cgroups that may still be visited */
};

/* Takes dir_fd. */
static int walk_below(struct walk *walk, int dir_fd, unsigned depth)
{
	DIR *dir = fdopendir(dir_fd);
	int r = 0;

	if (!dir) {
		(void)close(dir_fd); /* only read */
		return -errno;
	}
	for (struct dirent *entry; !r && (entry = readdir(dir));) {
		uint64_t id;
		int fd;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			r = -errno;
		if (fd < 0)
			continue;
		if (!walk->left || depth >= CGROUP_WALK_DEPTH_MAX) {
			(void)close(fd); /* only read */
			r = -E2BIG;
			break;
		}
		walk->left--;
		if (hierarchy_directory_id(fd, &id) == 0)
			r = walk->each(walk->context, fd, id);
		if (r)
			(void)close(fd); /* only read */
		else
			r = walk_below(walk, fd, depth + 1);
	}
	(void)closedir(dir); /* only read */
	return r;
}

int cgroup_walk(const char *path, cgroup_walk_fn *each, void *context)
{
	struct walk walk = { .each = each, .context = context, .left = CGROUP_WALK_MAX };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : walk_below(&walk, fd, 0);
}
