/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/shown.h: a piece of foreign text as an error shows it: in quotes, bytes that are not printable ASCII as
 * \xNN, cut with "...". Used in place: error_set(err, EINVAL, "unknown key %s", shown(key).text).
 */
#ifndef POLICY_SHOWN_H
#define POLICY_SHOWN_H

#include "base/str.h"

#define SHOWN_MAX 64 /* bytes between the quotes, without "..." */

struct shown {
	char text[SHOWN_MAX + 8];
};

static inline struct shown shown(struct str text)
{
	static const char hex[] = "0123456789abcdef";
	struct shown out;
	size_t at = 0, i = 0;

	out.text[at++] = '\'';
	for (; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool printable = c >= ' ' && c < 0x7f;

		if (at + (printable ? 1 : 4) > SHOWN_MAX + 1)
			break;
		if (printable) {
			out.text[at++] = (char)c;
		} else {
			out.text[at++] = '\\';
			out.text[at++] = 'x';
			out.text[at++] = hex[c >> 4];
			out.text[at++] = hex[c & 15];
		}
	}
	for (int dots = 0; i < text.len && dots < 3; dots++)
		out.text[at++] = '.';
	out.text[at++] = '\'';
	out.text[at] = '\0';
	return out;
}

#endif
