/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/container_dump.h: what the agent knows of each container, for people: which policies it is under in the
 * kernel, who told of it and when, how long the decision took. Message ContainerState of api/tetragon/sensors.proto.
 */
#ifndef AGENT_CONTAINER_DUMP_H
#define AGENT_CONTAINER_DUMP_H

#include <stdint.h>

#include "tetragon/sensors.pb-c.h"

struct pod_registry;
struct policies;
struct request_memory;
struct sensor;

#define CONTAINER_DUMP_BYTES 32768  /* of one answer, about: a client of ours takes 64 KiB */
#define CONTAINER_DUMP_POLICIES 256 /* names of one container's policies */

struct container_dump {
	struct pod_registry *registry;
	const struct policies *policies;
	struct sensor *sensor;
	struct request_memory *memory; /* the answer is in it */
};

/* Fills in the next part of the list. 0, or -ENOMEM. */
int container_dump_fill(const struct container_dump *dump, const Tetragon__DumpContainersReqArgs *wanted,
			Tetragon__DumpContainersResArgs *response);

/* How many containers each policy's slot selects: ABI_POLICIES numbers. */
void container_dump_count(struct sensor *sensor, uint32_t *counts);

#endif
