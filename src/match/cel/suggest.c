/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/suggest.h"

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and replacements that make one of the other; letter case is free. */
static size_t edits_between(struct str a, struct str b)
{
	size_t row[SUGGEST_LETTERS_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t replaced = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));

			diagonal = row[j];
			row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.len];
}

void cel_suggestion_offer(struct cel_suggestion *best, struct str word)
{
	size_t edits;

	if (best->wanted.len > SUGGEST_LETTERS_MAX || word.len > SUGGEST_LETTERS_MAX)
		return;
	edits = edits_between(best->wanted, word);
	if (edits * 3 > word.len || (best->word.len && edits >= best->edits))
		return;
	best->word = word;
	best->edits = edits;
}
