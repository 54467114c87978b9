/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: pattern, NUL, text. Whatever they are: compiling and searching end within their bounds, an error has a text,
 * and the answer is that of a naive matcher, which computes for each part of the tree the set of places where it can
 * end.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/utf8.h"
#include "match/regex_tree.h"

#define ARENA_BYTES (4u << 20)
#define TEXT_MAX 60 /* characters the naive matcher takes: a place is a bit */

struct subject {
	uint32_t point[TEXT_MAX];
	unsigned n;
	uint64_t work;
};

static bool is_word(const struct subject *s, unsigned at)
{
	uint32_t c = at < s->n ? s->point[at] : 0;

	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool holds(const struct subject *s, enum regex_assert what, unsigned at)
{
	bool word = (at && is_word(s, at - 1)) != is_word(s, at);

	switch (what) {
	case ASSERT_TEXT_BEGIN:
		return at == 0;
	case ASSERT_TEXT_END:
		return at == s->n;
	case ASSERT_LINE_BEGIN:
		return at == 0 || s->point[at - 1] == '\n';
	case ASSERT_LINE_END:
		return at == s->n || s->point[at] == '\n';
	default:
		return word == (what == ASSERT_WORD);
	}
}

static bool takes(const struct regex_node *node, uint32_t point)
{
	if (node->kind == REGEX_CHARACTER)
		return node->point == point;
	for (size_t i = 0; i < node->ranges; i++)
		if (node->range[i].low <= point && point <= node->range[i].high)
			return true;
	return false;
}

/* The places where a match of `node` can end that begins at one of `from`. */
static uint64_t ends(struct subject *s, const struct regex_node *node, uint64_t from)
{
	uint64_t to = 0;

	s->work++;
	if (!from)
		return 0;
	switch (node->kind) {
	case REGEX_EMPTY:
		return from;
	case REGEX_CHARACTER:
	case REGEX_CLASS:
		for (unsigned at = 0; at < s->n; at++)
			if (from >> at & 1 && takes(node, s->point[at]))
				to |= 2ull << at;
		return to;
	case REGEX_ASSERT:
		for (unsigned at = 0; at <= s->n; at++)
			if (from >> at & 1 && holds(s, node->assert_kind, at))
				to |= 1ull << at;
		return to;
	case REGEX_SEQUENCE:
		for (const struct regex_node *part = node->part; part; part = part->next)
			from = ends(s, part, from);
		return from;
	case REGEX_CHOICE:
		for (const struct regex_node *part = node->part; part; part = part->next)
			to |= ends(s, part, from);
		return to;
	default:
		for (int32_t i = 0; i < node->least && s->work < 1000000; i++)
			from = ends(s, node->part, from);
		for (int32_t i = node->least; node->most < 0 || i < node->most; i++) {
			to = from | ends(s, node->part, from);
			if (to == from)
				break; /* no new places */
			from = to;
		}
		return from;
	}
}

static bool subject_read(struct str text, struct subject *s)
{
	for (size_t at = 0; at < text.len; s->n++) {
		uint32_t point = 0xfffd;
		unsigned used = utf8_length(str_from(text, at), &point);

		if (s->n == TEXT_MAX)
			return false;
		s->point[s->n] = point;
		at += used ? used : 1;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size, rest = nul ? size - n - 1 : 0;
	char *pattern = malloc(n ? n : 1), *text = malloc(rest ? rest : 1);
	static char memory[ARENA_BYTES] __attribute__((aligned(16)));
	struct arena arena = arena_over(memory, ARENA_BYTES);
	struct str subject = { text, rest };
	const struct regex *regex;
	struct error err = { 0 };
	uint64_t steps = 1000000;
	int r;

	assert(pattern && text);
	memcpy(pattern, data, n);
	if (rest)
		memcpy(text, nul + 1, rest);
	r = regex_compile((struct str){ pattern, n }, &arena, &regex, &err);
	assert(r == 0 || r == -EINVAL || r == -E2BIG || r == -ENOMEM);
	assert(r == 0 || (err.code == -r && err.text[0]));
	if (r == 0) {
		struct subject s = { 0 };
		struct regex_node *tree;

		assert(regex->n <= REGEX_PROGRAM_MAX);
		r = regex_search(regex, subject, &arena, &steps);
		assert(r == 0 || r == 1 || r == -ENOMEM || r == -ETIME);
		if (r >= 0 && subject_read(subject, &s) &&
		    regex_parse((struct str){ pattern, n }, &arena, &tree, NULL) == 0) {
			bool found = ends(&s, tree, ~(uint64_t)0 >> (63 - s.n)) != 0;

			assert(s.work >= 1000000 || found == (r == 1));
		}
	}
	free(pattern);
	free(text);
	return 0;
}
