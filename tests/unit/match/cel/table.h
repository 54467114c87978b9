/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/match/cel/table.h: the variables of cases.txt and their values, as its head lists them, and the file's
 * rows. What the Go side (tests/peer/celgo) declares is the same.
 */
#ifndef TEST_CEL_TABLE_H
#define TEST_CEL_TABLE_H

#include "match/cel/cel.h"

struct error;

#define TABLE_VARIABLES 15

extern const struct cel_variable table_variable[TABLE_VARIABLES];

/* Fills their values; what they point to lies in the arena. */
void table_values(struct arena *arena, struct cel_value value[TABLE_VARIABLES]);

enum table_stage { STAGE_SYNTAX, STAGE_CHECK, STAGE_EVAL, STAGE_VALUE };

struct table_result {
	enum table_stage stage; /* the one that refused, or STAGE_VALUE */
	int code;               /* negative errno, 0 */
	struct cel_value value;
	const struct cel_type *type; /* as checked */
};

/* Parses, checks and evaluates with the table's variables; the error's text is in `err`. Time zones are those below
 * `zone_dir`. */
void table_run(struct str source, const char *zone_dir, struct arena *arena, struct table_result *ret,
	       struct error *err);

/* Replaces ⏎ ␍ ␉ by the bytes that they show; in place, returns the new length. */
size_t table_unescape(char *text, size_t n);

#endif
