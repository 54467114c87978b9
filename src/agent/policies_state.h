/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/policies_state.h: the store's inside, between agent/policies.c and agent/policies_select.c. */
#ifndef AGENT_POLICIES_STATE_H
#define AGENT_POLICIES_STATE_H

#include "agent/namespace_sets.h"
#include "agent/policies.h"
#include "policy/policy_set.h"

struct policies {
	struct policies_options options;
	struct sensor *sensor;                      /* since policies_apply */
	struct policies_entry *entry[ABI_POLICIES]; /* in order of id */
	size_t entries;
	struct policies_entry *by_slot[ABI_POLICIES];
	struct namespace_sets namespaces;
	const struct policies_entry *choosy[ABI_POLICIES]; /* loaded ones that look at more than the namespace */
	size_t choosy_n;
	size_t undecided;            /* containers, at the last change */
	struct abi_policy_set taken; /* slots in use, or still held by the kernel */
	unsigned next_slot;          /* round and round: a slot rests before it is used again */
	uint32_t next_generation;
	uint64_t next_id;
};

/* Before its rows are in the kernel: gets what choosing needs. -ENOMEM. */
int policies_select_prepare(struct policies *policies, struct policies_entry *entry);
/* The kernel has its rows: from now on it selects. */
void policies_select_begin(struct policies *policies, struct policies_entry *entry);
/* It selects no more, if it ever did. */
void policies_select_end(struct policies *policies, struct policies_entry *entry);

#endif
