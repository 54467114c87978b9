/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_call.h: a call from within the engine (rpc/grpc_conn.h): grpc_request.c takes its request, grpc_call.c
 * gives its answer, grpc_conn.c is HTTP/2 around both. What handlers may see of it is in rpc/grpc_conn.h.
 */
#ifndef RPC_GRPC_CALL_H
#define RPC_GRPC_CALL_H

#include <nghttp2/nghttp2.h>

#include "rpc/grpc_conn.h"

#define GRPC_PREFIX_BYTES 5 /* of a gRPC message: compressed flag, length in network order */

struct grpc_message {
	struct grpc_message *next;
	size_t len;
	size_t sent;
	uint8_t bytes[];
};

struct grpc_call {
	struct grpc_call *prev, *next;
	struct grpc_conn *conn;
	int32_t stream_id;

	/* request */
	const struct grpc_method *method;
	char path[GRPC_PATH_MAX];
	size_t header_bytes;
	bool is_post, is_grpc, has_encoding, has_bad_timeout, has_headers;
	int64_t deadline_ns; /* CLOCK_MONOTONIC; 0 = none */
	uint8_t prefix[GRPC_PREFIX_BYTES];
	size_t prefix_len;
	uint8_t *request; /* grows to request_due */
	size_t request_len, request_size, request_due;

	/* answer */
	bool is_handled;  /* the handler has it and has not answered */
	bool is_answered; /* a status is decided: nothing more from the handler */
	bool is_started;  /* response headers are submitted */
	bool is_deferred; /* nghttp2 waits for resume */
	struct grpc_message *head, **tail;
	size_t queued, queued_bytes;
	uint64_t dropped;
	enum grpc_status code;
	char text[GRPC_TEXT_MAX];
	grpc_end_fn *end;
	void *end_context;
};

/* What a peer may send of a kind of frame: `level` tokens are left. */
struct grpc_bucket {
	int64_t level;
	int64_t filled_ns;
};

struct grpc_conn {
	nghttp2_session *session;
	const struct grpc_service *service;
	struct grpc_peer peer;
	void (*wake)(void *context, struct grpc_conn *conn);
	void *wake_context;
	struct grpc_call *calls;
	size_t request_bytes; /* in half received requests */
	size_t queue_bytes;   /* in messages that wait */
	size_t header_block;  /* bytes since a HEADERS frame began that has not ended */
	bool in_headers, is_inside, is_dead;
	int64_t now_ns;
	struct grpc_bucket control, window;
};

/* Bytes of the server's budget. */
bool grpc_budget_take(struct grpc_conn *conn, size_t n);
void grpc_budget_give(struct grpc_conn *conn, size_t n);

/* Frees a call whose stream is over. */
void grpc_call_free(struct grpc_call *call);
/* Tells the handler that its call is over; the call itself goes on until HTTP/2 is done with the stream. */
void grpc_call_end(struct grpc_call *call);
void grpc_call_drop_request(struct grpc_call *call);
/* As grpc_call_fail, for a call that no handler has; nothing if it is answered. */
void grpc_call_refuse(struct grpc_call *call, enum grpc_status code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Answers in HTTP's terms what is no gRPC. */
void grpc_call_http_error(struct grpc_call *call, const char *status);

/* All header fields of the request are here: refuses the call, or lets its message come. */
void grpc_request_open(struct grpc_call *call);
/* Takes bytes of the request's body. */
void grpc_request_add(struct grpc_call *call, const uint8_t *bytes, size_t n);
/* The peer has ended its half of the stream: the handler is called, or the call refused. */
void grpc_request_end(struct grpc_call *call);

#endif
