/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/str.h: a borrowed piece of text: pointer and length in bytes, not NUL-terminated, may hold NULs.
 * {NULL, 0} is "absent" and equals "". Header-only.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

static inline struct str str_of(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

static inline bool str_is(struct str a, const char *text)
{
	return str_equal(a, str_of(text));
}

static inline bool str_starts(struct str a, struct str head)
{
	return a.len >= head.len && (!head.len || !memcmp(a.p, head.p, head.len));
}

static inline bool str_ends(struct str a, struct str tail)
{
	return a.len >= tail.len && (!tail.len || !memcmp(a.p + (a.len - tail.len), tail.p, tail.len));
}

/* Everything from byte `from` on; "" when `from` is beyond the end. */
static inline struct str str_from(struct str a, size_t from)
{
	if (from >= a.len)
		return (struct str){ a.p ? a.p + a.len : NULL, 0 };
	return (struct str){ a.p + from, a.len - from };
}

/* Index of the first (last) `byte`, or -1. */
static inline ptrdiff_t str_find(struct str a, char byte)
{
	const char *at = a.len ? memchr(a.p, byte, a.len) : NULL;

	return at ? at - a.p : -1;
}

static inline ptrdiff_t str_find_last(struct str a, char byte)
{
	for (size_t i = a.len; i--;)
		if (a.p[i] == byte)
			return (ptrdiff_t)i;
	return -1;
}

#endif
