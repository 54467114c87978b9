/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/regex_class.h: sets of characters, as the parser of regular expressions collects them. */
#ifndef MATCH_REGEX_CLASS_H
#define MATCH_REGEX_CLASS_H

#include "base/arena.h"

#define REGEX_POINT_MAX 0x10ffff
#define REGEX_CLASS_RANGES_MAX 16384 /* of one class, before they are joined */

struct regex_range {
	uint32_t low, high; /* both are in it */
};

struct regex_class {
	struct arena *arena;
	struct regex_range *range;
	size_t n, room;
	bool failed; /* the arena is exhausted, or there are more than REGEX_CLASS_RANGES_MAX; sticky */
};

/* Adds a range; with `fold` also all that differs from it in case only. */
void regex_class_add(struct regex_class *set, uint32_t low, uint32_t high, bool fold);

/* Sorts and joins ranges. */
void regex_class_tidy(struct regex_class *set);

/* Tidies and turns into everything else. */
void regex_class_negate(struct regex_class *set);

/* Adds what a letter as in \d stands for, or "alpha" as in [:alpha:], or "Greek" as in \p{Greek}. False: no such name.
 */
bool regex_class_add_perl(struct regex_class *set, char letter, bool fold);
bool regex_class_add_posix(struct regex_class *set, struct str name, bool negated, bool fold);
bool regex_class_add_unicode(struct regex_class *set, struct str name, bool negated, bool fold);

#endif
