/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/cel/suggest.h: "did you mean": the known word closest to a misspelt one. Pure, any thread. */
#ifndef MATCH_CEL_SUGGEST_H
#define MATCH_CEL_SUGGEST_H

#include "base/str.h"

#define SUGGEST_LETTERS_MAX 40 /* a longer word gets no suggestion: the search takes length × length */

struct cel_suggestion {
	struct str wanted;
	struct str word; /* the best so far; empty: none is close */
	size_t edits;
};

/* Takes `word` if fewer edits than for the best so far lead to it, and at most a third of its letters. */
void cel_suggestion_offer(struct cel_suggestion *best, struct str word);

#endif
