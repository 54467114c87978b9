/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/type.h: what the checker knows of a value before there is one: a kind, and for list, map and type the
 * kinds inside. Types are constant and shared; the simple ones below, others in the checker's arena.
 */
#ifndef MATCH_CEL_TYPE_H
#define MATCH_CEL_TYPE_H

#include "match/cel/value.h"

struct cel_type {
	enum cel_kind kind;
	bool has_param;                /* a part of it is not known yet */
	uint32_t param;                /* of CEL_PARAM: its number in the checker's table of bindings */
	const struct cel_type *arg[2]; /* list: items; map: keys, values; type: the type it is of (NULL: any) */
};

extern const struct cel_type cel_type_dyn, cel_type_null, cel_type_bool, cel_type_int, cel_type_uint, cel_type_double,
	cel_type_string, cel_type_bytes, cel_type_timestamp, cel_type_duration, cel_type_type, cel_type_list_dyn,
	cel_type_map_dyn, cel_type_list_string, cel_type_map_string_string;

/* list(int), map(string, dyn), type(int), google.protobuf.Timestamp as "timestamp"; an unknown type is "dyn". */
void cel_type_print(struct buf *out, const struct cel_type *type);

/* The simple type of a kind; list and map of dyn. */
const struct cel_type *cel_type_of_kind(enum cel_kind kind);

#endif
