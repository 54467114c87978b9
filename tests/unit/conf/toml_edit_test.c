/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "conf/toml_edit.h"

enum op { SET, TABLE, PREPEND, REMOVE, APPEND, INSERT };

/* `path`: keys parted by '/'; of REMOVE and APPEND the array, of TABLE the table, else the key. */
static int edit_run(const char *text, enum op op, const char *path, const char *value, char **ret_text,
		    struct error *err)
{
	auto_toml struct toml *doc = NULL;
	struct toml_edit edit;
	const char *keys[8] = { 0 };
	char copy[128];
	size_t n = 0, len;
	int result = toml_parse(str_of(text), &doc, err);
	const struct toml_node *node;
	const char *key = "";

	assert_int_equal(result, 0);
	edit = toml_edit_of(doc);
	(void)snprintf(copy, sizeof copy, "%s", path);
	for (char *word = strtok(copy, "/"); word; word = strtok(NULL, "/"))
		keys[n++] = word;
	if (op == SET || op == INSERT || op == PREPEND) {
		key = keys[n - 1];
		keys[n - 1] = NULL;
	}
	node = toml_find(doc, keys);
	if (op == SET) {
		result = toml_edit_set(&edit, node, str_of(key), value, err);
	} else if (op == INSERT) {
		result = toml_edit_insert(&edit, node, node->first, str_of(key), value, err);
	} else if (op == PREPEND) {
		result = toml_edit_prepend(&edit, str_of(key), value, err);
	} else if (op == TABLE) {
		result = toml_edit_table(&edit, keys, (const struct toml_pair[]){ { "k", value }, { "l.l", "2" } }, 2,
					 err);
	} else if (op == APPEND) {
		result = toml_edit_array_append(&edit, node, (const char *const[]){ value, "'z'" }, 2, err);
	} else {
		bool drop[16] = { 0 };

		for (; *value; value++)
			drop[*value - '0'] = true;
		result = toml_edit_array_remove(&edit, node, drop, err);
	}
	if (!result)
		result = toml_edit_apply(&edit, ret_text, &len, err);
	toml_edit_done(&edit);
	return result;
}

static void edits_follow_the_table(void **state)
{
	static const struct {
		const char *why, *text;
		enum op op;
		const char *path, *value, *want; /* NULL: refused */
	} cases[] = {
		{ "a value in place", "a = 1 # one\nb=2", SET, "a", "3", "a = 3 # one\nb=2" },
		{ "a value in an inline table", "t = { a = 1, b = 2 }", SET, "t/a", "3", "t = { a = 3, b = 2 }" },
		{ "a quoted key", "'t'.\"\\u0061\" = 1", SET, "t/a", "3", "'t'.\"\\u0061\" = 3" },
		{ "a table is no value", "[t.a]\n", SET, "t/a", "3", NULL },
		{ "a new key of the root", "a = 1\n[t]\n", SET, "b", "2", "a = 1\nb = 2\n[t]\n" },
		{ "of a root without keys", "# c\n[t]\n", SET, "b", "2", "b = 2\n# c\n[t]\n" },
		{ "of an empty document", "", SET, "b", "2", "b = 2\n" },
		{ "behind a byte order mark", "\xef\xbb\xbf[t]", SET, "b", "2",
		  "\xef\xbb\xbf"
		  "b = 2\n[t]" },
		{ "in a section", "[t]\n\ta = 1\r\n\r\n[u]\r\n", SET, "t/b", "2",
		  "[t]\n\ta = 1\r\n\tb = 2\r\n\r\n[u]\r\n" },
		{ "CRLF at the end alone", "[t]\na = 1\r\n", SET, "t/b", "2", "[t]\na = 1\r\nb = 2\r\n" },
		{ "LF at the end alone", "[t]\r\na = 1\n", SET, "t/b", "2", "[t]\r\na = 1\nb = 2\n" },
		{ "CRLF", "[t]\r\na = 1\r\n", SET, "t/b", "2", "[t]\r\na = 1\r\nb = 2\r\n" },
		{ "no final line end", "[t]\na = 1", SET, "t/b", "2", "[t]\na = 1\nb = 2" },
		{ "below a value of several lines", "[t]\na = [\n 1,\n]\n", SET, "t/b", "2",
		  "[t]\na = [\n 1,\n]\nb = 2\n" },
		{ "in a section without keys", "[s]\n   x = 1\n [t]\n[u]\n", SET, "t/b", "2",
		  "[s]\n   x = 1\n [t]\n    b = 2\n[u]\n" },
		{ "not below the sub-table's keys", "[t]\na = 1\n[t.u]\nc = 1\n", SET, "t/b", "2",
		  "[t]\na = 1\nb = 2\n[t.u]\nc = 1\n" },
		{ "an implied table", "[ t.u ]\n  c = 1\n[v]\n", SET, "t/b", "2",
		  "[ t.u ]\n  c = 1\n[t]\n  b = 2\n[v]\n" },
		{ "beside dotted keys", "[s]\nt . \"u\".a = 1\nz = 1\n", SET, "s/t/u/b", "2",
		  "[s]\nt . \"u\".a = 1\nt.\"u\".b = 2\nz = 1\n" },
		{ "in an inline table", "t = {a = 1} # c", SET, "t/b c", "2", "t = {a = 1, \"b c\" = 2} # c" },
		{ "in an empty one", "t = {  }", SET, "t/b", "2", "t = { b = 2 }" },
		{ "dotted in an inline table", "t = {u.a = 1, c = 3}", SET, "t/u/b", "2",
		  "t = {u.a = 1, c = 3, u.b = 2}" },
		{ "behind a certain key", "[t]\n  a = 1 # x\n  c = 3\n", INSERT, "t/b", "2",
		  "[t]\n  a = 1 # x\n  b = 2\n  c = 3\n" },
		{ "in an array of tables", "[[t]]\na = 1", SET, "t/a", "2", NULL },
		{ "a value that is none", "a = 1", SET, "a", "x", NULL },
		{ "a value that brings more", "a = 1", SET, "a", "1\nb = 2", NULL },
		{ "first line", "a = 1", PREPEND, "v", "2", "v = 2\na = 1" },
		{ "first line of nothing", "", PREPEND, "v", "2", "v = 2\n" },
		{ "first line, CRLF", "# c\r\n", PREPEND, "v", "2", "v = 2\r\n# c\r\n" },

		{ "table in an empty document", "", TABLE, "t/u.u", "1",
		  "[t]\n  [t.\"u.u\"]\n    k = 1\n    \"l.l\" = 2\n" },
		{ "table at the end", "a = 1", TABLE, "t", "1", "a = 1\n[t]\n  k = 1\n  \"l.l\" = 2" },
		{ "beside its like", "[t]\n  [t.a]\n    x = 1\n\n[u]\n", TABLE, "t/b", "1",
		  "[t]\n  [t.a]\n    x = 1\n  [t.b]\n    k = 1\n    \"l.l\" = 2\n\n[u]\n" },
		{ "below sub-tables", "[t.a]\n x = 1\n [t.a.c]\n  y = 1\n[u]", TABLE, "t/b", "1",
		  "[t.a]\n x = 1\n [t.a.c]\n  y = 1\n[t.b]\n k = 1\n \"l.l\" = 2\n[u]" },
		{ "a line's own end, of a table", "v = 2\n[t.a]\r\nx = 1\r\n", TABLE, "t/b", "1",
		  "v = 2\n[t.a]\r\nx = 1\r\n[t.b]\r\nk = 1\r\n\"l.l\" = 2\r\n" },
		{ "tabs", "[t]\n\t[t.a]\n\t\tx = 1\n", TABLE, "t/b", "1",
		  "[t]\n\t[t.a]\n\t\tx = 1\n\t[t.b]\n\t\tk = 1\n\t\t\"l.l\" = 2\n" },
		{ "below a header without keys", "[t]\n[u]\n", TABLE, "t/b", "1",
		  "[t]\n  [t.b]\n    k = 1\n    \"l.l\" = 2\n[u]\n" },
		{ "comments that belong to what is above", "[t.a]\nx = 1\n# y = 2\n\n# of u\n[u]\n", TABLE, "t/b", "1",
		  "[t.a]\nx = 1\n# y = 2\n[t.b]\nk = 1\n\"l.l\" = 2\n\n# of u\n[u]\n" },
		{ "comments that belong to what is below", "[t.a]\nx = 1\n# of u\n[u]\n", TABLE, "t/b", "1",
		  "[t.a]\nx = 1\n[t.b]\nk = 1\n\"l.l\" = 2\n# of u\n[u]\n" },
		{ "in an inline table", "t = { a = {} }", TABLE, "t/b", "1",
		  "t = { a = {}, b = { k = 1, \"l.l\" = 2 } }" },
		{ "beside dotted keys", "  t.a.x = 1\n[u]", TABLE, "t/b", "1",
		  "  t.a.x = 1\n  t.b.k = 1\n  t.b.\"l.l\" = 2\n[u]" },
		{ "dotted keys, and a header below them", "t.x = 1\ny = 2\n[t.a]\n  z = 1\n", TABLE, "t/b", "1",
		  "t.x = 1\nt.b.k = 1\nt.b.\"l.l\" = 2\ny = 2\n[t.a]\n  z = 1\n" },
		{ "a key beside dotted ones, and a header below them", "t.x = 1\n[t.a]\n  z = 1\n", SET, "t/b", "2",
		  "t.x = 1\nt.b = 2\n[t.a]\n  z = 1\n" },
		{ "where a value is", "t = 1", TABLE, "t/b", "1", NULL },

		{ "the only element", "a = [1]", REMOVE, "a", "0", "a = []" },
		{ "the first", "a = [1, 2, 3]", REMOVE, "a", "0", "a = [2, 3]" },
		{ "one between", "a = [1, 2, 3]", REMOVE, "a", "1", "a = [1, 3]" },
		{ "the last", "a = [ 1, 2, 3 ]", REMOVE, "a", "2", "a = [ 1, 2 ]" },
		{ "the last two", "a = [1, 2, 3]", REMOVE, "a", "12", "a = [1]" },
		{ "with a comma at the end", "a = [1, 2,]", REMOVE, "a", "1", "a = [1,]" },
		{ "all", "a = [1, 2, 3]", REMOVE, "a", "012", "a = []" },
		{ "a line", "a = [\n  1,\n  2, # two\n  3\n]", REMOVE, "a", "0", "a = [\n  2, # two\n  3\n]" },
		{ "a line with a comment", "a = [\n  1,\n  2, # two\n  3\n]", REMOVE, "a", "1",
		  "a = [\n  1,\n  # two\n  3\n]" },
		{ "the last line", "a = [\r\n  1,\r\n  2\r\n]", REMOVE, "a", "1", "a = [\r\n  1\r\n]" },
		{ "comma on the next line", "a = [ 1 # x\n, 2 # y\n, 3 ]", REMOVE, "a", "1",
		  "a = [ 1 # x\n, # y\n3 ]" },

		{ "to an empty array", "a = [ ]", APPEND, "a", "1", "a = [1, 'z' ]" },
		{ "on the line", "a = [1]", APPEND, "a", "2", "a = [1, 2, 'z']" },
		{ "on the line, comma at the end", "a = [ 1, ]", APPEND, "a", "2", "a = [ 1, 2, 'z', ]" },
		{ "lines", "a = [\n\t1,\n\t1,\n]", APPEND, "a", "2", "a = [\n\t1,\n\t1,\n\t2,\n\t'z',\n]" },
		{ "lines, no comma at the end", "a = [\n  1,\n  1 # one\n]", APPEND, "a", "2",
		  "a = [\n  1,\n  1, # one\n  2,\n  'z'\n]" },
		{ "lines, bracket behind", "a = [\n  1,\n  1 ]", APPEND, "a", "2", "a = [\n  1,\n  1,\n  2,\n  'z' ]" },
		{ "a line's own end", "x = 1\na = [\r\n  1,\r\n]\n", APPEND, "a", "2",
		  "x = 1\na = [\r\n  1,\r\n  2,\r\n  'z',\r\n]\n" },
		{ "CRLF", "a = [\r\n  1, # x\r\n]\r\n", APPEND, "a", "2",
		  "a = [\r\n  1, # x\r\n  2,\r\n  'z',\r\n]\r\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_free char *text = NULL;
		struct error err = { 0 };
		int result = edit_run(cases[i].text, cases[i].op, cases[i].path, cases[i].value, &text, &err);

		if (!cases[i].want ? result >= 0 : result < 0 || !text || strcmp(text, cases[i].want) != 0)
			fail_msg("%s: %d %s\n%s", cases[i].why, result, err.text, text ? text : "");
	}
	(void)state;
}

/* The second needs the comma that the first, alone in its table, did not. */
static void several_keys_for_an_empty_inline_table(void **state)
{
	static const char want[] = "t = { a = 1, b = 2, c = 3 } # x\n";
	static const char *const keys[] = { "a", "b", "c" }, *const values[] = { "1", "2", "3" };
	struct error err = { 0 };
	struct toml *doc = NULL;
	char *text = NULL;
	size_t len = 0;

	assert_int_equal(toml_parse(STR("t = {} # x\n"), &doc, &err), 0);
	struct toml_edit edit = toml_edit_of(doc);

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			toml_edit_set(&edit, toml_get(doc, doc->root, STR("t")), str_of(keys[i]), values[i], &err), 0);
	if (toml_edit_apply(&edit, &text, &len, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(text, want);
	free(text);
	toml_edit_done(&edit);
	toml_free(doc);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(edits_follow_the_table),
					    cmocka_unit_test(several_keys_for_an_empty_inline_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
