/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/labels.h: inject mode's word to the agent about pods' labels. The hook asks the agent about its container but
 * cannot know the labels; the plugin does, from the runtime, and tells them at the container's creation: then the agent
 * has them when the hook asks, and policies that choose by labels can be decided. No start depends on it but where such
 * a policy does: an agent that does not answer costs LABELS_CALL_NS once in LABELS_RETRY_NS, and is told at the start
 * or later. An agent that is not ours and does not understand is left alone. The labels go the plugin's own way
 * (agent_ask.h), so nothing in a container's annotations passes for them.
 */
#ifndef NRI_LABELS_H
#define NRI_LABELS_H

#include "nri/agent_ask.h"
#include "nri/listing.h"

#define LABELS_WAITING_MAX 256                    /* containers; further ones are told with the next list */
#define LABELS_CALL_NS (50 * INT64_C(1000000))    /* limit of one call */
#define LABELS_RETRY_NS (1000 * INT64_C(1000000)) /* after one without answer */

struct labels { /* zero-initialised */
	struct listing waiting, telling;
	int64_t retry_ns; /* not before; 0 at once */
	bool is_unwanted; /* the agent does not know what is told here */
	uint64_t told, left_out;
};

void labels_done(struct labels *labels); /* forgets who waits, and frees */
/* Of a container that is being created. False: the agent does not have it; tell at its start. */
bool labels_tell_ahead(struct labels *labels, const struct asker *asker, enum runtime runtime,
		       const struct nri_pod *pod, const struct nri_container *container);
/* Of a container that is about to start: tells the agent now, or, if that cannot be done, keeps a copy for later. */
void labels_tell(struct labels *labels, const struct asker *asker, enum runtime runtime, const struct nri_pod *pod,
		 const struct nri_container *container);
/* Tells of one that waits, if it is time. */
void labels_step(struct labels *labels, const struct asker *asker, enum runtime runtime);
int64_t labels_wake_ns(const struct labels *labels); /* CLOCK_MONOTONIC; INT64_MAX: nobody waits */

#endif
