/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, dates, times and booleans. */
#include "conf/toml_state.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define SCALAR_MAX 512 /* bytes of a number; more digits than that nobody means */

/* What a scalar is made of: all of it up to the next of " \t\r\n,]}#" or the end. */
static struct str word(const struct toml_scan *scan)
{
	struct str rest = str_from(scan->text, scan->at);
	size_t n = 0;

	while (n < rest.len && !strchr(" \t\r\n,]}#=", rest.p[n] ? rest.p[n] : '='))
		n++;
	return (struct str){ rest.p, n };
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Two (four) digits at `at` as a number, or -1. */
static int digits(struct str text, size_t at, size_t n)
{
	int value = 0;

	if (at > text.len || n > text.len - at)
		return -1;
	for (size_t i = at; i < at + n; i++) {
		if (!is_digit(text.p[i]))
			return -1;
		value = value * 10 + (text.p[i] - '0');
	}
	return value;
}

static bool date_valid(struct str text)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return text.len >= 10 && year >= 0 && text.p[4] == '-' && text.p[7] == '-' && month >= 1 && month <= 12 &&
	       day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* hh:mm:ss[.f…] at the start of `text`; returns its length, or 0. */
static size_t time_length(struct str text)
{
	int hour = digits(text, 0, 2), minute = digits(text, 3, 2), second = digits(text, 6, 2);
	size_t n = 8;

	if (text.len < 8 || text.p[2] != ':' || text.p[5] != ':' || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 60) /* 60: a leap second */
		return 0;
	if (n < text.len && text.p[n] == '.') {
		for (n++; n < text.len && is_digit(text.p[n]); n++)
			;
		if (n == 9)
			return 0;
	}
	return n;
}

static bool offset_valid(struct str text)
{
	int hour = digits(text, 1, 2), minute = digits(text, 4, 2);

	if (text.len == 1)
		return text.p[0] == 'Z' || text.p[0] == 'z';
	return text.len == 6 && (text.p[0] == '+' || text.p[0] == '-') && text.p[3] == ':' && hour >= 0 && hour <= 23 &&
	       minute >= 0 && minute <= 59;
}

static int moment(struct toml_scan *scan, struct str text)
{
	size_t begin = scan->at, n;
	struct str time;

	if (text.len >= 3 && text.p[2] == ':') {
		if (!text.len || time_length(text) != text.len)
			return toml_scan_fail(scan, begin, "not a time; it is written 07:32:00");
		scan->at += text.len;
		return TOML_TIME_LOCAL;
	}
	if (!date_valid(text))
		return toml_scan_fail(scan, begin, "not a date; it is written 1979-05-27");
	if (text.len == 10) {
		/* A space may part date and time; then both are one word. */
		struct toml_scan behind = *scan;

		behind.at += 11;
		if (scan->text.len - scan->at <= 11 || text.p[10] != ' ' || !is_digit(text.p[11])) {
			scan->at += 10;
			return TOML_DATE_LOCAL;
		}
		time = word(&behind);
	} else if (text.p[10] == 'T' || text.p[10] == 't') {
		time = str_from(text, 11);
	} else {
		return toml_scan_fail(scan, begin, "not a date; between date and time stands a T or one space");
	}
	n = time_length(time);
	if (!n)
		return toml_scan_fail(scan, begin, "not a date with time; it is written 1979-05-27T07:32:00Z");
	if (n < time.len && !offset_valid(str_from(time, n)))
		return toml_scan_fail(scan, begin,
				      "not a date with time; behind the time stands Z or an offset such as +01:00");
	scan->at += 11 + time.len;
	return n < time.len ? TOML_DATETIME : TOML_DATETIME_LOCAL;
}

static bool is_digit_of(char c, int base)
{
	if (base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
		return true;
	return c >= '0' && c < '0' + (base < 10 ? base : 10);
}

/* Digits with single underscores between them, from `at`; returns where they end, or 0 when there are none or it is
 * malformed. */
static size_t digit_run(struct str text, size_t at, int base)
{
	size_t from = at;

	while (at < text.len) {
		if (is_digit_of(text.p[at], base))
			at++;
		else if (text.p[at] == '_' && at > from && text.p[at - 1] != '_' && at + 1 < text.len &&
			 is_digit_of(text.p[at + 1], base))
			at++;
		else
			break;
	}
	return at > from ? at : 0;
}

/* Copies a number without underscores and a leading '+'; the room is SCALAR_MAX. */
static void number_clean(struct str text, char *out)
{
	for (size_t i = text.len && text.p[0] == '+'; i < text.len; i++)
		if (text.p[i] != '_')
			*out++ = text.p[i];
	*out = '\0';
}

static int64_t integer_value(struct str text, bool *ret_fits)
{
	int base = text.len > 2 && text.p[0] == '0' ? text.p[1] == 'x'   ? 16
						      : text.p[1] == 'o' ? 8
						      : text.p[1] == 'b' ? 2
									 : 10
						    : 10;
	char clean[SCALAR_MAX];
	int64_t value;

	number_clean(text, clean);
	errno = 0;
	value = strtoll(clean + (base == 10 ? 0 : 2), NULL, base);
	*ret_fits = !errno;
	return value;
}

static int integer(struct toml_scan *scan, struct str text)
{
	bool fits;

	(void)integer_value(text, &fits);
	if (!fits)
		return toml_scan_fail(scan, scan->at, "the integer is beyond 64 bits");
	scan->at += text.len;
	return TOML_INTEGER;
}

static int number(struct toml_scan *scan, struct str text)
{
	static const char *const why = "not a value; strings need quotes, numbers have no leading zero and digits on "
				       "both sides of '.' and '_'";
	size_t from = text.p[0] == '+' || text.p[0] == '-', end, whole;

	if (text.len - from >= 2 && text.p[from] == '0' && strchr("xob", text.p[from + 1])) {
		int base = text.p[from + 1] == 'x' ? 16 : text.p[from + 1] == 'o' ? 8 : 2;

		if (from || digit_run(text, 2, base) != text.len)
			return toml_scan_fail(
				scan, scan->at,
				"not a number: 0x, 0o and 0b are followed by their digits and have no sign");
		return integer(scan, text);
	}
	end = whole = digit_run(text, from, 10);
	if (!end || (text.p[from] == '0' && end - from > 1))
		return toml_scan_fail(scan, scan->at, why);
	if (end == text.len)
		return integer(scan, text);
	if (text.p[end] == '.')
		end = digit_run(text, end + 1, 10);
	if (end && end < text.len && (text.p[end] == 'e' || text.p[end] == 'E')) {
		end++;
		if (end < text.len && (text.p[end] == '+' || text.p[end] == '-'))
			end++;
		end = digit_run(text, end, 10);
	}
	if (end != text.len || end == whole)
		return toml_scan_fail(scan, scan->at, why);
	scan->at += text.len;
	return TOML_FLOAT;
}

int toml_scan_scalar(struct toml_scan *scan)
{
	struct str text = word(scan), bare = text;

	if (!text.len)
		return toml_scan_fail(scan, scan->at, "a value is missing here");
	if (str_is(text, "true") || str_is(text, "false")) {
		scan->at += text.len;
		return TOML_BOOL;
	}
	if (bare.p[0] == '+' || bare.p[0] == '-')
		bare = str_from(bare, 1);
	if (str_is(bare, "inf") || str_is(bare, "nan")) {
		scan->at += text.len;
		return TOML_FLOAT;
	}
	if (text.len > 4 && digits(text, 0, 4) >= 0 && text.p[4] == '-')
		return moment(scan, text);
	if (text.len > 2 && digits(text, 0, 2) >= 0 && text.p[2] == ':')
		return moment(scan, text);
	if (text.len >= SCALAR_MAX)
		return toml_scan_fail(scan, scan->at, "not a value: a number of more than 511 characters");
	return number(scan, text);
}

bool toml_bool(const struct toml_node *node)
{
	assert(node->type == TOML_BOOL);
	return node->text.p[0] == 't';
}

int64_t toml_integer(const struct toml_node *node)
{
	bool fits;

	assert(node->type == TOML_INTEGER);
	return integer_value(node->text, &fits);
}

double toml_float(const struct toml_node *node)
{
	struct str text = node->text;
	char clean[SCALAR_MAX];

	assert(node->type == TOML_FLOAT);
	if (str_ends(text, STR("nan")))
		return (double)NAN;
	if (str_ends(text, STR("inf")))
		return text.p[0] == '-' ? -(double)INFINITY : (double)INFINITY;
	number_clean(text, clean);
	return strtod(clean, NULL);
}
