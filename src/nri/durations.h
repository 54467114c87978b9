/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/durations.h: how long things took, as counts of buckets that grow with the value: a quantile is told with an
 * error of at most an eighth. Fixed size, no allocation.
 */
#ifndef NRI_DURATIONS_H
#define NRI_DURATIONS_H

#include <stdint.h>

#define DURATIONS_BUCKETS 200 /* the last one: 11 seconds and more */

struct durations { /* zero-initialised */
	uint64_t bucket[DURATIONS_BUCKETS];
	uint64_t n;
	int64_t max_ns;
};

void durations_add(struct durations *durations, int64_t took_ns); /* negative (a clock that steps back) counts as 0 */
/* The value, in microseconds, that `permille` of them did not exceed; 0 if there are none. */
uint64_t durations_quantile_us(const struct durations *durations, unsigned permille);

#endif
