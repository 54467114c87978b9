/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/gate.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "ask/ask_unseen.h"
#include "match/allow_list.h"
#include "rpc/grpc_status.h"

static const char reason_check[] = "failCheck determined that we should fail";
static const char reason_forged[] = "forged identity: never tolerated";
static const char reason_denied[] = "the agent refused the container: never tolerated";

void gate_log_begin(struct log *log, struct log_line *line, enum log_level level, const char *msg, const char *hook,
		    const struct nri_subject *subject)
{
	const struct identity *identity = &subject->container.identity;

	log_begin(line, log, level, msg);
	log_text(line, "hook", hook);
	log_str(line, "req-cgroups", subject->container.cgroup_path);
	log_str(line, "req-containerName", identity->container_name);
	log_str(line, "req-containerID", identity->container_id);
	log_str(line, "req-containerImage", identity->image);
	log_str(line, "req-podName", identity->pod_name);
	log_str(line, "req-podUID", identity->pod_uid);
	log_str(line, "req-podNamespace", identity->pod_namespace);
}

static const char *hook_name(enum nri_event event)
{
	switch (event) {
	case NRI_CREATE_CONTAINER:
		return "create-container";
	case NRI_POST_CREATE_CONTAINER:
		return "post-create-container";
	case NRI_START_CONTAINER:
		return "start-container";
	default:
		return nri_event_name(event);
	}
}

static int refuse(struct gate *gate, const struct nri_request *request, const struct nri_subject *subject,
		  const char *reason, struct error *err)
{
	struct log_line line;

	gate->counts.refused++;
	gate_log_begin(gate->log, &line, LOG_WARN, "failing container", hook_name(request->event), subject);
	log_text(&line, "should-fail", reason);
	log_text(&line, "error", err->text);
	(void)log_end(&line); /* counted by the log */
	return error_wrap(err, -EACCES, "tetragon: failing container");
}

int gate_refuse_forged(struct gate *gate, const struct nri_request *request, const struct nri_subject *subject,
		       struct error *err)
{
	return refuse(gate, request, subject, reason_forged, err);
}

/* It starts without the agent: says so, and writes it down for the next one. */
static void unseen_record(struct gate *gate, const struct nri_request *request, const struct nri_subject *subject,
			  enum log_level level, const char *msg)
{
	struct error err = { 0 };
	struct log_line line;

	gate_log_begin(gate->log, &line, level, msg, hook_name(request->event), subject);
	(void)log_end(&line); /* counted by the log */
	if (ask_unseen_record(gate->conf->unseen_dir, &subject->container, clock_now_ns(CLOCK_REALTIME), &err) < 0) {
		gate_log_begin(gate->log, &line, LOG_WARN,
			       "cannot write down that this container started without the agent",
			       hook_name(request->event), subject);
		log_text(&line, "error", err.text);
		(void)log_end(&line); /* counted by the log */
	}
}

/* When the answer must be there. */
static int64_t deadline(const struct gate *gate, const struct nri_request *request, bool is_tolerated)
{
	int64_t limit_ns = request->timeout_ns / 2;

	if (limit_ns > gate->conf->timeout_ns)
		limit_ns = gate->conf->timeout_ns;
	if (is_tolerated && limit_ns > GATE_TOLERATED_NS)
		limit_ns = GATE_TOLERATED_NS;
	return request->received_ns + limit_ns;
}

/* The agent has no cgroup to arm, and none was to be expected. */
static bool is_too_early(struct gate *gate, const struct agent_answer *answer, enum ask_why why)
{
	if (why != ASK_AHEAD || !gate->is_start_final || !answer->result.is_servers_word ||
	    answer->result.status != GRPC_NOT_FOUND)
		return false;
	if (!gate->is_ahead_told)
		(void)log_event(gate->log, LOG_INFO,
				"the agent cannot arm a container before its cgroup exists: it is asked at the start",
				"agent", gate->conf->agent, "answer", answer->result.message, NULL); /* counted */
	gate->is_ahead_told = true;
	return true;
}

int gate_decide(struct gate *gate, const struct nri_request *request, const struct nri_subject *subject,
		enum ask_why why, struct error *err)
{
	const struct flag_list *names = &gate->conf->allow_namespaces;
	bool is_tolerated = allow_list_has(names->item, names->n, subject->container.identity.pod_namespace);
	struct agent_answer answer;
	struct log_line line;
	int r;

	gate->counts.asked++;
	if (gate->asker->ask(gate->asker->context, subject, why, deadline(gate, request, is_tolerated), &answer)) {
		gate_log_begin(gate->log, &line, why == ASK_AHEAD ? LOG_DEBUG : LOG_INFO,
			       "hook request to agent succeeded", hook_name(request->event), subject);
		log_int(&line, "took-us", answer.took_ns / 1000);
		log_int(&line, "since-request-us", (clock_now_ns(CLOCK_MONOTONIC) - request->received_ns) / 1000);
		(void)log_end(&line); /* counted by the log */
		return 0;
	}
	if (is_too_early(gate, &answer, why))
		return 0;
	gate_log_begin(gate->log, &line, LOG_WARN, "hook request to the agent failed", hook_name(request->event),
		       subject);
	log_text(&line, "err", answer.error);
	(void)log_end(&line); /* counted by the log */
	(void)error_set(err, EACCES, "%s", answer.error);
	if (answer.result.is_servers_word && answer.result.status == GRPC_PERMISSION_DENIED)
		return refuse(gate, request, subject, reason_denied, err);
	if (is_tolerated) {
		gate->counts.tolerated++;
		unseen_record(gate, request, subject, LOG_INFO,
			      "failCheck determined that we should not fail this container, even if there was an "
			      "error");
		return 0;
	}
	r = refuse(gate, request, subject, reason_check, err);
	if (request->event == NRI_START_CONTAINER && !gate->is_start_final)
		unseen_record(gate, request, subject, LOG_WARN,
			      "this runtime starts a container whatever a plugin says: written down for the next "
			      "agent");
	return r;
}
