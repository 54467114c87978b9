/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct {
	const char *why;
	int64_t ns;
	int digits;
	const char *text;
} rows[] = {
	{ "the beginning", 0, 0, "1970-01-01T00:00:00Z" },
	{ "nine digits", 1, 9, "1970-01-01T00:00:00.000000001Z" },
	{ "six digits cut, not rounded", 999999999, 6, "1970-01-01T00:00:00.999999Z" },
	{ "three digits", 1500000000, 3, "1970-01-01T00:00:01.500Z" },
	{ "no digits cut, not rounded", 1999999999, 0, "1970-01-01T00:00:01Z" },
	{ "shortest: none", 86400 * NS_PER_S, -1, "1970-01-02T00:00:00Z" },
	{ "shortest: milliseconds", 120 * NS_PER_MS, -1, "1970-01-01T00:00:00.120Z" },
	{ "shortest: microseconds", 120000, -1, "1970-01-01T00:00:00.000120Z" },
	{ "shortest: nanoseconds", 120, -1, "1970-01-01T00:00:00.000000120Z" },
	{ "a leap day", 951782400 * NS_PER_S, 0, "2000-02-29T00:00:00Z" },
	{ "the day after it", 951868800 * NS_PER_S, 0, "2000-03-01T00:00:00Z" },
	{ "last second of a leap year", 1735689599 * NS_PER_S, 0, "2024-12-31T23:59:59Z" },
	{ "a century that is no leap year", INT64_C(4107542400) * NS_PER_S, 0, "2100-03-01T00:00:00Z" },
	{ "before the beginning", -1, 9, "1969-12-31T23:59:59.999999999Z" },
	{ "the last that fits", INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z" },
	{ "the first that fits", INT64_MIN, 9, "1677-09-21T00:12:43.145224192Z" },
};

static void text_follows_the_table(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[64];
		struct buf out = buf_over(text, sizeof text);

		clock_write_rfc3339(&out, rows[i].ns, rows[i].digits);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].why, text);
	}
	(void)state;
}

/* The C library is the second opinion: every day of some centuries. */
static void every_day_agrees_with_the_c_library(void **state)
{
	for (int64_t day = -100000; day < 106000; day++) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		char text[64], want[64];
		struct buf out = buf_over(text, sizeof text);
		struct tm tm;

		clock_write_rfc3339(&out, (int64_t)seconds * NS_PER_S, 0);
		(void)strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
		if (strcmp(text, want) != 0)
			fail_msg("day %lld: %s, not %s", (long long)day, text, want);
	}
	(void)state;
}

static void now_goes_forward(void **state)
{
	int64_t first = clock_now_ns(CLOCK_MONOTONIC), real = clock_now_ns(CLOCK_REALTIME);

	assert_true(first > 0 && clock_now_ns(CLOCK_MONOTONIC) >= first);
	assert_true(real > INT64_C(1700000000) * NS_PER_S);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_follows_the_table),
		cmocka_unit_test(every_day_agrees_with_the_c_library),
		cmocka_unit_test(now_goes_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
