/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroup_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sensor/hierarchy.h"

#define LOOKS_MAX 16 /* at one directory in which a cgroup is just being made */

struct walk {
	cgroup_walk_fn *each;
	void *context;
	unsigned left; /* cgroups that may still be visited */
};

static int walk_below(struct walk *walk, int dir_fd, unsigned depth);

/* Directories in it, by its count of links: kernfs_refresh_inode() of fs/kernfs/inode.c keeps that up to date. */
static nlink_t children_of(int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) < 0 || st.st_nlink < 2 ? 1 /* not known */ : st.st_nlink - 2;
}

static int child_visit(struct walk *walk, int dir_fd, const char *name, unsigned depth)
{
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t id;
	int r = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!walk->left || depth >= CGROUP_WALK_DEPTH_MAX)
		return -E2BIG;
	walk->left--;
	if (hierarchy_directory_id(fd, &id) == 0)
		r = walk->each(walk->context, fd, id);
	return r ? r : walk_below(walk, fd, depth + 1);
}

/*
 * The kernel counts a new cgroup, tells our program of it, and only then shows it. One that is counted and not shown
 * may have been told of before its parent had an entry: it is waited for, a moment at most.
 */
static int walk_below(struct walk *walk, int dir_fd, unsigned depth)
{
	nlink_t want = children_of(dir_fd);
	DIR *dir;
	int fd, r = 0;

	if (!want)
		return 0;
	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = -errno;
		if (fd >= 0)
			(void)close(fd); /* only read */
		return r == -ENOENT ? 0 : r;
	}
	for (int look = 0; look < LOOKS_MAX; look++) {
		nlink_t shown = 0;

		for (struct dirent *entry; !r && (entry = readdir(dir));) {
			if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
				continue;
			shown++;
			r = child_visit(walk, dir_fd, entry->d_name, depth);
		}
		want = children_of(dir_fd);
		if (r || shown >= want)
			break;
		(void)sched_yield(); /* never fails */
		rewinddir(dir);
	}
	(void)closedir(dir); /* only read */
	return r;
}

int cgroup_walk(int dir_fd, cgroup_walk_fn *each, void *context)
{
	struct walk walk = { .each = each, .context = context, .left = CGROUP_WALK_MAX };

	return walk_below(&walk, dir_fd, 0);
}
