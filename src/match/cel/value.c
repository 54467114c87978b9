/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/value.h"

#include <math.h>

#define TEXT_STEP 64 /* bytes of text compared for a step */

static bool step_take(uint64_t *steps, uint64_t n)
{
	if (*steps < n) {
		*steps = 0;
		return false;
	}
	*steps -= n;
	return true;
}

static bool is_number(struct cel_value v)
{
	return v.kind == CEL_INT || v.kind == CEL_UINT || v.kind == CEL_DOUBLE;
}

static int order(bool less, bool more)
{
	return less ? -1 : more;
}

static int int_uint_order(int64_t i, uint64_t u)
{
	return i < 0 ? -1 : order((uint64_t)i<u, (uint64_t)i> u);
}

static double double_of(struct cel_value number)
{
	return number.kind == CEL_INT ? (double)number.i : number.kind == CEL_UINT ? (double)number.u : number.d;
}

/* Neither is NaN. With a double, the other is taken for the nearest double too, as in cel-go: beyond 2^53 neighbours
 * are equal. */
static int number_order(struct cel_value a, struct cel_value b)
{
	if (a.kind == CEL_DOUBLE || b.kind == CEL_DOUBLE)
		return order(double_of(a) < double_of(b), double_of(a) > double_of(b));
	if (a.kind != b.kind)
		return a.kind == CEL_INT ? int_uint_order(a.i, b.u) : -int_uint_order(b.i, a.u);
	return a.kind == CEL_INT ? order(a.i<b.i, a.i> b.i) : order(a.u<b.u, a.u> b.u);
}

static bool is_nan(struct cel_value v)
{
	return v.kind == CEL_DOUBLE && isnan(v.d);
}

static int text_order(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int r = common ? memcmp(a.p, b.p, common) : 0;

	return r ? r : order(a.len<b.len, a.len> b.len);
}

static bool list_equal(const struct cel_list *a, const struct cel_list *b, uint64_t *steps)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!cel_equal(a->item[i], b->item[i], steps))
			return false;
	return true;
}

static bool map_equal(const struct cel_map *a, const struct cel_map *b, uint64_t *steps)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct cel_value *other = cel_map_find(b, a->entry[i].key, steps);

		if (!other || !cel_equal(a->entry[i].value, *other, steps))
			return false;
	}
	return true;
}

bool cel_equal(struct cel_value a, struct cel_value b, uint64_t *steps)
{
	if (!step_take(steps, 1))
		return false;
	if (is_number(a) && is_number(b))
		return !is_nan(a) && !is_nan(b) && !number_order(a, b);
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case CEL_BOOL:
		return a.truth == b.truth;
	case CEL_STRING:
	case CEL_BYTES:
		return a.text.len == b.text.len && step_take(steps, a.text.len / TEXT_STEP) &&
		       str_equal(a.text, b.text);
	case CEL_LIST:
		return list_equal(a.list, b.list, steps);
	case CEL_MAP:
		return map_equal(a.map, b.map, steps);
	case CEL_TYPE:
		return a.type == b.type;
	case CEL_TIMESTAMP:
		return a.seconds == b.seconds && a.nsec == b.nsec;
	case CEL_DURATION:
		return a.duration == b.duration;
	default:
		return a.kind == CEL_NULL;
	}
}

bool cel_compare(struct cel_value a, struct cel_value b, int *ret, bool *ret_nan)
{
	*ret_nan = false;
	*ret = 0;
	if (is_number(a) && is_number(b)) {
		*ret_nan = is_nan(a) || is_nan(b);
		*ret = *ret_nan ? 0 : number_order(a, b);
		return true;
	}
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case CEL_BOOL:
		*ret = a.truth - b.truth;
		return true;
	case CEL_STRING:
	case CEL_BYTES:
		*ret = text_order(a.text, b.text);
		return true;
	case CEL_TIMESTAMP:
		*ret = order(a.seconds<b.seconds, a.seconds> b.seconds);
		if (!*ret)
			*ret = order(a.nsec<b.nsec, a.nsec> b.nsec);
		return true;
	case CEL_DURATION:
		*ret = order(a.duration<b.duration, a.duration> b.duration);
		return true;
	default:
		return false;
	}
}

const struct cel_value *cel_map_find(const struct cel_map *map, struct cel_value key, uint64_t *steps)
{
	for (size_t i = 0; i < map->n; i++)
		if (cel_equal(map->entry[i].key, key, steps))
			return &map->entry[i].value;
	return NULL;
}

const char *cel_kind_name(enum cel_kind kind)
{
	static const char *const name[] = {
		[CEL_ABSENT] = "absent", [CEL_NULL] = "null_type",
		[CEL_BOOL] = "bool",     [CEL_INT] = "int",
		[CEL_UINT] = "uint",     [CEL_DOUBLE] = "double",
		[CEL_STRING] = "string", [CEL_BYTES] = "bytes",
		[CEL_LIST] = "list",     [CEL_MAP] = "map",
		[CEL_TYPE] = "type",     [CEL_TIMESTAMP] = "google.protobuf.Timestamp",
		[CEL_DYN] = "dyn",       [CEL_DURATION] = "google.protobuf.Duration",
		[CEL_PARAM] = "dyn",     [CEL_FAULT] = "error",
	};

	return name[kind];
}
