/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/json.h"
#include "table.h"

static struct cel_value value_of(const char *expression, struct arena *arena)
{
	struct table_result result;
	struct error err = { 0 };

	table_run(str_of(expression), ZONES, arena, &result, &err);
	if (result.stage != STAGE_VALUE)
		fail_msg("%s: %s", expression, err.text);
	return result.value;
}

static void values_become_json(void **state)
{
	static const struct {
		const char *expression, *json;
	} row[] = {
		{ "null", "null" },
		{ "true", "true" },
		{ "-42", "-42" },
		{ "42u", "42" },
		{ "9007199254740992", "9007199254740992" },
		{ "9007199254740993", "\"9007199254740993\"" },
		{ "-9007199254740993", "\"-9007199254740993\"" },
		{ "18446744073709551615u", "\"18446744073709551615\"" },
		{ "1.5", "1.5" },
		{ "1.0", "1" },
		{ "1e21", "1e+21" },
		{ "double('nan')", "\"NaN\"" },
		{ "double('inf')", "\"Infinity\"" },
		{ "double('-inf')", "\"-Infinity\"" },
		{ "'a\"\\n\\u0007\xc3\xa9'", "\"a\\\"\\n\\u0007\xc3\xa9\"" },
		{ "b''", "\"\"" },
		{ "b'f'", "\"Zg==\"" },
		{ "b'fo'", "\"Zm8=\"" },
		{ "b'foo'", "\"Zm9v\"" },
		{ "b'\\377\\376'", "\"//4=\"" },
		{ "[]", "[]" },
		{ "[1, 'a', [2]]", "[1, \"a\", [2]]" },
		{ "{}", "{}" },
		{ "{'a': 1, 'b': [true]}", "{\"a\": 1, \"b\": [true]}" },
		{ "{1: 2}", "{\"1\": 2}" },
		{ "{-1: 2}", "{\"-1\": 2}" },
		{ "{7u: 2}", "{\"7\": 2}" },
		{ "{true: 2}", "{\"true\": 2}" },
		{ "timestamp('2009-02-13T23:31:30.5Z')", "\"2009-02-13T23:31:30.5Z\"" },
		{ "duration('90m')", "\"5400s\"" },
		{ "duration('-1ms')", "\"-0.001s\"" },
		{ "int", "\"int\"" },
		{ "google.protobuf.Duration", "\"google.protobuf.Duration\"" },
	};
	static char memory[1u << 16] __attribute__((aligned(16)));

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct arena arena = arena_over(memory, sizeof memory);
		char text[256];
		struct buf out = buf_over(text, sizeof text);
		struct json_reader reader;
		int event;

		cel_value_print_json(&out, value_of(row[i].expression, &arena));
		if (strcmp(text, row[i].json))
			fail_msg("%s: %s", row[i].expression, text);
		json_reader_init(&reader, (struct str){ text, out.len });
		while ((event = json_next(&reader, NULL)) > JSON_END)
			;
		if (event < 0)
			fail_msg("%s: %s is no JSON", row[i].expression, text);
	}
	(void)state;
}

/* A buffer of any size: cut, marked as cut, no byte too far. */
static void prints_stop_where_the_buffer_does(void **state)
{
	static const char expression[] =
		"[{'a': b'\\377', 'b': 1.5e300}, timestamp(0), duration('1s'), 'text', [null, int, 1u]]";
	static char memory[1u << 16] __attribute__((aligned(16)));
	struct arena arena = arena_over(memory, sizeof memory);
	struct cel_value value = value_of(expression, &arena);
	char text[256];
	struct buf all = buf_over(text, sizeof text);

	cel_value_print(&all, value);
	assert_false(all.overflow);
	for (size_t size = 0; size <= all.len; size++) {
		struct buf out = buf_over(text, size);

		cel_value_print(&out, value);
		assert_true(out.overflow);
		out = buf_over(text, size);
		cel_value_print_json(&out, value);
	}
	(void)state;
}

/* Equality is reflexive, symmetric and agrees with order, over a mixed bag. */
static void equality_is_an_equivalence(void **state)
{
	static const char *const bag[] = { "null",
					   "true",
					   "false",
					   "0",
					   "1",
					   "-1",
					   "0u",
					   "1u",
					   "1.0",
					   "1.5",
					   "''",
					   "'a'",
					   "b'a'",
					   "[]",
					   "[1]",
					   "[1u]",
					   "{}",
					   "{'a': 1}",
					   "{'a': 1.0}",
					   "int",
					   "uint",
					   "timestamp(1)",
					   "duration('1s')",
					   "9223372036854775807",
					   "18446744073709551615u",
					   "-9223372036854775808" };
	static char memory[1u << 20] __attribute__((aligned(16)));
	struct arena arena = arena_over(memory, sizeof memory);
	struct cel_value value[sizeof bag / sizeof *bag];
	size_t n = sizeof bag / sizeof *bag;
	uint64_t steps = 1000000;

	for (size_t i = 0; i < n; i++)
		value[i] = value_of(bag[i], &arena);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int order, back;
			bool nan, equal = cel_equal(value[i], value[j], &steps);

			if (equal != cel_equal(value[j], value[i], &steps) || (i == j && !equal))
				fail_msg("%s and %s", bag[i], bag[j]);
			if (!cel_compare(value[i], value[j], &order, &nan))
				continue;
			assert_true(cel_compare(value[j], value[i], &back, &nan));
			if ((order == 0) != equal || (order < 0) != (back > 0))
				fail_msg("order of %s and %s", bag[i], bag[j]);
		}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_json),
		cmocka_unit_test(prints_stop_where_the_buffer_does),
		cmocka_unit_test(equality_is_an_equivalence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
