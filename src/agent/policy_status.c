/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/policy_status.h"

#include <string.h>

#include "agent/policies.h"
#include "agent/request_memory.h"
#include "base/buf.h"
#include "base/log.h"
#include "policy/policy.h"
#include "sensor/sensor.h"

#define DESCRIPTION_MAX 640 /* bytes of one hook's words */

static const char *section_of(const struct policy_hook *hook)
{
	return hook->section == POLICY_KPROBES ? "kprobes" : "tracepoints";
}

static void describe(struct buf *out, const struct sensor *sensor, const struct policy *policy, size_t n)
{
	const struct policy_hook *hook = &policy->hook[n];
	struct sensor_guarantee guarantee;

	sensor_policy_guarantee(sensor, policy, n, &guarantee);
	if (hook->section == POLICY_KPROBES)
		buf_text(out, hook->symbol);
	else
		buf_printf(out, "%s/%s", hook->subsystem, hook->event);
	buf_printf(out, ": %s: %s", guarantee.mechanism, guarantee.effect);
	if (guarantee.bypass[0])
		buf_printf(out, "; bypass: %s", guarantee.bypass);
	if (guarantee.racy)
		buf_text(out, "; racy: a string is judged that user space can change after the check");
}

static char *copy(struct request_memory *memory, const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = request_memory_alloc(memory, size);

	return to ? memcpy(to, text, size) : NULL;
}

static Tetragon__HookStatus *hook_status_new(struct request_memory *memory, const struct sensor *sensor,
					     const struct policy *policy, size_t n)
{
	const struct policy_hook *hook = &policy->hook[n];
	Tetragon__HookStatus *status = request_memory_alloc(memory, sizeof *status);
	char text[DESCRIPTION_MAX], section[64];
	struct buf out = buf_over(text, sizeof text), place = buf_over(section, sizeof section);

	if (!status)
		return NULL;
	tetragon__hook_status__init(status);
	describe(&out, sensor, policy, n);
	buf_printf(&place, "%s[%u]", section_of(hook), hook->index);
	status->section = copy(memory, section);
	status->hook_description = copy(memory, text);
	status->hook_idx = hook->index;
	status->state = TETRAGON__HOOK_STATE__STATUS_LOADED;
	return status->section && status->hook_description ? status : NULL;
}

/* Each hook's words, parted by newlines. */
static char *info_new(struct request_memory *memory, const Tetragon__TracingPolicyStatus *status)
{
	size_t size = 1;
	struct buf out;
	char *text;

	for (size_t i = 0; i < status->n_hook_statuses; i++)
		size += strlen(status->hook_statuses[i]->section) + strlen(status->hook_statuses[i]->hook_description) +
			2;
	text = request_memory_alloc(memory, size);
	if (!text)
		return NULL;
	out = buf_over(text, size);
	for (size_t i = 0; i < status->n_hook_statuses; i++)
		buf_printf(&out, "%s%s %s", i ? "\n" : "", status->hook_statuses[i]->section,
			   status->hook_statuses[i]->hook_description);
	return text;
}

Tetragon__TracingPolicyStatus *policy_status_new(struct request_memory *memory, const struct sensor *sensor,
						 const struct policies_entry *entry)
{
	Tetragon__TracingPolicyStatus *status = request_memory_alloc(memory, sizeof *status);
	const struct policy *policy = entry->policy;

	if (!status)
		return NULL;
	tetragon__tracing_policy_status__init(status);
	status->id = entry->id;
	status->name = policy->name;
	if (policy->namespace)
		status->namespace_ = policy->namespace;
	status->domain = (char *)(uintptr_t)entry->domain; /* packed, not written to */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* older clients read it */
	status->enabled = 1;
#pragma GCC diagnostic pop
	status->state = TETRAGON__TRACING_POLICY_STATE__TP_STATE_ENABLED;
	status->mode = TETRAGON__TRACING_POLICY_MODE__TP_MODE_ENFORCE;
	status->filter_id = policy->is_global ? 0 : entry->id;
	status->hook_statuses = request_memory_alloc(memory, (policy->hooks + 1) * sizeof(void *));
	if (!status->hook_statuses)
		return NULL;
	for (size_t i = 0; i < policy->hooks; i++) {
		status->hook_statuses[i] = hook_status_new(memory, sensor, policy, i);
		if (!status->hook_statuses[i])
			return NULL;
		status->n_hook_statuses++;
	}
	status->info = info_new(memory, status);
	return status->info ? status : NULL;
}

void policy_status_log(struct log *log, const struct sensor *sensor, const struct policies_entry *entry)
{
	for (size_t i = 0; i < entry->policy->hooks; i++) {
		char text[DESCRIPTION_MAX];
		struct buf out = buf_over(text, sizeof text);
		struct log_line line;

		describe(&out, sensor, entry->policy, i);
		log_begin(&line, log, LOG_INFO, "tracing policy is in force");
		log_text(&line, "policy", entry->policy->name);
		log_text(&line, "namespace", entry->policy->namespace);
		log_text(&line, "domain", entry->domain);
		log_text(&line, "hook", text);
		(void)log_end(&line); /* counted in the log */
	}
}

void policy_status_undecided(struct log *log, const struct policies *policies)
{
	struct log_line line;

	if (!policies_undecided(policies))
		return;
	log_begin(&line, log, LOG_WARN,
		  "a policy chooses by labels, name or image, which nobody has told of some containers: they are not "
		  "under it before an NRI plugin tells");
	log_int(&line, "containers", (int64_t)policies_undecided(policies));
	(void)log_end(&line); /* counted in the log */
}
