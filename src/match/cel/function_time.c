/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of timestamps and durations. */
#include "match/cel/eval.h"

#include "match/cel/time_text.h"
#include "match/cel/zone.h"

#define ZONE_STEPS 2000 /* a zone's file is read: as long as so many nodes take */

static struct cel_value duration_part(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg)
{
	static const struct {
		const char *name;
		int64_t ns;
	} unit[] = {
		{ "getHours", 3600000000000 },
		{ "getMinutes", 60000000000 },
		{ "getSeconds", 1000000000 },
		{ "getMilliseconds", 1000000 },
	};

	for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
		if (str_is(node->name, unit[i].name))
			return cel_int(arg->duration / unit[i].ns); /* the whole duration in that unit */
	return cel_fault_kinds(eval, node, arg, 1);
}

static int64_t field_of(struct str name, const struct time_fields *f, int32_t nsec)
{
	if (str_is(name, "getFullYear"))
		return f->year;
	if (str_is(name, "getMonth"))
		return f->month;
	if (str_is(name, "getDate"))
		return f->day + 1;
	if (str_is(name, "getDayOfMonth"))
		return f->day;
	if (str_is(name, "getDayOfWeek"))
		return f->day_of_week;
	if (str_is(name, "getDayOfYear"))
		return f->day_of_year;
	if (str_is(name, "getHours"))
		return f->hour;
	if (str_is(name, "getMinutes"))
		return f->minute;
	if (str_is(name, "getSeconds"))
		return f->second;
	return nsec / 1000000;
}

struct cel_value cel_run_time_part(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				   size_t n)
{
	struct time_fields fields;
	int32_t offset = 0;
	const char *problem;

	if (arg[0].kind == CEL_DURATION && n == 1)
		return duration_part(eval, node, arg);
	if (arg[0].kind != CEL_TIMESTAMP || (n == 2 && arg[1].kind != CEL_STRING))
		return cel_fault_kinds(eval, node, arg, n);
	if (n == 2) {
		size_t mark = eval->arena->used;
		char *memory = cel_allocate(eval, ZONE_FILE_MAX);

		if (!memory || !cel_step(eval, ZONE_STEPS))
			return cel_null();
		problem = zone_offset(eval->zone_dir, arg[1].text, arg[0].seconds, memory, &offset);
		eval->arena->used = mark;
		if (problem)
			return cel_fault_with(eval, node, problem, arg[1]);
	}
	fields = time_fields_of(arg[0].seconds, offset);
	return cel_int(field_of(node->name, &fields, arg[0].nsec));
}
