/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

static void digits_add(struct buf *out, uint32_t value, int width)
{
	char text[10];

	for (int i = width; i--; value /= 10)
		text[i] = (char)('0' + value % 10);
	buf_add(out, text, (size_t)width);
}

void clock_write_rfc3339(struct buf *out, int64_t unix_ns, int digits)
{
	int64_t seconds = unix_ns / NS_PER_S - (unix_ns % NS_PER_S < 0);
	uint32_t ns = (uint32_t)(unix_ns - seconds * NS_PER_S);
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	uint32_t in_day = (uint32_t)(seconds - days * 86400);
	/* Civil date from days: years begin in March, so that the leap day is a year's last; 400 years are one era. */
	uint32_t day = (uint32_t)(days + 719468); /* since 0000-03-01; int64 nanoseconds stay within 1677..2262 */
	uint32_t era = day / 146097;
	uint32_t of_era = day % 146097;
	uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t month = (5 * of_year + 2) / 153; /* 0 is March */

	digits_add(out, era * 400 + year_of_era + (month >= 10), 4);
	buf_byte(out, '-');
	digits_add(out, month < 10 ? month + 3 : month - 9, 2);
	buf_byte(out, '-');
	digits_add(out, of_year - (153 * month + 2) / 5 + 1, 2);
	buf_byte(out, 'T');
	digits_add(out, in_day / 3600, 2);
	buf_byte(out, ':');
	digits_add(out, in_day / 60 % 60, 2);
	buf_byte(out, ':');
	digits_add(out, in_day % 60, 2);
	if (digits < 0)
		digits = !ns ? 0 : ns % 1000 ? 9 : ns % 1000000 ? 6 : 3;
	if (digits) {
		for (int i = digits; i < 9; i++)
			ns /= 10;
		buf_byte(out, '.');
		digits_add(out, ns, digits);
	}
	buf_byte(out, 'Z');
}
