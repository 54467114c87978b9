/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/guard.h: Tetragon's NRI plugin: which events it takes and what it does at each, in either mode.
 *   inject  CreateContainer: adds the hook. ValidateContainerAdjustment: refuses if the hook is not there any more.
 *           StartContainer: a container without the hook (made while no plugin was there) is asked for as in direct
 * mode direct  CreateContainer: asks the agent ahead. ValidateContainerAdjustment: refuses what was not asked for.
 *           StartContainer: asks the agent, the cgroup being there now. On CRI-O, which goes on whatever is answered to
 *           StartContainer, PostCreateContainer is the first moment when the cgroup is there: asked there too
 * What it does about containers that were made without it is in reconcile.h.
 */
#ifndef NRI_GUARD_H
#define NRI_GUARD_H

#include "nri/durations.h"
#include "nri/gate.h"
#include "nri/inject.h"
#include "nri/nri_plugin.h"
#include "nri/reconcile.h"

#define GUARD_PASSED_MAX 256 /* containers between their creation and its validation, of a whole node */

struct guard_counts {
	uint64_t created, started, validated, rejected;
};

struct guard {
	const struct nri_conf *conf; /* borrowed, as the log */
	struct log *log;
	struct agent_ask ask; /* unused when somebody else is asked */
	struct asker asker;
	struct gate gate;
	struct inject inject;
	struct reconcile reconcile;
	struct nri_plugin plugin; /* for a link; its `user` is this */
	/*
	 * Text of the plugin's configuration file, which only a launched plugin gets: changes *conf, then calls
	 * guard_apply. Set by the program; NULL: such a text is ignored.
	 */
	int (*configured)(void *user, struct str text, struct error *err);
	void *user;
	enum nri_mode wanted, mode; /* mode: in force, never AUTO once configured */
	enum runtime runtime;
	struct guard_counts counts;
	struct durations answers;          /* from a request's last byte to its answer */
	uint64_t passed[GUARD_PASSED_MAX]; /* hashes of ids that the agent was told of ahead, on this connection */
	size_t passed_next;
	uint64_t agent_connection; /* the number of the one that was there last; 0: none */
};

/*
 * Fills in *guard, which must not move afterwards. `asker` is copied; NULL: the agent at conf->agent. 0, or what
 * options say no to: -EINVAL, -E2BIG; -ENOMEM.
 */
int guard_init(struct guard *guard, const struct nri_conf *conf, const struct asker *asker, bool tells_agent,
	       struct log *log, struct error *err);
/* The options have changed: takes them over. As guard_init; after an error the plugin must not go on. */
int guard_apply(struct guard *guard, bool tells_agent, struct error *err);
void guard_done(struct guard *guard);

/* What the link tells: to the log, and a lost connection to whoever works on it. To be called from nri_link's `told`.
 */
void guard_news(struct guard *guard, enum nri_news news, const char *text);

/*
 * The connection to the agent, to be polled for POLLRDHUP (-1: none); call guard_agent_gone when it comes. One that was
 * lost in the midst of a call is noticed here.
 */
int guard_agent_fd(struct guard *guard);
void guard_agent_gone(struct guard *guard);

#endif
