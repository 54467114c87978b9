/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "match/cel/checker.h"
#include "match/cel/eval.h"

static const struct cel_type list_int = { .kind = CEL_LIST, .arg = { &cel_type_int } };
static const struct cel_type map_string_int = { .kind = CEL_MAP, .arg = { &cel_type_string, &cel_type_int } };

const struct cel_variable table_variable[TABLE_VARIABLES] = {
	{ "annotations", &cel_type_map_string_string },
	{ "keys", &cel_type_list_string },
	{ "i", &cel_type_int },
	{ "u", &cel_type_uint },
	{ "d", &cel_type_double },
	{ "s", &cel_type_string },
	{ "by", &cel_type_bytes },
	{ "b", &cel_type_bool },
	{ "li", &list_int },
	{ "mi", &map_string_int },
	{ "y", &cel_type_dyn },
	{ "t", &cel_type_timestamp },
	{ "du", &cel_type_duration },
	{ "none", &cel_type_int },
	{ "deep", &cel_type_dyn },
};

static void *keep(struct arena *arena, const void *bytes, size_t n)
{
	void *copy = arena_alloc(arena, n);

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	return copy;
}

static struct cel_value map_keep(struct arena *arena, const struct cel_entry *entry, size_t n)
{
	struct cel_map map = { keep(arena, entry, n * sizeof *entry), n };

	return cel_map(keep(arena, &map, sizeof map));
}

void table_values(struct arena *arena, struct cel_value value[TABLE_VARIABLES])
{
	const struct str key[] = { STR("app"), STR("empty"), STR("io.kubernetes.pod.namespace") };
	const struct str text[] = { STR("web"), STR(""), STR("kube-system") };
	const struct str keys[] = { STR("io.kubernetes.pod.namespace"), STR("other") };
	const struct cel_value item[] = { cel_int(1), cel_int(2), cel_int(3) };
	const struct cel_list list = { keep(arena, item, sizeof item), 3 };
	const struct cel_entry counts[] = { { cel_string(STR("one")), cel_int(1) },
					    { cel_string(STR("two")), cel_int(2) } };
	const struct cel_entry any[] = { { cel_string(STR("a")), cel_int(1) }, { cel_string(STR("n")), cel_null() } };
	struct cel_entry deep[] = { { cel_string(STR("inner")), cel_null() } };
	size_t i = 0;

	if (cel_map_of_texts(key, text, 3, arena, &value[i++]) || cel_list_of_texts(keys, 2, arena, &value[i++]))
		abort();
	value[i++] = cel_int(7);
	value[i++] = cel_uint(7);
	value[i++] = cel_double(2.5);
	value[i++] = cel_string(STR("h\xc3\xa9llo"));
	value[i++] = cel_bytes(STR("h\xc3\xa9"));
	value[i++] = cel_bool(true);
	value[i++] = cel_list(keep(arena, &list, sizeof list));
	value[i++] = map_keep(arena, counts, 2);
	value[i++] = map_keep(arena, any, 2);
	deep[0].value = value[i - 1];
	value[i++] = cel_timestamp(1234567890, 500000000);
	value[i++] = cel_duration(5400000000000);
	value[i++] = (struct cel_value){ .kind = CEL_ABSENT };
	value[i++] = map_keep(arena, deep, 1);
}

void table_run(struct str source, const char *zone_dir, struct arena *arena, struct table_result *ret,
	       struct error *err)
{
	struct cel_program program = { .source = source, .variable = table_variable, .variables = TABLE_VARIABLES };
	const struct cel_settings settings = { .zone_dir = zone_dir };
	struct cel_value value[TABLE_VARIABLES];

	table_values(arena, value);
	*ret = (struct table_result){ .stage = STAGE_SYNTAX };
	ret->code = cel_parse(source, table_variable, TABLE_VARIABLES, arena, &program.root, err);
	if (ret->code < 0)
		return;
	ret->stage = STAGE_CHECK;
	ret->code = cel_check(program.root, source, table_variable, TABLE_VARIABLES, NULL, arena, err);
	if (ret->code < 0)
		return;
	ret->type = program.root->type;
	ret->stage = STAGE_EVAL;
	ret->code = cel_evaluate(&program, value, &settings, arena, &ret->value, err);
	if (ret->code == 0)
		ret->stage = STAGE_VALUE;
}

size_t table_unescape(char *text, size_t n)
{
	static const struct {
		const char *shown;
		char byte;
	} mark[] = { { "\xe2\x8f\x8e", '\n' }, { "\xe2\x90\x8d", '\r' }, { "\xe2\x90\x89", '\t' } };
	size_t out = 0;

	for (size_t at = 0; at < n;) {
		size_t i = 0;

		while (i < 3 && !(n - at >= 3 && !memcmp(text + at, mark[i].shown, 3)))
			i++;
		text[out++] = i < 3 ? mark[i].byte : text[at];
		at += i < 3 ? 3 : 1;
	}
	return out;
}
