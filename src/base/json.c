/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>

#include "base/error.h"
#include "base/utf8.h"

/* What may come next. */
enum want {
	WANT_VALUE = 0,    /* the document, or after ':' or an array's ',' */
	WANT_ITEM_OR_END,  /* after '[' */
	WANT_KEY_OR_END,   /* after '{' */
	WANT_KEY,          /* after an object's ',' */
	WANT_COMMA_OR_END, /* after a value inside something */
	WANT_NOTHING,      /* after the document */
};

void json_reader_init(struct json_reader *reader, struct str input)
{
	*reader = (struct json_reader){ .input = input };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool in_array(const struct json_reader *r)
{
	return r->depth && r->is_array[(r->depth - 1) / 8] >> ((r->depth - 1) % 8) & 1;
}

static int malformed(const struct json_reader *r, const char *why, struct error *err)
{
	if (r->at >= r->input.len)
		return error_set(err, EINVAL, "malformed JSON: byte %zu: it ends too early: %s", r->input.len, why);
	return error_set(err, EINVAL, "malformed JSON: byte %zu: %s", r->at, why);
}

static void skip_space(struct json_reader *r)
{
	while (r->at < r->input.len && is_space(r->input.p[r->at]))
		r->at++;
}

static void value_done(struct json_reader *r)
{
	r->state = r->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at text[at..]; -1 if they are not there. */
static int32_t hex4(struct str text, size_t at)
{
	int32_t value = 0;

	if (text.len - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = hex_digit(text.p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

#define BYTES(value) (UINT64_C(0x0101010101010101) * (value))

static bool is_special(char c)
{
	return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* The first quote, backslash or control character from `at` on, or `end`: eight bytes at a time, nearly all of a
 * document. */
static size_t special_find(const char *p, size_t at, size_t end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word, quote, slash, found;

		memcpy(&word, p + at, sizeof word);
		quote = word ^ BYTES('"');
		slash = word ^ BYTES('\\');
		/* The high bit of each byte that is one; a borrow makes false ones only behind a true one. */
		found = (((word - BYTES(0x20)) & ~word) | ((quote - BYTES(1)) & ~quote) |
			 ((slash - BYTES(1)) & ~slash)) &
			BYTES(0x80);
		if (!found)
			continue;
		if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
			return at + (size_t)__builtin_ctzll(found) / 8;
		break;
	}
	while (at < end && !is_special(p[at]))
		at++;
	return at;
}

/* At the opening quote: leaves the raw text in r->text and stands behind the closing quote. */
static int string_scan(struct json_reader *r, struct error *err)
{
	const char *p = r->input.p;
	size_t begin = ++r->at, at = begin, end = r->input.len;

	for (; (at = special_find(p, at, end)) < end; at++) {
		char c = p[at];

		r->at = at;
		if (c == '"') {
			r->text = (struct str){ p + begin, at - begin };
			r->at++;
			return 0;
		}
		if (c != '\\')
			return malformed(r, "control character in a string", err);
		r->at = ++at;
		if (at == end)
			break;
		if (p[at] == 'u') {
			if (hex4(r->input, at + 1) < 0)
				return malformed(r, "\\u needs four hexadecimal digits", err);
			at += 4;
		} else if (!p[at] || !strchr("\"\\/bfnrt", p[at])) {
			return malformed(r, "unknown escape in a string", err);
		}
	}
	r->at = end;
	return malformed(r, "unterminated string", err);
}

static bool digits_skip(struct json_reader *r)
{
	size_t begin = r->at;

	while (r->at < r->input.len && is_digit(r->input.p[r->at]))
		r->at++;
	return r->at > begin;
}

static bool byte_is(const struct json_reader *r, char c)
{
	return r->at < r->input.len && r->input.p[r->at] == c;
}

static int number_scan(struct json_reader *r, struct error *err)
{
	size_t begin = r->at;

	if (byte_is(r, '-'))
		r->at++;
	if (byte_is(r, '0')) {
		r->at++;
		if (digits_skip(r))
			return malformed(r, "a number with a leading zero", err);
	} else if (!digits_skip(r)) {
		return malformed(r, "a number needs digits", err);
	}
	if (byte_is(r, '.')) {
		r->at++;
		if (!digits_skip(r))
			return malformed(r, "a number needs digits after '.'", err);
	}
	if (byte_is(r, 'e') || byte_is(r, 'E')) {
		r->at++;
		if (byte_is(r, '+') || byte_is(r, '-'))
			r->at++;
		if (!digits_skip(r))
			return malformed(r, "a number needs digits in its exponent", err);
	}
	r->text = (struct str){ r->input.p + begin, r->at - begin };
	return 0;
}

static int word_scan(struct json_reader *r, struct error *err)
{
	static const struct {
		struct str word;
		enum json_event event;
	} words[] = {
		{ STR("true"), JSON_TRUE },
		{ STR("false"), JSON_FALSE },
		{ STR("null"), JSON_NULL },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_starts(str_from(r->input, r->at), words[i].word)) {
			r->at += words[i].word.len;
			value_done(r);
			return (int)words[i].event;
		}
	return malformed(r, "expected a value", err);
}

static int container_begin(struct json_reader *r, bool array, struct error *err)
{
	unsigned char bit = (unsigned char)(1u << (r->depth % 8));

	if (r->depth == JSON_DEPTH_MAX)
		return error_set(err, E2BIG, "JSON is nested too deeply: byte %zu: more than %d levels", r->at,
				 JSON_DEPTH_MAX);
	if (array)
		r->is_array[r->depth / 8] |= bit;
	else
		r->is_array[r->depth / 8] &= (unsigned char)~bit;
	r->depth++;
	r->at++;
	r->state = array ? WANT_ITEM_OR_END : WANT_KEY_OR_END;
	return array ? JSON_ARRAY_BEGIN : JSON_OBJECT_BEGIN;
}

static int container_end(struct json_reader *r)
{
	enum json_event event = in_array(r) ? JSON_ARRAY_END : JSON_OBJECT_END;

	r->at++;
	r->depth--;
	value_done(r);
	return (int)event;
}

static int value_scan(struct json_reader *r, struct error *err)
{
	int result;

	if (r->at == r->input.len)
		return malformed(r, "expected a value", err);
	switch (r->input.p[r->at]) {
	case '{':
		return container_begin(r, false, err);
	case '[':
		return container_begin(r, true, err);
	case '"':
		result = string_scan(r, err);
		if (result < 0)
			return result;
		value_done(r);
		return JSON_STRING;
	case '-':
	case '0' ... '9':
		result = number_scan(r, err);
		if (result < 0)
			return result;
		value_done(r);
		return JSON_NUMBER;
	default:
		return word_scan(r, err);
	}
}

/* With its ':', so that the caller never sees a key without one. */
static int key_scan(struct json_reader *r, struct error *err)
{
	int result;

	if (!byte_is(r, '"'))
		return malformed(r, "expected a key in quotes", err);
	result = string_scan(r, err);
	if (result < 0)
		return result;
	skip_space(r);
	if (!byte_is(r, ':'))
		return malformed(r, "expected ':' after a key", err);
	r->at++;
	r->state = WANT_VALUE;
	return JSON_KEY;
}

static int step(struct json_reader *r, struct error *err)
{
	skip_space(r);
	switch ((enum want)r->state) {
	case WANT_ITEM_OR_END:
		return byte_is(r, ']') ? container_end(r) : value_scan(r, err);
	case WANT_KEY_OR_END:
		return byte_is(r, '}') ? container_end(r) : key_scan(r, err);
	case WANT_KEY:
		return key_scan(r, err);
	case WANT_COMMA_OR_END:
		if (byte_is(r, in_array(r) ? ']' : '}'))
			return container_end(r);
		if (!byte_is(r, ','))
			return malformed(r, in_array(r) ? "expected ',' or ']'" : "expected ',' or '}'", err);
		r->at++;
		skip_space(r);
		return in_array(r) ? value_scan(r, err) : key_scan(r, err);
	case WANT_NOTHING:
		return r->at == r->input.len ? JSON_END : malformed(r, "more text after the document", err);
	case WANT_VALUE:
		break;
	}
	return value_scan(r, err);
}

int json_next(struct json_reader *reader, struct error *err)
{
	size_t at = reader->at;
	int result = step(reader, err);

	if (result < 0)
		reader->at = at; /* nothing else has moved yet, so the same error comes again */
	return result;
}

int json_skip(struct json_reader *reader, enum json_event event, struct error *err)
{
	unsigned depth = reader->depth;

	if (event != JSON_OBJECT_BEGIN && event != JSON_ARRAY_BEGIN)
		return 0;
	while (reader->depth >= depth) {
		int result = json_next(reader, err);

		if (result < 0)
			return result;
	}
	return 0;
}

/*
 * The next decoded piece of a raw string: a character of 1..4 bytes in `out`. Returns the number of bytes, or
 * -EINVAL: NUL, or no escape of JSON (which the reader lets through in no string).
 */
static int piece_decode(struct str raw, size_t *at, char out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	struct str rest = str_from(raw, *at);
	uint32_t point;
	const char *known;
	int32_t high, low;
	unsigned n;

	if (rest.p[0] != '\\') {
		n = utf8_length(rest, &point);
		if (n && !point)
			return -EINVAL;
		memcpy(out, n ? rest.p : UTF8_REPLACEMENT, n ? n : 3);
		*at += n ? n : 1;
		return n ? (int)n : 3;
	}
	if (rest.len < 2 || !rest.p[1])
		return -EINVAL;
	known = strchr(from, rest.p[1]);
	if (known) {
		*at += 2;
		out[0] = to[known - from];
		return 1;
	}
	high = rest.p[1] == 'u' ? hex4(rest, 2) : -1;
	if (high <= 0)
		return -EINVAL;
	*at += 6;
	point = (uint32_t)high;
	if (high >= 0xd800 && high < 0xe000) {
		low = rest.len >= 8 && rest.p[6] == '\\' && rest.p[7] == 'u' ? hex4(rest, 8) : -1;
		if (high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			*at += 6;
			point = 0x10000 + ((point - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
		} else {
			point = 0xfffd; /* lone: what follows is decoded by itself */
		}
	}
	return (int)utf8_encode(point, out);
}

/* Stands for itself in a raw string: ASCII but backslash and NUL. */
static bool is_plain(char c)
{
	return c && (unsigned char)c < 0x80 && c != '\\';
}

static size_t plain_length(struct str raw, size_t at)
{
	size_t end = at;

	while (end < raw.len && is_plain(raw.p[end]))
		end++;
	return end - at;
}

int json_string_decode(struct str raw, struct buf *out)
{
	for (size_t at = 0; at < raw.len;) {
		size_t plain = plain_length(raw, at);
		char piece[4];
		int n;

		if (plain) {
			buf_add(out, raw.p + at, plain);
			at += plain;
			continue;
		}
		n = piece_decode(raw, &at, piece);
		if (n < 0)
			return n;
		buf_add(out, piece, (size_t)n);
	}
	return out->overflow ? -ENOBUFS : 0;
}

bool json_string_is(struct str raw, struct str text)
{
	size_t done = 0;

	for (size_t at = 0; at < raw.len;) {
		char piece[4], c = raw.p[at];
		int n;

		if (is_plain(c)) {
			if (done == text.len || text.p[done] != c)
				return false;
			at++;
			done++;
			continue;
		}
		n = piece_decode(raw, &at, piece);
		if (n < 0 || text.len - done < (size_t)n || memcmp(text.p + done, piece, (size_t)n) != 0)
			return false;
		done += (size_t)n;
	}
	return done == text.len;
}
