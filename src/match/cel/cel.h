/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/cel.h: the Common Expression Language: compile once, evaluate against the variables' values. The
 *standard definitions and macros without messages, extension libraries and unknowns (docs/cel.md). All memory is the
 *caller's arena, nothing is freed or global, any thread. limits.h bounds an expression, the steps an evaluation.
 *
 *	static const struct cel_variable variable[] = { { "annotations", &cel_type_map_string_string } };
 *	r = cel_compile(STR("annotations['a'] == 'b'"), variable, 1, &cel_type_bool, &arena, &program, &err);
 *	value[0] = cel_map_of_texts(...);
 *	r = cel_evaluate(program, value, &settings, &arena, &result, &err);
 *	if (r == 0 && result.truth) ...
 */
#ifndef MATCH_CEL_CEL_H
#define MATCH_CEL_CEL_H

#include "base/arena.h"
#include "match/cel/limits.h"
#include "match/cel/parser.h"
#include "match/cel/type.h"
#include "match/cel/value.h"

struct cel_program;
struct error;

/*
 * Parses and checks `source` (copied). The n variables are borrowed for the program's life. `want` is the type that the
 * expression must have, NULL: any; an expression of type dyn passes, so look at the result's kind too.
 *   -EINVAL  refused: syntax, name, type, or a constant regular expression is wrong
 *   -E2BIG   a limit of limits.h, or of match/regex.h
 *   -ENOMEM  the arena is exhausted; about 400 bytes a name, number or operator are needed
 * The error's first line is complete for a log; two more show the place (place.h).
 */
int cel_compile(struct str source, const struct cel_variable *variable, size_t n, const struct cel_type *want,
		struct arena *arena, struct cel_program **ret, struct error *err);

/* The type of the result, as far as it is known before. */
const struct cel_type *cel_program_type(const struct cel_program *program);

/* The program as an expression again, in one spelling (cel_node_print). */
void cel_program_print(struct buf *out, const struct cel_program *program);

struct cel_settings {
	uint64_t steps;       /* 0: CEL_STEPS_DEFAULT */
	const char *zone_dir; /* of the host's time zone files; NULL: /usr/share/zoneinfo */
};

/*
 * Evaluates with value[i] for the i-th variable (CEL_ABSENT: it has none; borrowed, as is all they point to).
 * `settings` may be NULL. The result may point into the program, the values and the arena. -EDOM    an error of the
 * evaluation: division by zero, no such key, … -ETIME   out of steps -E2BIG   a limit of limits.h, or of match/regex.h
 * for a pattern that is no constant -ENOMEM  the arena is exhausted
 */
int cel_evaluate(const struct cel_program *program, const struct cel_value *value, const struct cel_settings *settings,
		 struct arena *arena, struct cel_value *ret, struct error *err);

/* A list(string), a map(string, string) over the caller's texts, borrowed; of equal keys the first counts. -ENOMEM. */
int cel_list_of_texts(const struct str *text, size_t n, struct arena *arena, struct cel_value *ret);
int cel_map_of_texts(const struct str *key, const struct str *text, size_t n, struct arena *arena,
		     struct cel_value *ret);

#endif
