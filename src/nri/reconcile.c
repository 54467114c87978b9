/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/reconcile.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "nri/gate.h"
#include "rpc/grpc_status.h"

void reconcile_init(struct reconcile *reconcile, const struct nri_conf *conf, const struct asker *asker,
		    struct log *log)
{
	*reconcile = (struct reconcile){ .conf = conf, .asker = asker, .log = log, .wake_ns = INT64_MAX };
}

static void look_close(struct reconcile *reconcile)
{
	nri_link_free(reconcile->link);
	reconcile->link = NULL;
}

static void rest(struct reconcile *reconcile)
{
	look_close(reconcile);
	listing_clear(&reconcile->listing);
	known_clear(&reconcile->known);
	reconcile->step = RECONCILE_IDLE;
	reconcile->wake_ns = INT64_MAX;
	reconcile->is_again = false;
	reconcile->looks_in_vain = 0;
}

void reconcile_done(struct reconcile *reconcile)
{
	labels_done(&reconcile->labels);
	rest(reconcile);
}

void reconcile_lost(struct reconcile *reconcile)
{
	rest(reconcile);
	reconcile->is_again_pending = false; /* the next connection brings a list of its own */
}

void reconcile_again(struct reconcile *reconcile)
{
	int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);

	if (reconcile->step != RECONCILE_IDLE) {
		reconcile->is_again_pending = true;
		return;
	}
	reconcile->is_again = true;
	reconcile->step = RECONCILE_WAIT;
	reconcile->wake_ns = now_ns + RECONCILE_LOOK_NS;
	if (reconcile->again_ns && reconcile->wake_ns < reconcile->again_ns + RECONCILE_AGAIN_NS)
		reconcile->wake_ns = reconcile->again_ns + RECONCILE_AGAIN_NS;
	reconcile->again_ns = reconcile->wake_ns;
}

void reconcile_configured(struct reconcile *reconcile, enum runtime runtime, bool arms)
{
	reconcile->runtime = runtime;
	reconcile->arms = arms;
}

/* --- the first list --- */

void reconcile_list_begin(struct reconcile *reconcile)
{
	rest(reconcile);
}

void reconcile_list_pod(struct reconcile *reconcile, const struct nri_pod *pod)
{
	listing_add_pod(&reconcile->listing, pod);
}

static void container_keep(struct reconcile *reconcile, const struct nri_container *container)
{
	struct nri_container named = *container;

	named.image = nri_subject_image(reconcile->runtime, container); /* annotations are not kept */
	if (named.image.len > NRI_PATH_MAX)
		named.image.len = NRI_PATH_MAX;
	listing_add_container(&reconcile->listing, &named);
}

static bool runs(const struct nri_container *container)
{
	return container->state == NRI_RUNNING || container->state == NRI_PAUSED;
}

void reconcile_list_container(struct reconcile *reconcile, const struct nri_container *container)
{
	if (container->state == NRI_CREATED && reconcile->arms)
		container_keep(reconcile, container);
	if (!runs(container))
		return; /* of one that is only created, its start will tell */
	known_add(&reconcile->known, container->id);
	container_keep(reconcile, container);
}

void reconcile_list_end(struct reconcile *reconcile)
{
	listing_end(&reconcile->listing);
	reconcile->counts.listed += reconcile->listing.containers;
	reconcile->counts.left_out += reconcile->listing.left_out;
	reconcile->step = RECONCILE_TELL;
	reconcile->wake_ns = 0;
}

void reconcile_known(struct reconcile *reconcile, struct str id)
{
	if (reconcile->step != RECONCILE_IDLE && reconcile->step != RECONCILE_TELL_UNSEEN && !reconcile->is_again)
		known_add(&reconcile->known, id);
}

/* --- telling the agent --- */

static void unseen_tell(struct reconcile *reconcile, const struct nri_subject *subject, const char *found)
{
	struct log_line line;

	reconcile->counts.unseen++;
	gate_log_begin(reconcile->log, &line, LOG_WARN, "container started unseen: it is under policy from now on",
		       "reconcile", subject);
	log_text(&line, "found-by", found);
	(void)log_end(&line); /* counted by the log */
}

static void outage_tell(struct reconcile *reconcile, const char *error)
{
	if (!reconcile->is_outage_told)
		(void)log_event(reconcile->log, LOG_WARN,
				"cannot tell the agent which containers there are, trying again until it answers",
				"error", error, NULL); /* counted by the log */
	reconcile->is_outage_told = true;
}

/* One container. False: the agent cannot be asked now. */
static bool container_tell(struct reconcile *reconcile, const struct nri_container *container,
			   const struct nri_pod *pod, enum ask_why why)
{
	static const struct nri_pod nobody;
	struct agent_answer answer;
	struct nri_subject subject;
	struct error err = { 0 };
	struct log_line line;
	int r = nri_subject_tell(reconcile->runtime, pod ? pod : &nobody, container, &subject, &err);

	if (r >= 0 && reconcile->asker->ask(reconcile->asker->context, &subject, why,
					    clock_now_ns(CLOCK_MONOTONIC) + RECONCILE_CALL_NS, &answer)) {
		reconcile->is_outage_told = false;
		reconcile->counts.told++;
		if (why == ASK_AHEAD)
			return true; /* it does not run: nothing has been unseen */
		/* An agent that does not say: of the second look's containers nobody was asked about any. */
		if (answer.known == ASK_IS_NEW || (why == ASK_UNSEEN && answer.known == ASK_KNOWN_UNTOLD))
			unseen_tell(reconcile, &subject, why == ASK_UNSEEN ? "second look" : "list");
		return true;
	}
	/* UNAVAILABLE for one that is to be armed: undecided without labels or image; that may never change. */
	if (r >= 0 && !(answer.result.outcome == GRPC_ANSWERED && answer.result.is_servers_word &&
			(answer.result.status != GRPC_UNAVAILABLE || why == ASK_AHEAD))) {
		outage_tell(reconcile, answer.error);
		return false;
	}
	if (r >= 0 && (answer.result.status == GRPC_NOT_FOUND || why == ASK_AHEAD))
		return true; /* it has ended meanwhile; or cannot be armed: its start will tell */
	gate_log_begin(reconcile->log, &line, LOG_WARN, "the agent refused a container that is there already",
		       "reconcile", &subject);
	log_text(&line, "error", r < 0 ? err.text : answer.error);
	(void)log_end(&line); /* counted by the log */
	return true;
}

static void told_all(struct reconcile *reconcile)
{
	struct log_line line;

	log_begin(&line, reconcile->log, LOG_INFO,
		  reconcile->is_again                 ? "another agent knows what the runtime listed"
		  : reconcile->step == RECONCILE_TELL ? "the agent knows what the runtime listed"
						      : "second look is over");
	log_int(&line, "containers", (int64_t)reconcile->listing.containers);
	log_int(&line, "unseen-total", (int64_t)reconcile->counts.unseen);
	if (reconcile->listing.left_out)
		log_int(&line, "left-out", (int64_t)reconcile->listing.left_out);
	(void)log_end(&line); /* counted by the log */
	if (reconcile->step == RECONCILE_TELL_UNSEEN) {
		bool again = reconcile->is_again_pending;

		rest(reconcile);
		reconcile->is_again_pending = false;
		if (again)
			reconcile_again(reconcile);
		return;
	}
	listing_clear(&reconcile->listing);
	reconcile->step = RECONCILE_WAIT;
	reconcile->wake_ns = clock_now_ns(CLOCK_MONOTONIC) + RECONCILE_LOOK_NS;
}

static enum ask_why why_of(const struct reconcile *reconcile, const struct nri_container *container)
{
	if (!runs(container))
		return ASK_AHEAD;
	return reconcile->step == RECONCILE_TELL || reconcile->is_again ? ASK_LISTED : ASK_UNSEEN;
}

static void tell_next(struct reconcile *reconcile)
{
	const struct nri_container *container;
	const struct nri_pod *pod;

	if (!listing_next(&reconcile->listing, &container, &pod)) {
		told_all(reconcile);
		return;
	}
	if (container_tell(reconcile, container, pod, why_of(reconcile, container)))
		return;
	listing_back(&reconcile->listing);
	reconcile->wake_ns = clock_now_ns(CLOCK_MONOTONIC) + RECONCILE_RETRY_NS;
}

/* --- the second look --- */

static void look_pod(void *user, const struct nri_pod *pod)
{
	listing_add_pod(&((struct reconcile *)user)->listing, pod);
}

static void look_container(void *user, const struct nri_container *container)
{
	struct reconcile *reconcile = user;

	if (runs(container) && !known_has(&reconcile->known, container->id))
		container_keep(reconcile, container);
}

static void look_begin(void *user)
{
	listing_clear(&((struct reconcile *)user)->listing);
}

static void look_end(void *user)
{
	struct reconcile *reconcile = user;

	listing_end(&reconcile->listing);
	reconcile->is_look_complete = true;
}

static void look_open(struct reconcile *reconcile)
{
	struct buf name = buf_over(reconcile->look_name, sizeof reconcile->look_name);

	buf_printf(&name, "%s-look", reconcile->conf->name);
	reconcile->look = (struct nri_plugin){
		.name = reconcile->look_name,
		.index = reconcile->conf->index,
		.events = NRI_BIT(NRI_REMOVE_POD_SANDBOX), /* one must be; it is not there long enough to get it */
		.list_begin = look_begin,
		.list_pod = look_pod,
		.list_container = look_container,
		.list_end = look_end,
		.user = reconcile,
	};

	const struct nri_link_options options = {
		.plugin = &reconcile->look, .socket = reconcile->conf->socket, .fd = -1, .is_once = true
	};

	reconcile->is_look_complete = false;
	reconcile->link = nri_link_new(&options);
	reconcile->step = RECONCILE_LOOK;
	reconcile->wake_ns = 0;
	reconcile->counts.looks++;
}

static void look_step(struct reconcile *reconcile)
{
	struct error err = { 0 };
	int r = reconcile->link ? nri_link_step(reconcile->link, &err) : -ENOMEM;

	if (reconcile->is_look_complete) {
		look_close(reconcile);
		reconcile->looks_in_vain = 0;
		reconcile->step = RECONCILE_TELL_UNSEEN;
		reconcile->wake_ns = 0;
	} else if (r < 0) {
		reconcile->counts.looks_failed++;
		(void)log_event(reconcile->log, LOG_WARN,
				"the runtime did not list its containers once more, trying again: what it started "
				"while the plugin connected is not known before that",
				"socket", reconcile->conf->socket, NULL); /* counted by the log */
		look_close(reconcile);
		listing_clear(&reconcile->listing);
		reconcile->step = RECONCILE_WAIT;
		reconcile->wake_ns = clock_now_ns(CLOCK_MONOTONIC) + (RECONCILE_RETRY_NS << reconcile->looks_in_vain);
		reconcile->looks_in_vain += reconcile->looks_in_vain < RECONCILE_IN_VAIN_MAX;
	} else {
		reconcile->wake_ns = nri_link_wake_ns(reconcile->link);
	}
}

void reconcile_step(struct reconcile *reconcile)
{
	labels_step(&reconcile->labels, reconcile->asker, reconcile->runtime);
	/* While it looks, its socket may have something at any time. */
	if (reconcile->step != RECONCILE_LOOK && clock_now_ns(CLOCK_MONOTONIC) < reconcile->wake_ns)
		return;
	switch (reconcile->step) {
	case RECONCILE_IDLE:
		break;
	case RECONCILE_TELL:
	case RECONCILE_TELL_UNSEEN:
		tell_next(reconcile);
		break;
	case RECONCILE_WAIT:
		look_open(reconcile);
		break;
	case RECONCILE_LOOK:
		look_step(reconcile);
		break;
	}
}

int64_t reconcile_wake_ns(const struct reconcile *reconcile)
{
	int64_t labels_ns = labels_wake_ns(&reconcile->labels);

	return labels_ns < reconcile->wake_ns ? labels_ns : reconcile->wake_ns;
}

int reconcile_fd(const struct reconcile *reconcile, short *ret_events)
{
	if (reconcile->step != RECONCILE_LOOK || !reconcile->link)
		return -1;
	*ret_events = nri_link_events(reconcile->link);
	return nri_link_fd(reconcile->link);
}
