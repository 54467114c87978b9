/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/cel/literal.h: the value of a literal's token. Source: CEL language definition, "Values", "Escapes". */
#ifndef MATCH_CEL_LITERAL_H
#define MATCH_CEL_LITERAL_H

#include "base/arena.h"
#include "match/cel/lexer.h"
#include "match/cel/value.h"

/*
 * A token from TOKEN_INT to TOKEN_NULL but TOKEN_IN; `minus`: a '-' stands in front of the number. Text without escapes
 * is borrowed from the source, other text lies in the arena. -EINVAL: number out of range, wrong escape; -ENOMEM.
 */
int cel_literal_read(struct str source, const struct cel_token *token, bool minus, struct arena *arena,
		     struct cel_value *ret, struct error *err);

#endif
