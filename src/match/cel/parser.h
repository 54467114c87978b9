/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/parser.h: text → tree, macros (has, all, exists, exists_one, map, filter) included. Nothing is looked
 * up but which reserved words are variables. Source: CEL language definition, "Syntax", "Macros".
 */
#ifndef MATCH_CEL_PARSER_H
#define MATCH_CEL_PARSER_H

#include "base/arena.h"
#include "match/cel/ast.h"

struct error;

struct cel_variable {
	const char *name;
	const struct cel_type *type;
};

/*
 * Parses `source`, borrowed by the tree. A reserved word (namespace, package, …) is a name where `variable` (n of them;
 * may be NULL for 0) has it. -EINVAL: not an expression; -E2BIG: a limit of limits.h; -ENOMEM: the arena is exhausted.
 */
int cel_parse(struct str source, const struct cel_variable *variable, size_t n, struct arena *arena,
	      struct cel_node **ret, struct error *err);

#endif
