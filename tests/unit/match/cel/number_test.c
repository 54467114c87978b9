/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "match/cel/number_text.h"

static const char *printed(double value, enum number_style style)
{
	static char text[400];
	struct buf out = buf_over(text, sizeof text);

	number_print_double(&out, value, style);
	return out.overflow ? "too long" : text;
}

static void doubles_are_printed_as_strconv_does(void **state)
{
	static const struct {
		double value;
		const char *brief, *plain;
	} row[] = {
		{ 0.0, "0", "0" },
		{ -0.0, "-0", "-0" },
		{ 1.0, "1", "1" },
		{ -1.5, "-1.5", "-1.5" },
		{ 0.1, "0.1", "0.1" },
		{ 100000.0, "100000", "100000" },
		{ 999999.0, "999999", "999999" },
		{ 1000000.0, "1e+06", "1000000" },
		{ 1234567.0, "1.234567e+06", "1234567" },
		{ 123456.789, "123456.789", "123456.789" },
		{ 0.0001, "0.0001", "0.0001" },
		{ 0.00001, "1e-05", "0.00001" },
		{ 1e21, "1e+21", "1000000000000000000000" },
		{ 1e100, "1e+100", NULL },
		{ 5e-324, "5e-324", NULL },
		{ 1.7976931348623157e308, "1.7976931348623157e+308", NULL },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308", NULL },
		{ 9007199254740993.0, "9.007199254740992e+15", "9007199254740992" },
		{ 0.30000000000000004, "0.30000000000000004", "0.30000000000000004" },
		{ 0x1p-44, "5.684341886080802e-14", NULL }, /* not the nearest of 16 digits, but the next */
		{ 0x1p-24, "5.960464477539063e-08", NULL },
		{ 0x1p+89, "6.189700196426902e+26", NULL },
		{ (double)INFINITY, "+Inf", "+Inf" },
		{ -(double)INFINITY, "-Inf", "-Inf" },
		{ (double)NAN, "NaN", "NaN" },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_string_equal(printed(row[i].value, NUMBER_SHORT), row[i].brief);
		if (row[i].plain)
			assert_string_equal(printed(row[i].value, NUMBER_PLAIN), row[i].plain);
	}
	(void)state;
}

static bool same_bits(double a, double b)
{
	uint64_t x, y;

	memcpy(&x, &a, sizeof x);
	memcpy(&y, &b, sizeof y);
	return x == y;
}

/* Every power of two and its neighbours, and random bits: what is printed reads back to the bit. */
static void doubles_come_back(void **state)
{
	uint64_t seed = 1, bits;
	double value, again;

	for (unsigned i = 0; i < 60000; i++) {
		if (i < 3 * 2046) {
			bits = ((uint64_t)(i / 3 + 1) << 52) + i % 3 - 1;
		} else {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			bits = seed ^ seed >> 29;
		}
		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			continue;
		if (!number_read_double(str_of(printed(value, NUMBER_SHORT)), &again) || !same_bits(value, again))
			fail_msg("%a printed as %s", value, printed(value, NUMBER_SHORT));
		if (!number_read_double(str_of(printed(value, NUMBER_PLAIN)), &again) || !same_bits(value, again))
			fail_msg("%a printed as %s", value, printed(value, NUMBER_PLAIN));
	}
	(void)state;
}

static void texts_that_are_no_doubles(void **state)
{
	static const char *const wrong[] = { "",      " ",       "+",     "-",    ".",  "e1", "1e",  "1e+",
					     "1e400", "-1e400",  "0x1p3", "1_0",  "1 ", " 1", "--1", "1.2.3",
					     "in",    "infinit", "+nan",  "nan0", "1f", "1,5" };
	char longer[NUMBER_TEXT_MAX + 2];
	double value;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (number_read_double(str_of(wrong[i]), &value))
			fail_msg("'%s' is read as %g", wrong[i], value);
	assert_false(number_read_double((struct str){ "1\0", 2 }, &value));
	memset(longer, '1', sizeof longer);
	assert_false(number_read_double((struct str){ longer, sizeof longer }, &value));
	longer[0] = '.';
	assert_true(number_read_double((struct str){ longer, NUMBER_TEXT_MAX }, &value));
	(void)state;
}

static void integers_at_their_ends(void **state)
{
	int64_t i;
	uint64_t u;

	assert_true(number_read_int(STR("-9223372036854775808"), &i) && i == INT64_MIN);
	assert_true(number_read_int(STR("+9223372036854775807"), &i) && i == INT64_MAX);
	assert_false(number_read_int(STR("9223372036854775808"), &i));
	assert_false(number_read_int(STR("-9223372036854775809"), &i));
	assert_false(number_read_int(STR("-"), &i));
	assert_true(number_read_uint(STR("18446744073709551615"), &u) && u == UINT64_MAX);
	assert_false(number_read_uint(STR("18446744073709551616"), &u));
	assert_false(number_read_uint(STR("99999999999999999999999"), &u));
	assert_true(number_read_hex(STR("ffffffffffffffff"), &u) && u == UINT64_MAX);
	assert_false(number_read_hex(STR("10000000000000000"), &u));
	assert_false(number_read_hex(STR("g"), &u));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_are_printed_as_strconv_does),
		cmocka_unit_test(doubles_come_back),
		cmocka_unit_test(texts_that_are_no_doubles),
		cmocka_unit_test(integers_at_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
