/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/cgroup_place.h: where the cgroup of an id is. */
#ifndef AGENT_CGROUP_PLACE_H
#define AGENT_CGROUP_PLACE_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct hierarchy;

/*
 * Writes the path below the hierarchy's root, "/a/b", into `path`. -ENOENT: no such cgroup (any more), or not below
 * that root; -ENAMETOOLONG; -errno: this kernel can't tell (cgroup v1 before 5.5, no CAP_DAC_READ_SEARCH).
 */
int cgroup_place(const struct hierarchy *hierarchy, uint64_t cgroup_id, char *path, size_t size, struct error *err);

#endif
