/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/gate.h: direct mode's decision about one container: the agent's word, else the fail check. An answer is there
 * within half of the time that the runtime waits, whatever the agent does: a plugin that is late is dropped, and then
 * the container starts. An outage of the agent is an error at once; the kubelet tries again.
 */
#ifndef NRI_GATE_H
#define NRI_GATE_H

#include "base/log.h"
#include "nri/agent_ask.h"
#include "nri/options.h"

#define GATE_TOLERATED_NS (300 * INT64_C(1000000)) /* for a container that may start without the agent */

struct gate_counts {
	uint64_t asked, refused, tolerated;
};

struct gate {
	const struct nri_conf *conf; /* borrowed, as the rest */
	const struct asker *asker;
	struct log *log;
	struct gate_counts counts;
	bool is_start_final; /* the runtime obeys a refusal of StartContainer: containerd does, CRI-O does not */
	bool is_ahead_told;  /* that this agent cannot arm ahead: once */
};

/* Begins a line about a container, with the hook's keys. `hook` is what it was asked at: "create-container" … */
void gate_log_begin(struct log *log, struct log_line *line, enum log_level level, const char *msg, const char *hook,
		    const struct nri_subject *subject);

/*
 * 0: the container may go on (with policies, or because its namespace is tolerated: then it is written down in
 * --unseen-dir). -EACCES it must not, with the text for the user. ASK_AHEAD: when the agent cannot arm
 * a cgroup that is not there yet, StartContainer is asked again, if a refusal counts there; else that is an error.
 * A container whose start is refused and happens all the same is written down, too.
 */
int gate_decide(struct gate *gate, const struct nri_request *request, const struct nri_subject *subject,
		enum ask_why why, struct error *err);

/* As gate_decide's refusal of a container that is not what it says: no fail check. Returns -EACCES. */
int gate_refuse_forged(struct gate *gate, const struct nri_request *request, const struct nri_subject *subject,
		       struct error *err);

#endif
