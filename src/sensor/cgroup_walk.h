/* SPDX-License-Identifier: Apache-2.0 */
/* src/sensor/cgroup_walk.h: the cgroups below one directory. */
#ifndef SENSOR_CGROUP_WALK_H
#define SENSOR_CGROUP_WALK_H

#include <stdint.h>

#define CGROUP_WALK_DEPTH_MAX 256
#define CGROUP_WALK_MAX 8192 /* below one container; a tenant may have made many before it was registered */

/* `dir_fd` is the cgroup's directory, open during the call. Non-zero ends the walk and is its result. */
typedef int cgroup_walk_fn(void *context, int dir_fd, uint64_t id);

/*
 * Visits every cgroup below `dir_fd` (borrowed, open for reading; not itself), parents first; one may be visited twice.
 * What vanishes meanwhile is skipped. One system call where there are none. -E2BIG; -errno.
 */
int cgroup_walk(int dir_fd, cgroup_walk_fn *each, void *context);

#endif
