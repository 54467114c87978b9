/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_sensor.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "policy/policy_set.h"

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
	policy_set_put(&sensor->slots, slot, true);
	sensor->generation[slot] = generation;
	return 0;
}

int sensor_policy_remove(struct sensor *sensor, unsigned slot, struct error *err)
{
	(void)err;
	sensor->removes++;
	policy_set_put(&sensor->slots, slot, false);
	policy_set_put(&sensor->global, slot, false);
	for (size_t i = 0; i < sensor->containers; i++)
		policy_set_put(&sensor->container[i].policies, slot, false);
	return 0;
}

void sensor_policy_follow(struct sensor *sensor, unsigned from, unsigned to)
{
	for (size_t i = 0; i < sensor->containers; i++)
		if (policy_set_has(&sensor->container[i].policies, from))
			policy_set_put(&sensor->container[i].policies, to, true);
}

int sensor_global(struct sensor *sensor, unsigned slot, bool on, struct error *err)
{
	(void)err;
	policy_set_put(&sensor->global, slot, on);
	return 0;
}

int sensor_containers(struct sensor *sensor, sensor_container_fn *each, void *context)
{
	for (size_t i = 0; i < sensor->containers; i++) {
		struct abi_container_set set = { .container = sensor->container[i].id,
						 .policies = sensor->container[i].policies };
		struct abi_container_info info = { .registered_ns = sensor->container[i].is_announced ? 0 : 1 };
		struct buf name_space = buf_over(info.pod_namespace, sizeof info.pod_namespace);
		struct buf path = buf_over(info.cgroup_path, sizeof info.cgroup_path);
		int r;

		buf_text(&name_space, sensor->container[i].name_space);
		buf_text(&path, sensor->container[i].path);
		r = each(context, set.container, &set, &info);
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

int sensor_container_add(struct sensor *sensor, uint64_t cgroup_id, int dir_fd, uint32_t flags, uint32_t runtime_mnt_ns,
			 const struct abi_policy_set *policies, const struct abi_container_info *info,
			 struct error *err)
{
	size_t at = 0;

	(void)dir_fd, (void)flags, (void)runtime_mnt_ns, (void)info;
	while (at < sensor->containers && sensor->container[at].id != cgroup_id)
		at++;
	if (at == MEMORY_CONTAINERS)
		return error_errno(err, ENOSPC, "made to fail");
	if (at == sensor->containers)
		sensor->containers++;
	sensor->container[at].id = cgroup_id;
	sensor->container[at].policies = *policies;
	return 0;
}

int sensor_container_policies_get(struct sensor *sensor, uint64_t cgroup_id, struct abi_policy_set *ret_policies)
{
	for (size_t i = 0; i < sensor->containers; i++)
		if (sensor->container[i].id == cgroup_id) {
			*ret_policies = sensor->container[i].policies;
			return 0;
		}
	return -ENOENT;
}

bool sensor_container_marks_due(struct sensor *sensor, uint64_t cgroup_id)
{
	(void)sensor, (void)cgroup_id;
	return false;
}

int sensor_container_mark_running(struct sensor *sensor, uint64_t cgroup_id, int dir_fd, int64_t budget_ns,
				  struct error *err)
{
	(void)sensor, (void)cgroup_id, (void)dir_fd, (void)budget_ns, (void)err;
	return 0;
}

/* --- announcements --- */

static int armed_find(const struct sensor *sensor, const char *leaf)
{
	int at = 0;

	while (at < MEMORY_ARMED && strcmp(sensor->armed[at].leaf, leaf) != 0)
		at++;
	return at < MEMORY_ARMED ? at : -1;
}

int sensor_arm(struct sensor *sensor, const char *leaf, int64_t ttl_ns, uint32_t flags, uint32_t runtime_mnt_ns,
	       const struct abi_policy_set *policies, struct error *err)
{
	int at = armed_find(sensor, leaf);
	struct buf name;

	(void)ttl_ns, (void)flags, (void)runtime_mnt_ns;
	if (at < 0)
		at = armed_find(sensor, "");
	if (at < 0 || at >= MEMORY_ARMED - sensor->stale_armed)
		return error_errno(err, E2BIG, "made to fail"); /* as a full hash map of the kernel's */
	name = buf_over(sensor->armed[at].leaf, sizeof sensor->armed[at].leaf);
	buf_text(&name, leaf);
	sensor->armed[at].policies = *policies;
	return 0;
}

int sensor_arm_policies(struct sensor *sensor, const char *leaf, const struct abi_policy_set *policies,
			struct error *err)
{
	int at = armed_find(sensor, leaf);

	(void)err;
	if (at >= 0)
		sensor->armed[at].policies = *policies;
	return at >= 0;
}

int sensor_disarm(struct sensor *sensor, const char *leaf)
{
	int at = armed_find(sensor, leaf);

	if (at >= 0)
		sensor->armed[at].leaf[0] = '\0';
	return at >= 0;
}

int sensor_arm_expire(struct sensor *sensor)
{
	int n = sensor->stale_armed;

	sensor->stale_armed = 0;
	return n;
}
