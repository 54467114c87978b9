/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of a process: exec id, flags, paths, arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "process/arguments.h"
#include "process/exec_id.h"
#include "process/flags.h"
#include "process/path.h"

static void exec_ids_are_as_published(void **state)
{
	static const struct {
		const char *node;
		uint64_t ktime;
		uint32_t pid;
		const char *want;
	} cases[] = {
		{ "node-a", 18446700012345612, 40123, "bm9kZS1hOjE4NDQ2NzAwMDEyMzQ1NjEyOjQwMTIz" },
		{ "node-a", 1, 0, "bm9kZS1hOjE6MA==" },
		{ "", 0, 7, "OjA6Nw==" },
		{ "n", 12, 34, "bjoxMjozNA==" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[EXEC_ID_MAX];
		struct buf out = buf_over(text, sizeof text);

		exec_id_write(&out, cases[i].node, cases[i].ktime, cases[i].pid);
		assert_string_equal(text, cases[i].want);
	}
	(void)state;
}

static void flags_become_words_in_order(void **state)
{
	static const struct {
		uint32_t flags;
		const char *want;
	} cases[] = {
		{ 0, "" },
		{ PROCESS_EXECVE | PROCESS_CLONE, "execve clone" },
		{ PROCESS_EXECVE | PROCESS_CLONE | PROCESS_ROOT_CWD, "execve rootcwd clone" },
		{ PROCESS_PROCFS | PROCESS_ROOT_CWD | PROCESS_INIT_TREE, "procFS rootcwd inInitTree" },
		{ PROCESS_UNKNOWN, "unknown" },
		{ PROCESS_EXECVE | PROCESS_ARGS_CUT | PROCESS_CWD_ERROR, "execve truncArgs errorCWD" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[256];
		struct buf out = buf_over(text, sizeof text);

		process_flags_write(&out, cases[i].flags);
		assert_string_equal(text, cases[i].want);
	}
	(void)state;
}

static void components_become_a_path(void **state)
{
	static const struct {
		const char *why;
		struct str components;
		const char *want;
	} cases[] = {
		{ "root", STR(""), "/" },
		{ "one", STR("srv\0"), "/srv" },
		{ "two", STR("b\0a\0"), "/a/b" },
		{ "last NUL missing", STR("b\0a"), "/a/b" },
		{ "empty components", STR("\0b\0\0a\0"), "/a/b" },
		{ "NULs only", STR("\0\0\0"), "/" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64];
		struct buf out = buf_over(text, sizeof text);

		path_from_components(&out, cases[i].components);
		if (strcmp(text, cases[i].want))
			fail_msg("%s: got '%s'", cases[i].why, text);
	}
	(void)state;
}

static void paths_are_joined(void **state)
{
	static const struct {
		const char *cwd, *name, *want;
	} cases[] = {
		{ "/srv", "/usr/bin/../bin/x", "/usr/bin/../bin/x" },
		{ "/srv", "x", "/srv/x" },
		{ "/srv", "./a//b/./c", "/srv/a/b/c" },
		{ "/srv/a", "../x", "/srv/x" },
		{ "/srv", "../../../x", "/x" },
		{ "/", "x", "/x" },
		{ "/", "..", "/" },
		{ "", "[kthreadd]", "[kthreadd]" },
		{ "/srv", "", "/srv" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64];
		struct buf out = buf_over(text, sizeof text);

		path_join(&out, cases[i].cwd, cases[i].name);
		if (strcmp(text, cases[i].want))
			fail_msg("%s + %s: got '%s'", cases[i].cwd, cases[i].name, text);
	}
	(void)state;
}

static void arguments_are_joined(void **state)
{
	static const struct {
		const char *why;
		struct str argv;
		const char *want;
	} cases[] = {
		{ "none", STR(""), "" },
		{ "only argv[0]", STR("curl\0"), "" },
		{ "two", STR("curl\0-s\0http://x\0"), "-s http://x" },
		{ "with a space", STR("curl\0a b\0c\0"), "\"a b\" c" },
		{ "empty one inside", STR("x\0\0b\0"), " b" },
		{ "empty ones at the end", STR("x\0b\0\0\0"), "b" },
		{ "last NUL missing", STR("x\0a\0b"), "a b" },
		{ "argv[0] empty", STR("\0a\0"), "a" },
		{ "quotes stay", STR("x\0a\"b c\0"), "\"a\"b c\"" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64];
		struct buf out = buf_over(text, sizeof text);

		arguments_write(&out, cases[i].argv);
		if (strcmp(text, cases[i].want))
			fail_msg("%s: got '%s'", cases[i].why, text);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_ids_are_as_published), cmocka_unit_test(flags_become_words_in_order),
		cmocka_unit_test(components_become_a_path),  cmocka_unit_test(paths_are_joined),
		cmocka_unit_test(arguments_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
