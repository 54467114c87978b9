/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/utf8.h"

static void escape_add(struct buf *out, uint32_t point)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {
		'\\', 'u', hex[point >> 12 & 15], hex[point >> 8 & 15], hex[point >> 4 & 15], hex[point & 15]
	};

	switch (point) {
	case '"':
	case '\\':
		text[1] = (char)point;
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	case '\b':
		text[1] = 'b';
		break;
	case '\f':
		text[1] = 'f';
		break;
	default:
		buf_add(out, text, 6);
		return;
	}
	buf_add(out, text, 2);
}

/* Besides what JSON demands: DEL, the C1 controls and the Unicode line breaks, which some readers of logs take as such.
 */
static bool is_escaped(uint32_t point)
{
	return point < 0x20 || point == '"' || point == '\\' || (point >= 0x7f && point < 0xa0) || point == 0x2028 ||
	       point == 0x2029;
}

void json_write_string(struct buf *out, struct str text)
{
	size_t plain = 0, at = 0; /* text[plain..at) needs no escape and is not yet in `out` */

	buf_byte(out, '"');
	while (at < text.len) {
		uint32_t point;
		unsigned n = utf8_length(str_from(text, at), &point);

		if (n && !is_escaped(point)) {
			at += n;
			continue;
		}
		buf_add(out, text.p + plain, at - plain);
		if (n)
			escape_add(out, point);
		else
			buf_text(out, UTF8_REPLACEMENT);
		at += n ? n : 1;
		plain = at;
	}
	if (text.len)
		buf_add(out, text.p + plain, at - plain);
	buf_byte(out, '"');
}
