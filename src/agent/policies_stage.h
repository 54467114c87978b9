/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/policies_stage.h: between agent/policy_files.c and agent/policies.c. */
#ifndef AGENT_POLICIES_STAGE_H
#define AGENT_POLICIES_STAGE_H

#include <stddef.h>

struct error;
struct policies;

/* Checks a policy of file `path` and keeps it for policies_apply. Errors as policies_stage_file. */
int policies_stage(struct policies *policies, const char *path, const char *yaml, size_t len, struct error *err);

#endif
