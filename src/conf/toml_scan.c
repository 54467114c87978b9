/* SPDX-License-Identifier: Apache-2.0 */
/* White space, comments, keys and strings: what can be read without knowing the document's structure. */
#include "conf/toml_state.h"

#include <errno.h>

#include "base/utf8.h"

int toml_scan_fail(struct toml_scan *scan, size_t where, const char *why)
{
	scan->where = where;
	scan->why = why;
	return -EINVAL;
}

/* The byte `ahead` of the position; 0 beyond the end (a NUL is nowhere allowed, so the two need no telling apart). */
static unsigned char peek(const struct toml_scan *scan, size_t ahead)
{
	return ahead < scan->text.len - scan->at ? (unsigned char)scan->text.p[scan->at + ahead] : 0;
}

void toml_scan_blank(struct toml_scan *scan)
{
	while (peek(scan, 0) == ' ' || peek(scan, 0) == '\t')
		scan->at++;
}

bool toml_scan_at_eol(const struct toml_scan *scan)
{
	return scan->at == scan->text.len || peek(scan, 0) == '\n' || (peek(scan, 0) == '\r' && peek(scan, 1) == '\n');
}

void toml_scan_eol(struct toml_scan *scan)
{
	scan->at += peek(scan, 0) == '\r';
	scan->at += peek(scan, 0) == '\n';
}

/* Control characters that neither comments nor strings may hold. Line ends are the caller's. */
static bool is_control(unsigned char c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

int toml_scan_comment(struct toml_scan *scan)
{
	if (peek(scan, 0) != '#')
		return 0;
	while (!toml_scan_at_eol(scan)) {
		if (is_control(peek(scan, 0)))
			return toml_scan_fail(scan, scan->at, "a comment may not hold a control character");
		scan->at++;
	}
	return 0;
}

static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \uXXXX or \UXXXXXXXX, `at` on the backslash. */
static int unicode_escape(struct toml_scan *scan, unsigned digits)
{
	uint32_t point = 0;

	for (unsigned i = 0; i < digits; i++) {
		int digit = hex_digit(peek(scan, 2 + i));

		if (digit < 0)
			return toml_scan_fail(scan, scan->at,
					      digits == 4 ? "\\u needs four hexadecimal digits"
							  : "\\U needs eight hexadecimal digits");
		point = point << 4 | (uint32_t)digit;
	}
	if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return toml_scan_fail(scan, scan->at, "the escape names no Unicode character");
	scan->at += 2 + digits;
	return 0;
}

/* A backslash at the end of a line of a multi-line string swallows white space up to the next character. */
static int line_continuation(struct toml_scan *scan)
{
	size_t from = scan->at++;

	toml_scan_blank(scan);
	if (scan->at == scan->text.len || !toml_scan_at_eol(scan))
		return toml_scan_fail(scan, from, "unknown escape: a backslash before white space must end its line");
	while (scan->at < scan->text.len) {
		size_t before = scan->at;

		toml_scan_blank(scan);
		if (toml_scan_at_eol(scan))
			toml_scan_eol(scan);
		if (scan->at == before)
			break;
	}
	return 0;
}

static int escape(struct toml_scan *scan, bool multi)
{
	switch (peek(scan, 1)) {
	case 'b':
	case 't':
	case 'n':
	case 'f':
	case 'r':
	case '"':
	case '\\':
		scan->at += 2;
		return 0;
	case 'u':
		return unicode_escape(scan, 4);
	case 'U':
		return unicode_escape(scan, 8);
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		if (multi)
			return line_continuation(scan);
		break;
	default:
		break;
	}
	return toml_scan_fail(scan, scan->at,
			      "unknown escape; known: \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX");
}

/* How many of `quote` stand here, at most 5: two may precede the three that end a multi-line string. */
static unsigned quotes(const struct toml_scan *scan, unsigned char quote)
{
	unsigned n = 0;

	while (n < 5 && peek(scan, n) == quote)
		n++;
	return n;
}

int toml_scan_string(struct toml_scan *scan, bool key)
{
	unsigned char quote = peek(scan, 0);
	size_t from = scan->at;
	bool multi = quotes(scan, quote) >= 3;

	if (multi && key)
		return toml_scan_fail(scan, from, "a key cannot be a multi-line string");
	scan->at += multi ? 3 : 1;
	for (;;) {
		unsigned char c = peek(scan, 0);

		if (scan->at == scan->text.len)
			return toml_scan_fail(scan, from, "the string has no end");
		if (c == quote && !multi) {
			scan->at++;
			return 0;
		}
		if (c == quote) {
			unsigned n = quotes(scan, quote);

			scan->at += n;
			if (n >= 3)
				return 0;
		} else if (c == '\\' && quote == '"') {
			int result = escape(scan, multi);

			if (result < 0)
				return result;
		} else if (toml_scan_at_eol(scan)) {
			if (!multi)
				return toml_scan_fail(scan, from, "the string does not end on its line");
			toml_scan_eol(scan);
		} else if (is_control(c)) {
			return toml_scan_fail(scan, scan->at,
					      "a string may not hold a control character; write it as an escape");
		} else {
			scan->at++;
		}
	}
}

static bool is_bare(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

int toml_scan_key_part(struct toml_scan *scan, struct str *ret_raw)
{
	size_t from = scan->at;

	if (peek(scan, 0) == '"' || peek(scan, 0) == '\'') {
		int result = toml_scan_string(scan, true);

		if (result < 0)
			return result;
	} else {
		while (is_bare(peek(scan, 0)))
			scan->at++;
	}
	if (scan->at == from)
		return toml_scan_fail(
			scan, from,
			"a key is missing here; one with other characters than A-Z a-z 0-9 _ - needs quotes");
	*ret_raw = (struct str){ scan->text.p + from, scan->at - from };
	return 0;
}

bool toml_plain(struct str raw, struct str *ret)
{
	bool quoted = raw.len && (raw.p[0] == '"' || raw.p[0] == '\'');

	if (!quoted) { /* a bare key */
		*ret = raw;
		return true;
	}
	if (raw.len >= 6 && raw.p[1] == raw.p[0] && raw.p[2] == raw.p[0])
		return false;
	if (raw.p[0] == '"' && str_find(raw, '\\') >= 0)
		return false;
	*ret = (struct str){ raw.p + 1, raw.len - 2 };
	return true;
}

/* One escape, `raw` on its backslash; *ret_out grows. Returns the bytes of `raw` that were used. */
static size_t escape_decode(struct str raw, char **out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *known = raw.p[1] ? strchr(from, raw.p[1]) : NULL;
	uint32_t point = 0;
	size_t digits, n;

	if (known) {
		*(*out)++ = to[known - from];
		return 2;
	}
	if (raw.p[1] != 'u' && raw.p[1] != 'U') { /* a line's end */
		for (n = 1; n < raw.len && strchr(" \t\r\n", raw.p[n]); n++)
			;
		return n;
	}
	digits = raw.p[1] == 'u' ? 4 : 8;
	for (size_t i = 0; i < digits; i++)
		point = point << 4 | (uint32_t)hex_digit((unsigned char)raw.p[2 + i]);
	*out += utf8_encode(point, *out);
	return 2 + digits;
}

size_t toml_decode(struct str raw, char *out)
{
	bool multi = raw.len >= 6 && raw.p[1] == raw.p[0] && raw.p[2] == raw.p[0];
	size_t quote = multi ? 3 : 1, end;
	char *begin = out;
	struct str plain;

	if (toml_plain(raw, &plain)) {
		if (plain.len)
			memcpy(out, plain.p, plain.len);
		return plain.len;
	}
	end = raw.len - quote;
	/* A line end right behind the opening quotes does not count. */
	if (multi && raw.p[quote] == '\r' && raw.p[quote + 1] == '\n')
		quote += 2;
	else if (multi && raw.p[quote] == '\n')
		quote++;
	for (size_t at = quote; at < end;) {
		if (raw.p[at] == '\\' && raw.p[0] == '"') {
			at += escape_decode((struct str){ raw.p + at, end - at }, &out);
		} else if (raw.p[at] == '\r') {
			at++; /* of CRLF: a bare one was refused */
		} else {
			*out++ = raw.p[at++];
		}
	}
	return (size_t)(out - begin);
}
