/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/zone.h"

#include "match/cel/time_text.h"

/* When in a year a change happens: local time of before the change. */
struct change {
	enum { JULIAN, DAY_OF_YEAR, WEEKDAY } form; /* Jn: 1..365 without leap days; n: 0..365; Mm.w.d */
	int32_t month, week, day;
	int32_t time; /* seconds of the day, may be negative or beyond one */
};

static bool number_take(struct str *text, int32_t least, int32_t most, int32_t *ret)
{
	int32_t value = 0;
	size_t at = 0;

	for (; at < text->len && at < 4 && text->p[at] >= '0' && text->p[at] <= '9'; at++)
		value = value * 10 + (text->p[at] - '0');
	*text = str_from(*text, at);
	*ret = value;
	return at && value >= least && value <= most;
}

static bool byte_take(struct str *text, char byte)
{
	if (!text->len || text->p[0] != byte)
		return false;
	*text = str_from(*text, 1);
	return true;
}

/* Three letters or more, or anything in <>. */
static bool name_take(struct str *text)
{
	ptrdiff_t close = str_find(*text, '>');
	size_t n = 0;

	if (text->len && text->p[0] == '<') {
		*text = str_from(*text, close < 0 ? text->len : (size_t)close + 1);
		return close > 0;
	}
	while (n < text->len && (text->p[n] | 0x20) >= 'a' && (text->p[n] | 0x20) <= 'z')
		n++;
	*text = str_from(*text, n);
	return n >= 3;
}

/* [+-]hours[:minutes[:seconds]] in seconds. */
static bool time_take(struct str *text, int32_t hours, int32_t *ret)
{
	int32_t sign = byte_take(text, '-') ? -1 : 1, part[3] = { 0 };

	if (sign > 0)
		(void)byte_take(text, '+');
	if (!number_take(text, 0, hours, &part[0]))
		return false;
	for (size_t i = 1; i < 3 && byte_take(text, ':'); i++)
		if (!number_take(text, 0, 59, &part[i]))
			return false;
	*ret = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

static bool change_take(struct str *text, struct change *ret)
{
	*ret = (struct change){ .form = DAY_OF_YEAR, .time = 2 * 3600 };
	if (!byte_take(text, ','))
		return false;
	if (byte_take(text, 'M')) {
		ret->form = WEEKDAY;
		if (!number_take(text, 1, 12, &ret->month) || !byte_take(text, '.') ||
		    !number_take(text, 1, 5, &ret->week) || !byte_take(text, '.') ||
		    !number_take(text, 0, 6, &ret->day))
			return false;
	} else {
		if (byte_take(text, 'J'))
			ret->form = JULIAN;
		if (!number_take(text, ret->form == JULIAN, 365, &ret->day))
			return false;
	}
	return !byte_take(text, '/') || time_take(text, 167, &ret->time);
}

/* Seconds from 1970 to the change in that year, in local time. */
static int64_t change_in(const struct change *change, int64_t year)
{
	int64_t day = time_days(year, 1, 1), first;
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

	if (change->form == JULIAN) {
		day += change->day - 1 + (leap && change->day > 59);
	} else if (change->form == DAY_OF_YEAR) {
		day += change->day;
	} else {
		int64_t next = change->month == 12 ? time_days(year + 1, 1, 1)
						   : time_days(year, (unsigned)change->month + 1, 1);

		first = time_days(year, (unsigned)change->month, 1);
		day = first + ((change->day - (first % 7 + 7 + 4) % 7) + 7) % 7 + 7 * (change->week - 1);
		while (day >= next) /* week 5 is the last one, be it the fourth */
			day -= 7;
	}
	return day * 86400 + change->time;
}

bool zone_rule_offset(struct str rule, int64_t seconds, int32_t *ret_offset)
{
	struct change begin, end;
	int32_t standard, summer;
	int64_t from, until;
	bool is_summer;

	/* POSIX counts west as positive. */
	if (!name_take(&rule) || !time_take(&rule, 24, &standard))
		return false;
	standard = -standard;
	*ret_offset = standard;
	if (!rule.len)
		return true;
	summer = standard + 3600;
	if (!name_take(&rule))
		return false;
	if (rule.len && rule.p[0] != ',') {
		if (!time_take(&rule, 24, &summer))
			return false;
		summer = -summer;
	}
	if (!change_take(&rule, &begin) || !change_take(&rule, &end) || rule.len)
		return false;
	/* The year of the standard time; a change within hours of New Year is in it all the same. */
	from = change_in(&begin, time_fields_of(seconds, standard).year) - standard;
	until = change_in(&end, time_fields_of(seconds, standard).year) - summer;
	is_summer = from < until ? seconds >= from && seconds < until : seconds >= from || seconds < until;
	*ret_offset = is_summer ? summer : standard;
	return true;
}
