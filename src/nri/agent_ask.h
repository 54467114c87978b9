/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/agent_ask.h: asks the agent about a container, as the hook does (RuntimeHook), once, without retry: whoever
 * waits here holds up all containers of the node. What the hook cannot tell goes into fields of CreateContainer that
 * upstream's message does not have. The hook never writes them and they are no annotations, so no tenant can forge them
 * through it; other agents skip them:
 *   10001  map<string, string>  labels of the pod
 *   10002  map<string, string>  annotations of the pod
 *   10003  int32                why it is told: enum ask_why
 *   10004  string               who tells: "nri"
 *   10005  bool                 the labels are all that the pod has
 * The answer may hold, as its field 10001, an enum ask_known; an agent that does not know of it answers nothing.
 */
#ifndef NRI_AGENT_ASK_H
#define NRI_AGENT_ASK_H

#include "base/arena.h"
#include "nri/subject.h"
#include "rpc/grpc_client.h"

enum ask_why {
	ASK_AHEAD = 1, /* it will be created: there is no cgroup yet. An agent that cannot arm ahead says NOT_FOUND */
	ASK_START,     /* it is about to start: the cgroup is there, the user's program is not */
	ASK_LISTED,    /* the runtime listed it when the plugin connected */
	ASK_UNSEEN,    /* it was in neither the list nor the events: it runs already */
};

enum ask_known { ASK_KNOWN_UNTOLD = 0, ASK_WAS_KNOWN, ASK_IS_NEW };

#define ASK_ARENA_BYTES (ASK_BODY_MAX + GRPC_KEPT_ARENA_BYTES)
#define ASK_BODY_MAX (1024 * 1024) /* a request over this goes without annotations */
#define ASK_ERROR_MAX 1024

struct agent_answer {
	struct grpc_result result;
	enum ask_known known;
	int64_t took_ns;
	char error[ASK_ERROR_MAX]; /* "rpc error: code = … desc = …"; "" after OK */
};

/*
 * Whoever can be asked: an agent behind a socket (struct agent_ask), or the agent's own code in the same process. True:
 * the answer is OK, before `deadline_ns` (CLOCK_MONOTONIC). *ret_answer is filled in whatever happens.
 */
struct asker {
	bool (*ask)(void *context, const struct nri_subject *subject, enum ask_why why, int64_t deadline_ns,
		    struct agent_answer *ret_answer);
	void *context;
};

struct agent_ask { /* one agent; reused for all calls; must not move */
	struct grpc_target target;
	const char *address; /* borrowed, for texts */
	void *memory; /* ASK_ARENA_BYTES of the heap, of which a call touches little: body, then the connection's */
	struct grpc_kept kept; /* the connection, open between calls */
};

/* 0; -EINVAL the address; -ENOMEM. */
int agent_ask_init(struct agent_ask *ask, const char *address, struct error *err);
void agent_ask_done(struct agent_ask *ask);

/* asker.ask of a struct agent_ask. */
bool agent_ask(void *ask, const struct nri_subject *subject, enum ask_why why, int64_t deadline_ns,
	       struct agent_answer *ret_answer);

#endif
