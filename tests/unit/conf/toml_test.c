/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals with their places, limits, and time; that good documents are read right is the toml-test suite's part
 * (tests/peer). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "conf/toml.h"

static void refusals_name_their_place(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} cases[] = {
		{ "no value", "a = ", "line 1, column 5: a value is missing" },
		{ "no equals sign", "a\n", "line 1, column 2: a key is followed by =" },
		{ "two values", "a = 1 2", "line 1, column 7: only a comment may follow" },
		{ "key twice", "[t]\nx = 1\n  x = 2\n", "line 3, column 3: t.x: is defined twice (line 2)" },
		{ "table twice", "[t]\n[u]\n[ t ]\n", "line 3, column 3: t: is defined twice (line 1)" },
		{ "into a value", "a = 1\n[a.b]\n", "line 2, column 2: a: is a value" },
		{ "dotted key into a header's table", "[a.b]\n[a]\nb.c = 1\n",
		  "line 3, column 1: a.b: is defined already" },
		{ "inline table is closed", "a = {}\na.b = 1\n", "line 2, column 1: a: is defined already" },
		{ "string without an end", "a = 1\nb = \"x\n",
		  "line 2, column 5: the string does not end on its line" },
		{ "multi-line string without an end", "b = '''x\n''\n", "line 1, column 5: the string has no end" },
		{ "array without an end", "\n\nb = [1,\n2,\n", "line 3, column 5: the array has no end" },
		{ "columns are characters", "\"\xc3\xa4\xc3\xb6\" = \xc3\xbc", "line 1, column 8: not a value" },
		{ "not UTF-8", "a = 1\nb = \"\xff\"", "line 2, column 6: the file is not UTF-8" },
		{ "NUL", NULL, "line 1, column 7: only a comment may follow" },
		{ "carriage return alone", "a = 1\rb = 2", "line 1, column 6: a carriage return" },
		{ "behind a byte order mark",
		  "\xef\xbb\xbf"
		  "a = x",
		  "line 1, column 5: not a value" },
		{ "escape", "a = \"\\x\"", "line 1, column 6: unknown escape" },
		{ "too large", "a = 9223372036854775808", "line 1, column 5: the integer is beyond 64 bits" },
		{ "no such day", "a = 2023-02-29", "line 1, column 5: not a date" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str text = cases[i].text ? str_of(cases[i].text) : STR("a = 1 \0");
		struct toml *doc = NULL;
		struct error err = { 0 };
		int result = toml_parse(text, &doc, &err);

		toml_free(doc);
		if (result != -EINVAL || !str_starts(str_of(err.text), str_of(cases[i].want)))
			fail_msg("%s: %d, '%s'", cases[i].why, result, err.text);
		assert_int_equal(toml_parse(text, &doc, NULL), -EINVAL);
	}
	(void)state;
}

static void limits_are_errors(void **state)
{
	static char text[3 * TOML_NODES_MAX];
	struct toml *doc;
	struct error err = { 0 };

	for (size_t i = 0; i < 4; i++)
		text[i] = "a = "[i];
	memset(text + 4, '[', 100000);
	assert_int_equal(toml_parse((struct str){ text, 100004 }, &doc, &err), -E2BIG);
	assert_non_null(strstr(err.text, "nested more than 96 deep"));
	for (size_t i = 0; i + 1 < sizeof text - 5; i += 2)
		text[5 + i] = '1', text[6 + i] = ',';
	assert_int_equal(toml_parse((struct str){ text, sizeof text }, &doc, &err), -E2BIG);
	assert_non_null(strstr(err.text, "keys and values"));
	assert_int_equal(toml_parse((struct str){ text, TOML_BYTES_MAX + 1 }, &doc, &err), -E2BIG);
	(void)state;
}

static void nodes_know_their_bytes(void **state)
{
	static const char *const text = "a.'b c' = \"x\\u0041\" # c\n[ t . u ]\nv=[1,\n 2]\n[[w]]\n";
	static const char *const path[] = { "a", "b c", NULL }, *const list[] = { "t", "u", "v", NULL };
	const struct toml_node *node;
	struct toml *doc = NULL;
	char room[64];
	struct buf out = buf_over(room, sizeof room);
	struct str value;

	assert_int_equal(toml_parse(str_of(text), &doc, NULL), 0);
	node = toml_find(doc, path);
	assert_non_null(node);
	assert_true(str_is(node->text, "\"x\\u0041\"") && str_is(node->name, "'b c'") &&
		    node->parent->origin == TOML_DOTTED);
	assert_true(str_is(node->statement->text, "a.'b c' = \"x\\u0041\"") && str_is(node->statement->key, "a.'b c'"));
	toml_string(node, room, &value);
	assert_true(str_is(value, "xA") && toml_is_string(node, STR("xA")) && !toml_is_string(node, STR("xB")));
	node = toml_find(doc, list);
	assert_true(node->children == 2 && str_is(node->text, "[1,\n 2]") && toml_integer(node->last) == 2);
	assert_true(str_is(node->statement->table->statement->text, "[ t . u ]") &&
		    node->parent->origin == TOML_HEADER);
	assert_int_equal(node->parent->parent->origin, TOML_IMPLIED);
	toml_path(node->last, &out);
	assert_string_equal(room, "t.u.v[1]");
	assert_int_equal(doc->last->kind, TOML_ARRAY_HEADER);
	assert_null(doc->last->next);
	toml_free(doc);
	(void)state;
}

static void equal_is_what_means_the_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "a = 16", "a = 0x1_0", true },
		{ "a = 'x'", "a = \"\\u0078\"", true },
		{ "a = 1", "a = 1.0", false },
		{ "a = 1e1", "a = 10.0", true },
		{ "a = nan", "a = -nan", true },
		{ "a.b = 1\na.c = 2", "[a]\nc = 2\nb = 1", true },
		{ "a = [1, 2]", "a = [2, 1]", false },
		{ "a = {b = 1}", "[a]\nb = 1", true },
		{ "a = [{b = 1}]", "[[a]]\nb = 1", true },
		{ "a = 1979-05-27", "a = 1979-05-28", false },
		{ "a = 1", "a = 1\nb = 1", false },
		{ "a = \"\"\"\nx\r\ny\"\"\"", "a = \"x\\ny\"", true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct toml *a = NULL, *b = NULL;

		assert_int_equal(toml_parse(str_of(cases[i].a), &a, NULL), 0);
		assert_int_equal(toml_parse(str_of(cases[i].b), &b, NULL), 0);
		if (toml_equal(a, a->root, b, b->root) != cases[i].equal)
			fail_msg("%s / %s", cases[i].a, cases[i].b);
		toml_free(a);
		toml_free(b);
	}
	(void)state;
}

/* A document of about `size` bytes as a large configuration looks. */
static size_t document_write(char *text, size_t size)
{
	struct buf out = buf_over(text, size);

	for (unsigned i = 0; out.len + 200 < size; i++)
		buf_printf(&out,
			   "[plugins.\"io.example.v1.p%u\"]\n  # comment\n  path = \"/var/lib/p%u\"\n  n = %u\n  list "
			   "= [\"a\", 'b']\n",
			   i, i, i);
	return out.len;
}

static int64_t parse_ns(size_t size)
{
	auto_free char *text = malloc(size);
	int64_t best = INT64_MAX;
	size_t len;

	assert_non_null(text);
	len = document_write(text, size);
	for (int i = 0; i < 3; i++) {
		int64_t begin = clock_now_ns(CLOCK_THREAD_CPUTIME_ID), took;
		struct toml *doc = NULL;

		assert_int_equal(toml_parse((struct str){ text, len }, &doc, NULL), 0);
		toml_free(doc);
		took = clock_now_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
		best = took < best ? took : best;
	}
	return best;
}

static void time_grows_with_the_size(void **state)
{
	int64_t small = parse_ns(1u << 20), large = parse_ns(8u << 20);

	print_message("1 MiB: %.1f ms, 8 MiB: %.1f ms of CPU\n", (double)small / NS_PER_MS, (double)large / NS_PER_MS);
	/* Generous: sanitizers, and a machine that is busy. Quadratic would be 64 times. */
	assert_true(large < small * 40);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_name_their_place), cmocka_unit_test(limits_are_errors),
		cmocka_unit_test(nodes_know_their_bytes),    cmocka_unit_test(equal_is_what_means_the_same),
		cmocka_unit_test(time_grows_with_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
