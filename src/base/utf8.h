/* SPDX-License-Identifier: Apache-2.0 */
/* src/base/utf8.h: well-formed UTF-8 (RFC 3629), one character at a time. Header-only, pure. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Bytes (1..4) of the well-formed character at the start of `text`, its code point in *ret_point (may be NULL); 0 if
 * the text is empty or begins with a byte that starts none (overlong forms, surrogates, above U+10FFFF, cut short).
 * Whoever replaces what is malformed replaces one byte at a time, as Go does.
 */
static inline unsigned utf8_length(struct str text, uint32_t *ret_point)
{
	const unsigned char *p = (const unsigned char *)text.p;
	uint32_t point;
	unsigned n;

	if (!text.len)
		return 0;
	if (p[0] < 0x80) {
		n = 1;
		point = p[0];
	} else if (p[0] >= 0xc2 && p[0] < 0xe0) {
		n = 2;
		point = p[0] & 0x1f;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		point = p[0] & 0x0f;
	} else if (p[0] >= 0xf0 && p[0] < 0xf5) {
		n = 4;
		point = p[0] & 0x07;
	} else {
		return 0;
	}
	if (text.len < n)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
	    (n == 4 && (point < 0x10000 || point > 0x10ffff)))
		return 0;
	if (ret_point)
		*ret_point = point;
	return n;
}

/* Writes `point` (a valid one) as 1..4 bytes; returns their number. */
static inline unsigned utf8_encode(uint32_t point, char out[4])
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

#endif
