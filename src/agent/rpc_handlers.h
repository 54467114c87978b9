/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/rpc_handlers.h: the methods of tetragon.FineGuidanceSensors that the agent answers. Those that are not in
 * the table are UNIMPLEMENTED.
 */
#ifndef AGENT_RPC_HANDLERS_H
#define AGENT_RPC_HANDLERS_H

#include "rpc/grpc_conn.h"

struct admission;
struct announced;
struct event_streams;
struct log;
struct policies;
struct sensor;

struct rpc_handlers { /* the table's context; everything is borrowed */
	struct admission *admission;
	struct announced *announced;
	struct event_streams *streams;
	struct policies *policies;
	struct sensor *sensor;
	struct log *log;
	uint64_t denied;        /* calls refused because of who called */
	int64_t denied_told_ns; /* CLOCK_MONOTONIC of the last line about one */
};

/* Has the shape of grpc_service's `denied`: a line in the log, at most one a second. */
void rpc_denied(void *context, const struct grpc_peer *peer, const char *path);

extern const struct grpc_method rpc_methods[];

#endif
