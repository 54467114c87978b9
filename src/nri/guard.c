/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/guard.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define EVENTS_ALWAYS \
	(NRI_BIT(NRI_CREATE_CONTAINER) | NRI_BIT(NRI_START_CONTAINER) | NRI_BIT(NRI_VALIDATE_CONTAINER_ADJUSTMENT))

/* Which mode, and why. */
static enum nri_mode mode_choose(const struct guard *guard, const struct nri_runtime *runtime, const char **ret_reason)
{
	*ret_reason = "--mode";
	if (guard->wanted != NRI_MODE_AUTO)
		return guard->wanted;
	if (!(runtime->range & NRI_BIT(NRI_VALIDATE_CONTAINER_ADJUSTMENT))) {
		*ret_reason = "auto: this runtime would start a container whose plugin answers too late";
		return NRI_MODE_INJECT;
	}
	/* The validator that forbids injected hooks came with this event: no runtime without it has one. */
	*ret_reason =
		"auto: a plugin that answers too late fails the creation here, and injected hooks may be forbidden";
	return NRI_MODE_DIRECT;
}

static int on_configure(void *user, const struct nri_runtime *runtime, uint32_t *events, struct error *err)
{
	struct guard *guard = user;
	struct log_line line;
	const char *reason;
	int r = 0;

	if (runtime->config.len && guard->configured)
		r = guard->configured(guard->user, runtime->config, err);
	if (r < 0)
		return error_wrap(err, r, "the plugin's configuration file");
	guard->runtime = str_is(runtime->name, "cri-o") ? RUNTIME_CRIO : RUNTIME_CONTAINERD;
	guard->mode = mode_choose(guard, runtime, &reason);
	guard->gate.is_start_final = guard->runtime != RUNTIME_CRIO;
	memset(guard->passed, 0, sizeof guard->passed);
	if (guard->mode == NRI_MODE_DIRECT && guard->runtime == RUNTIME_CRIO)
		*events |= NRI_BIT(NRI_POST_CREATE_CONTAINER);
	log_begin(&line, guard->log, LOG_INFO, "configured by the runtime");
	log_str(&line, "runtime", runtime->name);
	log_str(&line, "version", runtime->version);
	log_str(&line, "nri", runtime->nri_version);
	log_text(&line, "mode", nri_mode_name(guard->mode));
	log_text(&line, "reason", reason);
	log_int(&line, "request-timeout-ms", runtime->request_ns / 1000000);
	log_bool(&line, "late-answers-fail", runtime->range & NRI_BIT(NRI_VALIDATE_CONTAINER_ADJUSTMENT));
	(void)log_end(&line); /* counted by the log */
	if (guard->mode == NRI_MODE_INJECT && access(guard->conf->oci_hook_path, X_OK) < 0)
		(void)log_event(guard->log, LOG_WARN,
				"the hook's program is not to be seen from here: if it is not on the host either, no "
				"container will start",
				"oci-hook-path", guard->conf->oci_hook_path, NULL); /* counted by the log */
	reconcile_configured(&guard->reconcile, guard->runtime, guard->mode == NRI_MODE_DIRECT);
	return 0;
}

/* --- what was let pass --- */

static uint64_t hash(struct str id)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < id.len; i++)
		h = (h ^ (unsigned char)id.p[i]) * UINT64_C(1099511628211);
	return h ? h : 1;
}

static void passed_add(struct guard *guard, struct str id)
{
	guard->passed[guard->passed_next++ % GUARD_PASSED_MAX] = hash(id);
}

static bool passed_has(const struct guard *guard, struct str id)
{
	uint64_t h = hash(id);

	for (size_t i = 0; i < GUARD_PASSED_MAX; i++)
		if (guard->passed[i] == h)
			return true;
	return false;
}

/* --- events --- */

static int ask(struct guard *guard, const struct nri_request *request, enum ask_why why, struct error *err)
{
	struct nri_subject subject;

	if (nri_subject_tell(guard->runtime, &request->pod, &request->container, &subject, err) < 0)
		return gate_refuse_forged(&guard->gate, request, &subject, err);
	return gate_decide(&guard->gate, request, &subject, why, err);
}

static int on_create(struct guard *guard, const struct nri_request *request, struct buf *answer, struct error *err)
{
	bool is_told = true;
	int r = 0;

	guard->counts.created++;
	if (guard->mode == NRI_MODE_INJECT) {
		inject_hook(&guard->inject, guard->runtime, request, answer);
		is_told = labels_tell_ahead(&guard->reconcile.labels, &guard->asker, guard->runtime, &request->pod,
					    &request->container);
	} else {
		r = ask(guard, request, ASK_AHEAD, err);
	}
	if (r >= 0 && is_told)
		passed_add(guard, request->container.id);
	return r;
}

static int on_start(struct guard *guard, const struct nri_request *request, struct error *err)
{
	guard->counts.started++;
	reconcile_known(&guard->reconcile, request->container.id);
	if (guard->mode == NRI_MODE_INJECT &&
	    inject_is_there(&guard->inject, nri_container_hooks(&request->container))) {
		/* Its hook has asked, or the container would not be here. */
		if (!passed_has(guard, request->container.id))
			labels_tell(&guard->reconcile.labels, &guard->asker, guard->runtime, &request->pod,
				    &request->container);
		return 0;
	}
	return ask(guard, request, ASK_START, err);
}

/* The last word about a creation: what all plugins together made of it. */
static void on_validate(struct guard *guard, const struct nri_request *request, struct buf *answer)
{
	bool is_right = guard->mode == NRI_MODE_INJECT ? inject_is_there(&guard->inject, request->hooks)
						       : passed_has(guard, request->container.id);
	struct nri_subject subject;
	struct log_line line;

	guard->counts.validated++;
	if (is_right)
		return;
	guard->counts.rejected++;
	(void)nri_subject_tell(guard->runtime, &request->pod, &request->container, &subject, NULL); /* for the log */
	gate_log_begin(guard->log, &line, LOG_WARN, "failing container", "validate-container-adjustment", &subject);
	log_text(&line, "should-fail",
		 guard->mode == NRI_MODE_INJECT ? "its hook was taken away" : "its creation was not asked for here");
	(void)log_end(&line); /* counted by the log */
	nri_reject(answer, guard->mode == NRI_MODE_INJECT
				   ? STR("tetragon: the hook is not among the container's hooks")
				   : STR("tetragon: the agent was not asked about this container; try again"));
}

static int event_take(struct guard *guard, const struct nri_request *request, struct buf *answer, struct error *err)
{
	switch (request->event) {
	case NRI_CREATE_CONTAINER:
		return on_create(guard, request, answer, err);
	case NRI_POST_CREATE_CONTAINER: /* an error is only logged by the runtime, but it is logged */
		return ask(guard, request, ASK_START, err);
	case NRI_START_CONTAINER:
		return on_start(guard, request, err);
	case NRI_VALIDATE_CONTAINER_ADJUSTMENT:
		on_validate(guard, request, answer);
		return 0;
	default:
		return 0;
	}
}

static int on_event(void *user, const struct nri_request *request, struct buf *answer, struct error *err)
{
	struct guard *guard = user;
	int r = event_take(guard, request, answer, err);

	durations_add(&guard->answers, clock_now_ns(CLOCK_MONOTONIC) - request->received_ns);
	return r;
}

static void on_list_begin(void *user)
{
	reconcile_list_begin(&((struct guard *)user)->reconcile);
}

static void on_list_pod(void *user, const struct nri_pod *pod)
{
	reconcile_list_pod(&((struct guard *)user)->reconcile, pod);
}

static void on_list_container(void *user, const struct nri_container *container)
{
	reconcile_list_container(&((struct guard *)user)->reconcile, container);
}

static void on_list_end(void *user)
{
	reconcile_list_end(&((struct guard *)user)->reconcile);
}

int guard_apply(struct guard *guard, bool tells_agent, struct error *err)
{
	int r = nri_mode_parse(str_of(guard->conf->mode), &guard->wanted, err);

	guard->inject = (struct inject){ .conf = guard->conf, .tells_agent = tells_agent };
	if (r >= 0)
		r = inject_check(&guard->inject, err);
	if (r < 0 || guard->asker.context != &guard->ask)
		return r;
	agent_ask_done(&guard->ask);
	guard->agent_connection = 0;
	return agent_ask_init(&guard->ask, guard->conf->agent, err);
}

int guard_init(struct guard *guard, const struct nri_conf *conf, const struct asker *asker, bool tells_agent,
	       struct log *log, struct error *err)
{
	int r;

	*guard = (struct guard){ .conf = conf, .log = log, .asker = { agent_ask, &guard->ask } };
	if (asker)
		guard->asker = *asker;
	r = guard_apply(guard, tells_agent, err);
	if (r < 0)
		return r;
	guard->gate = (struct gate){ .conf = conf, .asker = &guard->asker, .log = log };
	guard->plugin = (struct nri_plugin){
		.name = conf->name,
		.index = conf->index,
		.events = EVENTS_ALWAYS,
		.configure = on_configure,
		.list_begin = on_list_begin,
		.list_pod = on_list_pod,
		.list_container = on_list_container,
		.list_end = on_list_end,
		.event = on_event,
		.user = guard,
	};
	reconcile_init(&guard->reconcile, conf, &guard->asker, log);
	return 0;
}

void guard_done(struct guard *guard)
{
	reconcile_done(&guard->reconcile);
	agent_ask_done(&guard->ask);
}

void guard_news(struct guard *guard, enum nri_news news, const char *text)
{
	static const char *const messages[] = {
		[NRI_NEWS_UNREACHABLE] = "no connection to the runtime, trying again until there is one",
		[NRI_NEWS_CONNECTED] = "connected to the runtime",
		[NRI_NEWS_RUNNING] = "running: new containers are seen from now on",
		[NRI_NEWS_LOST] = "connection to the runtime is lost: new containers are not seen until it is back",
	};
	bool is_bad = news == NRI_NEWS_UNREACHABLE || news == NRI_NEWS_LOST;

	(void)log_event(guard->log, is_bad ? LOG_WARN : LOG_INFO, messages[news], "socket", guard->conf->socket,
			*text && is_bad ? "reason" : NULL, text, NULL); /* counted by the log */
	if (news == NRI_NEWS_LOST)
		reconcile_lost(&guard->reconcile);
}

static void agent_lost(struct guard *guard)
{
	guard->agent_connection = 0;
	guard->reconcile.labels.is_unwanted = false; /* the next one may be ours */
	reconcile_again(&guard->reconcile);
}

int guard_agent_fd(struct guard *guard)
{
	const struct grpc_kept *kept = &guard->ask.kept;
	bool is_there = guard->ask.memory && kept->fd >= 0;

	if (guard->agent_connection && (!is_there || guard->agent_connection != kept->connections))
		agent_lost(guard);
	if (is_there)
		guard->agent_connection = kept->connections;
	return is_there ? kept->fd : -1;
}

void guard_agent_gone(struct guard *guard)
{
	grpc_kept_close(&guard->ask.kept);
	agent_lost(guard);
}
