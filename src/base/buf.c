/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
	if (buf->overflow || buf->size <= buf->len || n >= buf->size - buf->len) {
		buf->overflow = buf->overflow || n || !buf->size;
		return;
	}
	if (n)
		memcpy(buf->p + buf->len, bytes, n);
	buf->len += n;
	buf->p[buf->len] = '\0';
}

void buf_byte(struct buf *buf, char byte)
{
	buf_add(buf, &byte, 1);
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_str(struct buf *buf, struct str text)
{
	buf_add(buf, text.p, text.len);
}

void buf_u64(struct buf *buf, uint64_t value)
{
	char digit[20];
	size_t at = sizeof digit;

	do {
		digit[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_add(buf, digit + at, sizeof digit - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	size_t room = buf->size - buf->len;
	va_list args;
	int n;

	if (buf->overflow || !room) {
		buf->overflow = true;
		return;
	}
	va_start(args, format);
	n = vsnprintf(buf->p + buf->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		buf->p[buf->len] = '\0';
		buf->overflow = true;
		return;
	}
	buf->len += (size_t)n;
}
