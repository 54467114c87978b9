/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container_dump.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/policies.h"
#include "agent/request_memory.h"
#include "pod/registry.h"
#include "policy/policy.h"
#include "sensor/sensor.h"

#define NS_PER_SECOND INT64_C(1000000000)

static const char *const reporters[] = {
	[POD_FROM_HOOK] = "hook",        [POD_FROM_UNSEEN_RECORD] = "unseen-record",
	[POD_FROM_WALK] = "cgroup-walk", [POD_FROM_KERNEL] = "earlier-agent",
	[POD_FROM_NRI] = "nri",          [POD_FROM_NRI_INSIDE] = "nri-in-agent",
	[POD_FROM_CRI] = "cri",          [POD_FROM_API] = "api-server",
};

/* What is packed is not written to. */
static char *packed(const char *text)
{
	return (char *)(uintptr_t)(text ? text : "");
}

static int labels_fill(struct request_memory *memory, const struct pod_container *container,
		       Tetragon__ContainerState *state)
{
	state->pod_labels = request_memory_alloc(memory, (container->labels + 1) * sizeof(void *));
	if (!state->pod_labels)
		return -ENOMEM;
	for (size_t i = 0; i < container->labels; i++) {
		Tetragon__ContainerState__PodLabelsEntry *entry = request_memory_alloc(memory, sizeof *entry);

		if (!entry)
			return -ENOMEM;
		tetragon__container_state__pod_labels_entry__init(entry);
		entry->key = packed(container->label[i].key);
		entry->value = packed(container->label[i].value);
		state->pod_labels[state->n_pod_labels++] = entry;
	}
	return 0;
}

static char *policy_name(struct request_memory *memory, const struct policy *policy)
{
	size_t space = policy->namespace ? strlen(policy->namespace) + 1 : 0, size = space + strlen(policy->name) + 1;
	char *name;

	if (!space)
		return policy->name;
	name = request_memory_alloc(memory, size);
	if (!name)
		return NULL;
	memcpy(name, policy->namespace, space - 1);
	name[space - 1] = '/';
	memcpy(name + space, policy->name, size - space);
	return name;
}

/* `set`: NULL: only those that select everything. */
static int policies_fill(const struct container_dump *dump, const struct abi_policy_set *set,
			 Tetragon__ContainerState *state)
{
	const struct policies_entry *entry;

	state->policies = request_memory_alloc(dump->memory, CONTAINER_DUMP_POLICIES * sizeof(void *));
	if (!state->policies)
		return -ENOMEM;
	for (size_t i = 0; (entry = policies_at(dump->policies, i)); i++) {
		bool is_under = set && set->bit[entry->slot / 64] >> entry->slot % 64 & 1;
		char *name;

		if (!is_under && !entry->policy->is_global)
			continue;
		state->policies_count++;
		if (state->n_policies == CONTAINER_DUMP_POLICIES)
			continue;
		name = policy_name(dump->memory, entry->policy);
		if (!name)
			return -ENOMEM;
		state->policies[state->n_policies++] = name;
	}
	return 0;
}

static Google__Protobuf__Timestamp *time_new(struct request_memory *memory, int64_t unix_ns)
{
	Google__Protobuf__Timestamp *time = request_memory_alloc(memory, sizeof *time);

	if (!time)
		return NULL;
	google__protobuf__timestamp__init(time);
	time->seconds = unix_ns / NS_PER_SECOND;
	time->nanos = (int32_t)(unix_ns % NS_PER_SECOND);
	return time;
}

static Tetragon__ContainerState *state_new(const struct container_dump *dump, const struct pod_container *container)
{
	Tetragon__ContainerState *state = request_memory_alloc(dump->memory, sizeof *state);
	struct abi_policy_set set;

	if (!state)
		return NULL;
	tetragon__container_state__init(state);
	state->cgroup_id = container->cgroup_id;
	state->cgroup_path = packed(container->cgroup_path);
	state->container_id = packed(container->container_id);
	state->container_name = packed(container->name);
	state->image = packed(container->image);
	state->pod_namespace = packed(container->pod_namespace);
	state->pod_name = packed(container->pod_name);
	state->pod_uid = packed(container->pod_uid);
	state->pod_labels_known = container->labels_known;
	state->reporter = packed(reporters[container->source]);
	state->decision_us = container->decision_us;
	state->told = time_new(dump->memory, container->registered_ns);
	state->is_in_kernel = sensor_container_policies_get(dump->sensor, container->cgroup_id, &set) >= 0;
	if (!state->told || labels_fill(dump->memory, container, state) < 0 ||
	    policies_fill(dump, state->is_in_kernel ? &set : NULL, state) < 0)
		return NULL;
	return state;
}

struct filling {
	const struct container_dump *dump;
	const Tetragon__DumpContainersReqArgs *wanted;
	Tetragon__DumpContainersResArgs *response;
	uint64_t seen;
	size_t room, bytes;
};

static int fill_one(void *context, const struct pod_container *container)
{
	struct filling *filling = context;
	Tetragon__DumpContainersResArgs *response = filling->response;
	const char *id = filling->wanted->container_id;
	Tetragon__ContainerState *state;

	if (filling->seen++ < filling->wanted->skip || strncmp(container->container_id, id, strlen(id)) != 0)
		return 0;
	if (filling->bytes >= CONTAINER_DUMP_BYTES || response->n_containers == filling->room) {
		response->next = filling->seen - 1;
		return 1;
	}
	state = state_new(filling->dump, container);
	if (!state)
		return -ENOMEM;
	filling->bytes += tetragon__container_state__get_packed_size(state);
	response->containers[response->n_containers++] = state;
	return 0;
}

int container_dump_fill(const struct container_dump *dump, const Tetragon__DumpContainersReqArgs *wanted,
			Tetragon__DumpContainersResArgs *response)
{
	struct filling filling = { .dump = dump, .wanted = wanted, .response = response, .room = 1024 };
	int r;

	response->containers = request_memory_alloc(dump->memory, filling.room * sizeof(void *));
	if (!response->containers)
		return -ENOMEM;
	r = pod_registry_each(dump->registry, NULL, fill_one, &filling);
	return r < 0 ? r : 0;
}

/* Looks, and leaves alone. */
static bool count_one(void *context, uint64_t container, struct abi_policy_set *set)
{
	uint32_t *counts = context;

	(void)container;
	for (size_t word = 0; word < ABI_POLICY_WORDS; word++)
		for (__u64 bits = set->bit[word]; bits; bits &= bits - 1)
			counts[word * 64 + (size_t)__builtin_ctzll(bits)]++;
	return false;
}

void container_dump_count(struct sensor *sensor, uint32_t *counts)
{
	memset(counts, 0, ABI_POLICIES * sizeof *counts);
	(void)sensor_containers_refresh(sensor, count_one, counts, NULL); /* changes nothing: cannot fail */
}
