/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/checker.h: gives each node of a tree its type and refuses what cannot work whatever the values:
 * undeclared names, no matching overload, a field of what has none. Source: CEL language definition, "Gradual Type
 * Checking"; where it leaves a choice, cel-go: equality and order want one type on both sides unless one is dyn, null
 * is equal only to null, dyn, timestamps and durations.
 */
#ifndef MATCH_CEL_CHECKER_H
#define MATCH_CEL_CHECKER_H

#include "match/cel/parser.h"

/*
 * Checks and completes the tree, which afterwards can be evaluated; `want` (NULL: any) is what the whole must be, dyn
 * passes. -EINVAL: refused; -E2BIG: a limit of limits.h; -ENOMEM: the arena is exhausted. After an error the tree is of
 * no use.
 */
int cel_check(struct cel_node *root, struct str source, const struct cel_variable *variable, size_t n,
	      const struct cel_type *want, struct arena *arena, struct error *err);

#endif
