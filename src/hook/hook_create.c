/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_create.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "hook/hook_ask.h"
#include "hook/hook_check.h"
#include "hook/hook_identity.h"
#include "ask/ask_log.h"
#include "ask/ask_request.h"
#include "ask/ask_unseen.h"
#include "oci/bundle.h"
#include "oci/cgroup_path.h"
#include "oci/state.h"

static const char reason_check[] = "failCheck determined that we should fail";
static const char reason_broken[] = "failed to run failCheck: ";
static const char reason_forged[] = "forged identity: never tolerated";
static const char reason_denied[] = "the agent refused the container: never tolerated";

/* The state on standard input. What is wrong with it leaves the container unknown. */
static int state_tell(const struct hook_create *create, struct ask_log *log, struct oci_state *ret_state,
		      struct error *err)
{
	struct log_line line;
	struct str text;
	int r = state_read(create->stdin_fd, create->start_ns + create->conf->timeout_ns, &create->stop->wait_mask,
			   create->arena, &text, err);

	if (r >= 0)
		r = state_parse(text, create->arena, ret_state, err);
	if (r < 0) {
		ask_log_begin(log, &line, LOG_WARN, "failed to read the OCI state");
		log_text(&line, "error", err->text);
		(void)log_end(&line); /* counted by the log: main reports it */
	}
	return r;
}

static void bundle_failed(struct ask_log *log, const struct bundle *bundle, int r, const struct error *err)
{
	char paths[LOG_VALUE_MAX], name[PATH_MAX], cwd[PATH_MAX];
	struct buf out = buf_over(paths, sizeof paths), path = buf_over(name, sizeof name);
	struct log_line line;

	buf_str(&path, bundle->path);
	buf_text(&path, "/config.json");
	if (r == -ENOENT || r == -ENOTDIR) {
		buf_byte(&out, '[');
		json_write_string(&out, (struct str){ name, path.len });
		buf_byte(&out, ']');
		ask_log_begin(log, &line, LOG_ERROR, "fail to find spec file");
		log_raw(&line, "paths", out.overflow ? STR("[]") : (struct str){ paths, out.len });
		log_text(&line, "cwd", getcwd(cwd, sizeof cwd) ? cwd : ".");
	} else {
		ask_log_begin(log, &line, LOG_WARN, "failed to read spec file");
		log_text(&line, "name", name);
		log_text(&line, "error", err->text);
	}
	(void)log_end(&line); /* counted by the log: main reports it */
}

/* The spec in the bundle that the state names. */
static int spec_tell(const struct hook_create *create, struct ask_log *log, const struct oci_state *state,
		     struct ask_container *container, struct error *err)
{
	struct bundle bundle;
	int r = bundle_read(state->bundle, create->arena, &bundle, err);

	if (r >= 0) {
		r = spec_parse(bundle.config, create->arena, &container->spec, err);
		if (r < 0)
			(void)error_wrap(err, r, "%s/config.json", bundle.path.p);
	}
	if (r >= 0) {
		container->root_dir = bundle_root_dir(&bundle, container->spec.root_path, create->arena);
		r = container->root_dir.p ? bundle_check_outside(&bundle, container->root_dir, err)
					  : error_set(err, ENOMEM, "%s/config.json: out of memory", bundle.path.p);
	}
	if (r < 0)
		bundle_failed(log, &bundle, r, err);
	bundle_done(&bundle);
	return r == -ENOENT ? error_wrap(err, r, "failed to find spec file") : r;
}

/* A container without usable path is still asked for: the agent refuses what it cannot find. */
static void cgroup_tell(const struct hook_create *create, struct ask_log *log, struct ask_container *container)
{
	char *path = arena_alloc(create->arena, CGROUP_PATH_MAX);
	struct error err = { 0 };
	struct log_line line;
	int r;

	if (!path)
		r = error_set(&err, ENOMEM, "out of memory");
	else if (!container->spec.has_linux)
		r = error_set(&err, ENODATA, "the spec has no member 'linux'");
	else
		r = cgroup_path_expand(container->spec.cgroups_path, path, CGROUP_PATH_MAX, &err);
	if (r >= 0) {
		container->cgroup_path = (struct str){ path, (size_t)r };
		return;
	}
	ask_log_begin(log, &line, LOG_WARN, "error getting cgroup path");
	log_text(&line, "error", err.text);
	(void)log_end(&line); /* counted by the log: main reports it */
}

/* Everything that can be known; `log` speaks about the container from here on. After a failure that is the flags' word.
 */
static int container_tell(const struct hook_create *create, struct ask_log *log, struct ask_container *container,
			  struct error *err)
{
	struct oci_state state = { 0 };
	int r = state_tell(create, log, &state, err);

	if (r >= 0)
		r = spec_tell(create, log, &state, container, err);
	if (r < 0) {
		*container = (struct ask_container){ .identity.runtime = create->runtime,
						     .identity.container_id = state.id };
		hook_identity_told(create->conf, &container->identity);
		return r;
	}
	cgroup_tell(create, log, container);
	identity_tell(create->runtime, &container->spec, &state, container->cgroup_path, &container->identity);
	hook_identity_told(create->conf, &container->identity);
	log->container = container;
	return 0;
}

/* The fail check, which runs at most once. */
struct verdict {
	struct hook_check check;
	bool is_known;
	int result; /* of hook_check_run */
	char reason[ERROR_TEXT_MAX + 64];
};

static void verdict_find(struct verdict *verdict)
{
	struct buf reason = buf_over(verdict->reason, sizeof verdict->reason);
	struct error err = { 0 };

	verdict->is_known = true;
	verdict->result = hook_check_run(&verdict->check, &err);
	buf_text(&reason, verdict->result < 0 ? reason_broken : reason_check);
	if (verdict->result < 0) /* an expression's error shows its place in further lines */
		buf_add(&reason, err.text, strcspn(err.text, "\n"));
}

static bool verdict_tolerates(void *user)
{
	struct verdict *verdict = user;

	if (!verdict->is_known)
		verdict_find(verdict);
	return verdict->result > 0;
}

static int refuse(struct ask_log *log, const char *reason, struct error *err)
{
	struct log_line line;

	ask_log_begin(log, &line, LOG_WARN, "failing container");
	log_text(&line, "should-fail", reason);
	log_text(&line, "error", err->text);
	ask_log_duration(log, &line);
	(void)log_end(&line); /* counted by the log: main reports it */
	err->code = ECANCELED;
	return -ECANCELED;
}

/* The container starts without policy: written down, so that the next agent finds it. */
static int tolerate(const struct hook_create *create, struct ask_log *log, const struct ask_container *container)
{
	struct error err = { 0 };
	struct log_line line;

	ask_log_begin(log, &line, LOG_INFO,
		      "failCheck determined that we should not fail this container, even if there was an error");
	ask_log_duration(log, &line);
	(void)log_end(&line); /* counted by the log: main reports it */
	if (ask_unseen_record(create->conf->unseen_dir, container, clock_now_ns(CLOCK_REALTIME), &err) < 0) {
		ask_log_begin(log, &line, LOG_WARN, "cannot write down that this container started without the agent");
		log_text(&line, "error", err.text);
		(void)log_end(&line); /* counted by the log: main reports it */
	}
	return 0;
}

static int fail_check(const struct hook_create *create, struct ask_log *log, const struct ask_container *container,
		      struct verdict *verdict, struct error *err)
{
	struct log_line line;

	if (create->log->level <= LOG_DEBUG) {
		struct ask_log plain = *log;

		plain.container = NULL; /* the annotations are the line's own key */
		ask_log_begin(&plain, &line, LOG_DEBUG, "running fail check");
		ask_log_annotations(&plain, &line, "annotations", &container->spec);
		(void)log_end(&line); /* counted by the log: main reports it */
	}
	if (verdict_tolerates(verdict))
		return tolerate(create, log, container);
	(void)refuse(log, verdict->reason, err);
	if (verdict->result < 0) { /* the log has it in a key of its own, standard error has not */
		struct buf out = { .p = err->text, .size = sizeof err->text, .len = strlen(err->text) };

		buf_text(&out, "; ");
		buf_text(&out, verdict->reason);
	}
	return -ECANCELED;
}

/* Asks the agent and acts on its answer. */
static int agent_ask(const struct hook_create *create, struct ask_log *log, const struct ask_container *container,
		     struct verdict *verdict, struct error *err)
{
	struct hook_ask ask = {
		.agent = create->conf->agent,
		.method = ASK_REQUEST_METHOD,
		.deadline_ns = create->start_ns + create->conf->timeout_ns,
		.is_tolerated = verdict_tolerates,
		.user = verdict,
		.stop = create->stop,
	};
	struct hook_answer answer;
	struct log_line line;
	bool is_denied;

	if (ask_request_build(container, create->arena, HOOK_ASK_ARENA_BYTES, &ask.body, err) < 0)
		return fail_check(create, log, container, verdict, err);
	if (hook_ask(&ask, create->arena, &answer)) {
		ask_log_begin(log, &line, LOG_INFO, "hook request to agent succeeded");
		ask_log_duration(log, &line);
		(void)log_end(&line); /* counted by the log: main reports it */
		return 0;
	}
	ask_log_begin(log, &line, LOG_WARN, "hook request to the agent failed");
	log_text(&line, "err", answer.error);
	log_text(&line, "agent", hook_answer_kind(&answer));
	ask_log_duration(log, &line);
	(void)log_end(&line); /* counted by the log: main reports it */
	is_denied = answer.result.is_servers_word && answer.result.status == GRPC_PERMISSION_DENIED;
	if (answer.result.is_servers_word)
		(void)error_set(err, ECANCELED, "the agent at %s answered with an error: %s", create->conf->agent,
				answer.error);
	else
		(void)error_set(err, ECANCELED, "%s", answer.error);
	return is_denied ? refuse(log, reason_denied, err) : fail_check(create, log, container, verdict, err);
}

int hook_create_run(const struct hook_create *create, struct error *err)
{
	struct ask_container container = { 0 };
	struct verdict verdict = {
		.check = { .conf = create->conf, .container = &container, .arena = create->check_arena },
	};
	struct ask_log log;
	struct log_line line;
	int r;

	ask_log_init(&log, create->log, clock_now_ns(CLOCK_REALTIME), create->start_ns, create->arena);
	r = container_tell(create, &log, &container, err);
	if (r < 0)
		return fail_check(create, &log, &container, &verdict, err);
	verdict.check.is_known = true;
	if (identity_check(&container.identity, container.cgroup_path, err) < 0)
		return refuse(&log, reason_forged, err);
	if (create->conf->disable_grpc) {
		ask_log_begin(&log, &line, LOG_INFO, "gRPC was disabled, so will not be contacting the agent");
		(void)log_end(&line); /* counted by the log: main reports it */
		return 0;
	}
	return agent_ask(create, &log, &container, &verdict, err);
}
