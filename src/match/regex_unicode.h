/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/regex_unicode.h: tables of Unicode 15.0.0, made by tests/peer/celgo (celgo unicode). */
#ifndef MATCH_REGEX_UNICODE_H
#define MATCH_REGEX_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* A range in 32 bits: the first character times 2048 plus how many more follow; longer ones are several in a row. */
#define REGEX_PACKED_LOW(packed) ((packed) >> 11)
#define REGEX_PACKED_HIGH(packed) (((packed) >> 11) + ((packed)&0x7ff))

struct regex_unicode {
	const char *name;
	const uint32_t *packed;
	size_t n;
};

extern const struct regex_unicode regex_unicode[];
extern const size_t regex_unicode_count;

/* Every `stride`th character from low to high is followed, among those that differ in case only, by itself + delta. */
struct regex_fold {
	uint32_t low, high;
	int32_t delta;
	uint32_t stride;
};

extern const struct regex_fold regex_fold[]; /* sorted; with stride 2 neighbours may interlace */
extern const size_t regex_fold_count;

#endif
