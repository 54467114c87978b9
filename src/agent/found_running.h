/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/found_running.h: containers that were taken in when they ran already: their processes are told as events
 * (process_exec, flag procFS), after the answer to whoever told of the container, a little at a time.
 */
#ifndef AGENT_FOUND_RUNNING_H
#define AGENT_FOUND_RUNNING_H

#include <stddef.h>
#include <stdint.h>

struct hierarchy;
struct pipeline;
struct pod_registry;

#define FOUND_RUNNING_MAX 1024   /* containers that wait; more are not told of by events, and counted */
#define FOUND_PROCESSES_MAX 1024 /* of one container; the rest is known when it does something */

struct found_running { /* zeros: nobody waits */
	uint64_t container[FOUND_RUNNING_MAX];
	size_t n;
	uint64_t told;     /* containers whose processes were told */
	uint64_t not_told; /* those that there was no room for */
};

/* `container` (cgroup id) ran already when it was admitted. */
void found_running_add(struct found_running *found, uint64_t container);

struct found_running_place {
	const struct hierarchy *hierarchy;
	const struct pod_registry *registry;
	struct pipeline *pipeline;
	const char *procfs;
};

/* Tells of some of those that wait, until `budget_ns` is over (0: all). Whose cgroup is gone meanwhile is left out. */
void found_running_tell(struct found_running *found, const struct found_running_place *place, int64_t budget_ns);

#endif
