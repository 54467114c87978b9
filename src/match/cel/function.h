/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/function.h: operators and functions as one table: name, overloads, and the code that runs them. A row's
 * overloads are words "arguments:result", a letter a type:
 *   b bool, i int, u uint, d double, s string, y bytes, t timestamp, D duration, n null, * dyn, A and B any type (the
 * same for each letter), l list(A), m map(A, B), T type(A) Source: CEL language definition, "List of Standard
 * Definitions", as cel-go's standard library has it.
 */
#ifndef MATCH_CEL_FUNCTION_H
#define MATCH_CEL_FUNCTION_H

#include "match/cel/ast.h"

#define CEL_ARGUMENTS_MAX 2 /* of any overload, the receiver included */

struct cel_eval;

/* `arg` has as many values as one of the overloads, none of them a fault; their kinds may be any (dyn). */
typedef struct cel_value cel_function_run(struct cel_eval *eval, const struct cel_node *node,
					  const struct cel_value *arg, size_t n);

struct cel_function {
	const char *name;   /* operators as "_+_", "!_", "_[_]" */
	const char *plain;  /* overloads of name(…) and of operators; NULL: none */
	const char *member; /* overloads of receiver.name(…), the receiver first; NULL: none */
	cel_function_run *run;
};

enum cel_operator {
	OPERATOR_ADD,
	OPERATOR_SUBTRACT,
	OPERATOR_MULTIPLY,
	OPERATOR_DIVIDE,
	OPERATOR_MODULO,
	OPERATOR_NEGATE,
	OPERATOR_NOT,
	OPERATOR_LESS,
	OPERATOR_LESS_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_GREATER_EQUAL,
	OPERATOR_EQUAL,
	OPERATOR_NOT_EQUAL,
	OPERATOR_INDEX,
	OPERATOR_IN,
};

/* Operators first, in the order of enum cel_operator. */
extern const struct cel_function cel_functions[];
extern const size_t cel_function_count;

/* NULL: no function has that name (operators have none that can be written). */
const struct cel_function *cel_function_find(struct str name);

/* Is it that operator? */
bool cel_function_is(const struct cel_function *function, enum cel_operator op);

cel_function_run cel_run_add, cel_run_subtract, cel_run_multiply, cel_run_divide, cel_run_modulo, cel_run_negate;
cel_function_run cel_run_not, cel_run_less, cel_run_less_equal, cel_run_greater, cel_run_greater_equal;
cel_function_run cel_run_equal, cel_run_not_equal, cel_run_index, cel_run_in;
cel_function_run cel_run_size, cel_run_contains, cel_run_starts_with, cel_run_ends_with, cel_run_matches;
cel_function_run cel_run_bool, cel_run_bytes, cel_run_double, cel_run_duration, cel_run_dyn, cel_run_int,
	cel_run_string;
cel_function_run cel_run_timestamp, cel_run_type, cel_run_uint;
cel_function_run cel_run_time_part; /* all accessors: told apart by the function's name */

#endif
