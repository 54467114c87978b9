/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_target.h: where a gRPC target points, as a socket address. Source: grpc/grpc, doc/naming.md.
 *   unix:///abs  unix:/abs  unix:rel   a unix socket's path
 *   unix-abstract:name                 a name in the abstract namespace
 *   host:port  dns:///host:port        host is a numeric IPv4 or [IPv6] address or "localhost" (127.0.0.1)
 * Other host names are refused: a static program's resolver would read files and send packets of its own choosing.
 * Pure.
 */
#ifndef RPC_GRPC_TARGET_H
#define RPC_GRPC_TARGET_H

#include <sys/socket.h>

#include "base/str.h"

struct error;

struct grpc_target {
	struct sockaddr_storage address;
	socklen_t length;
};

/* Returns 0; -EINVAL with the reason; -ENAMETOOLONG a path or name that fits no socket address. */
int grpc_target_parse(struct str target, struct grpc_target *ret_target, struct error *err);

#endif
