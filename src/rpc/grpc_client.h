/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_client.h: one unary gRPC call, one attempt, over a socket of its own. Blocks its thread, in ppoll only.
 */
#ifndef RPC_GRPC_CLIENT_H
#define RPC_GRPC_CLIENT_H

#include <signal.h>

#include "rpc/grpc_target.h"
#include "rpc/grpc_unary.h"

struct grpc_call_limits {
	int64_t deadline_ns; /* CLOCK_MONOTONIC; covers connecting, sending and waiting */
	/*
	 * The signals that end the call are blocked by the caller, whose handler sets *stop; ppoll waits with `mask`,
	 * which lets them through. Both NULL: nothing ends it but the deadline.
	 */
	const sigset_t *mask;
	const volatile sig_atomic_t *stop;
	/*
	 * Where the deadline depends on something that is worth finding out only if it comes to that: without answer at
	 * soft_ns this is asked, once; false ends the call as the deadline does. NULL: no such limit.
	 */
	bool (*is_worth_more)(void *user);
	void *user;
	int64_t soft_ns; /* CLOCK_MONOTONIC */
};

/*
 * Calls, and fills in *ret_result whatever happens. request->timeout_ns is set by the deadline. `arena`: what is used
 * of it is given back. `response` as in grpc_unary_new.
 */
void grpc_client_call(const struct grpc_target *target, const struct grpc_request *request,
		      const struct grpc_call_limits *limits, struct arena *arena, struct buf *response,
		      struct grpc_result *ret_result);

/*
 * The same with a connection that stays open between calls: for a program that asks often. One call at a time. A
 * connection that has died meanwhile is noticed and made anew, without a lost call: what is called must be idempotent.
 */
struct grpc_kept {
	const struct grpc_target *target; /* borrowed */
	struct arena arena;               /* over the caller's memory, GRPC_KEPT_ARENA_BYTES: all of it is used */
	struct grpc_unary *unary;         /* NULL: no connection */
	int fd;                           /* -1: none */
	uint64_t connections;             /* made so far */
};

#define GRPC_KEPT_ARENA_BYTES (GRPC_UNARY_ARENA_BYTES + 128 * 1024)

void grpc_kept_init(struct grpc_kept *kept, const struct grpc_target *target, void *memory);
void grpc_kept_call(struct grpc_kept *kept, const struct grpc_request *request, const struct grpc_call_limits *limits,
		    struct buf *response, struct grpc_result *ret_result);
void grpc_kept_close(struct grpc_kept *kept);

#endif
