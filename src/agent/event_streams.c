/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event_streams.h"

#include <inttypes.h>
#include <stdlib.h>

#include "agent/request_memory.h"
#include "base/error.h"
#include "base/log.h"
#include "event/filter.h"
#include "event/pipeline.h"
#include "rpc/grpc_conn.h"
#include "rpc/grpc_wire.h"

struct event_stream {
	struct event_stream *prev, *next;
	struct event_streams *streams;
	struct event_sink sink;
	struct event_filter *filter;
	struct grpc_call *call;
};

static void stream_send(void *context, struct event *event)
{
	struct event_stream *stream = context;
	struct str packed = event_packed(event);

	if (!packed.p)
		return; /* counted by the pipeline */
	if (grpc_call_send(stream->call, packed.p, packed.len) < 0)
		stream->streams->dropped++;
	else
		stream->streams->sent++;
}

static void stream_free(struct event_stream *stream)
{
	struct event_streams *streams = stream->streams;

	pipeline_sink_remove(streams->pipeline, &stream->sink);
	event_filter_free(stream->filter);
	*(stream->prev ? &stream->prev->next : &streams->first) = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	streams->open--;
	free(stream);
}

static void on_end(void *context, struct grpc_call *call)
{
	struct event_stream *stream = context;
	uint64_t dropped = grpc_call_dropped(call);
	struct log_line line;

	log_begin(&line, stream->streams->log, dropped ? LOG_WARN : LOG_DEBUG, "reader of events has left");
	log_int(&line, "lost-events", (int64_t)dropped);
	(void)log_end(&line); /* counted in the log */
	stream_free(stream);
}

static void subscribe(struct event_streams *streams, struct grpc_call *call, struct event_filter *filter)
{
	struct event_stream *stream = calloc(1, sizeof *stream);

	if (!stream) {
		event_filter_free(filter);
		grpc_call_fail(call, GRPC_RESOURCE_EXHAUSTED, "GetEvents: no memory for another reader");
		return;
	}
	stream->streams = streams;
	stream->filter = filter;
	stream->call = call;
	stream->sink = (struct event_sink){ .send = stream_send, .context = stream, .filter = filter };
	stream->next = streams->first;
	if (stream->next)
		stream->next->prev = stream;
	streams->first = stream;
	streams->open++;
	grpc_call_on_end(call, on_end, stream);
	pipeline_sink_add(streams->pipeline, &stream->sink);
	grpc_call_start(call);
}

void event_streams_handle(struct event_streams *streams, struct grpc_call *call, const uint8_t *message, size_t len)
{
	const Tetragon__GetEventsRequest *request;
	struct event_filter *filter = NULL;
	struct request_memory memory;
	struct error err = { 0 };
	int r;

	if (streams->open == EVENT_STREAMS_MAX) {
		grpc_call_fail(call, GRPC_RESOURCE_EXHAUSTED, "GetEvents: there are 64 readers already");
		return;
	}
	request_memory_init(&memory);
	request = (const Tetragon__GetEventsRequest *)request_unpack(&memory, &tetragon__get_events_request__descriptor,
								     message, len);
	if (!request) {
		grpc_call_fail(call, GRPC_INTERNAL, "GetEvents: the request is malformed or too large");
	} else {
		r = event_filter_new(request, &filter, &err);
		if (r < 0)
			grpc_call_fail(call, grpc_status_of_errno(r), err.text);
		else
			subscribe(streams, call, filter);
	}
	request_memory_done(&memory);
}

void event_streams_close(struct event_streams *streams)
{
	while (streams->first) {
		struct grpc_call *call = streams->first->call;

		stream_free(streams->first);
		grpc_call_fail(call, GRPC_UNAVAILABLE, "the agent ends");
	}
}
