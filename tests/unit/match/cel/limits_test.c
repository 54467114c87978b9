/* SPDX-License-Identifier: Apache-2.0 */
/* Each limit has its error, one less is fine, and nothing below the limits takes long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "match/cel/cel.h"

#define ARENA_BYTES (64u << 20)
#define SECONDS_MAX 10 /* under sanitizers on a busy machine; a few 10 ms otherwise */

static char *arena_memory, *source;

static int run(struct str text, uint64_t steps, struct cel_value *ret, struct error *err)
{
	struct arena arena = arena_over(arena_memory, ARENA_BYTES);
	struct cel_program *program;
	struct timespec begin, end;
	int r;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	r = cel_compile(text, NULL, 0, NULL, &arena, &program, err);
	if (r == 0)
		r = cel_evaluate(program, NULL, &(struct cel_settings){ .steps = steps }, &arena, ret, err);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	if (end.tv_sec - begin.tv_sec > SECONDS_MAX)
		fail_msg("%.60s takes %lld s", text.p, (long long)(end.tv_sec - begin.tv_sec));
	return r;
}

/* head, n times part, middle, n times tail. */
static struct str nested(const char *head, const char *part, size_t n, const char *middle, const char *tail)
{
	struct buf out = buf_over(source, CEL_SOURCE_MAX * 2);

	buf_text(&out, head);
	for (size_t i = 0; i < n; i++)
		buf_text(&out, part);
	buf_text(&out, middle);
	for (size_t i = 0; i < n; i++)
		buf_text(&out, tail);
	return (struct str){ source, out.len };
}

static void limits_are_named(void **state)
{
	static const struct {
		const char *why, *head, *part, *middle, *tail;
		size_t fits, too_many;
		int code;
		const char *text;
	} row[] = {
		{ "source", "1", " ", "", "", CEL_SOURCE_MAX - 1, CEL_SOURCE_MAX, -E2BIG,
		  "the expression has 65537 bytes: at most 65536" },
		{ "parentheses", "", "(", "1", ")", CEL_DEPTH_MAX - 1, CEL_DEPTH_MAX, -E2BIG,
		  "nests too deeply: at most 250" },
		{ "lists", "", "[", "", "]", CEL_DEPTH_MAX, CEL_DEPTH_MAX + 1, -E2BIG,
		  "nests too deeply: at most 250" },
		{ "sum", "1", "+1", "", "", CEL_DEPTH_MAX - 1, CEL_DEPTH_MAX, -E2BIG, "nests too deeply: at most 250" },
		{ "conditions", "", "true?1:", "1", "", CEL_DEPTH_MAX - 1, CEL_DEPTH_MAX, -E2BIG,
		  "nests too deeply: at most 250" },
		{ "or", "true", "||true", "", "", CEL_SOURCE_MAX / 6 - 1, 0, 0, NULL },
		{ "minus", "", "-", "1", "", CEL_SOURCE_MAX - 2, 0, 0, NULL },
		{ "macros", "", "[1].map(x,", "1", ")", CEL_FOLD_MAX, CEL_FOLD_MAX + 1, -E2BIG,
		  "macros inside each other: at most 16" },
		{ "items", "[1", ",1", "]", "", CEL_ITEMS_MAX - 1, CEL_ITEMS_MAX, -E2BIG,
		  "too many items, entries or operands: at most 16384" },
		{ "sum of lists", "[1].map(x, [1", ",1", "]).map(x, x + x + x)", "", 5000, 6000, -E2BIG,
		  "the list becomes too long: at most 16384" },
		{ "text", "['", "a", "'].map(x, [x + x + x + x])", "", 60000, 0, 0, NULL },
		{ "longer text", "['", "a", "'].map(x, x + x).map(x, x + x + x)", "", 43000, 44000, -E2BIG,
		  "the text becomes too long (bytes): at most 262144" },
		{ "types that double", "[1]", ".map(x,[x,[x]][0])", "", "", 200, 0, 0, NULL },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct error err = { 0 };
		struct cel_value value;
		int r = run(nested(row[i].head, row[i].part, row[i].fits, row[i].middle, row[i].tail), 0, &value, &err);

		if (r)
			fail_msg("%s, %zu times: %s", row[i].why, row[i].fits, err.text);
		if (!row[i].too_many)
			continue;
		r = run(nested(row[i].head, row[i].part, row[i].too_many, row[i].middle, row[i].tail), 0, &value, &err);
		if (r != row[i].code || !strstr(err.text, row[i].text))
			fail_msg("%s, %zu times: %d %s", row[i].why, row[i].too_many, r, err.text);
	}
	(void)state;
}

/* Expressions that are small and want much: each is stopped by some limit, in time. */
static void nothing_stalls(void **state)
{
	static const struct {
		const char *why, *head, *part;
		size_t n;
		int code;
		const char *text;
	} row[] = {
		{ "a map's type doubles with each macro", "[1]", ".map(x,{'a':x}).map(x,[[x],[[1]]][0])", 100, 0,
		  NULL },
		{ "a value doubles with each macro, and is compared", "[[1]].map(a,", "", 0, -EINVAL, NULL },
		{ "a value of 2^40 parts is compared with itself",
		  "[[1]]"
		  ".map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,["
		  "x,x])"
		  ".map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,["
		  "x,x])"
		  ".map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,["
		  "x,x])"
		  ".map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,[x,x]).map(x,["
		  "x,x])"
		  ".all(y, y == y)",
		  "", 0, -ETIME, "too many steps" },
		{ "loops in loops",
		  "[1,2,3,4,5,6,7,8,9].all(a,[1,2,3,4,5,6,7,8,9].all(b,[1,2,3,4,5,6,7,8,9].all(c,[1,2,3,4,5,6,7,8,9]"
		  ".all(d,[1,2,3,4,5,6,7,8,9].all(e,[1,2,3,4,5,6,7,8,9].all(f,[1,2,3,4,5,6,7,8,9].all(g,true)))))))",
		  "", 0, -ETIME, "too many steps" },
		{ "errors in loops",
		  "[1,2,3,4,5,6,7,8,9].exists(a,[1,2,3,4,5,6,7,8,9].exists(b,[1,2,3,4,5,6,7,8,9].exists(c,[1,2,3,4,5,6,"
		  "7,8,9]"
		  ".exists(d,[1,2,3,4,5,6,7,8,9].exists(e,[1,2,3,4,5,6,7,8,9].exists(f,1/0==1))))))",
		  "", 0, -ETIME, "too many steps" },
		{ "zones in loops",
		  "[1,2,3,4,5,6,7,8,9].all(a,[1,2,3,4,5,6,7,8,9].all(b,[1,2,3,4,5,6,7,8,9].all(c,[1,2,3,4,5,6,7,8,9]"
		  ".all(d,timestamp(0).getHours('Nowhere/City')==0||true))))",
		  "", 0, -ETIME, "too many steps" },
		{ "patterns in loops",
		  "[1,2,3,4,5,6,7,8,9].all(a,[1,2,3,4,5,6,7,8,9].all(b,[1,2,3,4,5,6,7,8,9].all(c,[1,2,3,4,5,6,7,8,9]"
		  ".all(d,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a{1,99}){9}$' + string(a)) || true))))",
		  "", 0, -ETIME, "too many steps" },
		{ "a pattern that backtracking dies of",
		  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a|a|aa)*$')", "", 0, 0, NULL },
		{ "texts searched in loops", "['", "a", 60000, -EINVAL, NULL },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct error err = { 0 };
		struct cel_value value;
		int r = run(nested(row[i].head, row[i].part, row[i].n, "", ""), 0, &value, &err);

		if (r != row[i].code || (row[i].text && !strstr(err.text, row[i].text)))
			fail_msg("%s: %d %s", row[i].why, r, err.text);
	}
	(void)state;
}

/* The types that cel_check meets double: it gives up by its own limit. */
static void types_without_end_are_refused(void **state)
{
	struct error err = { 0 };
	struct cel_value value;
	int r = run(nested("[[]]", ".map(x,{'a':x,'b':[x]}).map(x,[x,x]).map(x,[[x],[]])", 60, ".all(y,y==y)", ""), 0,
		    &value, &err);

	if (r != -ETIME && r != -E2BIG && r != 0 && r != -ENOMEM)
		fail_msg("%d %s", r, err.text);
	(void)state;
}

static void steps_are_counted(void **state)
{
	struct error err = { 0 };
	struct cel_value value;

	assert_int_equal(run(STR("1 + 1"), 2, &value, &err), -ETIME);
	assert_non_null(strstr(err.text, "too many steps"));
	assert_int_equal(run(STR("1 + 1"), 4, &value, &err), 0);
	(void)state;
}

static int memory_get(void **state)
{
	arena_memory = malloc(ARENA_BYTES);
	source = malloc(CEL_SOURCE_MAX * 2);
	(void)state;
	return arena_memory && source ? 0 : -1;
}

static int memory_put(void **state)
{
	free(arena_memory);
	free(source);
	(void)state;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_named),
		cmocka_unit_test(nothing_stalls),
		cmocka_unit_test(types_without_end_are_refused),
		cmocka_unit_test(steps_are_counted),
	};

	return cmocka_run_group_tests(tests, memory_get, memory_put);
}
