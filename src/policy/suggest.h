/* SPDX-License-Identifier: Apache-2.0 */
/* src/policy/suggest.h: "did you mean": the known word that is closest to a misspelt one. Pure, any thread. */
#ifndef POLICY_SUGGEST_H
#define POLICY_SUGGEST_H

#define SUGGEST_WORD_MAX 48 /* longer words get no suggestion: the distance costs length × length */

struct suggestion {
	const char *wanted; /* borrowed: the misspelt word */
	const char *word;   /* borrowed: the closest offered so far; NULL = none is close */
	unsigned distance;
};

static inline struct suggestion suggestion_for(const char *wanted)
{
	return (struct suggestion){ .wanted = wanted };
}

/*
 * Offers a known word. It is taken if fewer edits than for the best so far lead to it (insert, delete, replace, swap of
 * neighbours; letter case costs nothing), and these are at most a third of the letters.
 */
void suggestion_offer(struct suggestion *best, const char *word);

#endif
