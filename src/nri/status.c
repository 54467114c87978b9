/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/status.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#define WRITE_NS NS_PER_S /* at most once in this time, but for news */

void nri_status_init(struct nri_status *status, const char *path, const char *program, struct log *log)
{
	*status = (struct nri_status){ .path = path,
				       .program = program,
				       .log = log,
				       .is_changed = true,
				       .since_ns = clock_now_ns(CLOCK_REALTIME) };
}

static void member(struct buf *out, const char *key)
{
	buf_text(out, out->len > 1 ? ",\n\"" : "\"");
	buf_text(out, key);
	buf_text(out, "\": ");
}

static void number(struct buf *out, const char *key, uint64_t value)
{
	member(out, key);
	buf_u64(out, value);
}

static void text(struct buf *out, const char *key, const char *value)
{
	member(out, key);
	json_write_string(out, str_of(value));
}

static void object_write(struct buf *out, const struct nri_status *status, const struct guard *guard)
{
	char time[40];
	struct buf since = buf_over(time, sizeof time);

	clock_write_rfc3339(&since, status->since_ns, 3);
	buf_byte(out, '{');
	number(out, "pid", (uint64_t)getpid());
	text(out, "program", status->program);
	member(out, "connected");
	buf_text(out, status->is_connected ? "true" : "false");
	text(out, "since", time);
	text(out, "mode", nri_mode_name(guard->mode));
	text(out, "runtime", runtime_name(guard->runtime));
	number(out, "dropped", status->dropped);
	text(out, "reason", status->reason);
	number(out, "unseen", guard->reconcile.counts.unseen);
	number(out, "told", guard->reconcile.counts.told);
	number(out, "asked", guard->gate.counts.asked);
	number(out, "refused", guard->gate.counts.refused + guard->counts.rejected);
	number(out, "tolerated", guard->gate.counts.tolerated);
	number(out, "created", guard->counts.created);
	number(out, "looks", guard->reconcile.counts.looks);
	number(out, "looksFailed", guard->reconcile.counts.looks_failed);
	number(out, "labelsTold", guard->reconcile.labels.told);
	number(out, "answers", guard->answers.n);
	number(out, "answerP50Us", durations_quantile_us(&guard->answers, 500));
	number(out, "answerP99Us", durations_quantile_us(&guard->answers, 990));
	number(out, "answerMaxUs", durations_quantile_us(&guard->answers, 1000));
	buf_text(out, "}\n");
}

static uint64_t sum(const struct guard *guard)
{
	return guard->reconcile.counts.unseen + guard->reconcile.counts.told + guard->reconcile.counts.looks +
	       guard->gate.counts.asked + guard->counts.created + guard->counts.rejected +
	       guard->reconcile.labels.told + guard->answers.n;
}

static void write_now(struct nri_status *status, const struct guard *guard, int64_t now_ns)
{
	char memory[2048];
	struct buf out = buf_over(memory, sizeof memory);
	struct error err = { 0 };

	status->written_ns = now_ns;
	status->is_changed = false;
	status->sum = sum(guard);
	object_write(&out, status, guard);
	if (file_replace_at(AT_FDCWD, status->path, out.p, out.len, 0644, &err) >= 0 || status->is_failure_told)
		return;
	status->is_failure_told = true;
	(void)log_event(status->log, LOG_WARN, "cannot write the status file, going on without", "error", err.text,
			NULL); /* counted by the log */
}

void nri_status_news(struct nri_status *status, enum nri_news news, const char *why)
{
	struct buf reason = buf_over(status->reason, sizeof status->reason);
	bool was_connected = status->is_connected;

	if (news == NRI_NEWS_CONNECTED)
		return;
	status->is_connected = news == NRI_NEWS_RUNNING;
	if (was_connected != status->is_connected)
		status->since_ns = clock_now_ns(CLOCK_REALTIME);
	if (was_connected && news == NRI_NEWS_LOST)
		status->dropped++;
	if (news == NRI_NEWS_LOST)
		buf_printf(&reason, "%.200s", why);
	status->is_changed = true;
}

void nri_status_keep(struct nri_status *status, const struct guard *guard)
{
	int64_t now_ns;

	if (!status->path[0] || (!status->is_changed && status->sum == sum(guard)))
		return;
	now_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (status->is_changed || now_ns - status->written_ns >= WRITE_NS)
		write_now(status, guard, now_ns);
}

int64_t nri_status_wake_ns(const struct nri_status *status, const struct guard *guard)
{
	return status->path[0] && status->sum != sum(guard) ? status->written_ns + WRITE_NS : INT64_MAX;
}

void nri_status_end(struct nri_status *status)
{
	if (status->path[0])
		(void)unlink(status->path); /* it may not be there */
}
