/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/durations.h"

#include <stddef.h>

#define PARTS 8 /* of each doubling */
#define PARTS_LOG2 3

/* Below PARTS each microsecond has its own; then PARTS of them from one power of two to the next. */
static size_t bucket_of(uint64_t us)
{
	size_t octave, at;

	if (us < PARTS)
		return us;
	octave = 63 - (size_t)__builtin_clzll(us);
	at = (octave - PARTS_LOG2 + 1) * PARTS + (size_t)((us >> (octave - PARTS_LOG2)) % PARTS);
	return at < DURATIONS_BUCKETS ? at : DURATIONS_BUCKETS - 1;
}

/* The largest value that falls into it. */
static uint64_t bucket_end(size_t at)
{
	size_t octave = at / PARTS - 1 + PARTS_LOG2;

	if (at < PARTS)
		return at;
	return ((uint64_t)(PARTS + at % PARTS + 1) << (octave - PARTS_LOG2)) - 1;
}

void durations_add(struct durations *durations, int64_t took_ns)
{
	if (took_ns < 0)
		took_ns = 0;
	if (took_ns > durations->max_ns)
		durations->max_ns = took_ns;
	durations->bucket[bucket_of((uint64_t)took_ns / 1000)]++;
	durations->n++;
}

uint64_t durations_quantile_us(const struct durations *durations, unsigned permille)
{
	uint64_t seen = 0, max_us = (uint64_t)durations->max_ns / 1000;

	for (size_t at = 0; at < DURATIONS_BUCKETS; at++) {
		seen += durations->bucket[at];
		if (seen && seen * 1000 >= durations->n * permille)
			return at + 1 < DURATIONS_BUCKETS && bucket_end(at) < max_us ? bucket_end(at) : max_us;
	}
	return 0;
}
