/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/time_text.h: timestamps (RFC 3339), durations and the calendar. Timestamps are seconds since 1970 UTC
 * without leap seconds and nanoseconds counted upwards; durations are nanoseconds (as in cel-go: 292 years either way).
 * Pure, any thread.
 */
#ifndef MATCH_CEL_TIME_TEXT_H
#define MATCH_CEL_TIME_TEXT_H

#include "base/buf.h"

struct time_fields {
	int64_t year;
	int32_t month;       /* 0..11 */
	int32_t day;         /* of the month, 0..30 */
	int32_t day_of_year; /* 0..365 */
	int32_t day_of_week; /* 0..6, Sunday is 0 */
	int32_t hour, minute, second;
};

/* The calendar's fields (Gregorian, also before its time) of a moment `offset` seconds east of UTC. */
struct time_fields time_fields_of(int64_t seconds, int32_t offset);

/* Days from 1970-01-01 to the day; month 1..12, day from 1, neither checked. */
int64_t time_days(int64_t year, unsigned month, unsigned day);

/*
 * Reads YYYY-MM-DDTHH:MM:SS[.digits](Z|+HH:MM|-HH:MM); upper-case T and Z, a real day, no leap second; digits beyond
 * the ninth are dropped. False: not of that form. The range is the caller's to check.
 */
bool time_read_timestamp(struct str text, int64_t *ret_seconds, int32_t *ret_nsec);

/* Reads [+-](digits[.digits]unit)… with unit h, m, s, ms, us, µs or ns, or "0". False: not of that form, or beyond
 * int64. */
bool time_read_duration(struct str text, int64_t *ret_duration);

/* "2009-02-13T23:31:30.5Z": UTC, fraction without trailing zeros. */
void time_print_timestamp(struct buf *out, int64_t seconds, int32_t nsec);

/* "1.5s": seconds, exact, fraction without trailing zeros. */
void time_print_duration(struct buf *out, int64_t duration);

#endif
