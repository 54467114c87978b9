/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of cases.txt, and what must hold for each of them whatever it yields. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "match/cel/checker.h"
#include "match/cel/eval.h"
#include "table.h"

#define ARENA_BYTES (4u << 20)
#define PRINTED_BYTES (1u << 16)
#define ROWS_LEAST 1200

static const char arrow[] = "  =>  ", other[] = "  =|=  ";

struct row {
	unsigned line;
	struct str source; /* unescaped */
	struct str want;
};

struct table {
	char *text;
	size_t len, at;
	unsigned line;
	unsigned rows;
};

static char *arena_memory, *printed;

static struct table table_open(void)
{
	struct table table = { 0 };
	struct error err = { 0 };

	if (file_read_at(AT_FDCWD, CASES, 1u << 20, &table.text, &table.len, &err) < 0)
		fail_msg("%s", err.text);
	return table;
}

static const char *find(const char *from, const char *end, const char *word)
{
	return from ? memmem(from, (size_t)(end - from), word, strlen(word)) : NULL;
}

/* The next row; false at the end, where there must have been many. */
static bool table_next(struct table *table, struct row *ret)
{
	while (table->at < table->len) {
		char *line = table->text + table->at, *end = strchr(line, '\n');
		const char *mark, *stop;

		if (!end)
			fail_msg("the last line has no end");
		table->at += (size_t)(end - line) + 1;
		table->line++;
		if (end == line || *line == '#')
			continue;
		mark = find(line, end, arrow);
		if (!mark)
			fail_msg("line %u: no arrow", table->line);
		stop = find(mark, end, other);
		ret->line = table->line;
		ret->source = (struct str){ line, table_unescape(line, (size_t)(mark - line)) };
		mark += strlen(arrow);
		ret->want = (struct str){ mark, (size_t)((stop ? stop : end) - mark) };
		table->rows++;
		return true;
	}
	if (table->rows < ROWS_LEAST)
		fail_msg("%u rows: some have been lost", table->rows);
	free(table->text);
	return false;
}

/* "value : type", or "!stage 1:2 words" of the refusal, cut to the length of what is wanted. */
static struct buf outcome(struct str source, struct arena *arena, struct str want)
{
	static const char *const stage[] = { "syntax", "check", "eval" };
	struct buf out = buf_over(printed, PRINTED_BYTES);
	struct table_result result;
	struct error err = { 0 };
	unsigned line = 0, column = 0;
	int used = 0;

	table_run(source, ZONES, arena, &result, &err);
	if (result.stage == STAGE_VALUE) {
		cel_value_print(&out, result.value);
		buf_text(&out, " : ");
		cel_type_print(&out, result.type);
		return out;
	}
	if (sscanf(err.text, "line %u, column %u: %n", &line, &column, &used) != 2)
		used = 0;
	buf_printf(&out, "!%s %u:%u %.*s", stage[result.stage], line, column, (int)strcspn(err.text + used, "\n"),
		   err.text + used);
	if (out.len > want.len)
		out.p[out.len = want.len] = '\0';
	return out;
}

static void rows_yield_what_they_say(void **state)
{
	struct table table = table_open();
	unsigned wrong = 0;
	struct row row;

	while (table_next(&table, &row)) {
		struct arena arena = arena_over(arena_memory, ARENA_BYTES);
		struct buf got = outcome(row.source, &arena, row.want);

		if (str_equal((struct str){ got.p, got.len }, row.want))
			continue;
		print_error("cases.txt:%u: %.*s\n  want %.*s\n  got  %s\n", row.line, (int)row.source.len, row.source.p,
			    (int)row.want.len, row.want.p, got.p);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	(void)state;
}

static struct cel_node *parse(struct str source, struct arena *arena)
{
	struct cel_node *node;

	return cel_parse(source, table_variable, TABLE_VARIABLES, arena, &node, NULL) ? NULL : node;
}

/* parse → print → parse gives the same tree, told by its print, and by the same value. */
static void print_and_parse_agree(void **state)
{
	struct table table = table_open();
	struct row row;

	while (table_next(&table, &row)) {
		struct arena arena = arena_over(arena_memory, ARENA_BYTES);
		struct cel_node *node = parse(row.source, &arena);
		char first[4096], second[4096];
		struct buf one = buf_over(first, sizeof first), two = buf_over(second, sizeof second);
		struct table_result before, after;
		struct error err = { 0 };

		if (!node)
			continue;
		cel_node_print(&one, node);
		node = parse((struct str){ first, one.len }, &arena);
		if (!node)
			fail_msg("line %u: printed as %s, which is refused", row.line, first);
		cel_node_print(&two, node);
		if (strcmp(first, second))
			fail_msg("line %u: printed as %s, and that as %s", row.line, first, second);
		table_run(row.source, ZONES, &arena, &before, &err);
		table_run((struct str){ first, one.len }, ZONES, &arena, &after, &err);
		if (before.stage != after.stage || before.code != after.code)
			fail_msg("line %u: printed as %s, which is not the same", row.line, first);
	}
	(void)state;
}

static struct str joined(struct arena *arena, const char *before, struct str source, const char *after)
{
	size_t size = strlen(before) + source.len + strlen(after) + 1;
	struct buf out = buf_over(arena_alloc(arena, size), size);

	buf_text(&out, before);
	buf_str(&out, source);
	buf_text(&out, after);
	return (struct str){ out.p, out.len };
}

/* !(!(e)) is e; (e) == (e's value) is true, as is e in [e's value]; type(e) is what the value is. */
static void values_obey_the_laws(void **state)
{
	struct table table = table_open();
	struct row row;

	while (table_next(&table, &row)) {
		struct arena arena = arena_over(arena_memory, ARENA_BYTES);
		struct buf value = buf_over(printed, PRINTED_BYTES);
		struct table_result result, law;
		struct error err = { 0 };
		struct str source = joined(&arena, "(", row.source, "\n)"); /* a comment may end it */

		table_run(source, ZONES, &arena, &result, &err);
		if (result.stage != STAGE_VALUE)
			continue;
		cel_value_print(&value, result.value);
		if (result.value.kind == CEL_BOOL && result.type->kind == CEL_BOOL) {
			table_run(joined(&arena, "!(!", source, ")"), ZONES, &arena, &law, &err);
			if (law.stage != STAGE_VALUE || law.value.truth != result.value.truth)
				fail_msg("line %u: not of not is something else", row.line);
		}
		source = joined(&arena, "dyn", source, "");
		if (!strstr(value.p, "NaN") && value.len < 3000) {
			char text[4096];

			(void)snprintf(text, sizeof text, " == %s", value.p);
			table_run(joined(&arena, "", source, text), ZONES, &arena, &law, &err);
			if (law.stage != STAGE_VALUE || !law.value.truth)
				fail_msg("line %u: %s is not equal to itself: %s", row.line, value.p, err.text);
		}
		table_run(joined(&arena, "type(", source, ")"), ZONES, &arena, &law, &err);
		if (law.stage != STAGE_VALUE || law.value.kind != CEL_TYPE || law.value.type != result.value.kind)
			fail_msg("line %u: type() is not that of %s", row.line, value.p);
	}
	(void)state;
}

/* Puts the value of each sub-expression without a macro's variable in its place: the whole must stay what it is. */
static void fold(struct cel_program *program, struct cel_node *node, const struct cel_value *value, struct arena *arena,
		 const char *want, unsigned line)
{
	const struct cel_settings settings = { .zone_dir = ZONES };
	struct cel_program part = *program;
	struct cel_value folded, again;
	struct cel_node kept = *node;
	struct buf out = buf_over(printed, PRINTED_BYTES);

	for (uint32_t i = 0; i < node->n; i++)
		if (node->kind != NODE_FOLD || i == 0)
			fold(program, node->child[i], value, arena, want, line);
	part.root = node;
	if (cel_evaluate(&part, value, &settings, arena, &folded, NULL) < 0)
		return;
	node->kind = NODE_LITERAL;
	node->literal = folded;
	if (cel_evaluate(program, value, &settings, arena, &again, NULL) < 0)
		fail_msg("line %u: folding a part makes an error", line);
	cel_value_print(&out, again);
	if (strcmp(out.p, want))
		fail_msg("line %u: %s, with a part folded %s", line, want, out.p);
	*node = kept;
}

static void folding_changes_nothing(void **state)
{
	struct table table = table_open();
	struct row row;

	while (table_next(&table, &row)) {
		struct arena arena = arena_over(arena_memory, ARENA_BYTES);
		const struct cel_settings settings = { .zone_dir = ZONES };
		struct cel_program program = { .source = row.source, .root = parse(row.source, &arena) };
		struct cel_value value[TABLE_VARIABLES], result;
		char want[4096];
		struct buf out = buf_over(want, sizeof want);

		table_values(&arena, value);
		if (!program.root ||
		    cel_check(program.root, row.source, table_variable, TABLE_VARIABLES, NULL, &arena, NULL) < 0 ||
		    cel_evaluate(&program, value, &settings, &arena, &result, NULL) < 0)
			continue;
		cel_value_print(&out, result);
		fold(&program, program.root, value, &arena, want, row.line);
	}
	(void)state;
}

/* With whatever little memory: -ENOMEM, or the answer of a large arena. */
static void memory_may_run_out_anywhere(void **state)
{
	struct table table = table_open();
	struct row row;

	while (table_next(&table, &row)) {
		static char little[1u << 16] __attribute__((aligned(16)));
		struct arena large = arena_over(arena_memory, ARENA_BYTES),
			     values = arena_over(arena_memory, ARENA_BYTES);
		struct table_result want;
		struct cel_value value[TABLE_VARIABLES];
		struct error err = { 0 };
		size_t size = 0;
		int r;

		table_run(row.source, ZONES, &large, &want, &err);
		table_values(&values, value);
		do {
			struct arena arena = arena_over(little, size);
			struct cel_program *program;
			struct cel_value result;

			size += size < 512 ? 16 : size / 16 & ~(size_t)15;
			r = cel_compile(row.source, table_variable, TABLE_VARIABLES, NULL, &arena, &program, &err);
			if (r == 0)
				r = cel_evaluate(program, value, &(struct cel_settings){ .zone_dir = ZONES }, &arena,
						 &result, &err);
			if (r < 0 && !err.text[0])
				fail_msg("line %u: an error without a text", row.line);
			if (r == 0 && result.kind != want.value.kind)
				fail_msg("line %u: another value in %zu bytes", row.line, size);
		} while (r == -ENOMEM && size < sizeof little);
		if (r != want.code)
			fail_msg("line %u: %d in %zu bytes, %d in many: %s", row.line, r, size, want.code, err.text);
	}
	(void)state;
}

static int memory_get(void **state)
{
	arena_memory = malloc(ARENA_BYTES);
	printed = malloc(PRINTED_BYTES);
	(void)state;
	return arena_memory && printed ? 0 : -1;
}

static int memory_put(void **state)
{
	free(arena_memory);
	free(printed);
	(void)state;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_yield_what_they_say),    cmocka_unit_test(print_and_parse_agree),
		cmocka_unit_test(values_obey_the_laws),        cmocka_unit_test(folding_changes_nothing),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, memory_get, memory_put);
}
