/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/literal.h"

#include <errno.h>

#include "base/error.h"
#include "base/utf8.h"
#include "match/cel/number_text.h"
#include "match/cel/place.h"

static int number_read(struct str source, const struct cel_token *token, bool minus, struct cel_value *ret,
		       struct error *err)
{
	const uint64_t most = (uint64_t)INT64_MAX + minus;
	uint64_t u = 0;
	double d = 0;
	bool hex = str_starts(token->text, STR("0x")), ok;

	if (token->kind == TOKEN_DOUBLE) {
		if (!number_read_double(token->text, &d))
			return cel_error_at(err, EINVAL, source, token->at,
					    "this number is too big or too long for a double");
		*ret = cel_double(minus ? -d : d);
		return 0;
	}
	ok = hex ? number_read_hex(str_from(token->text, 2), &u) : number_read_uint(token->text, &u);
	if (token->kind == TOKEN_UINT) {
		if (!ok)
			return cel_error_at(err, EINVAL, source, token->at,
					    "this number is beyond uint (18446744073709551615)");
		*ret = cel_uint(u);
		return 0;
	}
	if (!ok || u > most)
		return cel_error_at(err, EINVAL, source, token->at,
				    "this number is beyond int (-9223372036854775808..9223372036854775807)");
	*ret = cel_int((int64_t)(minus ? -u : u));
	return 0;
}

/* What \a, \n, … stand for; 0 for others. */
static char simple_escape(char c)
{
	static const char from[] = "abfnrtv\\'\"`?", to[] = "\a\b\f\n\r\t\v\\'\"`?";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : '\0';
}

/* Reads the escape at text[1] on (text[0] is the backslash). Returns its bytes, 0 for a wrong one. */
static size_t escape_read(struct str text, bool bytes, uint32_t *ret_point)
{
	char c = text.len > 1 ? text.p[1] : '\0';
	size_t digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	uint64_t point = 0;

	*ret_point = (unsigned char)simple_escape(c);
	if (*ret_point)
		return 2;
	if (c >= '0' && c <= '3') {
		for (size_t i = 1; i <= 3; i++) {
			if (i >= text.len || text.p[i] < '0' || text.p[i] > '7')
				return 0;
			point = point << 3 | (uint64_t)(text.p[i] - '0');
		}
		*ret_point = (uint32_t)point;
		return 4;
	}
	if (!digits || text.len < 2 + digits || (bytes && digits > 2) ||
	    !number_read_hex((struct str){ text.p + 2, digits }, &point) || point > 0x10ffff ||
	    (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret_point = (uint32_t)point;
	return 2 + digits;
}

static int text_read(struct str source, struct str text, bool bytes, struct arena *arena, struct cel_value *ret,
		     struct error *err)
{
	char *copy = arena_alloc(arena, text.len + 1); /* no escape is shorter than what it stands for */
	size_t n = 0, used;

	if (!copy)
		return error_set(err, ENOMEM, "the expression needs more memory than there is");
	for (size_t at = 0; at < text.len; at += used) {
		uint32_t point;

		used = 1;
		if (text.p[at] != '\\') {
			copy[n++] = text.p[at];
			continue;
		}
		used = escape_read(str_from(text, at), bytes, &point);
		if (!used)
			return cel_error_at(
				err, EINVAL, source, (size_t)(text.p + at - source.p),
				bytes ? "wrong escape in bytes: want \\n and the like, \\xHH or \\ooo (000..377)"
				      : "wrong escape: want \\n and the like, \\xHH, \\ooo, \\uHHHH or \\UHHHHHHHH, a "
					"character");
		if (bytes)
			copy[n++] = (char)point;
		else
			n += utf8_encode(point, copy + n);
	}
	*ret = bytes ? cel_bytes((struct str){ copy, n }) : cel_string((struct str){ copy, n });
	return 0;
}

static int string_read(struct str source, const struct cel_token *token, struct arena *arena, struct cel_value *ret,
		       struct error *err)
{
	bool bytes = token->kind == TOKEN_BYTES, raw = (token->text.p[0] | 0x20) == 'r';
	struct str text = raw ? str_from(token->text, 1) : token->text;
	char quote[3] = { text.p[0], text.p[0], text.p[0] };
	size_t quotes = text.len >= 6 && str_starts(text, (struct str){ quote, 3 }) ? 3 : 1;

	text = (struct str){ text.p + quotes, text.len - 2 * quotes };
	if (!raw && str_find(text, '\\') >= 0)
		return text_read(source, text, bytes, arena, ret, err);
	*ret = bytes ? cel_bytes(text) : cel_string(text);
	return 0;
}

int cel_literal_read(struct str source, const struct cel_token *token, bool minus, struct arena *arena,
		     struct cel_value *ret, struct error *err)
{
	switch (token->kind) {
	case TOKEN_STRING:
	case TOKEN_BYTES:
		return string_read(source, token, arena, ret, err);
	case TOKEN_TRUE:
	case TOKEN_FALSE:
		*ret = cel_bool(token->kind == TOKEN_TRUE);
		return 0;
	case TOKEN_NULL:
		*ret = cel_null();
		return 0;
	default:
		return number_read(source, token, minus, ret, err);
	}
}
