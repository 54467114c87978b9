/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/event_streams.h: the callers of GetEvents: each is a sink of the pipeline whose events go into its call. A
 * reader that is too slow loses events (counted, and told in the log when it leaves), nobody else does.
 */
#ifndef AGENT_EVENT_STREAMS_H
#define AGENT_EVENT_STREAMS_H

#include <stddef.h>
#include <stdint.h>

struct event_stream;
struct grpc_call;
struct log;
struct pipeline;

#define EVENT_STREAMS_MAX 64 /* readers at a time */

struct event_streams {
	struct pipeline *pipeline; /* borrowed, as the log */
	struct log *log;
	struct event_stream *first;
	size_t open;
	uint64_t sent, dropped; /* events, of streams that are over too */
};

/* Takes the packed GetEventsRequest of `call`: subscribes it and sends the response's headers, or answers with a
 * status. */
void event_streams_handle(struct event_streams *streams, struct grpc_call *call, const uint8_t *message, size_t len);

/* Ends all streams with UNAVAILABLE. */
void event_streams_close(struct event_streams *streams);

#endif
