/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/status.h: the plugin's state as a file for others to read (`verify`): one JSON object, replaced at once when
 * something changed, at most once a second; removed when the plugin ends of itself. Members: pid, program (whose
 * process that is: "tetragon-nri-hook", or "tetragon": the plugin is inside the agent), connected, since
 * (RFC 3339; of the connection, or of its loss), mode, runtime, dropped, reason (of the last loss), unseen, told,
 * asked, refused, tolerated, created, looks, looksFailed, labelsTold,
 * answers (requests of the runtime), answerP50Us, answerP99Us, answerMaxUs.
 */
#ifndef NRI_STATUS_H
#define NRI_STATUS_H

#include "nri/guard.h"
#include "nri/nri_link.h"

struct nri_status {
	const char *path; /* borrowed; "" = none */
	const char *program;
	struct log *log;
	bool is_connected, is_changed, is_failure_told;
	int64_t since_ns; /* CLOCK_REALTIME */
	int64_t written_ns;
	uint64_t dropped, sum; /* connections lost while running; of the counters when it was written */
	char reason[256];
};

void nri_status_init(struct nri_status *status, const char *path, const char *program, struct log *log);
void nri_status_news(struct nri_status *status, enum nri_news news, const char *why);
void nri_status_keep(struct nri_status *status, const struct guard *guard); /* call often: writes when it is time */
int64_t nri_status_wake_ns(const struct nri_status *status,
			   const struct guard *guard); /* INT64_MAX: nothing to write */
void nri_status_end(struct nri_status *status);

#endif
