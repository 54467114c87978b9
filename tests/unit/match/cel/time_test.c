/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "match/cel/time_text.h"
#include "match/cel/value.h"

/* libc's calendar is the judge: a day in each week of 10,000 years. */
static void fields_agree_with_libc(void **state)
{
	for (int64_t at = CEL_TIME_MIN; at <= CEL_TIME_MAX; at += 7 * 86400 + 12345) {
		struct time_fields f = time_fields_of(at, 0);
		time_t moment = (time_t)at;
		struct tm tm;

		if (!gmtime_r(&moment, &tm) || f.year != tm.tm_year + 1900ll || f.month != tm.tm_mon ||
		    f.day != tm.tm_mday - 1 || f.day_of_year != tm.tm_yday || f.day_of_week != tm.tm_wday ||
		    f.hour != tm.tm_hour || f.minute != tm.tm_min || f.second != tm.tm_sec)
			fail_msg("%lld: %lld-%d-%d", (long long)at, (long long)f.year, f.month + 1, f.day + 1);
		assert_int_equal(time_days(f.year, (unsigned)f.month + 1, (unsigned)f.day + 1),
				 at / 86400 - (at % 86400 < 0));
	}
	(void)state;
}

static void timestamps_come_back(void **state)
{
	for (int64_t at = CEL_TIME_MIN; at <= CEL_TIME_MAX; at += 86400 * 97 + 4321) {
		int32_t nsec = (int32_t)((uint64_t)at % 1000000000), nsec_again;
		char text[64];
		struct buf out = buf_over(text, sizeof text);
		int64_t again;

		time_print_timestamp(&out, at, nsec);
		if (!time_read_timestamp((struct str){ text, out.len }, &again, &nsec_again) || again != at ||
		    nsec_again != nsec)
			fail_msg("%lld printed as %s", (long long)at, text);
	}
	(void)state;
}

/* Whatever the length that a timestamp or a duration is cut to: refused, or another value, never a byte too far. */
static void texts_may_be_cut_anywhere(void **state)
{
	static const char timestamp[] = "2009-02-13T23:31:30.125+01:30", duration[] = "-1h30m15.5s7ms6us5\xc2\xb5s4ns";
	int64_t seconds;
	int32_t nsec;

	for (size_t n = 0; n < sizeof timestamp - 1; n++)
		assert_false(time_read_timestamp((struct str){ timestamp, n }, &seconds, &nsec));
	assert_true(time_read_timestamp((struct str){ timestamp, sizeof timestamp - 1 }, &seconds, &nsec));
	assert_int_equal(seconds, 1234567890 - 5400);
	assert_int_equal(nsec, 125000000);
	for (size_t n = 0; n < sizeof duration - 1; n++)
		(void)time_read_duration((struct str){ duration, n }, &seconds);
	assert_true(time_read_duration((struct str){ duration, sizeof duration - 1 }, &seconds));
	assert_int_equal(seconds, -5415507011004);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_agree_with_libc),
		cmocka_unit_test(timestamps_come_back),
		cmocka_unit_test(texts_may_be_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
