/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/found_running.h"

#include <string.h>
#include <unistd.h>

#include "agent/cgroup_pids.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "event/pipeline.h"
#include "pod/registry.h"
#include "sensor/hierarchy.h"

void found_running_add(struct found_running *found, uint64_t container)
{
	if (found->n == FOUND_RUNNING_MAX)
		found->not_told++;
	else
		found->container[found->n++] = container;
}

static void tell(const struct found_running_place *place, uint64_t container)
{
	const struct pod_container *known = pod_registry_by_cgroup(place->registry, container);
	auto_close int fd = known ? hierarchy_open_either(place->hierarchy, container, known->cgroup_path) : -1;
	uint32_t pids[FOUND_PROCESSES_MAX];
	const struct pipeline_scan_options options = {
		.procfs = place->procfs,
		.controller = place->hierarchy->controller,
		.clock_ticks = sysconf(_SC_CLK_TCK),
		.pid = pids,
		.pids = cgroup_pids(fd, pids, FOUND_PROCESSES_MAX),
	};

	if (options.pids)
		(void)pipeline_scan(place->pipeline, &options, NULL); /* what can't be read is known when it acts */
}

void found_running_tell(struct found_running *found, const struct found_running_place *place, int64_t budget_ns)
{
	int64_t end_ns = clock_now_ns(CLOCK_MONOTONIC) + budget_ns;
	size_t done = 0;

	while (done < found->n && (!budget_ns || !done || clock_now_ns(CLOCK_MONOTONIC) < end_ns))
		tell(place, found->container[done++]);
	found->told += done;
	found->n -= done;
	memmove(found->container, found->container + done, found->n * sizeof *found->container);
}
