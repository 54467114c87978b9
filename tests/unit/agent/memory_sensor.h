/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of sensor/sensor.h that the store of policies and announcements use, over tables in memory: without root
 * and without a kernel. */
#ifndef TESTS_MEMORY_SENSOR_H
#define TESTS_MEMORY_SENSOR_H

#include "sensor/sensor.h"

#define MEMORY_CONTAINERS 4
#define MEMORY_ARMED 3 /* announcements that "the kernel" has room for */

struct sensor {
	struct abi_policy_set slots, global;
	uint32_t generation[ABI_POLICIES];
	struct {
		uint64_t id;
		struct abi_policy_set policies;
		const char *name_space, *path;
		bool is_announced; /* armed by name: nobody has told the kernel yet who it is */
	} container[MEMORY_CONTAINERS];
	size_t containers;
	struct {
		char leaf[ABI_LEAF_MAX]; /* "" = free */
		struct abi_policy_set policies;
	} armed[MEMORY_ARMED];
	int stale_armed;            /* of the room, taken by an earlier agent's until sensor_arm_expire */
	int fail_add, fail_refresh; /* errno of the next calls; 0 = works */
	int adds, removes, refreshes;
};

#endif
