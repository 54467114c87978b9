/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/labels.h"

#include "base/clock.h"

void labels_done(struct labels *labels)
{
	listing_clear(&labels->waiting);
	listing_clear(&labels->telling);
	labels->retry_ns = 0;
	labels->is_unwanted = false;
}

enum told { TOLD = 0, TOLD_IN_VAIN, TOLD_TOO_EARLY, TOLD_NOBODY };

static enum told tell(struct labels *labels, const struct asker *asker, enum runtime runtime, const struct nri_pod *pod,
		      const struct nri_container *container, enum ask_why why)
{
	int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	struct agent_answer answer;
	struct nri_subject subject;

	if (!pod || nri_subject_tell(runtime, pod, container, &subject, NULL) < 0)
		return TOLD_IN_VAIN; /* forged: its hook says so */
	labels->retry_ns = 0;
	if (asker->ask(asker->context, &subject, why, now_ns + LABELS_CALL_NS, &answer)) {
		labels->told++;
		return TOLD;
	}
	if (answer.result.outcome == GRPC_ANSWERED && answer.result.is_servers_word) {
		labels->is_unwanted = answer.result.status == GRPC_UNKNOWN; /* all that the original ever answers */
		if (answer.result.status == GRPC_NOT_FOUND && why == ASK_START)
			return TOLD_TOO_EARLY; /* it is only created; or has ended */
		return TOLD_IN_VAIN;           /* the agent has its own view of it, as its hook is told */
	}
	labels->retry_ns = now_ns + LABELS_RETRY_NS;
	return TOLD_NOBODY;
}

static void keep(struct labels *labels, enum runtime runtime, const struct nri_pod *pod,
		 const struct nri_container *container)
{
	struct nri_container named = *container;

	if (labels->waiting.containers >= LABELS_WAITING_MAX) {
		labels->left_out++;
		return;
	}
	listing_add_pod(&labels->waiting, pod);
	named.image = nri_subject_image(runtime, container); /* annotations are not kept */
	if (named.image.len > NRI_PATH_MAX)
		named.image.len = NRI_PATH_MAX;
	listing_add_container(&labels->waiting, &named);
}

bool labels_tell_ahead(struct labels *labels, const struct asker *asker, enum runtime runtime,
		       const struct nri_pod *pod, const struct nri_container *container)
{
	bool is_time = labels->retry_ns <= clock_now_ns(CLOCK_MONOTONIC);
	enum told told = labels->is_unwanted ? TOLD_IN_VAIN
			 : is_time           ? tell(labels, asker, runtime, pod, container, ASK_AHEAD)
					     : TOLD_NOBODY;

	if (told == TOLD_NOBODY)
		keep(labels, runtime, pod, container); /* its hook may be waiting for the agent when that is back */
	return told == TOLD;
}

void labels_tell(struct labels *labels, const struct asker *asker, enum runtime runtime, const struct nri_pod *pod,
		 const struct nri_container *container)
{
	bool is_waiting = labels_wake_ns(labels) != INT64_MAX;

	if (labels->is_unwanted ||
	    (!is_waiting && tell(labels, asker, runtime, pod, container, ASK_START) != TOLD_NOBODY))
		return;
	keep(labels, runtime, pod, container);
}

/* Who came while others were told of is next. */
static bool next(struct labels *labels, const struct nri_container **ret_container, const struct nri_pod **ret_pod)
{
	if (listing_next(&labels->telling, ret_container, ret_pod))
		return true;
	listing_clear(&labels->telling);
	if (!labels->waiting.containers)
		return false;
	labels->telling = labels->waiting;
	labels->waiting = (struct listing){ 0 };
	listing_end(&labels->telling);
	return listing_next(&labels->telling, ret_container, ret_pod);
}

void labels_step(struct labels *labels, const struct asker *asker, enum runtime runtime)
{
	const struct nri_container *container;
	const struct nri_pod *pod;
	enum told told;

	if (labels_wake_ns(labels) > clock_now_ns(CLOCK_MONOTONIC) || !next(labels, &container, &pod))
		return;
	told = tell(labels, asker, runtime, pod, container, ASK_START);
	if (told == TOLD_TOO_EARLY) /* its cgroup comes later: then its hook must not ask in vain */
		told = tell(labels, asker, runtime, pod, container, ASK_AHEAD);
	if (told == TOLD_NOBODY)
		listing_back(&labels->telling);
	else if (labels->telling.next >= labels->telling.containers)
		listing_clear(&labels->telling);
}

int64_t labels_wake_ns(const struct labels *labels)
{
	bool is_waiting = labels->waiting.containers || labels->telling.next < labels->telling.containers;

	return is_waiting ? labels->retry_ns : INT64_MAX;
}
