/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/namespace_sets.h: for each namespace that some policy is for, the set of those that are loaded, ready to be
 * copied: what a container's namespace gets does not depend on how many policies there are. One thread.
 */
#ifndef AGENT_NAMESPACE_SETS_H
#define AGENT_NAMESPACE_SETS_H

#include <linux/types.h>
#include <stddef.h>

#include "abi.h"

#define NAMESPACE_BUCKETS 1024 /* as many as policies */

struct namespace_set {
	struct namespace_set *next;
	unsigned refs;
	struct abi_policy_set policies; /* whoever holds a reference sets and clears its own bit */
	char name[];
};

struct namespace_sets { /* all zeros: empty */
	struct namespace_set *bucket[NAMESPACE_BUCKETS];
};

/* The set of `name`, made empty if it is not there; held until namespace_sets_unref. NULL: no memory. */
struct namespace_set *namespace_sets_ref(struct namespace_sets *sets, const char *name);
/* NULL is allowed. The last one frees it. */
void namespace_sets_unref(struct namespace_sets *sets, struct namespace_set *set);
/* NULL: no policy is for that namespace. */
const struct abi_policy_set *namespace_sets_find(const struct namespace_sets *sets, const char *name);

#endif
