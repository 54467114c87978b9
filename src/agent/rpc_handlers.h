/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/rpc_handlers.h: the methods of tetragon.FineGuidanceSensors that the agent answers. Those that are not in
 * the table are UNIMPLEMENTED.
 */
#ifndef AGENT_RPC_HANDLERS_H
#define AGENT_RPC_HANDLERS_H

#include "rpc/grpc_conn.h"

struct admission;
struct event_streams;
struct log;
struct policies;
struct sensor;

struct rpc_handlers { /* the table's context; everything is borrowed */
	struct admission *admission;
	struct event_streams *streams;
	struct policies *policies;
	struct sensor *sensor;
	struct log *log;
};

extern const struct grpc_method rpc_methods[];

#endif
