/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: parsing, checking and evaluating end within their bounds, an error has a text, and an expression
 * that parses is printed as one that parses to the same tree and yields the same.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "match/cel/checker.h"
#include "match/cel/eval.h"

#define ARENA_BYTES (4u << 20)
#define PRINTED_BYTES (1u << 20)
#define STEPS 20000

static const struct cel_variable variable[] = {
	{ "annotations", &cel_type_map_string_string },
	{ "namespace", &cel_type_string },
	{ "keys", &cel_type_list_string },
	{ "y", &cel_type_dyn },
};

static int run(struct str source, struct arena *arena, struct buf *value)
{
	static const struct str key[] = { STR("a"), STR("b") };
	struct cel_program *program;
	struct cel_value bound[4] = { cel_null(), cel_string(STR("kube-system")) }, result;
	struct error err = { 0 };
	int r;

	assert(cel_map_of_texts(key, key, 2, arena, &bound[0]) == 0 &&
	       cel_list_of_texts(key, 2, arena, &bound[2]) == 0);
	bound[3] = bound[0];
	r = cel_compile(source, variable, 4, NULL, arena, &program, &err);
	if (r == 0)
		r = cel_evaluate(program, bound, &(struct cel_settings){ .steps = STEPS, .zone_dir = "/nonexistent" },
				 arena, &result, &err);
	assert(r == 0 || r == -EINVAL || r == -E2BIG || r == -ENOMEM || r == -EDOM || r == -ETIME);
	assert(r == 0 || (err.code == -r && err.text[0]));
	if (r == 0) {
		cel_value_print(value, result);
		cel_value_print_json(&(struct buf){ 0 }, result);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char memory[ARENA_BYTES] __attribute__((aligned(16))), printed[3 * PRINTED_BYTES];
	char *exact = malloc(size ? size : 1); /* exact fit: a sanitizer sees one byte too many */
	struct arena arena = arena_over(memory, ARENA_BYTES);
	struct buf print = buf_over(printed, PRINTED_BYTES);
	struct buf value[2] = { buf_over(printed + PRINTED_BYTES, PRINTED_BYTES / 2),
				buf_over(printed + 3 * PRINTED_BYTES / 2, PRINTED_BYTES / 2) };
	struct buf again = buf_over(printed + 2 * PRINTED_BYTES, PRINTED_BYTES);
	struct str source = { exact, size };
	struct cel_node *node;
	int first, second;

	assert(exact);
	if (size)
		memcpy(exact, data, size);
	if (cel_parse(source, variable, 4, &arena, &node, NULL) == 0) {
		cel_node_print(&print, node);
		arena.used = 0;
		if (!print.overflow && print.len <= CEL_SOURCE_MAX) {
			assert(cel_parse((struct str){ print.p, print.len }, variable, 4, &arena, &node, NULL) == 0);
			cel_node_print(&again, node);
			assert(!strcmp(print.p, again.p));
			arena.used = 0;
			first = run(source, &arena, &value[0]);
			arena.used = 0;
			second = run((struct str){ print.p, print.len }, &arena, &value[1]);
			assert(first == second || first == -ENOMEM || second == -ENOMEM);
			assert(first != second || !strcmp(value[0].p, value[1].p));
		}
	} else {
		arena.used = 0;
		assert(run(source, &arena, &value[0]) < 0);
	}
	free(exact);
	return 0;
}
