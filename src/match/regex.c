/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/error.h"
#include "match/regex_tree.h"

struct compiler {
	struct regex_instruction *code; /* NULL while only counting */
	struct regex_set *set;
	uint32_t n, sets;
	bool too_big;
};

static uint32_t emit(struct compiler *c, enum regex_op op, uint32_t x)
{
	if (c->n >= REGEX_PROGRAM_MAX) {
		c->too_big = true;
		return c->n;
	}
	if (c->code)
		c->code[c->n] = (struct regex_instruction){ .op = op, .x = x & 0xfffffff };
	return c->n++;
}

/* A split that goes on behind itself or elsewhere; where is patched in later. */
static void patch(struct compiler *c, uint32_t at, uint32_t y)
{
	if (c->code && !c->too_big)
		c->code[at].y = y;
}

static void compile(struct compiler *c, const struct regex_node *node);

static void compile_class(struct compiler *c, const struct regex_node *node)
{
	const struct regex_range *range = node->range;
	struct regex_set set = { .range = range, .n = node->ranges };

	if (set.n == 1 && range[0].low == 0 && range[0].high == REGEX_POINT_MAX) {
		(void)emit(c, OP_ANY, 0);
		return;
	}
	if (set.n == 2 && range[0].low == 0 && range[0].high == '\n' - 1 && range[1].low == '\n' + 1 &&
	    range[1].high == REGEX_POINT_MAX) {
		(void)emit(c, OP_ANY_BUT_NEWLINE, 0);
		return;
	}
	for (size_t i = 0; c->set && i < set.n; i++)
		for (uint32_t point = range[i].low; point <= range[i].high && point < 128; point++)
			set.ascii[point / 64] |= (uint64_t)1 << point % 64;
	(void)emit(c, OP_CLASS, c->sets);
	if (c->too_big)
		return;
	if (c->set)
		c->set[c->sets] = set;
	c->sets++;
}

static void compile_choice(struct compiler *c, const struct regex_node *node)
{
	uint32_t jump = UINT32_MAX; /* chain of jumps to the end, linked by their x */

	for (const struct regex_node *part = node->part; part; part = part->next) {
		uint32_t split = c->n;

		if (!part->next) {
			compile(c, part);
			break;
		}
		(void)emit(c, OP_SPLIT, c->n + 1);
		compile(c, part);
		jump = emit(c, OP_JUMP, jump == UINT32_MAX ? 0 : jump);
		patch(c, split, c->n);
	}
	while (c->code && !c->too_big && jump != UINT32_MAX && jump) {
		uint32_t before = c->code[jump].x;

		c->code[jump].x = c->n & 0xfffffff;
		jump = before;
	}
}

static void compile_repeat(struct compiler *c, const struct regex_node *node)
{
	uint32_t first = UINT32_MAX, begin = 0;

	for (int32_t i = 0; i < node->least && !c->too_big; i++) {
		begin = c->n;
		compile(c, node->part);
	}
	if (node->most < 0 && node->least) { /* the last one again */
		(void)emit(c, OP_SPLIT, begin);
		patch(c, c->n - 1, c->n);
		return;
	}
	if (node->most < 0) {
		begin = emit(c, OP_SPLIT, c->n + 1);
		compile(c, node->part);
		(void)emit(c, OP_JUMP, begin);
		patch(c, begin, c->n);
		return;
	}
	/* The rest may be left out from any on: splits to the end, chained by y until it is known. */
	for (int32_t i = node->least; i < node->most && !c->too_big; i++) {
		uint32_t split = emit(c, OP_SPLIT, c->n + 1);

		patch(c, split, first);
		first = split;
		compile(c, node->part);
	}
	while (c->code && !c->too_big && first != UINT32_MAX) {
		uint32_t before = c->code[first].y;

		c->code[first].y = c->n;
		first = before;
	}
}

static void compile(struct compiler *c, const struct regex_node *node)
{
	if (c->too_big)
		return;
	switch (node->kind) {
	case REGEX_EMPTY:
		break;
	case REGEX_CHARACTER:
		(void)emit(c, OP_CHARACTER, node->point);
		break;
	case REGEX_CLASS:
		compile_class(c, node);
		break;
	case REGEX_ASSERT:
		(void)emit(c, OP_ASSERT, node->assert_kind);
		break;
	case REGEX_SEQUENCE:
		for (const struct regex_node *part = node->part; part; part = part->next)
			compile(c, part);
		break;
	case REGEX_CHOICE:
		compile_choice(c, node);
		break;
	default:
		compile_repeat(c, node);
	}
}

/* Does every match of it begin at the text's begin? */
static bool is_anchored(const struct regex_node *node)
{
	if (node->kind == REGEX_ASSERT)
		return node->assert_kind == ASSERT_TEXT_BEGIN;
	if (node->kind == REGEX_SEQUENCE)
		return is_anchored(node->part);
	if (node->kind == REGEX_REPEAT)
		return node->least > 0 && is_anchored(node->part);
	if (node->kind != REGEX_CHOICE)
		return false;
	for (const struct regex_node *part = node->part; part; part = part->next)
		if (!is_anchored(part))
			return false;
	return true;
}

int regex_compile(struct str pattern, struct arena *arena, const struct regex **ret, struct error *err)
{
	struct compiler c = { 0 };
	struct regex_node *tree;
	struct regex *regex;
	int r = regex_parse(pattern, arena, &tree, err);

	if (r < 0)
		return r;
	compile(&c, tree); /* counts */
	(void)emit(&c, OP_MATCH, 0);
	if (c.too_big)
		return error_set(err, E2BIG,
				 "regular expression too large: instructions, repetitions written out: at most %d",
				 REGEX_PROGRAM_MAX);
	regex = arena_alloc(arena, sizeof *regex);
	c.code = arena_alloc(arena, c.n * sizeof *c.code);
	c.set = arena_alloc(arena, (c.sets ? c.sets : 1) * sizeof *c.set);
	if (!regex || !c.code || !c.set)
		return error_set(err, ENOMEM, "the regular expression needs more memory than there is");
	*regex = (struct regex){ .code = c.code, .set = c.set, .n = c.n, .anchored = is_anchored(tree) };
	c.n = c.sets = 0;
	compile(&c, tree);
	(void)emit(&c, OP_MATCH, 0);
	*ret = regex;
	return 0;
}
