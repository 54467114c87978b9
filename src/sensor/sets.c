/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "sensor/map_walk.h"
#include "sensor/state.h"

static size_t mapped_bytes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = ABI_CONTAINERS * sizeof(struct abi_container_set);

	return (bytes + page - 1) / page * page;
}

static void slot_seen(struct sets *sets, uint32_t slot)
{
	if (slot < ABI_CONTAINERS && !sets->used[slot]) {
		sets->used[slot] = true;
		sets->in_use++;
	}
}

static void armed_seen(void *context, const void *key, const void *value)
{
	(void)key; /* which one does not matter */
	slot_seen(context, ((const struct abi_armed *)value)->slot);
}

static int armed_slots(struct sensor *sensor, map_each_fn *each, void *context)
{
	return map_walk(sensor->map[MAP_ARMED], sizeof(struct abi_armed_key), sizeof(struct abi_armed), each, context);
}

int sets_init(struct sensor *sensor, struct error *err)
{
	struct sets *sets = &sensor->sets;
	void *memory =
		mmap(NULL, mapped_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, sensor->map[MAP_CONTAINER_SETS], 0);
	int r;

	if (memory == MAP_FAILED)
		return error_errno(err, errno, "cannot map the BPF map 'container_sets'");
	sets->set = memory;
	sets->used = calloc(ABI_CONTAINERS, sizeof *sets->used);
	sets->idle = calloc(ABI_CONTAINERS, sizeof *sets->idle);
	if (!sets->used || !sets->idle)
		return error_set(err, ENOMEM, "out of memory");
	/* In this order: the kernel gives an armed slot its container before it is armed no more. */
	r = armed_slots(sensor, armed_seen, sets);
	if (r < 0)
		return error_errno(err, -r, "cannot read the BPF map 'armed'");
	for (uint32_t slot = 0; slot < ABI_CONTAINERS; slot++)
		if (__atomic_load_n(&sets->set[slot].container, __ATOMIC_ACQUIRE))
			slot_seen(sets, slot);
	return 0;
}

void sets_done(struct sensor *sensor)
{
	if (sensor->sets.set)
		(void)munmap(sensor->sets.set, mapped_bytes()); /* our own mapping */
	free(sensor->sets.used);
	free(sensor->sets.idle);
	memset(&sensor->sets, 0, sizeof sensor->sets);
}

int sets_take(struct sensor *sensor, struct error *err)
{
	struct sets *sets = &sensor->sets;

	for (uint32_t i = 0; i < ABI_CONTAINERS; i++) {
		uint32_t slot = (sets->next + i) % ABI_CONTAINERS;

		if (sets->used[slot])
			continue;
		sets->used[slot] = true;
		sets->idle[slot] = false;
		sets->next = slot + 1;
		sets->in_use++;
		return (int)slot;
	}
	return error_set(err, ENOSPC, "there are %d containers already, and no more can be", ABI_CONTAINERS);
}

bool sets_policies(struct sensor *sensor, uint32_t slot, const struct abi_policy_set *policies)
{
	struct abi_container_set *set = &sensor->sets.set[slot];
	bool has_changed = false;

	for (size_t i = 0; i < ABI_POLICY_WORDS; i++) {
		has_changed |= set->policies.bit[i] != policies->bit[i];
		__atomic_store_n(&set->policies.bit[i], policies->bit[i], __ATOMIC_RELAXED);
	}
	return has_changed;
}

void sets_write(struct sensor *sensor, uint32_t slot, uint64_t container, uint32_t flags, uint32_t runtime_mnt_ns,
		const struct abi_policy_set *policies)
{
	struct abi_container_set *set = &sensor->sets.set[slot];

	(void)sets_policies(sensor, slot, policies); /* changed or not */
	__atomic_store_n(&set->flags, flags, __ATOMIC_RELAXED);
	__atomic_store_n(&set->runtime_mnt_ns, runtime_mnt_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&set->container, (__u64)container, __ATOMIC_RELEASE);
}

void sets_give(struct sensor *sensor, uint32_t slot)
{
	if (slot >= ABI_CONTAINERS || !sensor->sets.used[slot])
		return;
	__atomic_store_n(&sensor->sets.set[slot].container, (__u64)0, __ATOMIC_RELEASE);
	sensor->sets.used[slot] = false;
	sensor->sets.in_use--;
}

unsigned sensor_slots_in_use(const struct sensor *sensor)
{
	return sensor->sets.in_use;
}

static void waiting_seen(void *context, const void *key, const void *value)
{
	uint32_t slot = ((const struct abi_armed *)value)->slot;

	(void)key; /* which one does not matter */
	if (slot < ABI_CONTAINERS)
		((bool *)context)[slot] = true;
}

/*
 * An announcement that is taken back may be in the hands of the kernel at that moment: its slot is free only if it has
 * no container a while later.
 */
void sets_sweep(struct sensor *sensor)
{
	struct sets *sets = &sensor->sets;
	bool waiting[ABI_CONTAINERS] = { false };

	if (armed_slots(sensor, waiting_seen, waiting) < 0)
		return; /* the next time */
	for (uint32_t slot = 0; slot < ABI_CONTAINERS; slot++) {
		bool is_idle = sets->used[slot] && !waiting[slot] &&
			       !__atomic_load_n(&sets->set[slot].container, __ATOMIC_ACQUIRE);

		if (is_idle && sets->idle[slot])
			sets_give(sensor, slot);
		sets->idle[slot] = is_idle && sets->used[slot];
	}
}
