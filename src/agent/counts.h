/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/counts.h: what happened and what was lost, by name, for the log: losses once a minute while they grow,
 * everything at the end.
 */
#ifndef AGENT_COUNTS_H
#define AGENT_COUNTS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct log;

#define COUNTS_OTHERS_MAX 64
#define COUNTS_REPORT_NS (INT64_C(60) * 1000000000)

struct count {
	const char *name;
	bool is_loss;
	uint64_t value, told;
};

struct counts {
	struct count of[ABI_COUNTERS + COUNTS_OTHERS_MAX];
	size_t n;
	int64_t told_ns; /* CLOCK_MONOTONIC of the last report of losses */
};

/* Takes the kernel's counters; those of an earlier agent are in them too. */
void counts_kernel(struct counts *counts, const uint64_t counter[ABI_COUNTERS]);
/* Takes one more; `name` is static text, the same one each time. */
void counts_set(struct counts *counts, const char *name, bool is_loss, uint64_t value);

/* One line with the losses that have grown since the last one, at most every COUNTS_REPORT_NS. */
void counts_report_losses(struct counts *counts, struct log *log, int64_t now_ns);
/* One line with everything that is not 0. */
void counts_report_all(const struct counts *counts, struct log *log);

#endif
