/* SPDX-License-Identifier: Apache-2.0 */
/* src/base/clock.h: time as nanoseconds, and as text. Header and functions take the clock's value as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/buf.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static inline int64_t clock_now_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	(void)clock_gettime(clock, &now); /* cannot fail for the clocks that we name */
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/*
 * Appends RFC 3339 in UTC with 'Z' from nanoseconds since 1970 (no time zone file is read). `digits` is 0, 3, 6 or 9;
 * -1: the shortest of these that is exact (protojson's Timestamp).
 */
void clock_write_rfc3339(struct buf *out, int64_t unix_ns, int digits);

#endif
