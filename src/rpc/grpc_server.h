/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_server.h: gRPC connections on sockets, on a libuv loop: listens on unix sockets and TCP addresses, asks
 * the kernel who the peer is, moves bytes between sockets and rpc/grpc_conn.h. No TLS. One thread: the loop's.
 */
#ifndef RPC_GRPC_SERVER_H
#define RPC_GRPC_SERVER_H

#include <stdint.h>

#include "rpc/grpc_conn.h"

struct error;
struct grpc_server;
struct uv_loop_s;

#define GRPC_UNIX_CONNECTIONS_MAX \
	4096 /* at the limit the longest idle one makes room; without any the new one is closed */
#define GRPC_TCP_CONNECTIONS_MAX 512 /* apart, so that the network can't take the hooks' places */
#define GRPC_BACKLOG 4096            /* connections that wait for accept(2); the kernel cuts it at net.core.somaxconn */
#define GRPC_OUTPUT_BYTES_MAX \
	(128 * 1024) /* of a connection on the way to its socket; beyond it nothing is read from it */
#define GRPC_MEMORY_MAX (64 * 1024 * 1024) /* requests and stream messages of all connections together */
#define GRPC_LISTENERS_MAX 8
#define GRPC_ADDRESS_DEFAULT_PORT "54321"

struct grpc_server_stats {
	uint64_t accepted, refused, evicted; /* connections */
	uint64_t failed;                     /* closed by us: protocol violation, flood */
	uint32_t open;
};

/* `methods` and `context` as in struct grpc_service, borrowed. -ENOMEM. */
int grpc_server_new(struct uv_loop_s *loop, const struct grpc_method *methods, void *context,
		    struct grpc_server **ret_server);

/* See struct grpc_service. */
void grpc_server_on_denied(struct grpc_server *server,
			   void (*denied)(void *context, const struct grpc_peer *peer, const char *path));

/*
 * Listens at `address`: "unix:///abs/path" or "host:port" ("[::1]:port"; without ":port" 54321). May be called for
 * several. Unix: mode 0600 from the first instant on (made in a private directory beside its place and renamed there),
 * the directory is made (0755) where it is missing; a socket that nobody serves is replaced, grpc_server_stop removes
 * it. -EINVAL      relative path, unknown scheme, bad port, a name instead of an IP address (only "localhost" is known)
 *   -EADDRINUSE  another program answers there; -ENOSPC more than GRPC_LISTENERS_MAX; -errno
 */
int grpc_server_listen(struct grpc_server *server, const char *address, struct error *err);

/* Closes all listeners and connections; handlers' end functions are called. The loop must run until they are closed. */
void grpc_server_stop(struct grpc_server *server);
/* After grpc_server_stop and a run of the loop. NULL is allowed. */
void grpc_server_free(struct grpc_server *server);

void grpc_server_stats(const struct grpc_server *server, struct grpc_server_stats *ret_stats);

#endif
