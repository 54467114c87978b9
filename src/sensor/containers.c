/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/containers.c: registered containers. A container's set is filled first, then its own cgroup's entry, then
 * those of the cgroups below it: one that is made after its parent's entry inherits in the kernel, one that was made
 * before is found by the walk, so there is no gap. Later changes are stores into the set.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sensor/cgroup_walk.h"
#include "sensor/map_walk.h"
#include "sensor/state.h"

/* The slot that the entry of cgroup `container` names if that is a container's own; else -ENOENT. */
static int own_slot(const struct abi_cgroup *entry, uint64_t container)
{
	return entry->container == container && entry->slot < ABI_CONTAINERS ? (int)entry->slot : -ENOENT;
}

/* The slot of a registered container, or -ENOENT. */
static int slot_of(struct sensor *sensor, uint64_t container)
{
	struct abi_cgroup entry;

	return sensor_cgroup_get(sensor, container, &entry) < 0 ? -ENOENT : own_slot(&entry, container);
}

struct child_job {
	struct sensor *sensor;
	uint64_t container;
	uint32_t slot;
	unsigned written; /* entries; at most ABI_CHILDREN_MAX, as for those that the kernel writes */
	bool has_missed;  /* one has none: the kernel must look for it through its ancestors */
};

static bool is_full(int code)
{
	return code == E2BIG || code == ENOSPC || code == ENOMEM;
}

static int child_write(void *context, int dir_fd, uint64_t id)
{
	struct child_job *job = context;
	struct abi_cgroup entry = { .self = id, .container = job->container, .slot = job->slot }, old;
	int map = job->sensor->map[MAP_CGROUP_POLICIES];

	(void)dir_fd; /* the id is all we need */
	if (job->written == ABI_CHILDREN_MAX) {
		job->has_missed = true;
		return 0;
	}
	if (bpf_map_update_elem(map, &id, &entry, BPF_NOEXIST) == 0) {
		job->written++;
		return 0;
	}
	job->has_missed |= is_full(errno);
	if (errno != EEXIST)
		return is_full(errno) ? 0 : -errno;
	if (bpf_map_lookup_elem(map, &id, &old) || old.container == id || old.container == job->container)
		return 0; /* gone, a container of its own inside this one, or there already */
	entry.quota_of = old.quota_of;
	return bpf_map_update_elem(map, &id, &entry, BPF_EXIST) && errno != ENOENT ? -errno : 0;
}

/* From now on the kernel looks for a cgroup without entry through its ancestors: slower, for all of the host. */
static bool children_count(struct abi_losses *losses, const void *context)
{
	(void)context;
	losses->children++;
	return true;
}

static int children_lost(struct sensor *sensor, struct error *err)
{
	int r = losses_change(sensor, children_count, NULL);

	return r < 0 ? error_errno(err, -r, "cannot change the BPF map 'losses'") : 0;
}

#define EVICT_MAX 4096

struct evicting {
	uint64_t child[EVICT_MAX];
	size_t n;
};

static void child_collect(void *context, const void *key, const void *value)
{
	const struct abi_cgroup *entry = value;
	struct evicting *evicting = context;
	uint64_t id;

	memcpy(&id, key, sizeof id);
	if (entry->container != id && evicting->n < EVICT_MAX)
		evicting->child[evicting->n++] = id;
}

/*
 * The map is full of cgroups that containers have made below themselves: some give their place to a container, and are
 * judged through their ancestors. False: there are none.
 */
static bool children_evict(struct sensor *sensor)
{
	auto_free struct evicting *evicting = calloc(1, sizeof *evicting);
	int map = sensor->map[MAP_CGROUP_POLICIES];

	if (!evicting || map_walk(map, sizeof(uint64_t), sizeof(struct abi_cgroup), child_collect, evicting) < 0 ||
	    children_lost(sensor, NULL) < 0) /* before the first one goes */
		return false;
	for (size_t i = 0; i < evicting->n; i++)
		(void)bpf_map_delete_elem(map, &evicting->child[i]); /* gone already is fine */
	return evicting->n;
}

static int entry_write(struct sensor *sensor, const struct abi_cgroup *entry)
{
	int map = sensor->map[MAP_CGROUP_POLICIES];

	if (bpf_map_update_elem(map, &entry->self, entry, BPF_ANY) == 0)
		return 0;
	if (!is_full(errno) || !children_evict(sensor))
		return -errno;
	return bpf_map_update_elem(map, &entry->self, entry, BPF_ANY) ? -errno : 0;
}

/* `old`: what is there for it; zeros: nothing. */
static int entry_make(struct sensor *sensor, uint64_t id, uint32_t slot, const struct abi_cgroup *old,
		      const struct abi_container_info *info, struct error *err)
{
	struct abi_cgroup entry = { .self = id, .container = id, .slot = slot, .quota_of = old->quota_of };
	struct abi_container_state state = { 0 };
	int code;

	if (bpf_map_update_elem(sensor->map[MAP_CONTAINER_STATES], &id, &state, BPF_ANY))
		return error_errno(err, errno, "cannot register the container: BPF map 'container_states'");
	code = bpf_map_update_elem(sensor->map[MAP_CONTAINER_INFO], &id, info, BPF_ANY) ? errno
											: -entry_write(sensor, &entry);
	if (!code)
		return 0;
	/* half a container is none */
	(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_INFO], &id);
	(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_STATES], &id);
	return error_errno(err, code, "cannot register the container: BPF map 'cgroup_policies' (%d cgroups)",
			   ABI_CGROUPS);
}

int sensor_container_add(struct sensor *sensor, uint64_t cgroup_id, int dir_fd, uint32_t flags, uint32_t runtime_mnt_ns,
			 const struct abi_policy_set *policies, const struct abi_container_info *info,
			 struct error *err)
{
	struct child_job job = { .sensor = sensor, .container = cgroup_id };
	struct abi_cgroup old;
	int slot, r;

	if (sensor_cgroup_get(sensor, cgroup_id, &old) < 0)
		old = (struct abi_cgroup){ 0 };
	slot = own_slot(&old, cgroup_id);
	if (slot >= 0) { /* told again, or announced before; what is due stays due */
		flags |= sensor->sets.set[slot].flags & ABI_CG_MARKS_DUE;
		sets_write(sensor, (uint32_t)slot, cgroup_id, flags, runtime_mnt_ns, policies);
		if (bpf_map_update_elem(sensor->map[MAP_CONTAINER_INFO], &cgroup_id, info, BPF_ANY))
			return error_errno(err, errno, "cannot note the container: BPF map 'container_info'");
	} else {
		slot = sets_take(sensor, err);
		if (slot < 0)
			return slot;
		sets_write(sensor, (uint32_t)slot, cgroup_id, flags, runtime_mnt_ns, policies);
		r = entry_make(sensor, cgroup_id, (uint32_t)slot, &old, info, err);
		if (r < 0) {
			sets_give(sensor, (uint32_t)slot);
			return r;
		}
	}
	job.slot = (uint32_t)slot;
	r = cgroup_walk(dir_fd, child_write, &job);
	if (r == -E2BIG || job.has_missed)
		return children_lost(sensor, err);
	if (r < 0)
		return error_errno(err, -r,
				   "the container's own cgroup is under policy, but not all cgroups below it are");
	return 0;
}

int sensor_container_policies(struct sensor *sensor, uint64_t cgroup_id, const struct abi_policy_set *policies,
			      struct error *err)
{
	int slot = slot_of(sensor, cgroup_id);

	if (slot < 0)
		return error_set(err, ENOENT, "the container's cgroup is gone");
	(void)sets_policies(sensor, (uint32_t)slot, policies); /* changed or not */
	return 0;
}

int sensor_container_policies_get(struct sensor *sensor, uint64_t cgroup_id, struct abi_policy_set *ret_policies)
{
	int slot = slot_of(sensor, cgroup_id);

	if (slot < 0)
		return slot;
	*ret_policies = sensor->sets.set[slot].policies;
	return 0;
}

int sensor_containers_refresh(struct sensor *sensor, sensor_select_fn *select, void *context, struct error *err)
{
	int changed = 0;

	for (uint32_t slot = 0; slot < ABI_CONTAINERS; slot++) {
		struct abi_container_set *set = &sensor->sets.set[slot];
		uint64_t container = __atomic_load_n(&set->container, __ATOMIC_ACQUIRE);
		struct abi_policy_set policies;

		if (!container)
			continue;
		policies = set->policies;
		if (select(context, container, &policies))
			changed += sets_policies(sensor, slot, &policies);
	}
	(void)err; /* stores don't fail */
	return changed;
}

void containers_clear_slot(struct sensor *sensor, unsigned slot)
{
	for (uint32_t i = 0; i < ABI_CONTAINERS; i++) {
		struct abi_policy_set policies = sensor->sets.set[i].policies;

		if (!sensor->sets.used[i] || !policy_set_has(&policies, slot))
			continue;
		policy_set_put(&policies, slot, false);
		(void)sets_policies(sensor, i, &policies); /* it has changed */
	}
}

void sensor_policy_follow(struct sensor *sensor, unsigned from, unsigned to)
{
	for (uint32_t i = 0; i < ABI_CONTAINERS; i++) {
		struct abi_policy_set policies = sensor->sets.set[i].policies;

		if (!sensor->sets.used[i] || !policy_set_has(&policies, from))
			continue;
		policy_set_put(&policies, to, true);
		(void)sets_policies(sensor, i, &policies); /* changed or not */
	}
}

int sensor_cgroup_get(struct sensor *sensor, uint64_t cgroup_id, struct abi_cgroup *ret_entry)
{
	return bpf_map_lookup_elem(sensor->map[MAP_CGROUP_POLICIES], &cgroup_id, ret_entry) ? -errno : 0;
}

int sensor_containers(struct sensor *sensor, sensor_container_fn *each, void *context)
{
	auto_free struct abi_container_info *info = calloc(1, sizeof *info);
	int r = 0;

	if (!info)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < ABI_CONTAINERS && !r; slot++) {
		uint64_t container = __atomic_load_n(&sensor->sets.set[slot].container, __ATOMIC_ACQUIRE);

		if (!container || slot_of(sensor, container) != (int)slot)
			continue; /* without entry it is none: an agent died before it had written that */
		if (bpf_map_lookup_elem(sensor->map[MAP_CONTAINER_INFO], &container, info))
			memset(info, 0, sizeof *info);
		r = each(context, container, &sensor->sets.set[slot], info);
	}
	return r;
}

/* --- containers that are over ------------------------------------------------------------------------------------- */

struct ending {
	uint64_t *gone; /* sorted */
	bool *used;     /* a marked task is left */
	size_t n, room;
};

static void gone_add(struct ending *ending, uint64_t container)
{
	if (ending->n == ending->room) {
		size_t room = ending->room * 2 + 64;
		uint64_t *more = realloc(ending->gone, room * sizeof *more);

		if (!more)
			return; /* the next time */
		ending->gone = more;
		ending->room = room;
	}
	ending->gone[ending->n++] = container;
}

static void gone_seen(void *context, const void *key, const void *value)
{
	uint64_t container;

	memcpy(&container, key, sizeof container);
	if (((const struct abi_container_state *)value)->gone)
		gone_add(context, container);
}

static int id_order(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* Drops repeats from sorted ids; returns how many are left. */
static size_t unique(uint64_t *ids, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

static void mark_seen(void *context, const void *key, const void *value)
{
	struct ending *ending = context;
	const struct abi_mark *mark = value;
	const uint64_t ids[] = { mark->container, mark->outer };

	(void)key; /* whose does not matter */
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		const uint64_t *at = bsearch(&ids[i], ending->gone, ending->n, sizeof *ending->gone, id_order);

		if (at)
			ending->used[at - ending->gone] = true;
	}
}

/* Containers whose release the kernel could not tell: their cgroup is not there any more. */
static void vanished_add(struct sensor *sensor, uint32_t slots, struct ending *ending)
{
	for (; slots; slots--) {
		uint32_t slot = sensor->verify_at++ % ABI_CONTAINERS;
		uint64_t container = __atomic_load_n(&sensor->sets.set[slot].container, __ATOMIC_ACQUIRE);

		if (!container || !hierarchy_is_gone(&sensor->hierarchy, container))
			continue;
		if (slot_of(sensor, container) == (int)slot)
			gone_add(ending, container);
		else
			sets_give(sensor, slot); /* an agent died before it had written the entry */
	}
}

static void container_end(struct sensor *sensor, uint64_t container)
{
	int slot = slot_of(sensor, container);

	/* absent is what we want */
	(void)bpf_map_delete_elem(sensor->map[MAP_CGROUP_POLICIES], &container);
	(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_INFO], &container);
	(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_STATES], &container);
	if (slot >= 0)
		sets_give(sensor, (uint32_t)slot);
}

int sensor_collect(struct sensor *sensor, bool noted, uint32_t verify, sensor_gone_fn *each, void *context)
{
	struct ending ending = { 0 };
	int collected = 0, r = 0;

	if (noted)
		r = map_walk(sensor->map[MAP_CONTAINER_STATES], sizeof(uint64_t), sizeof(struct abi_container_state),
			     gone_seen, &ending);
	vanished_add(sensor, verify, &ending);
	if (r >= 0 && ending.n) {
		qsort(ending.gone, ending.n, sizeof *ending.gone, id_order);
		ending.n = unique(ending.gone, ending.n); /* a container may be gone by both tokens */
		ending.used = calloc(ending.n, sizeof *ending.used);
		r = ending.used ? map_walk(sensor->map[MAP_MARKS], sizeof(uint32_t), sizeof(struct abi_mark), mark_seen,
					   &ending)
				: -ENOMEM;
	}
	for (size_t i = 0; r >= 0 && i < ending.n; i++) {
		if (each)
			each(context, ending.gone[i]);
		if (ending.used[i])
			continue;
		container_end(sensor, ending.gone[i]);
		collected++;
	}
	free(ending.gone);
	free(ending.used);
	return r < 0 ? r : collected;
}
