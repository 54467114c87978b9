/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DIGITS_MAX 17 /* enough for every double */

/*
 * Below a power of two doubles lie half as far apart as above it: there, a number of fewer digits can read back though
 * it is not the nearest of so many, but the next one up. 46 doubles are such, all with one digit less than the most.
 */
static void next_up_try(double value, char text[DIGITS_MAX + 16])
{
	char shorter[DIGITS_MAX + 16], *last;

	(void)snprintf(shorter, DIGITS_MAX + 16, "%.*e", DIGITS_MAX - 2, value);
	last = strchr(shorter, 'e') - 1;
	if (*last == '9')
		return;
	++*last;
	if (strtod(shorter, NULL) == value)
		memcpy(text, shorter, sizeof shorter);
}

/* Finds digits and exponent: value = 0.d1d2d3… × 10^*ret_point. Returns the number of digits. */
static unsigned double_digits(double value, char digit[DIGITS_MAX], int *ret_point)
{
	char text[DIGITS_MAX + 16];
	unsigned n = 0;
	int exponent;
	char *at;

	for (int precision = 0; precision < DIGITS_MAX; precision++) {
		(void)snprintf(text, sizeof text, "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (strchr(text, 'e') - text > DIGITS_MAX && frexp(value, &exponent) == 0.5)
		next_up_try(value, text);
	for (at = text; *at != 'e'; at++)
		if (*at != '.')
			digit[n++] = *at;
	*ret_point = atoi(at + 1) + 1;
	while (n > 1 && digit[n - 1] == '0')
		n--;
	return n;
}

static void print_plain(struct buf *out, const char *digit, unsigned n, int point)
{
	if (point <= 0)
		buf_text(out, "0.");
	for (int i = point; i < 0; i++)
		buf_byte(out, '0');
	for (int i = 0; i < (int)n || i < point; i++) {
		if (i == point && i)
			buf_byte(out, '.');
		buf_byte(out, i < (int)n ? digit[i] : '0');
	}
}

static void print_exponent(struct buf *out, const char *digit, unsigned n, int exponent)
{
	buf_byte(out, digit[0]);
	if (n > 1)
		buf_byte(out, '.');
	buf_add(out, digit + 1, n - 1);
	buf_text(out, exponent < 0 ? "e-" : "e+");
	exponent = abs(exponent);
	if (exponent < 10)
		buf_byte(out, '0');
	buf_u64(out, (uint64_t)exponent);
}

void number_print_double(struct buf *out, double value, enum number_style style)
{
	char digit[DIGITS_MAX];
	unsigned n;
	int point;

	if (isnan(value)) {
		buf_text(out, "NaN");
		return;
	}
	if (isinf(value)) {
		buf_text(out, value < 0 ? "-Inf" : "+Inf");
		return;
	}
	if (signbit(value))
		buf_byte(out, '-');
	if (value == 0) {
		buf_byte(out, '0');
		return;
	}
	n = double_digits(fabs(value), digit, &point);
	if (style == NUMBER_SHORT && (point < -3 || point > 6))
		print_exponent(out, digit, n, point - 1);
	else
		print_plain(out, digit, n, point);
}

void number_print_int(struct buf *out, int64_t value)
{
	if (value < 0)
		buf_byte(out, '-');
	buf_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

bool number_read_uint(struct str text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned char)text.p[i] - (unsigned)'0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

bool number_read_int(struct str text, int64_t *ret)
{
	bool minus = text.len && text.p[0] == '-';
	uint64_t value;

	if (text.len && (minus || text.p[0] == '+'))
		text = str_from(text, 1);
	if (!number_read_uint(text, &value) || value > (uint64_t)INT64_MAX + minus)
		return false;
	*ret = (int64_t)(minus ? -value : value);
	return true;
}

bool number_read_hex(struct str digits, uint64_t *ret)
{
	uint64_t value = 0;

	if (!digits.len)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		unsigned c = (unsigned char)digits.p[i], low = c | 0x20;
		unsigned digit = c - '0' < 10 ? c - '0' : low - 'a' < 6 ? low - 'a' + 10 : 16;

		if (digit > 15 || value >> 60)
			return false;
		value = value << 4 | digit;
	}
	*ret = value;
	return true;
}

static size_t digits_skip(struct str text, size_t at)
{
	while (at < text.len && text.p[at] >= '0' && text.p[at] <= '9')
		at++;
	return at;
}

static bool is_decimal(struct str text)
{
	size_t at = text.len && (text.p[0] == '+' || text.p[0] == '-'), from = at, digits;

	at = digits_skip(text, at);
	digits = at - from;
	if (at < text.len && text.p[at] == '.') {
		from = ++at;
		at = digits_skip(text, at);
		digits += at - from;
	}
	if (!digits)
		return false;
	if (at < text.len && (text.p[at] == 'e' || text.p[at] == 'E')) {
		at++;
		if (at < text.len && (text.p[at] == '+' || text.p[at] == '-'))
			at++;
		from = at;
		at = digits_skip(text, at);
		if (at == from)
			return false;
	}
	return at == text.len;
}

static bool is_word(const char *text)
{
	const char *bare = text + (*text == '+' || *text == '-');

	return !strcasecmp(bare, "inf") || !strcasecmp(bare, "infinity") || !strcasecmp(text, "nan");
}

bool number_read_double(struct str text, double *ret)
{
	char copy[NUMBER_TEXT_MAX + 1];
	bool decimal;

	if (text.len > NUMBER_TEXT_MAX || !text.len || memchr(text.p, 0, text.len))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	decimal = is_decimal(text);
	if (!decimal && !is_word(copy))
		return false;
	*ret = strtod(copy, NULL);
	return !decimal || !isinf(*ret);
}
