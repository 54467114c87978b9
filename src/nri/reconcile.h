/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/reconcile.h: no container is lost between plugin and runtime. After each connect the agent is told of every
 * running container that the runtime listed; those that are only created tell of themselves at their start, and in
 * direct mode are armed at once: they are judged even if nobody is there at their start. A moment later comes a second
 * look: containers that started while the plugin connected are in neither list nor events; a second, short connection
 * under another name gets the runtime's list once more, and what runs there and gave no event started unseen. The
 * runtime holds off other operations while it makes a list, so nothing slips between. The agent is told piece by piece
 * between the runtime's requests, which never wait for more than one call.
 */
#ifndef NRI_RECONCILE_H
#define NRI_RECONCILE_H

#include "nri/agent_ask.h"
#include "nri/labels.h"
#include "nri/listing.h"
#include "nri/nri_link.h"
#include "nri/options.h"

struct log;

#define RECONCILE_CALL_NS (300 * INT64_C(1000000))    /* limit of one call */
#define RECONCILE_RETRY_NS (1000 * INT64_C(1000000))  /* when the agent cannot be asked */
#define RECONCILE_AGAIN_NS (10000 * INT64_C(1000000)) /* between two times that the agent is told all again */
#define RECONCILE_IN_VAIN_MAX 5                       /* looks that failed: each doubles the time to the next */
#define RECONCILE_LOOK_NS (300 * INT64_C(1000000))    /* from running to the second look */

enum reconcile_step { RECONCILE_IDLE, RECONCILE_TELL, RECONCILE_WAIT, RECONCILE_LOOK, RECONCILE_TELL_UNSEEN };

struct reconcile_counts {
	uint64_t listed, told; /* containers */
	uint64_t unseen;       /* that ran without the agent's knowledge until then */
	uint64_t looks, looks_failed, left_out;
};

struct reconcile {
	const struct nri_conf *conf; /* borrowed, as the next two */
	const struct asker *asker;
	struct log *log;
	enum runtime runtime;
	bool arms; /* containers that are only created are told, too: as what will start */
	enum reconcile_step step;
	int64_t wake_ns;
	struct listing listing; /* of what is told now */
	struct known known;     /* until the second look is over */
	struct nri_plugin look; /* the second connection */
	struct nri_link *link;
	char look_name[NRI_NAME_OF_PLUGIN_MAX];
	unsigned looks_in_vain; /* one after the other; at most RECONCILE_IN_VAIN_MAX */
	bool is_look_complete, is_outage_told;
	bool is_again;         /* the look is for an agent that is new, not for containers that are */
	bool is_again_pending; /* as soon as this one is over */
	int64_t again_ns;      /* when that was done last */
	struct labels labels;  /* of containers whose hooks have asked; told between the rest */
	struct reconcile_counts counts;
};

void reconcile_init(struct reconcile *reconcile, const struct nri_conf *conf, const struct asker *asker,
		    struct log *log);
void reconcile_done(struct reconcile *reconcile);

/* What the plugin hears on its connection. */
void reconcile_configured(struct reconcile *reconcile, enum runtime runtime, bool arms);
void reconcile_list_begin(struct reconcile *reconcile);
void reconcile_list_pod(struct reconcile *reconcile, const struct nri_pod *pod);
void reconcile_list_container(struct reconcile *reconcile, const struct nri_container *container);
void reconcile_list_end(struct reconcile *reconcile);
void reconcile_known(struct reconcile *reconcile, struct str id); /* it is about to start */
void reconcile_lost(struct reconcile *reconcile);                 /* the connection is gone: nothing to look for */

/*
 * The agent is another one now: it is told of all running containers once more, from a new list. It knows them from the
 * kernel, but not their pods' labels.
 */
void reconcile_again(struct reconcile *reconcile);

/* One piece of the work. Call it when nri_link_step has nothing more to do; and again at reconcile_wake_ns(). */
void reconcile_step(struct reconcile *reconcile);
int64_t reconcile_wake_ns(const struct reconcile *reconcile);           /* CLOCK_MONOTONIC; INT64_MAX: nothing to do */
int reconcile_fd(const struct reconcile *reconcile, short *ret_events); /* to be polled too; -1: none */

#endif
