/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/policy_status.h: a policy in force as the API and the log tell it: which mechanism, what it guarantees. */
#ifndef AGENT_POLICY_STATUS_H
#define AGENT_POLICY_STATUS_H

#include "tetragon/sensors.pb-c.h"

struct log;
struct policies;
struct policies_entry;
struct request_memory;
struct sensor;

/* The status of `entry` in `memory`, borrowing the entry's texts; NULL: the memory's limit. */
Tetragon__TracingPolicyStatus *policy_status_new(struct request_memory *memory, const struct sensor *sensor,
						 const struct policies_entry *entry);

/* One line for each hook of the policy. */
void policy_status_log(struct log *log, const struct sensor *sensor, const struct policies_entry *entry);

/* A warning if policies could not be decided for containers that are there. */
void policy_status_undecided(struct log *log, const struct policies *policies);

#endif
