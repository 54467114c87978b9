/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/policies_refresh.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/policies.h"
#include "agent/workload.h"
#include "base/error.h"
#include "pod/registry.h"
#include "sensor/sensor.h"

/* A container that the registry does not know: what it should have, by what the kernel was told of it. */
struct stray {
	uint64_t cgroup_id;
	struct abi_policy_set policies;
	bool is_undecided;
};

struct refreshing {
	const struct policies *policies;
	const struct pod_registry *registry;
	struct stray *stray; /* in order of cgroup id */
	size_t strays, room;
	int undecided; /* containers */
	bool has_missed;
};

static int stray_order(const void *a, const void *b)
{
	uint64_t left = ((const struct stray *)a)->cgroup_id, right = ((const struct stray *)b)->cgroup_id;

	return left < right ? -1 : left > right;
}

static int stray_collect(void *context, uint64_t cgroup_id, const struct abi_container_set *set,
			 const struct abi_container_info *info)
{
	struct refreshing *refreshing = context;
	const struct workload workload = {
		.pod_namespace = info->pod_namespace,
		.pod_name = info->pod_name,
		.pod_uid = info->pod_uid,
		.container_name = info->container_name,
		.image = info->image,
	};

	if (!info->registered_ns || pod_registry_recall(refreshing->registry, cgroup_id))
		return 0; /* without name it was announced, and got its set when it was: a record of it is on its way */
	if (refreshing->strays == refreshing->room) {
		size_t room = 2 * refreshing->room + 16;
		struct stray *more = realloc(refreshing->stray, room * sizeof *more);

		if (!more)
			return -ENOMEM;
		refreshing->stray = more;
		refreshing->room = room;
	}
	refreshing->stray[refreshing->strays].cgroup_id = cgroup_id;
	refreshing->stray[refreshing->strays].policies = set->policies;
	refreshing->stray[refreshing->strays].is_undecided =
		policies_select(refreshing->policies, info->cgroup_path, &workload,
				&refreshing->stray[refreshing->strays].policies) != NULL;
	refreshing->strays++;
	return 0;
}

static bool set_select(void *context, uint64_t cgroup_id, struct abi_policy_set *ret_set)
{
	struct refreshing *refreshing = context;
	const struct pod_container *container = pod_registry_recall(refreshing->registry, cgroup_id);
	const struct stray *stray, key = { .cgroup_id = cgroup_id };

	if (container) {
		const struct workload workload = workload_of(container);

		refreshing->undecided +=
			policies_select(refreshing->policies, container->cgroup_path, &workload, ret_set) != NULL;
		return true;
	}
	stray = refreshing->strays ? bsearch(&key, refreshing->stray, refreshing->strays, sizeof *stray, stray_order)
				   : NULL;
	refreshing->has_missed |= !stray;
	if (stray) {
		*ret_set = stray->policies;
		refreshing->undecided += stray->is_undecided;
	}
	return stray != NULL;
}

int policies_refresh(const struct policies *policies, const struct pod_registry *registry, struct sensor *sensor,
		     struct error *err)
{
	struct refreshing refreshing = { .policies = policies, .registry = registry };
	int r = sensor_containers_refresh(sensor, set_select, &refreshing, err);

	if (r >= 0 && refreshing.has_missed) {
		r = sensor_containers(sensor, stray_collect, &refreshing);
		if (r < 0)
			(void)error_errno(err, -r, "cannot list the kernel's containers");
		if (r >= 0 && refreshing.strays) {
			refreshing.undecided = 0; /* all are counted anew */
			qsort(refreshing.stray, refreshing.strays, sizeof *refreshing.stray, stray_order);
			r = sensor_containers_refresh(sensor, set_select, &refreshing, err);
		}
	}
	free(refreshing.stray);
	return r < 0 ? r : refreshing.undecided;
}
