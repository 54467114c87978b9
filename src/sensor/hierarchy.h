/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/hierarchy.h: which cgroup hierarchy counts. Ids of different hierarchies are not comparable, so one is
 * chosen at start and used in kernel and user space alike: the v2 tree where the runtimes put containers into it (pure
 * v2; hybrid with /sys/fs/cgroup/unified, as runc and crun do), else one v1 controller.
 */
#ifndef SENSOR_HIERARCHY_H
#define SENSOR_HIERARCHY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

enum hierarchy_kind { HIERARCHY_V2 = 1, HIERARCHY_V1 };

struct hierarchy {
	enum hierarchy_kind kind;
	char root[PATH_MAX];   /* absolute mount point as the host's pid 1 sees it, through procfs:
				  "/proc/1/root/sys/fs/cgroup/unified" */
	char controller[32];   /* v1: "memory"; v2: "" */
	uint32_t subsys_index; /* v1: index of the controller in task->cgroups->subsys[] */
	uint32_t hierarchy_id; /* v1: from /proc/cgroups; v2: 0 */
	char mode[16];         /* "unified", "hybrid", "legacy": for the log */
	uint64_t root_id;      /* id of the root directory */
	int root_fd;           /* it, open for reading; hierarchy_done closes it, copies of the struct borrow it */
};

/*
 * Finds the hierarchy. `procfs` is the host's /proc; where pid 1's root may not be looked at, our own /sys/fs/cgroup
 * counts. `force`: "" automatic, "v2", or a v1 controller's name ("pids"). -ENOENT nothing usable; -EINVAL unknown
 * force.
 */
int hierarchy_find(const char *procfs, const char *force, struct hierarchy *ret_hierarchy, struct error *err);
/* Closes the root. A hierarchy of zeros (none found) is allowed. */
void hierarchy_done(struct hierarchy *hierarchy);

/*
 * Opens the cgroup at `path` below the root ("/kubepods/…") for reading, and tells its id. Resolved without symbolic
 * links and "..", on cgroupfs only. The descriptor is the caller's. -EINVAL empty path, "..", not below the root;
 * -ENOENT; -EXDEV not a cgroup file system.
 */
int hierarchy_open(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id, struct error *err);
/* The id alone: 0 or as above. */
int hierarchy_cgroup_id(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id, struct error *err);
/*
 * The same by id, wherever it is now. -ENOENT: there is no such cgroup (any more); -errno: this kernel can't tell
 * (cgroup v1 before 5.5, no CAP_DAC_READ_SEARCH).
 */
int hierarchy_open_id(const struct hierarchy *hierarchy, uint64_t id);
/* By id; where this kernel can't tell, by `path` ("": not known) if that is still the cgroup of that id. */
int hierarchy_open_either(const struct hierarchy *hierarchy, uint64_t id, const char *path);

/* Id of an open cgroup directory (O_PATH will do): kernfs's 64-bit id, what BPF reads from kn->id. 0 or -errno. */
int hierarchy_directory_id(int fd, uint64_t *ret_id);

/* True if no cgroup has this id any more. In doubt false. */
bool hierarchy_is_gone(const struct hierarchy *hierarchy, uint64_t id);

#endif
