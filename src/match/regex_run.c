/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ways through the program at once (Thompson): after each character, the set of instructions that could come next.
 * A set is an array of those in it, in order, and for each instruction its place there, so that emptying it takes no
 * time.
 */
#include <errno.h>

#include "base/utf8.h"
#include "match/regex_tree.h"

#define STEP_INSTRUCTIONS 8 /* looked at for a step */

struct places {
	uint32_t *dense, *place;
	uint32_t n;
};

struct machine {
	const struct regex *regex;
	struct places now, next;
	uint32_t *stack;
	uint64_t left; /* instructions that may still be looked at */
};

static bool places_has(const struct places *set, uint32_t pc)
{
	return set->place[pc] < set->n && set->dense[set->place[pc]] == pc;
}

static bool is_word(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* `before` and `after`: the characters next to the place, -1 at the text's ends. */
static bool holds(enum regex_assert what, int before, int after)
{
	switch (what) {
	case ASSERT_TEXT_BEGIN:
		return before < 0;
	case ASSERT_TEXT_END:
		return after < 0;
	case ASSERT_LINE_BEGIN:
		return before < 0 || before == '\n';
	case ASSERT_LINE_END:
		return after < 0 || after == '\n';
	default:
		return (is_word(before) != is_word(after)) == (what == ASSERT_WORD);
	}
}

/* Adds `pc` and all that it leads to without a character. True: the match is there. */
static bool follow(struct machine *m, struct places *set, uint32_t pc, int before, int after)
{
	uint32_t depth = 0;

	m->stack[depth++] = pc;
	while (depth) {
		const struct regex_instruction *code;

		pc = m->stack[--depth];
		if (places_has(set, pc))
			continue;
		set->place[pc] = set->n;
		set->dense[set->n++] = pc;
		m->left -= m->left > 0;
		code = &m->regex->code[pc];
		switch (code->op) {
		case OP_MATCH:
			return true;
		case OP_JUMP:
			m->stack[depth++] = code->x;
			break;
		case OP_SPLIT:
			m->stack[depth++] = code->y;
			m->stack[depth++] = code->x;
			break;
		case OP_ASSERT:
			if (holds((enum regex_assert)code->x, before, after))
				m->stack[depth++] = pc + 1;
			break;
		default:
			break;
		}
	}
	return false;
}

static bool set_has(const struct regex_set *set, uint32_t point)
{
	size_t low = 0, high = set->n;

	if (point < 128)
		return set->ascii[point / 64] >> point % 64 & 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->range[middle].high < point)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->n && set->range[low].low <= point;
}

static bool takes(const struct regex *regex, const struct regex_instruction *code, uint32_t point)
{
	switch (code->op) {
	case OP_CHARACTER:
		return code->x == point;
	case OP_ANY:
		return true;
	case OP_ANY_BUT_NEWLINE:
		return point != '\n';
	case OP_CLASS:
		return set_has(&regex->set[code->x], point);
	default:
		return false;
	}
}

/* The character at `at`, -1 at the end; *ret_used: its bytes. */
static int character_at(struct str text, size_t at, size_t *ret_used)
{
	uint32_t point = 0xfffd;

	*ret_used = 0;
	if (at >= text.len)
		return -1;
	*ret_used = utf8_length(str_from(text, at), &point);
	*ret_used += !*ret_used;
	return (int)point;
}

static int search(struct machine *m, struct str text)
{
	size_t at = 0, used, after_used;
	int before = -1, here = character_at(text, 0, &used);

	for (;;) {
		int after;

		if ((at == 0 || !m->regex->anchored) && follow(m, &m->now, 0, before, here))
			return 1;
		if (here < 0 || (!m->now.n && m->regex->anchored))
			return 0;
		if (!m->left)
			return -ETIME;
		after = character_at(text, at + used, &after_used);
		m->next.n = 0;
		for (uint32_t i = 0; i < m->now.n; i++) {
			uint32_t pc = m->now.dense[i];

			m->left -= m->left > 0;
			if (takes(m->regex, &m->regex->code[pc], (uint32_t)here) &&
			    follow(m, &m->next, pc + 1, here, after))
				return 1;
		}
		struct places other = m->now;

		m->now = m->next;
		m->next = other;
		at += used;
		before = here;
		here = after;
		used = after_used;
	}
}

int regex_search(const struct regex *regex, struct str text, struct arena *scratch, uint64_t *steps)
{
	struct machine m = { .regex = regex, .left = UINT64_MAX };
	size_t mark = scratch->used;
	uint32_t *memory = arena_alloc(scratch, (6 * (size_t)regex->n + 2) * sizeof *memory);
	uint64_t taken;
	int r;

	if (!memory)
		return -ENOMEM;
	memset(memory, 0, (6 * (size_t)regex->n + 2) * sizeof *memory);
	m.now = (struct places){ .dense = memory, .place = memory + regex->n };
	m.next = (struct places){ .dense = memory + 2 * (size_t)regex->n, .place = memory + 3 * (size_t)regex->n };
	m.stack = memory + 4 * (size_t)regex->n;
	if (steps) /* the setting up counts too */
		m.left = *steps < UINT64_MAX / STEP_INSTRUCTIONS ? *steps * STEP_INSTRUCTIONS : UINT64_MAX;
	m.left -= m.left > regex->n ? regex->n : m.left;
	r = search(&m, text);
	scratch->used = mark;
	if (steps && m.left < UINT64_MAX / STEP_INSTRUCTIONS) {
		taken = *steps - m.left / STEP_INSTRUCTIONS;
		*steps -= taken < *steps ? taken : *steps;
	}
	return r;
}
