/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "match/cel/zone.h"

static const char *const zones[] = { "Europe/Berlin",  "America/New_York", "Australia/Sydney",  "Asia/Kolkata",
				     "Asia/Kathmandu", "Etc/GMT+5",        "Africa/Casablanca", "America/Sao_Paulo",
				     "Asia/Tokyo",     "Pacific/Apia" };

static char memory[ZONE_FILE_MAX];

/* libc reads the same files: an hour in each fortnight from 1890 to 2110. */
static void offsets_agree_with_libc(void **state)
{
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		char name[256];

		(void)snprintf(name, sizeof name, ":%s/%s", ZONES, zones[i]);
		assert_int_equal(setenv("TZ", name, 1), 0);
		tzset();
		for (int64_t at = -2524521600; at < 4418064000; at += 13 * 86400 + 3607) {
			time_t moment = (time_t)at;
			int32_t offset = -1;
			struct tm tm;
			const char *problem = zone_offset(ZONES, str_of(zones[i]), at, memory, &offset);

			if (problem || !localtime_r(&moment, &tm) || offset != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, libc %ld: %s", zones[i], (long long)at, offset, tm.tm_gmtoff,
					 problem ? problem : "");
		}
	}
	(void)state;
}

static void rules_follow_posix(void **state)
{
	static const struct {
		const char *rule;
		int64_t at;
		int32_t want; /* 99: malformed */
	} row[] = {
		{ "UTC0", 0, 0 },
		{ "CET-1", 0, 3600 },
		{ "EST5", 0, -18000 },
		{ "<+0530>-5:30", 0, 19800 },
		{ "<-03>3", 0, -10800 },
		{ "X5", 0, 99 },
		{ "ABC", 0, 99 },
		{ "<ABC5", 0, 99 },
		{ "", 0, 99 },
		{ "CET-25", 0, 99 },
		{ "CET-1:60", 0, 99 },
		{ "CET-1CEST", 0, 99 },
		{ "CET-1CEST,M3.5.0", 0, 99 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1711846799, 3600 }, /* 2024-03-31T00:59:59Z */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1711846800, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1729990799, 7200 }, /* 2024-10-27T00:59:59Z */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1729990800, 3600 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3x", 0, 99 },
		{ "CET-1CEST,M13.5.0,M10.5.0", 0, 99 },
		{ "CET-1CEST,M3.6.0,M10.5.0", 0, 99 },
		{ "CET-1CEST,M3.5.7,M10.5.0", 0, 99 },
		{ "CET-1CEST-3,M3.5.0,M10.5.0/3", 1720000000, 10800 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1704110400, 39600 }, /* summer at New Year */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1720000000, 36000 },
		{ "XXX3EDT4,0/0,J365/23", 1720000000, -14400 }, /* always "summer" */
		{ "EST5EDT,J60,J300", 1709251200, -18000 },     /* 2024-03-01T00:00Z: before 2 o'clock there */
		{ "EST5EDT,J60,J300", 1709280000, -14400 },     /* J60 is March 1, leap year or not */
		{ "EST5EDT,59,300", 1709280000, -14400 },       /* 59 is February 29 in a leap year */
		{ "EST5EDT,J0,J300", 0, 99 },
		{ "EST5EDT,366,300", 0, 99 },
		{ "IST-2IDT,M3.4.4/26,M10.5.0", 1711670399,
		  7200 }, /* 2024-03-28T23:59:59Z, begins at 02:00 of the 29th there */
		{ "IST-2IDT,M3.4.4/26,M10.5.0", 1711670400, 10800 },
		{ "EST5EDT,M3.2.0/168,M11.1.0", 0, 99 },
		{ "EST5EDT,M3.2.0/-167,M11.1.0", 0, -18000 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int32_t offset = 99;
		bool ok = zone_rule_offset(str_of(row[i].rule), row[i].at, &offset);

		if (ok != (row[i].want != 99) || (ok && offset != row[i].want))
			fail_msg("%s at %lld: %d", row[i].rule, (long long)row[i].at, offset);
	}
	(void)state;
}

static void names_stay_in_the_folder(void **state)
{
	static const char *const wrong[] = { "../Europe/Berlin",
					     "Europe/../Berlin",
					     "/Europe/Berlin",
					     "Europe//Berlin",
					     "Europe/",
					     "Europe",
					     ".",
					     "..",
					     "Europe/.",
					     "a b",
					     "Euro\npe",
					     "Nowhere/City",
					     "+1" };
	int32_t offset;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (!zone_offset(ZONES, str_of(wrong[i]), 0, memory, &offset))
			fail_msg("%s is taken", wrong[i]);
	assert_non_null(zone_offset(ZONES, (struct str){ "UTC\0", 4 }, 0, memory, &offset));
	assert_non_null(zone_offset("/nowhere", STR("Europe/Berlin"), 0, memory, &offset));
	(void)state;
}

/* Cut at each byte, and with each byte changed: an answer or "malformed", and no byte too far (the copies fit exactly).
 */
static void files_may_be_broken(void **state)
{
	struct error err = { 0 };
	char *text;
	size_t len;
	int32_t offset;

	if (file_read_at(AT_FDCWD, ZONES "/Europe/Berlin", ZONE_FILE_MAX, &text, &len, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t n = 0; n < len; n++) {
		char *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, text, n);
		(void)zone_file_offset((struct str){ cut, n }, 1720000000, &offset);
		free(cut);
	}
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			(void)zone_file_offset((struct str){ text, len }, 1720000000, &offset);
			(void)zone_file_offset((struct str){ text, len }, 0, &offset);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	free(text);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_agree_with_libc),
		cmocka_unit_test(rules_follow_posix),
		cmocka_unit_test(names_stay_in_the_folder),
		cmocka_unit_test(files_may_be_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
