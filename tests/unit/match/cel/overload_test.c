/* SPDX-License-Identifier: Apache-2.0 */
/* Each operator with each pair of types, against the definition's table; written as values and, behind dyn(), at run
 * time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "table.h"

/* A value of each type, in the order of the letters that the rules below use. */
static const struct {
	char letter;
	const char *value;
} types[] = {
	{ 'n', "null" },         { 'b', "true" },           { 'i', "3" },   { 'u', "2u" },       { 'd', "1.5" },
	{ 's', "'a'" },          { 'y', "b'a'" },           { 'l', "[1]" }, { 'm', "{'a': 1}" }, { 'T', "int" },
	{ 't', "timestamp(9)" }, { 'D', "duration('1s')" },
};

#define TYPES (sizeof types / sizeof *types)
#define ORDERED "bb ii uu dd ss yy tt DD"
#define SAME "nn bb ii uu dd ss yy ll mm TT tt DD nt tn nD Dn" /* null passes for a timestamp or duration */

static const struct {
	const char *op;
	const char *checked; /* pairs that the checker takes */
	const char *run;     /* pairs that the evaluator takes, besides */
} rules[] = {
	{ "+", "ii uu dd ss yy ll DD Dt tD nt tn nD Dn nn", "" },
	{ "-", "ii uu dd DD tD tt nD Dn nt tn nn", "" },
	{ "*", "ii uu dd", "" },
	{ "/", "ii uu dd", "" },
	{ "%", "ii uu", "" },
	{ "<", ORDERED " nt tn nD Dn nn", "iu ui id di ud du" },
	{ "<=", ORDERED " nt tn nD Dn nn", "iu ui id di ud du" },
	{ ">", ORDERED " nt tn nD Dn nn", "iu ui id di ud du" },
	{ ">=", ORDERED " nt tn nD Dn nn", "iu ui id di ud du" },
	{ "==", SAME, "*" },
	{ "!=", SAME, "*" },
	{ "in", "il sm", "*l *m" },
	{ "&&", "bb", "" },
	{ "||", "bb", "" },
};

static bool has(const char *pairs, char a, char b)
{
	for (; *pairs; pairs += pairs[1] && pairs[2] ? 3 : 2) {
		if (pairs[0] == '*' && (!pairs[1] || pairs[1] == b))
			return true;
		if (!pairs[1])
			return false;
		if (pairs[0] == a && pairs[1] == b)
			return true;
	}
	return false;
}

static enum table_stage run(const char *text, struct error *err)
{
	static char memory[1u << 16] __attribute__((aligned(16)));
	struct arena arena = arena_over(memory, sizeof memory);
	struct table_result result;

	table_run(str_of(text), NULL, &arena, &result, err);
	return result.stage;
}

static void operators_take_what_the_table_says(void **state)
{
	for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
		for (size_t a = 0; a < TYPES; a++)
			for (size_t b = 0; b < TYPES; b++) {
				bool want = has(rules[r].checked, types[a].letter, types[b].letter);
				struct error err = { 0 };
				char text[128];
				enum table_stage stage;

				(void)snprintf(text, sizeof text, "%s %s %s", types[a].value, rules[r].op,
					       types[b].value);
				stage = run(text, &err);
				if ((stage == STAGE_CHECK) == want)
					fail_msg("%s: the checker %s it: %s", text, want ? "refuses" : "takes",
						 err.text);
			}
	(void)state;
}

static void dyn_meets_the_same_table_at_run_time(void **state)
{
	for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
		for (size_t a = 0; a < TYPES; a++)
			for (size_t b = 0; b < TYPES; b++) {
				char x = types[a].letter, y = types[b].letter;
				bool null = (x == 'n' || y == 'n') && strcmp(rules[r].op, "==") &&
					    strcmp(rules[r].op, "!=") &&
					    strcmp(rules[r].op, "in"); /* passes the checker, but has no arithmetic */
				bool want = (has(rules[r].checked, x, y) && !null) || has(rules[r].run, x, y);
				struct error err = { 0 };
				char text[128];
				bool refused;

				(void)snprintf(text, sizeof text, "dyn(%s) %s dyn(%s)", types[a].value, rules[r].op,
					       types[b].value);
				/* true || x and false && x need no x */
				if ((rules[r].op[0] == '|' && (x == 'b' || y == 'b')) || rules[r].op[0] == '&')
					want = want || (rules[r].op[0] == '|');
				refused = run(text, &err) == STAGE_EVAL && strstr(err.text, "no overload");
				if (refused == want)
					fail_msg("%s: the evaluator %s it: %s", text, want ? "refuses" : "takes",
						 err.text);
			}
	(void)state;
}

/* A type that the checker takes is one that the evaluator takes: no row above says otherwise, null apart. */
static void what_is_checked_runs(void **state)
{
	for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
		for (size_t a = 0; a < TYPES; a++)
			for (size_t b = 0; b < TYPES; b++) {
				struct error err = { 0 };
				char text[128];

				(void)snprintf(text, sizeof text, "%s %s %s", types[a].value, rules[r].op,
					       types[b].value);
				if (types[a].letter != 'n' && types[b].letter != 'n' && run(text, &err) == STAGE_EVAL &&
				    strstr(err.text, "no overload"))
					fail_msg("%s: %s", text, err.text);
			}
	(void)state;
}

/* Conversions: which of the twelve types each takes, in the order of types[]. */
static void conversions_take_what_the_table_says(void **state)
{
	static const struct {
		const char *name, *takes;
	} row[] = {
		{ "bool", "bs" },     { "bytes", "sy" },         { "double", "idsu" },       { "duration", "sDn" },
		{ "int", "iudstDn" }, { "string", "biudsytDn" }, { "timestamp", "istn" },    { "uint", "iuds" },
		{ "size", "sylm" },   { "dyn", "nbiudsylmTtD" }, { "type", "nbiudsylmTtD" },
	};

	for (size_t r = 0; r < sizeof row / sizeof *row; r++)
		for (size_t a = 0; a < TYPES; a++) {
			bool want = strchr(row[r].takes, types[a].letter);
			struct error err = { 0 };
			char text[64];

			(void)snprintf(text, sizeof text, "%s(%s)", row[r].name, types[a].value);
			if ((run(text, &err) == STAGE_CHECK) == want)
				fail_msg("%s: the checker %s it: %s", text, want ? "refuses" : "takes", err.text);
		}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_take_what_the_table_says),
		cmocka_unit_test(dyn_meets_the_same_table_at_run_time),
		cmocka_unit_test(what_is_checked_runs),
		cmocka_unit_test(conversions_take_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
