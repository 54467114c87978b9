/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of docs/cel.md yield what their comments say, and the limits that it tells are those of the code. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "match/cel/cel.h"
#include "match/regex.h"

#define LIST_MAX 8

enum { NAMESPACE, POD, CONTAINER, IMAGE, RUNTIME, ANNOTATIONS, KEY, KEYS, VARIABLES };

static const struct cel_variable variable[VARIABLES] = {
	[NAMESPACE] = { "namespace", &cel_type_string },
	[POD] = { "pod", &cel_type_string },
	[CONTAINER] = { "container", &cel_type_string },
	[IMAGE] = { "image", &cel_type_string },
	[RUNTIME] = { "runtime", &cel_type_string },
	[ANNOTATIONS] = { "annotations", &cel_type_map_string_string },
	[KEY] = { "annotations_namespace_key", &cel_type_list_string },
	[KEYS] = { "annotations_namespace_keys", &cel_type_list_string },
};

static char memory[1u << 16] __attribute__((aligned(16)));

/* Binds "name=value, name=value": annotations.KEY=value is an entry, the keys are a list. */
static void bind(struct str given, struct arena *arena, struct cel_value value[VARIABLES])
{
	struct str key[LIST_MAX], text[LIST_MAX], keys[LIST_MAX];
	size_t entries = 0, n = 0;

	for (size_t i = 0; i <= RUNTIME; i++)
		value[i] = cel_string(STR(""));
	while (given.len) {
		ptrdiff_t comma = str_find(given, ','), equal = str_find(given, '=');
		size_t len = comma < 0 ? given.len : (size_t)comma, i = 0;
		struct str name, what;

		if (equal <= 0 || (size_t)equal > len || entries == LIST_MAX || n == LIST_MAX)
			fail_msg("'%.*s': want name=value", (int)given.len, given.p);
		name = (struct str){ given.p, (size_t)equal };
		what = (struct str){ given.p + equal + 1, len - (size_t)equal - 1 };
		given = str_from(given, len + (comma < 0 ? 0 : 2));
		if (str_starts(name, STR("annotations."))) {
			key[entries] = str_from(name, strlen("annotations."));
			text[entries++] = what;
			continue;
		}
		if (str_is(name, "annotations_namespace_keys")) {
			keys[n++] = what;
			continue;
		}
		while (i <= RUNTIME && !str_is(name, variable[i].name))
			i++;
		if (i > RUNTIME)
			fail_msg("no variable '%.*s'", (int)name.len, name.p);
		value[i] = cel_string(what);
	}
	assert_int_equal(cel_map_of_texts(key, text, entries, arena, &value[ANNOTATIONS]), 0);
	assert_int_equal(cel_list_of_texts(keys, n, arena, &value[KEYS]), 0);
	value[KEY] = value[KEYS];
}

/* Runs a block with each of its comments; returns how many there were. */
static unsigned block_run(struct str block)
{
	unsigned rows = 0;

	for (struct str rest = block; rest.len;) {
		ptrdiff_t end = str_find(rest, '\n');
		struct str line = { rest.p, end < 0 ? rest.len : (size_t)end };
		struct arena arena = arena_over(memory, sizeof memory);
		struct cel_value value[VARIABLES], result;
		struct cel_program *program;
		struct error err = { 0 };
		const char *arrow;
		bool want;

		rest = str_from(rest, line.len + 1);
		arrow = memmem(line.p, line.len, "=> ", 3);
		if (!str_starts(line, STR("// ")) || !arrow)
			continue;
		want = str_ends(line, STR("true"));
		bind((struct str){ line.p + 3, arrow > line.p + 4 ? (size_t)(arrow - line.p) - 4 : 0 }, &arena, value);
		if (cel_compile(block, variable, VARIABLES, &cel_type_bool, &arena, &program, &err) < 0 ||
		    cel_evaluate(program, value, NULL, &arena, &result, &err) < 0)
			fail_msg("%.*s\n%s", (int)block.len, block.p, err.text);
		if (result.truth != want)
			fail_msg("%.*s\nyields %s with %.*s", (int)block.len, block.p, result.truth ? "true" : "false",
				 (int)line.len, line.p);
		rows++;
	}
	return rows;
}

static char *doc_read(void)
{
	struct error err = { 0 };
	char *text;
	size_t len;

	if (file_read_at(AT_FDCWD, CEL_DOC, 1u << 20, &text, &len, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

static void examples_yield_what_they_say(void **state)
{
	static const char fence[] = "```cel\n";
	char *doc = doc_read();
	unsigned blocks = 0;

	for (char *at = strstr(doc, fence); at; at = strstr(at, fence), blocks++) {
		char *end = strstr(at += strlen(fence), "```");

		assert_non_null(end);
		if (!block_run((struct str){ at, (size_t)(end - at) }))
			fail_msg("an example says not what it yields: %.60s", at);
	}
	assert_true(blocks >= 10);
	free(doc);
	(void)state;
}

static void limits_are_those_of_the_code(void **state)
{
	static const struct {
		const char *row;
		unsigned limit;
	} limits[] = {
		{ "| source |", CEL_SOURCE_MAX },
		{ "| nesting", CEL_DEPTH_MAX },
		{ "| macros inside each other |", CEL_FOLD_MAX },
		{ "| items of a list", CEL_ITEMS_MAX },
		{ "| a string or bytes value", CEL_TEXT_MAX },
		{ "| evaluation |", CEL_STEPS_DEFAULT },
		{ "| regular expression |", REGEX_PATTERN_MAX },
		{ "| regular expression |", REGEX_DEPTH_MAX },
		{ "| regular expression |", REGEX_REPEAT_MAX },
		{ "| regular expression |", REGEX_PROGRAM_MAX },
	};
	char *doc = doc_read();

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		char *row = strstr(doc, limits[i].row), number[32];
		unsigned n = limits[i].limit;

		if (n >= 1000000)
			(void)snprintf(number, sizeof number, "%u,%03u,%03u", n / 1000000, n / 1000 % 1000, n % 1000);
		else if (n >= 1000)
			(void)snprintf(number, sizeof number, "%u,%03u", n / 1000, n % 1000);
		else
			(void)snprintf(number, sizeof number, " %u", n);
		if (!row || !memmem(row, strcspn(row, "\n"), number, strlen(number)))
			fail_msg("%s: no %s", limits[i].row, number);
	}
	free(doc);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_yield_what_they_say),
		cmocka_unit_test(limits_are_those_of_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
