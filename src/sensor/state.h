/* SPDX-License-Identifier: Apache-2.0 */
/* src/sensor/state.h: what the sensor's own files share. Nobody outside the room includes it. */
#ifndef SENSOR_STATE_H
#define SENSOR_STATE_H

#include "policy/policy_set.h"
#include "sensor/hierarchy.h"
#include "sensor/pins.h"
#include "sensor/sensor.h"
#include "sensor/sets.h"

struct ring_buffer;

enum map_id {
	MAP_CGROUP_POLICIES,
	MAP_CONTAINER_INFO,
	MAP_CONTAINER_STATES,
	MAP_CONTAINER_SETS,
	MAP_ARMED,
	MAP_POLICIES,
	MAP_MARKS,
	MAP_PENDING,
	MAP_SYSCALL_POINTS,
	MAP_POINTS,
	MAP_RULES,
	MAP_RULE_FIRST,
	MAP_STRING_EQUAL,
	MAP_STRING_PREFIX,
	MAP_STRING_POSTFIX,
	MAP_SETTINGS,
	MAP_LOSSES,
	MAP_COUNTERS,
	MAP_EVENTS,
	MAPS_N
};

enum program_id {
	PROGRAM_CGROUP_INHERIT,
	PROGRAM_CGROUP_GONE,
	PROGRAM_PROCESS_EXEC,
	PROGRAM_PROCESS_FORK,
	PROGRAM_PROCESS_EXIT,
	PROGRAM_SYSCALL_ENTER,
	PROGRAM_SYSCALL_EXIT,
	PROGRAM_SYSCALL_EXEC,
	PROGRAMS_N
};

extern const char *const sensor_map_names[MAPS_N];
extern const char *const sensor_program_names[PROGRAMS_N];

struct sensor {
	struct pins pins;
	struct hierarchy hierarchy;
	char procfs[256];
	char skip_program[64];
	bool keep_on_close;
	bool adopted, has_gap;
	struct pins aside; /* of an earlier agent, until sensor_settle; dir "" = none */
	struct sets sets;
	int map[MAPS_N]; /* descriptors */
	int program[PROGRAMS_N];
	int link[PROGRAMS_N]; /* -1: not attached */
	uint32_t host_mnt_ns;
	uint32_t verify_at;           /* slot whose container's cgroup is looked for next, modulo ABI_CONTAINERS */
	uint32_t next_rule, next_set; /* ids are never given out twice while the pins live */
	struct abi_syscall index[ABI_SYSCALL_INDEXES]; /* what the map syscall_points holds: nobody else writes it */
	struct ring_buffer *ring;
	sensor_record_fn *each; /* of the read in progress */
	void *each_context;
	int records_left;
};

/* Attaches a program and pins its link; attached already: nothing. */
int sensor_attach(struct sensor *sensor, enum program_id program, struct error *err);
/* Detaches it and removes the pin. */
void sensor_detach(struct sensor *sensor, enum program_id program);

/* Policy rows (sensor.h, sensor_policy_*), whatever mechanism looks at them. */
int rows_add(struct sensor *sensor, unsigned slot, uint32_t generation, const struct policy *policy, struct error *err);
int rows_remove(struct sensor *sensor, unsigned slot, struct error *err);
/* Prepares the mechanisms, and takes away half policies that an agent which died has left. */
int rows_init(struct sensor *sensor, struct error *err);
/* Clears a policy's bit in every container. */
void containers_clear_slot(struct sensor *sensor, unsigned slot);
/*
 * Changes what the kernel could not store, which it changes too: where both write at once, marks count as lost.
 * `change` returns false to leave it. 0 or -errno.
 */
typedef bool losses_change_fn(struct abi_losses *losses, const void *context);
int losses_change(struct sensor *sensor, losses_change_fn *change, const void *context);
/* settings.next_rule and next_set follow ours. */
int sensor_ids_note(struct sensor *sensor, struct error *err);

#endif
