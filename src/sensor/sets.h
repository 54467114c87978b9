/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/sets.h: the slots of the map container_sets: how each container's tasks are judged. The map is in our
 * memory; a word that is stored there is what the kernel reads next.
 */
#ifndef SENSOR_SETS_H
#define SENSOR_SETS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct error;
struct sensor;

struct sets {
	struct abi_container_set *set; /* ABI_CONTAINERS of them, mapped */
	bool *used;                    /* given out; a slot without container is one that waits (announced) */
	bool *idle;                    /* seen used without container or announcement at the last sweep */
	uint32_t next;                 /* round and round: a slot rests before it is used again */
	uint32_t in_use;
};

/* Maps the slots and finds those in use. */
int sets_init(struct sensor *sensor, struct error *err);
void sets_done(struct sensor *sensor);

/* A free slot, or -ENOSPC. */
int sets_take(struct sensor *sensor, struct error *err);
/* Fills a slot; the container last, so that nobody sees it half filled. */
void sets_write(struct sensor *sensor, uint32_t slot, uint64_t container, uint32_t flags, uint32_t runtime_mnt_ns,
		const struct abi_policy_set *policies);
/* New policies; returns whether anything changed. */
bool sets_policies(struct sensor *sensor, uint32_t slot, const struct abi_policy_set *policies);
/* Takes the container out and the slot back. */
void sets_give(struct sensor *sensor, uint32_t slot);
/* Takes back slots that were announced and are neither used nor waiting at two calls in a row. */
void sets_sweep(struct sensor *sensor);

#endif
