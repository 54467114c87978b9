/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/type.h"

const struct cel_type cel_type_dyn = { .kind = CEL_DYN };
const struct cel_type cel_type_null = { .kind = CEL_NULL };
const struct cel_type cel_type_bool = { .kind = CEL_BOOL };
const struct cel_type cel_type_int = { .kind = CEL_INT };
const struct cel_type cel_type_uint = { .kind = CEL_UINT };
const struct cel_type cel_type_double = { .kind = CEL_DOUBLE };
const struct cel_type cel_type_string = { .kind = CEL_STRING };
const struct cel_type cel_type_bytes = { .kind = CEL_BYTES };
const struct cel_type cel_type_timestamp = { .kind = CEL_TIMESTAMP };
const struct cel_type cel_type_duration = { .kind = CEL_DURATION };
const struct cel_type cel_type_type = { .kind = CEL_TYPE };
const struct cel_type cel_type_list_dyn = { .kind = CEL_LIST, .arg = { &cel_type_dyn } };
const struct cel_type cel_type_map_dyn = { .kind = CEL_MAP, .arg = { &cel_type_dyn, &cel_type_dyn } };
const struct cel_type cel_type_list_string = { .kind = CEL_LIST, .arg = { &cel_type_string } };
const struct cel_type cel_type_map_string_string = { .kind = CEL_MAP, .arg = { &cel_type_string, &cel_type_string } };

const struct cel_type *cel_type_of_kind(enum cel_kind kind)
{
	static const struct cel_type *const simple[] = {
		[CEL_NULL] = &cel_type_null,
		[CEL_BOOL] = &cel_type_bool,
		[CEL_INT] = &cel_type_int,
		[CEL_UINT] = &cel_type_uint,
		[CEL_DOUBLE] = &cel_type_double,
		[CEL_STRING] = &cel_type_string,
		[CEL_BYTES] = &cel_type_bytes,
		[CEL_LIST] = &cel_type_list_dyn,
		[CEL_MAP] = &cel_type_map_dyn,
		[CEL_TYPE] = &cel_type_type,
		[CEL_TIMESTAMP] = &cel_type_timestamp,
		[CEL_DURATION] = &cel_type_duration,
	};

	if (kind < sizeof simple / sizeof *simple && simple[kind])
		return simple[kind];
	return &cel_type_dyn;
}

static void print_inner(struct buf *out, const struct cel_type *a, const struct cel_type *b)
{
	buf_byte(out, '(');
	cel_type_print(out, a);
	if (b) {
		buf_text(out, ", ");
		cel_type_print(out, b);
	}
	buf_byte(out, ')');
}

void cel_type_print(struct buf *out, const struct cel_type *type)
{
	if (out->overflow)
		return; /* shared parts make a type's text longer than its memory */
	switch (type->kind) {
	case CEL_TIMESTAMP:
		buf_text(out, "timestamp");
		break;
	case CEL_DURATION:
		buf_text(out, "duration");
		break;
	case CEL_NULL:
		buf_text(out, "null");
		break;
	default:
		buf_text(out, cel_kind_name(type->kind));
		if (type->arg[0])
			print_inner(out, type->arg[0], type->arg[1]);
	}
}
