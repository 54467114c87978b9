/* SPDX-License-Identifier: Apache-2.0 */
/* src/sensor/armed.c: containers that are announced before their cgroup is there. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "sensor/map_walk.h"
#include "sensor/state.h"

static int armed_key(const char *leaf, struct abi_armed_key *key)
{
	size_t len = strlen(leaf);

	if (!len || len >= sizeof key->name || strchr(leaf, '/'))
		return -EINVAL;
	memset(key, 0, sizeof *key);
	memcpy(key->name, leaf, len);
	return 0;
}

int sensor_arm(struct sensor *sensor, const char *leaf, int64_t ttl_ns, uint32_t flags, uint32_t runtime_mnt_ns,
	       const struct abi_policy_set *policies, struct error *err)
{
	struct abi_armed value = { 0 };
	struct abi_armed_key key;
	int slot;

	if (armed_key(leaf, &key) < 0)
		return error_set(err, EINVAL, "'%s' is no name of a cgroup", leaf);
	/* a slot of its own each time: the kernel may be using the old one at this moment */
	slot = sets_take(sensor, err);
	if (slot < 0)
		return slot;
	sets_write(sensor, (uint32_t)slot, 0, flags, runtime_mnt_ns, policies);
	value.expires_ns = (uint64_t)(clock_now_ns(CLOCK_BOOTTIME) + ttl_ns);
	value.slot = (uint32_t)slot;
	if (bpf_map_update_elem(sensor->map[MAP_ARMED], &key, &value, BPF_ANY)) {
		int code = errno;

		sets_give(sensor, (uint32_t)slot);
		return error_errno(err, code, "cannot announce container cgroup '%s'", leaf);
	}
	return 0;
}

int sensor_arm_policies(struct sensor *sensor, const char *leaf, const struct abi_policy_set *policies,
			struct error *err)
{
	struct abi_armed_key key;
	struct abi_armed value;

	if (armed_key(leaf, &key) < 0 || bpf_map_lookup_elem(sensor->map[MAP_ARMED], &key, &value) ||
	    value.slot >= ABI_CONTAINERS)
		return 0;
	(void)sets_policies(sensor, value.slot, policies); /* the container's too, if it has begun meanwhile */
	(void)err;                                         /* stores don't fail */
	return 1;
}

int sensor_disarm(struct sensor *sensor, const char *leaf)
{
	struct abi_armed_key key;

	/* its slot comes back by sets_sweep */
	return armed_key(leaf, &key) == 0 && bpf_map_delete_elem(sensor->map[MAP_ARMED], &key) == 0;
}

struct expiring {
	int map;
	uint64_t now;
	int expired;
};

static void expire(void *context, const void *key, const void *value)
{
	struct expiring *expiring = context;

	if (((const struct abi_armed *)value)->expires_ns < expiring->now)
		expiring->expired += bpf_map_delete_elem(expiring->map, key) == 0;
}

int sensor_arm_expire(struct sensor *sensor)
{
	struct expiring expiring = { .map = sensor->map[MAP_ARMED], .now = (uint64_t)clock_now_ns(CLOCK_BOOTTIME) };

	(void)map_walk(expiring.map, sizeof(struct abi_armed_key), sizeof(struct abi_armed), expire,
		       &expiring); /* the rest next time */
	sets_sweep(sensor);
	return expiring.expired;
}
