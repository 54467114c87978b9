/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_sensor.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

static void put(struct abi_policy_set *set, unsigned slot, bool on)
{
	if (on)
		set->bit[slot / 64] |= (__u64)1 << slot % 64;
	else
		set->bit[slot / 64] &= ~((__u64)1 << slot % 64);
}

int sensor_slots(struct sensor *sensor, struct abi_policy_set *ret_slots)
{
	*ret_slots = sensor->slots;
	return 0;
}

int sensor_policy_add(struct sensor *sensor, unsigned slot, uint32_t generation, const struct policy *policy,
		      struct error *err)
{
	(void)policy;
	if (sensor->fail_add)
		return error_errno(err, sensor->fail_add, "made to fail");
	sensor->adds++;
	put(&sensor->slots, slot, true);
	sensor->generation[slot] = generation;
	return 0;
}

int sensor_policy_remove(struct sensor *sensor, unsigned slot, struct error *err)
{
	(void)err;
	sensor->removes++;
	put(&sensor->slots, slot, false);
	put(&sensor->global, slot, false);
	for (size_t i = 0; i < sensor->containers; i++)
		put(&sensor->container[i].policies, slot, false);
	return 0;
}

int sensor_global(struct sensor *sensor, unsigned slot, bool on, struct error *err)
{
	(void)err;
	put(&sensor->global, slot, on);
	return 0;
}

int sensor_containers(struct sensor *sensor, sensor_container_fn *each, void *context)
{
	for (size_t i = 0; i < sensor->containers; i++) {
		struct abi_cgroup entry = { .container = sensor->container[i].id,
					    .policies = sensor->container[i].policies };
		struct abi_container_info info = { .registered_ns = sensor->container[i].is_announced ? 0 : 1 };
		struct buf name_space = buf_over(info.pod_namespace, sizeof info.pod_namespace);
		struct buf path = buf_over(info.cgroup_path, sizeof info.cgroup_path);
		int r;

		buf_text(&name_space, sensor->container[i].name_space);
		buf_text(&path, sensor->container[i].path);
		r = each(context, entry.container, &entry, &info);
		if (r)
			return r;
	}
	return 0;
}

int sensor_containers_refresh(struct sensor *sensor, sensor_select_fn *select, void *context, struct error *err)
{
	int changed = 0;

	if (sensor->fail_refresh)
		return error_errno(err, sensor->fail_refresh, "made to fail");
	for (size_t i = 0; i < sensor->containers; i++) {
		struct abi_policy_set *policies = &sensor->container[i].policies, set = *policies;

		if (!select(context, sensor->container[i].id, &set) || !memcmp(&set, policies, sizeof set))
			continue;
		*policies = set;
		sensor->refreshes++;
		changed++;
	}
	return changed;
}
