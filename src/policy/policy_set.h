/* SPDX-License-Identifier: Apache-2.0 */
/* src/policy/policy_set.h: sets of policies by slot, as the kernel has them (bpf/abi.h). Slots are below ABI_POLICIES.
 */
#ifndef POLICY_POLICY_SET_H
#define POLICY_POLICY_SET_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

static inline void policy_set_put(struct abi_policy_set *set, unsigned slot, bool on)
{
	__u64 bit = (__u64)1 << slot % 64;

	if (on)
		set->bit[slot / 64] |= bit;
	else
		set->bit[slot / 64] &= ~bit;
}

static inline bool policy_set_has(const struct abi_policy_set *set, unsigned slot)
{
	return set->bit[slot / 64] >> slot % 64 & 1;
}

static inline unsigned policy_set_count(const struct abi_policy_set *set)
{
	unsigned n = 0;

	for (size_t i = 0; i < ABI_POLICY_WORDS; i++)
		n += (unsigned)__builtin_popcountll(set->bit[i]);
	return n;
}

#endif
