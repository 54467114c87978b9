/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/workloads.h: which workloads a policy is for: podSelector, containerSelector and hostSelector of its spec.
 * Source: behaviour of the original, and Kubernetes API, meta/v1 LabelSelector.
 */
#ifndef POLICY_WORKLOADS_H
#define POLICY_WORKLOADS_H

#include "policy/schema.h"

/* Reads them from `spec`, whose keys are checked, into parse->policy. 0 or what policy_parse returns. */
int workloads_read(struct parse *parse, const struct yaml_node *spec);

#endif
