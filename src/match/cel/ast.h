/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/ast.h: an expression as a tree. The parser makes the nodes in the caller's arena and the checker fills
 * in what each is (type, slot, function); afterwards nothing changes. Children lie in an array.
 *
 *   kind          children                      besides
 *   NODE_LITERAL  none                          literal
 *   NODE_IDENT    none                          name, slot; a type's name becomes a literal
 *   NODE_SELECT   operand                       name of the field; a.b.C that is a type becomes a literal
 *   NODE_HAS      operand                       name of the field: has(operand.name)
 *   NODE_CALL     [receiver,] arguments         function, is_member, pattern
 *   NODE_LIST     items
 *   NODE_MAP      key, value, key, value, …
 *   NODE_AND/OR   two or more                   a && b && c is one node
 *   NODE_IF       condition, then, else
 *   NODE_FOLD     range, predicate or item      fold, name and slot of the variable; map(x, p, e): range, p, e
 */
#ifndef MATCH_CEL_AST_H
#define MATCH_CEL_AST_H

#include "match/cel/type.h"

enum cel_node_kind {
	NODE_LITERAL,
	NODE_IDENT,
	NODE_SELECT,
	NODE_HAS,
	NODE_CALL,
	NODE_LIST,
	NODE_MAP,
	NODE_AND,
	NODE_OR,
	NODE_IF,
	NODE_FOLD,
};

enum cel_fold { FOLD_ALL, FOLD_EXISTS, FOLD_EXISTS_ONE, FOLD_MAP, FOLD_FILTER };

struct cel_function;
struct regex;

struct cel_node {
	enum cel_node_kind kind;
	enum cel_fold fold;
	bool is_member;    /* call: receiver.name(…) */
	bool is_absolute;  /* ident: written with a dot in front, so no variable of a macro */
	bool is_local;     /* ident: slot counts macros from the outside, else bindings */
	uint16_t depth;    /* levels of nodes below and with this one */
	uint32_t at;       /* byte of the source that an error points to: the operator, the name */
	uint32_t from, to; /* the bytes of the source that are this expression */
	uint32_t n;
	uint32_t slot;
	struct cel_node **child;
	const struct cel_type *type; /* from the checker */
	struct str name;             /* ident, field, function as written, variable of a fold */
	union {
		struct cel_value literal;
		struct {
			const struct cel_function
				*function;           /* an operator's from the parser on, others from the checker */
			const struct regex *pattern; /* matches() with a constant pattern */
		};
	};
};

/*
 * Writes the expression so that parsing it gives the same tree: with as few parentheses as the language allows, strings
 * with double quotes, macros as macros.
 */
void cel_node_print(struct buf *out, const struct cel_node *node);

#endif
