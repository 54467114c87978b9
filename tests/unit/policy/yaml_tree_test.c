/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "policy/yaml_tree.h"

static const struct yaml_limits limits = { 1024, 100, 8 };

static const struct {
	const char *text;
	enum yaml_kind kind;
} kinds[] = {
	{ "", YAML_NULL },          { "~", YAML_NULL },         { "null", YAML_NULL },     { "NULL", YAML_NULL },
	{ "nULL", YAML_TEXT },      { "true", YAML_BOOL },      { "Off", YAML_BOOL },      { "y", YAML_BOOL },
	{ "N", YAML_BOOL },         { "yEs", YAML_TEXT },       { "0", YAML_INT },         { "-0", YAML_INT },
	{ "7", YAML_INT },          { "-12", YAML_INT },        { "+12", YAML_INT_OTHER }, { "012", YAML_INT_OTHER },
	{ "1_0", YAML_INT_OTHER },  { "0x1F", YAML_INT_OTHER }, { "0x", YAML_TEXT },       { "0xg", YAML_TEXT },
	{ "0o17", YAML_INT_OTHER }, { "0o8", YAML_TEXT },       { "0b1", YAML_INT_OTHER }, { "-0x1", YAML_INT_OTHER },
	{ "1.5", YAML_FLOAT },      { ".5", YAML_FLOAT },       { "-1.", YAML_FLOAT },     { "1e3", YAML_FLOAT },
	{ "1e", YAML_TEXT },        { "e1", YAML_TEXT },        { ".inf", YAML_FLOAT },    { "-.INF", YAML_FLOAT },
	{ ".nan", YAML_FLOAT },     { ".", YAML_TEXT },         { "..", YAML_TEXT },       { "1.2.3", YAML_TEXT },
	{ "-", YAML_TEXT },         { "_", YAML_TEXT },         { "1:30", YAML_TEXT },     { "2026-01-02", YAML_TEXT },
	{ "abc", YAML_TEXT },       { "<<", YAML_TEXT },        { "1a", YAML_TEXT },
};

static void plain_scalars_read_as_the_table_says(void **state)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (yaml_kind_of_plain(str_of(kinds[i].text)) != kinds[i].kind)
			fail_msg("'%s' reads as %d", kinds[i].text, yaml_kind_of_plain(str_of(kinds[i].text)));
	(void)state;
}

static struct yaml_tree parsed(const char *yaml)
{
	struct yaml_tree tree;
	struct error err = { 0 };

	if (yaml_tree_parse(yaml, strlen(yaml), &limits, &tree, &err) < 0)
		fail_msg("%s", err.text);
	return tree;
}

static void nodes_know_their_place(void **state)
{
	struct yaml_tree tree = parsed("a: 1\nlist:\n  - x\n  - {deep: 'yes'}\n\"t\\x01\": |\n  block\n");
	const struct yaml_node *root = tree.node, *a = yaml_get(&tree, root, "a"),
			       *list = yaml_get(&tree, root, "list");
	const struct yaml_node *map = yaml_next(&tree, yaml_first(&tree, list)), *deep = yaml_get(&tree, map, "deep");
	const struct yaml_node *block = yaml_get(&tree, root, "t\001");

	assert_int_equal(root->type, YAML_MAP);
	assert_int_equal(root->children, 3);
	assert_int_equal(a->kind, YAML_INT);
	assert_int_equal(a->line, 1);
	assert_int_equal(a->column, 4);
	assert_int_equal(a->key_line, 1);
	assert_int_equal(a->key_column, 1);
	assert_int_equal(list->type, YAML_LIST);
	assert_int_equal(list->children, 2);
	assert_int_equal(map->line, 4);
	assert_int_equal(map->column, 5);
	assert_null(yaml_next(&tree, map));
	assert_int_equal(deep->kind, YAML_TEXT); /* quoted: no boolean */
	assert_string_equal(deep->text.p, "yes");
	assert_string_equal(block->text.p, "block\n");
	assert_null(yaml_get(&tree, root, "b"));
	assert_null(yaml_get(&tree, list, "a"));
	assert_null(yaml_first(&tree, a));
	yaml_tree_done(&tree);
	yaml_tree_done(&tree);
	(void)state;
}

static void tags_of_scalars_count(void **state)
{
	struct yaml_tree tree =
		parsed("[!!str 1, !!int 1, ! 1, !!bool yes, !!null ~, !!float 1.5, !!int 0x1, !!str '']");
	static const enum yaml_kind want[] = {
		YAML_TEXT, YAML_INT, YAML_TEXT, YAML_BOOL, YAML_NULL, YAML_FLOAT, YAML_INT_OTHER, YAML_TEXT,
	};
	size_t i = 0;

	for (const struct yaml_node *node = yaml_first(&tree, tree.node); node; node = yaml_next(&tree, node))
		assert_int_equal(node->kind, want[i++]);
	assert_int_equal(i, sizeof want / sizeof *want);
	yaml_tree_done(&tree);
	(void)state;
}

static void booleans_have_values(void **state)
{
	struct yaml_tree tree = parsed("[true, no, 'ON', On, n, Y]");
	static const bool want[] = { true, false, false, true, false, true };
	size_t i = 0;

	for (const struct yaml_node *node = yaml_first(&tree, tree.node); node; node = yaml_next(&tree, node))
		assert_int_equal(node->kind == YAML_BOOL && yaml_bool(node), want[i++]);
	yaml_tree_done(&tree);
	(void)state;
}

static void limits_are_the_callers(void **state)
{
	static const struct {
		const char *why, *yaml;
		struct yaml_limits limits;
		int code;
	} cases[] = {
		{ "bytes", "abcd", { 4, 10, 4 }, 0 },
		{ "a byte over", "abcde", { 4, 10, 4 }, -E2BIG },
		{ "nodes: list and items", "[a, b]", { 99, 3, 4 }, 0 },
		{ "a node over", "[a, b]", { 99, 2, 4 }, -E2BIG },
		{ "keys count", "a: b", { 99, 3, 4 }, 0 },
		{ "a key over", "a: b", { 99, 2, 4 }, -E2BIG },
		{ "depth", "[[[[]]]]", { 99, 10, 4 }, 0 },
		{ "a level over", "[[[[[]]]]]", { 99, 10, 4 }, -E2BIG },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct yaml_tree tree;
		struct error err = { 0 };
		int r = yaml_tree_parse(cases[i].yaml, strlen(cases[i].yaml), &cases[i].limits, &tree, &err);

		if (r != cases[i].code || (r < 0 && (tree.node || tree.pool)))
			fail_msg("%s: %d, '%s'", cases[i].why, r, err.text);
		yaml_tree_done(&tree);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars_read_as_the_table_says),
		cmocka_unit_test(nodes_know_their_place),
		cmocka_unit_test(tags_of_scalars_count),
		cmocka_unit_test(booleans_have_values),
		cmocka_unit_test(limits_are_the_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
