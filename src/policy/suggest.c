/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/suggest.h"

#include <string.h>

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment over three rows. Both lengths are within SUGGEST_WORD_MAX. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[3][SUGGEST_WORD_MAX + 1];
	unsigned *before = row[0], *last = row[1], *now = row[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned replace = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

			now[j] = least(replace, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

void suggestion_offer(struct suggestion *best, const char *word)
{
	size_t a = strlen(best->wanted), b = strlen(word);
	unsigned d;

	if (a > SUGGEST_WORD_MAX || b > SUGGEST_WORD_MAX || !a)
		return;
	d = distance(best->wanted, a, word, b);
	if (d * 3 > (a > b ? a : b) || (best->word && d >= best->distance))
		return;
	best->word = word;
	best->distance = d;
}
