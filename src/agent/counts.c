/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/counts.h"

#include <string.h>

#include "base/log.h"

static const struct {
	const char *name;
	bool is_loss;
} kernel[ABI_COUNTERS] = {
	[ABI_CNT_EVENTS_LOST] = { "events-lost", true },
	[ABI_CNT_HITS_LOST] = { "hits-lost", true },
	[ABI_CNT_INHERIT_LOST] = { "cgroups-without-entry", true },
	[ABI_CNT_CHILDREN_REFUSED] = { "cgroups-over-quota", true },
	[ABI_CNT_MARKS_LOST] = { "marks-lost", true },
	[ABI_CNT_PENDING_LOST] = { "strings-judged-early", true },
	[ABI_CNT_UNREADABLE_MATCH] = { "unreadable-strings-matched", true },
	[ABI_CNT_UNREADABLE_PASS] = { "unreadable-strings-passed", true },
	[ABI_CNT_KILLS] = { "kills", false },
	[ABI_CNT_KILL_FAILED] = { "kills-failed", true },
	[ABI_CNT_HITS] = { "hits", false },
	[ABI_CNT_MARKED] = { "tasks-marked", false },
	[ABI_CNT_MARKED_LATE] = { "tasks-marked-late", false },
	[ABI_CNT_WALK_LOST] = { "cgroups-out-of-reach", true },
	[ABI_CNT_DEPTH_KILLS] = { "depth-kills", true },
	[ABI_CNT_RULE_MISSING] = { "rules-missing", true },
	[ABI_CNT_ARM_LOST] = { "announced-without-entry", true },
};

void counts_set(struct counts *counts, const char *name, bool is_loss, uint64_t value)
{
	for (size_t i = 0; i < counts->n; i++) {
		if (strcmp(counts->of[i].name, name))
			continue;
		counts->of[i].value = value;
		return;
	}
	if (counts->n < sizeof counts->of / sizeof *counts->of)
		counts->of[counts->n++] = (struct count){ .name = name, .is_loss = is_loss, .value = value };
}

void counts_kernel(struct counts *counts, const uint64_t counter[ABI_COUNTERS])
{
	for (size_t i = 0; i < ABI_COUNTERS; i++)
		if (kernel[i].name)
			counts_set(counts, kernel[i].name, kernel[i].is_loss, counter[i]);
}

void counts_report_losses(struct counts *counts, struct log *log, int64_t now_ns)
{
	struct log_line line;
	bool has_grown = false;

	if (counts->told_ns && now_ns - counts->told_ns < COUNTS_REPORT_NS)
		return;
	for (size_t i = 0; i < counts->n; i++)
		has_grown |= counts->of[i].is_loss && counts->of[i].value > counts->of[i].told;
	if (!has_grown)
		return;
	counts->told_ns = now_ns;
	log_begin(&line, log, LOG_WARN, "something was lost");
	for (size_t i = 0; i < counts->n; i++) {
		struct count *count = &counts->of[i];

		if (!count->is_loss || count->value <= count->told)
			continue;
		log_int(&line, count->name, (int64_t)count->value);
		count->told = count->value;
	}
	(void)log_end(&line); /* counted in the log */
}

void counts_report_all(const struct counts *counts, struct log *log)
{
	struct log_line line;

	log_begin(&line, log, LOG_INFO, "statistics");
	for (size_t i = 0; i < counts->n; i++)
		if (counts->of[i].value)
			log_int(&line, counts->of[i].name, (int64_t)counts->of[i].value);
	(void)log_end(&line); /* counted in the log */
}
