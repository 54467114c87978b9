/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/cgroup_pids.h: the processes of a cgroup and of those below it. */
#ifndef AGENT_CGROUP_PIDS_H
#define AGENT_CGROUP_PIDS_H

#include <stdint.h>
#include <stddef.h>

/*
 * Writes at most `max` pids of processes that are in the cgroup now. `cgroup_fd`: its directory, open for reading, -1:
 * there is none. Those of pid namespaces that we do not see, and what can't be read, are left out. Returns how many.
 */
size_t cgroup_pids(int cgroup_fd, uint32_t *ret_pids, size_t max);

#endif
