/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_unary.h: the client's side of one unary gRPC call, without I/O: bytes to send come out, received bytes
 * go in, in pieces of any size. rpc/grpc_client.h puts it on a socket; a test or a fuzzer needs none. All memory is the
 * caller's arena. The server is not trusted: what it can make us keep or do has a limit below. One thread. Source of
 * wire facts: grpc/doc/PROTOCOL-HTTP2.md, RFC 9113.
 */
#ifndef RPC_GRPC_UNARY_H
#define RPC_GRPC_UNARY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "rpc/grpc_status.h"

struct error;
struct grpc_unary;

#define GRPC_UNARY_ARENA_BYTES \
	(512 * 1024) /* what a call may use of the arena; a server that makes it need more is cut off */
#define GRPC_UNARY_HEADER_BYTES_MAX (64 * 1024) /* names and values of all header blocks */
#define GRPC_UNARY_DATA_BYTES_MAX (64 * 1024)   /* of the response, prefix included */
#define GRPC_UNARY_FRAMES_MAX 1024              /* of any kind: pings and settings without end included */
#define GRPC_UNARY_MESSAGE_MAX 512              /* bytes of a status message that are kept */

enum grpc_outcome {
	GRPC_ANSWERED = 0,  /* the peer said something: `status` is its, or stands for it */
	GRPC_NO_CONNECTION, /* none could be made, or it broke before the answer; status is UNAVAILABLE */
	GRPC_NO_ANSWER,     /* the deadline came; status is DEADLINE_EXCEEDED */
	GRPC_STOPPED,       /* the caller ended it; status is CANCELLED */
};

struct grpc_result {
	enum grpc_outcome outcome;
	int status;           /* enum grpc_status, or a number that no name has */
	bool is_servers_word; /* status is the peer's grpc-status, not our reading of something else */
	bool is_retried_soon; /* the peer's queue of connections was full: worth another attempt at once */
	char message[GRPC_UNARY_MESSAGE_MAX]; /* NUL-terminated; hostile text: no byte of it is below ' ' */
};

struct grpc_request {
	const char *path;      /* "/package.Service/Method" */
	const char *authority; /* "localhost" for a unix socket */
	struct str body;       /* 5 bytes of prefix and the message; borrowed until the call's end */
	int64_t timeout_ns;    /* tells the server how long the answer is of use */
};

/*
 * A new call in the arena, *ret_unary. The response's message goes to `response` (borrowed; NULL drops it). Returns 0
 * or -ENOMEM. Nothing has to be released: reset the arena.
 */
int grpc_unary_new(struct arena *arena, const struct grpc_request *request, struct buf *response,
		   struct grpc_unary **ret_unary, struct error *err);

/*
 * Another call on the same connection, after one whose answer was the server's own word. Counters and limits begin
 * anew, but memory does not come back. Returns 0; -EPIPE this connection takes no more calls; -ENOSPC half of the
 * memory is used up: make a new one (grpc_unary_new) on a new connection.
 */
int grpc_unary_again(struct grpc_unary *unary, const struct grpc_request *request, struct buf *response);

/* Bytes to send now (valid until the next call of any function here); {NULL, 0} if none. grpc_unary_sent: n went out.
 */
struct str grpc_unary_out(struct grpc_unary *unary);
void grpc_unary_sent(struct grpc_unary *unary, size_t n);

/* Received bytes. True once the call is over; what comes later is ignored. */
bool grpc_unary_feed(struct grpc_unary *unary, const void *bytes, size_t n);

/* The connection ended (a text why, NULL: closed by the peer): over, if it was not before. */
void grpc_unary_eof(struct grpc_unary *unary, const char *why);

/* Ends the call for a reason of the caller's. No effect on one that is over. */
void grpc_unary_end(struct grpc_unary *unary, enum grpc_outcome outcome, enum grpc_status status, const char *message);

/* Of a call that is over; NULL before. */
const struct grpc_result *grpc_unary_result(const struct grpc_unary *unary);

#endif
