/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/regex_tree.h: a regular expression parsed, and then as a program. */
#ifndef MATCH_REGEX_TREE_H
#define MATCH_REGEX_TREE_H

#include "match/regex.h"
#include "match/regex_class.h"

enum regex_kind {
	REGEX_EMPTY,
	REGEX_CHARACTER, /* point */
	REGEX_CLASS,     /* range, ranges; sorted, apart; none: matches nothing */
	REGEX_ASSERT,    /* assert */
	REGEX_SEQUENCE,  /* parts, in order */
	REGEX_CHOICE,    /* parts */
	REGEX_REPEAT,    /* part, least to most times; most < 0: without end */
};

enum regex_assert {
	ASSERT_TEXT_BEGIN,
	ASSERT_TEXT_END,
	ASSERT_LINE_BEGIN,
	ASSERT_LINE_END,
	ASSERT_WORD,
	ASSERT_NO_WORD
};

struct regex_node {
	enum regex_kind kind;
	bool counted; /* repeat: written as {n,m}, so it counts against REGEX_REPEAT_MAX */
	enum regex_assert assert_kind;
	uint32_t point;
	int32_t least, most;
	size_t ranges;
	const struct regex_range *range;
	struct regex_node *part; /* the first; the others by `next` */
	struct regex_node *next;
};

enum regex_op { OP_CHARACTER, OP_ANY, OP_ANY_BUT_NEWLINE, OP_CLASS, OP_ASSERT, OP_SPLIT, OP_JUMP, OP_MATCH };

struct regex_instruction {
	uint32_t op : 4, x : 28; /* character, number of the class, assertion; where to go on (split, jump) */
	uint32_t y;              /* split: where else */
};

/* A class with the ASCII part as bits. */
struct regex_set {
	uint64_t ascii[2];
	const struct regex_range *range;
	size_t n;
};

struct regex {
	const struct regex_instruction *code;
	const struct regex_set *set;
	uint32_t n;    /* instructions; the program begins at 0 */
	bool anchored; /* every match begins where the text does */
};

/* Parses; errors as regex_compile. */
int regex_parse(struct str pattern, struct arena *arena, struct regex_node **ret, struct error *err);

#endif
