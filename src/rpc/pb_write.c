/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/pb_write.h"

#include "base/utf8.h"

#define TYPE_BYTES 2 /* wire type: length, then that many bytes */
#define VARINT_MAX 10

static size_t varint_encode(uint64_t value, char out[VARINT_MAX])
{
	size_t n = 0;

	while (value > 0x7f) {
		out[n++] = (char)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (char)value;
	return n;
}

static void varint_add(struct buf *out, uint64_t value)
{
	char bytes[VARINT_MAX];

	buf_add(out, bytes, varint_encode(value, bytes));
}

void pb_number(struct buf *out, unsigned field, uint64_t value)
{
	if (!value)
		return;
	varint_add(out, (uint64_t)field << 3);
	varint_add(out, value);
}

size_t pb_open(struct buf *out, unsigned field)
{
	varint_add(out, (uint64_t)field << 3 | TYPE_BYTES);
	buf_byte(out, 0); /* the length goes here */
	return out->len;
}

void pb_close(struct buf *out, size_t mark)
{
	size_t n = out->len - mark;
	char bytes[VARINT_MAX];
	size_t length = varint_encode(n, bytes);

	if (out->overflow)
		return;
	for (size_t i = 1; i < length; i++)
		buf_byte(out, 0);
	if (out->overflow)
		return;
	memmove(out->p + mark + length - 1, out->p + mark, n);
	memcpy(out->p + mark - 1, bytes, length);
}

/* Length of the well-formed part at the start of `text`. */
static size_t well_formed(struct str text)
{
	size_t at = 0;

	while (at < text.len) {
		uint64_t eight;
		unsigned n;

		for (; text.len - at >= sizeof eight; at += sizeof eight) { /* nearly all text is ASCII */
			memcpy(&eight, text.p + at, sizeof eight);
			if (eight & UINT64_C(0x8080808080808080))
				break;
		}
		n = utf8_length(str_from(text, at), NULL); /* 0 at the end, too */
		if (!n)
			break;
		at += n;
	}
	return at;
}

void pb_item(struct buf *out, unsigned field, struct str text)
{
	size_t mark, n = well_formed(text);

	if (n == text.len) {
		varint_add(out, (uint64_t)field << 3 | TYPE_BYTES);
		varint_add(out, text.len);
		buf_str(out, text);
		return;
	}
	mark = pb_open(out, field);
	for (;;) {
		buf_add(out, text.p, n);
		text = str_from(text, n);
		if (!text.len)
			break;
		buf_text(out, UTF8_REPLACEMENT);
		text = str_from(text, 1);
		n = well_formed(text);
	}
	pb_close(out, mark);
}

void pb_text(struct buf *out, unsigned field, struct str text)
{
	if (text.len)
		pb_item(out, field, text);
}
