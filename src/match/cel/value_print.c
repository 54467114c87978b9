/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/value.h"

#include <math.h>

#include "base/json.h"
#include "match/cel/number_text.h"
#include "match/cel/time_text.h"

#define INTEGER_EXACT (1ll << 53) /* beyond it a reader of JSON that uses doubles would round */

static void print_octal(struct buf *out, struct str bytes)
{
	buf_text(out, "b\"");
	for (size_t i = 0; i < bytes.len && !out->overflow; i++) {
		unsigned byte = (unsigned char)bytes.p[i];
		char text[4] = { '\\', (char)('0' + (byte >> 6)), (char)('0' + (byte >> 3 & 7)),
				 (char)('0' + (byte & 7)) };

		if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
			buf_add(out, text, 4);
		else
			buf_byte(out, (char)byte);
	}
	buf_byte(out, '"');
}

static void print_double(struct buf *out, double d)
{
	size_t from = out->len;

	if (!isfinite(d)) {
		buf_text(out, "double(\"");
		number_print_double(out, d, NUMBER_SHORT);
		buf_text(out, "\")");
		return;
	}
	number_print_double(out, d, NUMBER_SHORT);
	if (!out->overflow && !strpbrk(out->p + from, ".e"))
		buf_text(out, ".0");
}

static void print_base64(struct buf *out, struct str bytes)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_byte(out, '"');
	for (size_t i = 0; i < bytes.len && !out->overflow; i += 3) {
		size_t left = bytes.len - i;
		uint32_t b = (uint32_t)(unsigned char)bytes.p[i] << 16;

		if (left > 1)
			b |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
		if (left > 2)
			b |= (unsigned char)bytes.p[i + 2];
		buf_byte(out, digit[b >> 18]);
		buf_byte(out, digit[b >> 12 & 63]);
		buf_byte(out, left > 1 ? digit[b >> 6 & 63] : '=');
		buf_byte(out, left > 2 ? digit[b & 63] : '=');
	}
	buf_byte(out, '"');
}

/* Quotes around what `value` is as text: a timestamp's, a number's as JSON's key. */
static void print_quoted(struct buf *out, struct cel_value value)
{
	buf_byte(out, '"');
	switch (value.kind) {
	case CEL_BOOL:
		buf_text(out, value.truth ? "true" : "false");
		break;
	case CEL_INT:
		number_print_int(out, value.i);
		break;
	case CEL_UINT:
		buf_u64(out, value.u);
		break;
	case CEL_DOUBLE:
		buf_text(out, isnan(value.d) ? "NaN" : value.d < 0 ? "-Infinity" : "Infinity");
		break;
	case CEL_TIMESTAMP:
		time_print_timestamp(out, value.seconds, value.nsec);
		break;
	case CEL_DURATION:
		time_print_duration(out, value.duration);
		break;
	default:
		buf_text(out, cel_kind_name(value.type));
	}
	buf_byte(out, '"');
}

static void print_container(struct buf *out, struct cel_value value, void (*print)(struct buf *, struct cel_value),
			    void (*print_key)(struct buf *, struct cel_value))
{
	bool is_map = value.kind == CEL_MAP;
	size_t n = is_map ? value.map->n : value.list->n;

	buf_byte(out, is_map ? '{' : '[');
	for (size_t i = 0; i < n && !out->overflow; i++) {
		if (i)
			buf_text(out, ", ");
		if (is_map) {
			print_key(out, value.map->entry[i].key);
			buf_text(out, ": ");
		}
		print(out, is_map ? value.map->entry[i].value : value.list->item[i]);
	}
	buf_byte(out, is_map ? '}' : ']');
}

void cel_value_print(struct buf *out, struct cel_value value)
{
	switch (value.kind) {
	case CEL_NULL:
		buf_text(out, "null");
		break;
	case CEL_BOOL:
		buf_text(out, value.truth ? "true" : "false");
		break;
	case CEL_INT:
		number_print_int(out, value.i);
		break;
	case CEL_UINT:
		buf_u64(out, value.u);
		buf_byte(out, 'u');
		break;
	case CEL_DOUBLE:
		print_double(out, value.d);
		break;
	case CEL_STRING:
		json_write_string(out, value.text); /* JSON's escapes are a part of CEL's */
		break;
	case CEL_BYTES:
		print_octal(out, value.text);
		break;
	case CEL_LIST:
	case CEL_MAP:
		print_container(out, value, cel_value_print, cel_value_print);
		break;
	case CEL_TIMESTAMP:
	case CEL_DURATION:
		buf_text(out, value.kind == CEL_TIMESTAMP ? "timestamp(" : "duration(");
		print_quoted(out, value);
		buf_byte(out, ')');
		break;
	case CEL_TYPE:
		buf_text(out, cel_kind_name(value.type));
		break;
	default:
		buf_text(out, cel_kind_name(value.kind));
	}
}

static void print_json_key(struct buf *out, struct cel_value key)
{
	if (key.kind == CEL_STRING)
		json_write_string(out, key.text);
	else
		print_quoted(out, key);
}

void cel_value_print_json(struct buf *out, struct cel_value value)
{
	bool big = (value.kind == CEL_INT && (value.i > INTEGER_EXACT || value.i < -INTEGER_EXACT)) ||
		   (value.kind == CEL_UINT && value.u > (uint64_t)INTEGER_EXACT) ||
		   (value.kind == CEL_DOUBLE && !isfinite(value.d));

	if (big || value.kind == CEL_TIMESTAMP || value.kind == CEL_DURATION || value.kind == CEL_TYPE)
		print_quoted(out, value);
	else if (value.kind == CEL_BYTES)
		print_base64(out, value.text);
	else if (value.kind == CEL_LIST || value.kind == CEL_MAP)
		print_container(out, value, cel_value_print_json, print_json_key);
	else if (value.kind == CEL_UINT)
		buf_u64(out, value.u);
	else if (value.kind == CEL_DOUBLE)
		number_print_double(out, value.d, NUMBER_SHORT);
	else
		cel_value_print(out, value);
}
