/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_conn.h: the server's side of one gRPC connection, without I/O: bytes in, calls of handlers, bytes out.
 * Unary methods and server streams over HTTP/2 with prior knowledge. rpc/grpc_server.h puts it on sockets; a test or a
 * fuzzer needs none. The peer is hostile: whatever it can make grow has a limit below. One thread. Source of wire
 * facts: grpc/doc/PROTOCOL-HTTP2.md.
 */
#ifndef RPC_GRPC_CONN_H
#define RPC_GRPC_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rpc/grpc_status.h"

struct error;
struct grpc_call;
struct grpc_conn;

#define GRPC_MESSAGE_MAX (4 * 1024 * 1024)       /* bytes of one request; gRPC's own default */
#define GRPC_STREAMS_MAX 128                     /* calls of one connection at a time */
#define GRPC_REQUEST_BYTES_MAX (8 * 1024 * 1024) /* requests of one connection that are half received */
#define GRPC_HEADER_BYTES_MAX (16 * 1024)        /* of one call, each field with 32 more, as HTTP/2 counts */
#define GRPC_HEADER_BLOCK_MAX (64 * 1024)        /* on the wire, CONTINUATION frames without end included */
#define GRPC_PATH_MAX 256                        /* of "/package.Service/Method" */
#define GRPC_TEXT_MAX 1024                       /* of a status text before its encoding; longer ones are cut */
#define GRPC_CONTROL_BURST 1000                  /* SETTINGS, PING, RST_STREAM, PRIORITY, empty DATA: at once … */
#define GRPC_CONTROL_PER_S 200                   /* … and per second; a peer that sends more is cut off */
#define GRPC_WINDOW_BURST 20000 /* WINDOW_UPDATE frames likewise: an honest reader of a stream sends many */
#define GRPC_WINDOW_PER_S 10000
#define GRPC_QUEUE_MESSAGES                                                                      \
	10000 /* of one stream that wait for a slow reader; more are refused, see grpc_call_send \
	       */
#define GRPC_QUEUE_BYTES (4 * 1024 * 1024)

struct grpc_peer {
	bool is_unix;
	bool has_creds; /* the three below are known: unix sockets, as of connect(2) */
	uid_t uid;
	gid_t gid;
	pid_t pid; /* in our pid namespace; 0 when the peer is outside of it */
};

/*
 * Called when the one request message of a call is complete (`message` is valid during the call). The handler answers
 * now or later, exactly once: grpc_call_reply, grpc_call_fail, or for a stream grpc_call_send … grpc_call_fail. `call`
 * is valid until that answer or until the call's end function is called, whichever is first.
 */
typedef void grpc_handler_fn(void *context, struct grpc_call *call, const uint8_t *message, size_t len);

struct grpc_method {
	const char *path;   /* "/tetragon.FineGuidanceSensors/GetVersion"; NULL ends the table */
	bool is_stream;     /* the server answers with a stream */
	bool changes;       /* changes something: answered only to uid 0 on a unix socket */
	size_t request_max; /* bytes of its request; 0: GRPC_MESSAGE_MAX */
	grpc_handler_fn *handle;
};

/* Bytes that all connections of a server hold for half received requests and for readers that lag. */
struct grpc_budget {
	size_t used;
	size_t max; /* beyond it, requests are refused and messages of streams dropped */
};

struct grpc_service {
	const struct grpc_method *methods;
	void *context;              /* of the handlers */
	struct grpc_budget *budget; /* NULL: the limits of each connection alone */
	/* Told of calls that were refused because of who the peer is. NULL: nobody is. */
	void (*denied)(void *context, const struct grpc_peer *peer, const char *path);
};

/* Called when the call ends without the handler's doing: reset, connection lost, deadline. The last use of `call`. */
typedef void grpc_end_fn(void *context, struct grpc_call *call);

const struct grpc_peer *grpc_call_peer(const struct grpc_call *call);
const char *grpc_call_path(const struct grpc_call *call); /* valid as long as the call */
void grpc_call_on_end(struct grpc_call *call, grpc_end_fn *fn, void *context);

/* Ends a unary call with OK and one message (copied). Without memory for it the call fails with RESOURCE_EXHAUSTED. */
void grpc_call_reply(struct grpc_call *call, const void *message, size_t len);
/* Ends a call with a code and a text (copied, cut at GRPC_TEXT_MAX); GRPC_OK ends a stream well. */
void grpc_call_fail(struct grpc_call *call, enum grpc_status code, const char *text);
/* Streams: sends the response's headers now, so that the client knows that it is subscribed. */
void grpc_call_start(struct grpc_call *call);
/*
 * Streams: queues a message (copied). Never blocks. 0; -ENOBUFS the reader is too slow and its queue is full, or
 * -ENOMEM: this message is dropped and counted in grpc_call_dropped, the stream goes on.
 */
int grpc_call_send(struct grpc_call *call, const void *message, size_t len);
uint64_t grpc_call_dropped(const struct grpc_call *call);

/*
 * A connection. `service` is borrowed for its life. `wake` is called when there is output because of an answer that was
 * given outside of grpc_conn_feed and grpc_conn_tick; NULL is allowed. -ENOMEM.
 */
int grpc_conn_new(const struct grpc_service *service, const struct grpc_peer *peer,
		  void (*wake)(void *context, struct grpc_conn *conn), void *context, struct grpc_conn **ret_conn);
/* Ends all calls (their end functions are called). Not from a handler. NULL is allowed. */
void grpc_conn_free(struct grpc_conn *conn);

/*
 * Takes `n` bytes from the peer; `now_ns` is CLOCK_MONOTONIC. 0, or -EPROTO: protocol violation or flood; send what
 * grpc_conn_output still has and close.
 */
int grpc_conn_feed(struct grpc_conn *conn, const uint8_t *bytes, size_t n, int64_t now_ns);
/* Next bytes for the peer (borrowed until the next call on conn), their number; 0 nothing now; -EPROTO, -ENOMEM close.
 */
ssize_t grpc_conn_output(struct grpc_conn *conn, const uint8_t **ret_bytes);
/* Both sides are done: close when the output is empty. */
bool grpc_conn_is_over(const struct grpc_conn *conn);
/* No call is open. */
bool grpc_conn_is_idle(const struct grpc_conn *conn);
/* Earliest deadline of a waiting call (CLOCK_MONOTONIC), or INT64_MAX. */
int64_t grpc_conn_deadline(const struct grpc_conn *conn);
/* Ends calls whose deadline has passed with DEADLINE_EXCEEDED. */
void grpc_conn_tick(struct grpc_conn *conn, int64_t now_ns);

#endif
