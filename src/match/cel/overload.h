/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/cel/overload.h: which overload of a function fits the arguments, and the words for "none does". */
#ifndef MATCH_CEL_OVERLOAD_H
#define MATCH_CEL_OVERLOAD_H

#include "match/cel/function.h"
#include "match/cel/unify.h"

/*
 * The type of a call with arguments of the n types (the receiver first): that of the overload that fits, dyn where
 * several of different types do, NULL where none does.
 */
const struct cel_type *overload_resolve(struct unifier *unifier, const struct cel_function *function, bool is_member,
					const struct cel_type *const *argument, size_t n);

/* "no overload of '+' takes (int, uint); there are (int, int), (uint, uint), …", with how to convert where that helps.
 */
void overload_explain(struct buf *out, struct unifier *unifier, const struct cel_function *function, bool is_member,
		      const struct cel_type *const *argument, size_t n);

/* '+' for "_+_", 'size' for "size". */
void overload_print_name(struct buf *out, const struct cel_function *function);

#endif
