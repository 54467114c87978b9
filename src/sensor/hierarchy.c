/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#define PROC_CGROUPS_MAX (64 * 1024)
#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h: the handle is the 64-bit id */

/* Controllers that runtimes put every container into, in order of preference (as the original's). */
static const char *const v1_controllers[] = { "memory", "pids", "cpuset", "cpu", "freezer", "devices" };

static long magic_of(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) ? 0 : (long)fs.f_type;
}

int hierarchy_directory_id(int fd, uint64_t *ret_id)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;

	if (name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH))
		return -errno;
	if (handle.head.handle_bytes < sizeof *ret_id)
		return -EOVERFLOW;
	memcpy(ret_id, handle.head.f_handle, sizeof *ret_id);
	return 0;
}

int hierarchy_open_id(const struct hierarchy *hierarchy, uint64_t id)
{
	struct {
		struct file_handle head;
		unsigned char bytes[sizeof id];
	} handle = { .head = { .handle_bytes = sizeof id, .handle_type = FILEID_KERNFS } };
	int fd;

	memcpy(handle.head.f_handle, &id, sizeof id);
	fd = open_by_handle_at(hierarchy->root_fd, &handle.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ESTALE ? -ENOENT : -errno;
}

bool hierarchy_is_gone(const struct hierarchy *hierarchy, uint64_t id)
{
	int fd = hierarchy_open_id(hierarchy, id);

	if (fd >= 0)
		(void)close(fd); /* only looked */
	return fd == -ENOENT;
}

static int root_open(struct hierarchy *out, struct error *err)
{
	auto_close int fd = open(out->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : hierarchy_directory_id(fd, &out->root_id);

	if (r < 0)
		return error_errno(err, -r, "cannot read the cgroup id of %s", out->root);
	out->root_fd = take_fd(&fd);
	return 0;
}

void hierarchy_done(struct hierarchy *hierarchy)
{
	if (hierarchy->kind)
		(void)close(hierarchy->root_fd); /* only read */
	*hierarchy = (struct hierarchy){ 0 };
}

/*
 * /proc/cgroups: "#subsys_name hierarchy num_cgroups enabled"; the line's number among the controllers is the index in
 * task->cgroups->subsys[] (kernel/cgroup/cgroup-v1.c, proc_cgroupstats_show).
 */
static int v1_numbers(const char *procfs, const char *controller, struct hierarchy *out, struct error *err)
{
	auto_free char *text = NULL;
	char path[PATH_MAX];
	uint32_t index = 0;
	size_t len;
	int r;

	(void)snprintf(path, sizeof path, "%s/cgroups", procfs); /* a cut path does not exist */
	r = file_read_at(AT_FDCWD, path, PROC_CGROUPS_MAX, &text, &len, err);
	if (r < 0)
		return r;
	for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[33];
		unsigned hierarchy, groups, enabled;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%32s %u %u %u", name, &hierarchy, &groups, &enabled) != 4)
			continue;
		if (!strcmp(name, controller)) {
			if (!enabled || !hierarchy)
				return error_set(err, ENOENT, "%s: controller '%s' is in no v1 hierarchy", path,
						 controller);
			out->subsys_index = index;
			out->hierarchy_id = hierarchy;
			return 0;
		}
		index++;
	}
	return error_set(err, ENOENT, "%s: no controller '%s'", path, controller);
}

static int use_v2(struct hierarchy *out, const char *root, const char *mode, struct error *err)
{
	out->kind = HIERARCHY_V2;
	(void)snprintf(out->root, sizeof out->root, "%s", root); /* fits: built by the caller in the same size */
	(void)snprintf(out->mode, sizeof out->mode, "%s", mode);
	return root_open(out, err);
}

static int use_v1(const char *procfs, const char *base, const char *controller, const char *mode, struct hierarchy *out,
		  struct error *err)
{
	int r;

	if ((size_t)snprintf(out->root, sizeof out->root, "%s/%s", base, controller) >= sizeof out->root)
		return error_set(err, ENAMETOOLONG, "%s/%s", base, controller);
	if (magic_of(out->root) != CGROUP_SUPER_MAGIC)
		return error_set(err, ENOENT, "%s is not a cgroup v1 mount", out->root);
	r = v1_numbers(procfs, controller, out, err);
	if (r < 0)
		return r;
	out->kind = HIERARCHY_V1;
	(void)snprintf(out->controller, sizeof out->controller, "%s", controller); /* names are short */
	(void)snprintf(out->mode, sizeof out->mode, "%s", mode);
	return root_open(out, err);
}

int hierarchy_find(const char *procfs, const char *force, struct hierarchy *ret_hierarchy, struct error *err)
{
	struct hierarchy found = { 0 };
	char base[PATH_MAX - 16], unified[PATH_MAX];
	bool is_v2, has_unified;
	const char *mode;
	int r = -ENOENT;

	if ((size_t)snprintf(base, sizeof base, "%s/1/root/sys/fs/cgroup", procfs) >= sizeof base)
		return error_set(err, ENAMETOOLONG, "procfs path is too long: %s", procfs);
	if (access(base,
		   X_OK)) /* pid 1 may be closed even to root (no CAP_SYS_PTRACE): then our own tree is the host's */
		(void)snprintf(base, sizeof base, "/sys/fs/cgroup");
	(void)snprintf(unified, sizeof unified, "%s/unified", base); /* base leaves 16 bytes */
	is_v2 = magic_of(base) == CGROUP2_SUPER_MAGIC;
	has_unified = magic_of(unified) == CGROUP2_SUPER_MAGIC;
	mode = is_v2 ? "unified" : has_unified ? "hybrid" : "legacy";

	if (!force)
		force = "";
	if (*force && strcmp(force, "v2")) {
		bool known = false;

		for (size_t i = 0; i < sizeof v1_controllers / sizeof *v1_controllers; i++)
			known |= !strcmp(force, v1_controllers[i]);
		if (!known)
			return error_set(err, EINVAL,
					 "unknown cgroup hierarchy '%s': want 'v2' or a v1 controller such as 'pids'",
					 force);
		r = use_v1(procfs, base, force, mode, &found, err);
	} else if (is_v2 || has_unified) {
		r = use_v2(&found, is_v2 ? base : unified, mode, err);
	} else if (*force) {
		return error_set(err, ENOENT, "no cgroup v2 tree at %s or %s", base, unified);
	} else {
		for (size_t i = 0; r < 0 && i < sizeof v1_controllers / sizeof *v1_controllers; i++)
			r = use_v1(procfs, base, v1_controllers[i], mode, &found, err);
		if (r < 0)
			return error_wrap(err, r,
					  "no usable cgroup hierarchy below %s; is the host's /proc given by --procfs?",
					  base);
	}
	if (r < 0)
		return r;
	*ret_hierarchy = found;
	return 0;
}

/* Has a component "..". */
static bool path_climbs(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (at[2] == '/' || !at[2]))
			return true;
	return false;
}

static bool is_cgroup(const struct hierarchy *hierarchy, int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) &&
	       fs.f_type == (hierarchy->kind == HIERARCHY_V2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

int hierarchy_open(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id, struct error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
					   RESOLVE_NO_XDEV };
	auto_close int fd = -1;
	bool is_checked = true;
	int r;

	if (!path || !*path)
		return error_set(err, EINVAL, "the cgroup path is empty");
	if (path_climbs(path))
		return error_set(err, EINVAL, "the cgroup path '%s' has '..' in it", path);
	while (*path == '/')
		path++;
	fd = (int)syscall(SYS_openat2, hierarchy->root_fd, *path ? path : ".", &how, sizeof how);
	if (fd < 0 && errno == EXDEV) { /* something is mounted there: a part of the tree over itself is fine */
		how.resolve &= ~(__u64)RESOLVE_NO_XDEV;
		fd = (int)syscall(SYS_openat2, hierarchy->root_fd, *path ? path : ".", &how, sizeof how);
		is_checked = false;
	}
	if (fd < 0)
		return error_errno(err, errno, "cannot open the cgroup %s/%s", hierarchy->root, path);
	if (!is_checked && !is_cgroup(hierarchy, fd))
		return error_set(err, EXDEV, "%s/%s is not on a cgroup file system", hierarchy->root, path);
	r = hierarchy_directory_id(fd, ret_id);
	if (r < 0)
		return error_errno(err, -r, "cannot read the id of the cgroup %s/%s", hierarchy->root, path);
	return take_fd(&fd);
}

int hierarchy_cgroup_id(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id, struct error *err)
{
	auto_close int fd = hierarchy_open(hierarchy, path, ret_id, err);

	return fd < 0 ? fd : 0;
}

int hierarchy_open_either(const struct hierarchy *hierarchy, uint64_t id, const char *path)
{
	auto_close int fd = hierarchy_open_id(hierarchy, id);
	uint64_t found;

	if (fd >= 0 || fd == -ENOENT || !*path)
		return take_fd(&fd);
	fd = hierarchy_open(hierarchy, path, &found, NULL);
	return fd < 0 || found == id ? take_fd(&fd) : -ENOENT;
}
