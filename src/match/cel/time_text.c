/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/time_text.h"

#define DAY 86400
#define SECOND 1000000000ll
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* Days are counted in eras of 400 years that begin on a first of March, so that the leap day comes last. */
#define ERA_DAYS 146097
#define ERA_TO_1970 719468 /* from 0000-03-01 */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t time_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - ERA_TO_1970;
}

struct time_fields time_fields_of(int64_t seconds, int32_t offset)
{
	int64_t local = seconds + offset, days = floor_div(local, DAY), of_day = local - days * DAY;
	int64_t from_era = days + ERA_TO_1970, era = floor_div(from_era, ERA_DAYS), d = from_era - era * ERA_DAYS;
	int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365, of_year = d - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153, month = m < 10 ? m + 2 : m - 10;
	int64_t year = y + era * 400 + (month <= 1);

	return (struct time_fields){
		.year = year,
		.month = (int32_t)month,
		.day = (int32_t)(of_year - (153 * m + 2) / 5),
		.day_of_year = (int32_t)(days - time_days(year, 1, 1)),
		.day_of_week = (int32_t)((days % 7 + 7 + 4) % 7), /* 1970 began on a Thursday */
		.hour = (int32_t)(of_day / 3600),
		.minute = (int32_t)(of_day / 60 % 60),
		.second = (int32_t)(of_day % 60),
	};
}

/* Takes exactly n digits, and then `after` if it is not 0. False: they are not there, or the number is beyond `max`. */
static bool field_take(struct str *text, unsigned n, char after, int64_t max, int64_t *ret)
{
	int64_t value = 0;

	if (text->len < n + (after != 0))
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return false;
		value = value * 10 + (text->p[i] - '0');
	}
	if ((after && text->p[n] != after) || value > max)
		return false;
	*text = str_from(*text, n + (after != 0));
	*ret = value;
	return true;
}

/* Takes ".digits" if it is there. False: a point without digits. */
static bool fraction_take(struct str *text, int32_t *ret_nsec)
{
	int32_t nsec = 0, unit = (int32_t)SECOND;
	size_t at = 1;

	*ret_nsec = 0;
	if (!text->len || text->p[0] != '.')
		return true;
	for (; at < text->len && text->p[at] >= '0' && text->p[at] <= '9'; at++) {
		unit /= 10;
		nsec += (text->p[at] - '0') * unit;
	}
	*text = str_from(*text, at);
	*ret_nsec = nsec;
	return at > 1;
}

static bool offset_take(struct str *text, int64_t *ret_offset)
{
	int64_t hour, minute, sign;

	*ret_offset = 0;
	if (text->len == 1 && text->p[0] == 'Z')
		return true;
	if (text->len != 6 || (text->p[0] != '+' && text->p[0] != '-'))
		return false;
	sign = text->p[0] == '-' ? -1 : 1;
	*text = str_from(*text, 1);
	if (!field_take(text, 2, ':', 23, &hour) || !field_take(text, 2, 0, 59, &minute))
		return false;
	*ret_offset = sign * (hour * 3600 + minute * 60);
	return true;
}

static int64_t month_days(int64_t year, int64_t month)
{
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

	return month == 2 ? 28 + leap : 30 + ((month + (month > 7)) & 1);
}

bool time_read_timestamp(struct str text, int64_t *ret_seconds, int32_t *ret_nsec)
{
	int64_t year, month, day, hour, minute, second, offset;
	int32_t nsec;

	if (!field_take(&text, 4, '-', 9999, &year) || !field_take(&text, 2, '-', 12, &month) ||
	    !field_take(&text, 2, 'T', 31, &day) || !field_take(&text, 2, ':', 23, &hour) ||
	    !field_take(&text, 2, ':', 59, &minute) || !field_take(&text, 2, 0, 59, &second) ||
	    !fraction_take(&text, &nsec) || !offset_take(&text, &offset))
		return false;
	if (month < 1 || day < 1 || day > month_days(year, month))
		return false;
	*ret_seconds =
		time_days(year, (unsigned)month, (unsigned)day) * DAY + hour * 3600 + minute * 60 + second - offset;
	*ret_nsec = nsec;
	return true;
}

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },     { "us", 1000 },  { "\xc2\xb5s", 1000 }, { "\xce\xbcs", 1000 }, { "ms", SECOND / 1000 },
	{ "s", SECOND }, { "m", MINUTE }, { "h", HOUR },
};

/* Takes one number with its unit and adds it to *sum, which stays at most 2^63. */
static bool part_take(struct str *text, uint64_t *sum)
{
	uint64_t whole = 0, fraction = 0, scale = 1, value;
	const uint64_t most = (uint64_t)1 << 63;
	size_t at = 0, digits = 0;
	bool full = false; /* further digits of the fraction tell less than a nanosecond */
	struct str rest;

	for (; at < text->len && text->p[at] >= '0' && text->p[at] <= '9'; at++, digits++) {
		if (whole > most / 10)
			return false;
		whole = whole * 10 + (uint64_t)(text->p[at] - '0');
		if (whole > most)
			return false;
	}
	if (at < text->len && text->p[at] == '.')
		for (at++; at < text->len && text->p[at] >= '0' && text->p[at] <= '9'; at++, digits++) {
			full = full || fraction > (most - 9) / 10 || scale > most / 10;
			if (full)
				continue;
			fraction = fraction * 10 + (uint64_t)(text->p[at] - '0');
			scale *= 10;
		}
	if (!digits)
		return false;
	rest = str_from(*text, at);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct str name = str_of(units[i].name);
		uint64_t ns = (uint64_t)units[i].ns;
		struct str after = str_from(rest, name.len);

		/* A unit goes up to the next digit or point: "1ms" is not "1m" and a rest. */
		if (!str_starts(rest, name) ||
		    (after.len && after.p[0] != '.' && (after.p[0] < '0' || after.p[0] > '9')))
			continue;
		if (whole > most / ns)
			return false;
		value = whole * ns + (uint64_t)((double)fraction * ((double)ns / (double)scale));
		if (value > most || *sum > most - value)
			return false;
		*sum += value;
		*text = after;
		return true;
	}
	return false;
}

bool time_read_duration(struct str text, int64_t *ret_duration)
{
	bool minus = text.len && text.p[0] == '-';
	uint64_t sum = 0;

	if (text.len && (minus || text.p[0] == '+'))
		text = str_from(text, 1);
	if (!text.len)
		return false;
	if (str_is(text, "0"))
		text.len = 0;
	while (text.len)
		if (!part_take(&text, &sum))
			return false;
	if (sum > (uint64_t)INT64_MAX + minus)
		return false;
	*ret_duration = (int64_t)(minus ? -sum : sum);
	return true;
}

static void print_padded(struct buf *out, int64_t value, unsigned width)
{
	int64_t unit = 1;

	for (unsigned i = 1; i < width; i++)
		unit *= 10;
	for (; unit; unit /= 10)
		buf_byte(out, (char)('0' + value / unit % 10));
}

void time_print_timestamp(struct buf *out, int64_t seconds, int32_t nsec)
{
	struct time_fields f = time_fields_of(seconds, 0);

	print_padded(out, f.year, 4);
	buf_byte(out, '-');
	print_padded(out, f.month + 1, 2);
	buf_byte(out, '-');
	print_padded(out, f.day + 1, 2);
	buf_byte(out, 'T');
	print_padded(out, f.hour, 2);
	buf_byte(out, ':');
	print_padded(out, f.minute, 2);
	buf_byte(out, ':');
	print_padded(out, f.second, 2);
	if (nsec) {
		unsigned width = 9;

		for (; nsec % 10 == 0; width--)
			nsec /= 10;
		buf_byte(out, '.');
		print_padded(out, nsec, width);
	}
	buf_byte(out, 'Z');
}

void time_print_duration(struct buf *out, int64_t duration)
{
	uint64_t magnitude = duration < 0 ? -(uint64_t)duration : (uint64_t)duration;
	int64_t nsec = (int64_t)(magnitude % (uint64_t)SECOND);
	unsigned width = 9;

	if (duration < 0)
		buf_byte(out, '-');
	buf_u64(out, magnitude / (uint64_t)SECOND);
	if (nsec) {
		for (; nsec % 10 == 0; width--)
			nsec /= 10;
		buf_byte(out, '.');
		print_padded(out, nsec, width);
	}
	buf_byte(out, 's');
}
