/* SPDX-License-Identifier: Apache-2.0 */
/* The library as a program uses it: variables, results, and the words of its errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "match/cel/cel.h"

static const struct cel_variable variable[] = {
	{ "namespace", &cel_type_string },
	{ "annotations", &cel_type_map_string_string },
	{ "annotations_namespace_keys", &cel_type_list_string },
};

static char memory[1u << 17] __attribute__((aligned(16)));

static int run(const char *source, const struct cel_type *want, struct cel_value *ret, struct error *err)
{
	static const struct str key[] = { STR("k"), STR("k"), STR("other") },
				text[] = { STR("first"), STR("second"), STR("v") };
	struct arena arena = arena_over(memory, sizeof memory);
	struct cel_program *program;
	struct cel_value value[3] = { cel_string(STR("kube-system")) };
	int r;

	assert_int_equal(cel_map_of_texts(key, text, 3, &arena, &value[1]), 0);
	assert_int_equal(cel_list_of_texts(key + 1, 2, &arena, &value[2]), 0);
	r = cel_compile(str_of(source), variable, 3, want, &arena, &program, err);
	return r < 0 ? r : cel_evaluate(program, value, NULL, &arena, ret, err);
}

static void expressions_see_their_variables(void **state)
{
	static const struct {
		const char *source;
		bool want;
	} row[] = {
		{ "namespace == 'kube-system'", true }, /* a reserved word, but a variable here */
		{ "namespace in ['a', 'b']", false },
		{ "annotations.k == 'first'", true }, /* of equal keys the first */
		{ "annotations_namespace_keys == ['k', 'other']", true },
		{ "annotations_namespace_keys.exists(x, annotations[x] == 'v')", true },
		{ "annotations.exists(k, k == 'none')", false },
		{ "{'namespace': 1}.namespace == 1", true },
		{ "[1].all(namespace, namespace == 1) && .namespace == 'kube-system'", true },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct cel_value value = cel_null();
		struct error err = { 0 };
		int r = run(row[i].source, &cel_type_bool, &value, &err);

		if (r || value.kind != CEL_BOOL || value.truth != row[i].want)
			fail_msg("%s: %d %s", row[i].source, r, err.text);
	}
	(void)state;
}

static void errors_say_what_and_where(void **state)
{
	static const struct {
		const char *source;
		int code;
		const char *text;
	} row[] = {
		{ "1 == 1u", -EINVAL,
		  "line 1, column 3: no overload of '==' takes (int, uint); there is (A, A); numbers do not mix: "
		  "convert one with int(), "
		  "uint() or double()\n | 1 == 1u\n | ..^" },
		{ "true &&\n  annotation.k == 'x'", -EINVAL,
		  "line 2, column 3: undeclared name 'annotation'; did you mean 'annotations'?\n |   annotation.k == "
		  "'x'\n | ..^" },
		{ "'\xc3\xa9' + 1 == 2", -EINVAL, "line 1, column 5: no overload of '+' takes (string, int)" },
		{ "'\xc3\xa9' + 1 == 2", -EINVAL, "\n | '\xc3\xa9' + 1 == 2\n | ....^" },
		{ "pod == 'x'", -EINVAL,
		  "undeclared name 'pod'; there are namespace, annotations, annotations_namespace_keys" },
		{ "'a'.startWith('b')", -EINVAL, "undeclared function 'startWith'; did you mean 'startsWith'?" },
		{ "startsWith('a', 'b')", -EINVAL,
		  "no overload of 'startsWith' takes (string, string); there is string.(string)" },
		{ "'a'.int()", -EINVAL, "no overload of 'int' takes string.(); there are (int), (double)" },
		{ "1 + 2", -EINVAL, "line 1, column 3: the expression must be bool, it is of type int" },
		{ "package == 1", -EINVAL, "'package' is a reserved word" },
		{ "namespace.matches('(')", -EINVAL, "invalid regular expression '(': byte 1: missing ')'" },
		{ "annotations.x == 'y'", -EDOM,
		  "line 1, column 13: no such key: \"x\", in annotations.x\n | annotations.x == 'y'\n | "
		  "............^" },
		{ "annotations['x'] == 'y'", -EDOM, "no such key: \"x\", in annotations['x']" },
		{ "[1,\n 2][5 - 1] == 1", -EDOM,
		  "line 2, column 4: index out of range: 4, in [1,  2][5 - 1]\n |  2][5 - 1] == 1\n | ...^" },
		{ "dyn('a') + dyn(1) == 2", -EDOM, "no overload of '+' takes (string, int), in dyn('a') + dyn(1)" },
		{ "", -EINVAL, "line 1, column 1: the expression ends where a value is expected" },
		{ "a\xff", -EINVAL, "line 1, column 2: malformed UTF-8 (byte 0xff)" },
		{ "1 & 2", -EINVAL, "'&' is no operator; did you mean '&&'?" },
		{ "1 == 1\x01", -EINVAL, "unexpected character (byte 0x01)" },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct cel_value value;
		struct error err = { 0 };
		int r = run(row[i].source, &cel_type_bool, &value, &err);

		if (r != row[i].code || err.code != -r || !strstr(err.text, row[i].text))
			fail_msg("%s: %d\n%s\nwant\n%s", row[i].source, r, err.text, row[i].text);
	}
	(void)state;
}

static void a_result_of_type_dyn_shows_at_run_time(void **state)
{
	struct cel_value value;

	assert_int_equal(run("dyn(1)", &cel_type_bool, &value, NULL), 0);
	assert_int_equal(value.kind, CEL_INT);
	assert_int_equal(run("dyn(true)", &cel_type_bool, &value, NULL), 0);
	assert_int_equal(value.kind, CEL_BOOL);
	(void)state;
}

static void a_program_runs_again_and_again(void **state)
{
	static char compiled[1u << 16] __attribute__((aligned(16)));
	struct arena program_arena = arena_over(compiled, sizeof compiled);
	struct cel_program *program;
	char text[128];
	struct buf out = buf_over(text, sizeof text);

	assert_int_equal(cel_compile(STR("namespace  in['a',\"b\"]||false"), variable, 1, &cel_type_bool,
				     &program_arena, &program, NULL),
			 0);
	cel_program_print(&out, program);
	assert_string_equal(text, "namespace in [\"a\", \"b\"] || false");
	assert_int_equal(cel_program_type(program)->kind, CEL_BOOL);
	for (int i = 0; i < 100; i++) {
		struct arena arena = arena_over(memory, sizeof memory);
		struct cel_value value = cel_string(i % 2 ? STR("a") : STR("c")), result;

		assert_int_equal(cel_evaluate(program, &value, NULL, &arena, &result, NULL), 0);
		assert_int_equal(result.truth, i % 2);
	}
	(void)state;
}

static void a_long_line_is_cut_around_the_place(void **state)
{
	char source[3000], *at;
	struct cel_value value;
	struct error err = { 0 };

	memset(source, ' ', sizeof source);
	memcpy(source + 1500, "1 + 'a' == 2", 12);
	source[sizeof source - 1] = '\0';
	assert_int_equal(run(source, NULL, &value, &err), -EINVAL);
	at = strstr(err.text, "\n | ");
	assert_non_null(strstr(err.text, "column 1503: "));
	assert_non_null(at);
	assert_true(strlen(at) < 260);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_see_their_variables),
		cmocka_unit_test(errors_say_what_and_where),
		cmocka_unit_test(a_result_of_type_dyn_shows_at_run_time),
		cmocka_unit_test(a_program_runs_again_and_again),
		cmocka_unit_test(a_long_line_is_cut_around_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
