/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_ask.h: asks the agent something, again where that may help. A container that may start without the
 * agent waits for one quick attempt only; any other is worth the whole time-out: an agent that restarts in 2 s costs 2
 * s, not a failed pod.
 */
#ifndef HOOK_HOOK_ASK_H
#define HOOK_HOOK_ASK_H

#include "hook/hook_stop.h"
#include "rpc/grpc_unary.h"

struct buf;

#define HOOK_TOLERATED_NS (300 * INT64_C(1000000)) /* for a tolerated container, answer included */
#define HOOK_ASK_TEXT_MAX 1024
#define HOOK_ASK_ARENA_BYTES (GRPC_UNARY_ARENA_BYTES + 256 * 1024) /* what a call needs of the arena */

struct hook_ask {
	const char *agent;  /* gRPC target */
	const char *method; /* "/package.Service/Method" */
	struct str body;
	struct buf *response; /* the message of an answer; NULL: of no interest */
	int64_t deadline_ns;  /* CLOCK_MONOTONIC */
	/*
	 * May the container start without the agent? Asked at most once, and only if the agent is not there or slow: an
	 * answer costs no fail check. NULL: no container, one attempt with the whole time-out.
	 */
	bool (*is_tolerated)(void *user);
	void *user;
	const struct hook_stop *stop;
};

struct hook_answer {
	struct grpc_result result; /* of the last attempt */
	unsigned attempts;
	int64_t took_ns;
	char error[HOOK_ASK_TEXT_MAX]; /* "rpc error: code = … desc = …"; "" after OK */
};

/* True if the agent said OK. *ret_answer is filled in whatever happens. */
bool hook_ask(const struct hook_ask *ask, struct arena *arena, struct hook_answer *ret_answer);

/* "answered with an error", "unreachable", …: for the log. */
const char *hook_answer_kind(const struct hook_answer *answer);

#endif
