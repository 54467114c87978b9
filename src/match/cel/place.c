/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/place.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

#define SHOWN_BEFORE 60 /* bytes of the line before and after the place */
#define SHOWN_AFTER 40
#define MESSAGE_MAX 700

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t characters(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += !is_continuation(text.p[i]);
	return n;
}

static void add_shown(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_byte(out, (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i]);
}

int cel_error_at(struct error *err, int code, struct str source, size_t at, const char *format, ...)
{
	char message[MESSAGE_MAX], shown[256];
	struct buf out = buf_over(shown, sizeof shown);
	size_t line = 1, begin = 0, end, from;
	struct str before;
	va_list args;

	if (!err)
		return -code;
	for (size_t i = 0; i < at; i++)
		if (source.p[i] == '\n') {
			line++;
			begin = i + 1;
		}
	for (end = at; end < source.len && source.p[end] != '\n' && end - at < SHOWN_AFTER;)
		end++;
	while (end < source.len && is_continuation(source.p[end]))
		end++;
	for (from = at; from > begin && (at - from < SHOWN_BEFORE || is_continuation(source.p[from]));)
		from--;
	va_start(args, format);
	(void)vsnprintf(message, sizeof message, format, args); /* a longer one is cut */
	va_end(args);
	buf_text(&out, "\n | ");
	add_shown(&out, (struct str){ source.p + from, end - from });
	buf_text(&out, "\n | ");
	before = (struct str){ source.p + from, at - from };
	for (size_t n = characters(before); n; n--)
		buf_byte(&out, '.');
	buf_byte(&out, '^');
	before = (struct str){ source.p + begin, at - begin };
	return error_set(err, code, "line %zu, column %zu: %s%s", line, characters(before) + 1, message, shown);
}
