/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_conn.h"

#include <assert.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rpc/grpc_wire.h"

#define PREFIX_BYTES 5 /* of a gRPC message: compressed flag, length in network order */

struct message {
	struct message *next;
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
	uint8_t prefix[PREFIX_BYTES];
	size_t prefix_len;
	uint8_t *request; /* grows to request_due */
	size_t request_len, request_size, request_due;

	/* answer */
	bool is_handled;  /* the handler has it and has not answered */
	bool is_answered; /* a status is decided: nothing more from the handler */
	bool is_started;  /* response headers are submitted */
	bool is_deferred; /* nghttp2 waits for resume */
	struct message *head, **tail;
	size_t queued, queued_bytes;
	uint64_t dropped;
	enum grpc_status code;
	char text[GRPC_TEXT_MAX];
	grpc_end_fn *end;
	void *end_context;
};

/* What a peer may send of a kind of frame: `level` tokens are left. */
struct bucket {
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
	struct bucket control, window;
};

/* --- limits --- */

static bool bucket_take(struct bucket *bucket, int64_t now_ns, int64_t burst, int64_t per_s)
{
	int64_t passed = now_ns - bucket->filled_ns;

	if (!bucket->filled_ns || passed < 0 || passed > 3600 * NS_PER_S) {
		bucket->level = burst;
		bucket->filled_ns = now_ns;
	} else if (passed >= NS_PER_S / per_s) {
		int64_t more = passed / (NS_PER_S / per_s);

		bucket->level = more > burst - bucket->level ? burst : bucket->level + more;
		bucket->filled_ns = now_ns;
	}
	return bucket->level-- > 0;
}

static bool budget_take(struct grpc_conn *conn, size_t n)
{
	struct grpc_budget *budget = conn->service->budget;

	if (!budget)
		return true;
	if (n > budget->max || budget->used > budget->max - n)
		return false;
	budget->used += n;
	return true;
}

static void budget_give(struct grpc_conn *conn, size_t n)
{
	if (conn->service->budget)
		conn->service->budget->used -= n;
}

/* --- calls --- */

static void call_drop_request(struct grpc_call *call)
{
	free(call->request);
	call->request = NULL;
	call->conn->request_bytes -= call->request_size;
	budget_give(call->conn, call->request_size);
	call->request_size = 0;
	call->request_len = 0;
}

static void call_drop_head(struct grpc_call *call)
{
	struct message *message = call->head;

	call->head = message->next;
	if (!call->head)
		call->tail = &call->head;
	call->queued--;
	call->queued_bytes -= message->len;
	call->conn->queue_bytes -= message->len;
	budget_give(call->conn, message->len);
	free(message);
}

static void call_free(struct grpc_call *call)
{
	call_drop_request(call);
	while (call->head)
		call_drop_head(call);
	if (call->prev)
		call->prev->next = call->next;
	else
		call->conn->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
	free(call);
}

/* Tells the handler that its call is over; the call itself goes on until HTTP/2 is done with the stream. */
static void call_end(struct grpc_call *call)
{
	bool was_handled = call->is_handled;

	call->is_handled = false;
	if (was_handled && call->end)
		call->end(call->end_context, call);
}

static void conn_wake(struct grpc_conn *conn)
{
	if (!conn->is_inside && conn->wake)
		conn->wake(conn->wake_context, conn);
}

static nghttp2_nv header_of(const char *name, const char *value, size_t len)
{
	return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name,
			     .namelen = strlen(name),
			     .value = (uint8_t *)(uintptr_t)value,
			     .valuelen = len,
			     .flags = NGHTTP2_NV_FLAG_NONE }; /* copied by nghttp2, not written to */
}

/* grpc-status and grpc-message into nv[2]; the texts live in the caller's memory. Returns how many. */
static size_t status_headers(const struct grpc_call *call, char number[4], struct buf *text, nghttp2_nv nv[2])
{
	struct buf digits = buf_over(number, 4);

	buf_u64(&digits, (uint64_t)call->code);
	nv[0] = header_of("grpc-status", number, digits.len);
	if (!call->text[0])
		return 1;
	grpc_message_encode(text, str_of(call->text));
	nv[1] = header_of("grpc-message", text->p, text->len);
	return 2;
}

static void submit_trailers(struct grpc_call *call)
{
	char number[4], text[3 * GRPC_TEXT_MAX];
	struct buf encoded = buf_over(text, sizeof text);
	nghttp2_nv nv[2];
	size_t n = status_headers(call, number, &encoded, nv);

	if (nghttp2_submit_trailer(call->conn->session, call->stream_id, nv, n))
		call->conn->is_dead = true;
}

/* nghttp2 asks for the next bytes of a response. */
static ssize_t body_read(nghttp2_session *session, int32_t stream_id, uint8_t *out, size_t size, uint32_t *flags,
			 nghttp2_data_source *source, void *context)
{
	struct grpc_call *call = source->ptr;
	size_t len = 0;

	(void)session, (void)stream_id, (void)context;
	while (call->head && len < size) {
		struct message *message = call->head;
		size_t n = message->len - message->sent;

		if (n > size - len)
			n = size - len;
		memcpy(out + len, message->bytes + message->sent, n);
		message->sent += n;
		len += n;
		if (message->sent == message->len)
			call_drop_head(call);
	}
	if (!call->head && call->is_answered) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		submit_trailers(call);
		return (ssize_t)len;
	}
	if (!len) {
		call->is_deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)len;
}

static void submit_headers(struct grpc_call *call)
{
	nghttp2_data_provider body = { .source.ptr = call, .read_callback = body_read };
	const nghttp2_nv nv[] = {
		header_of(":status", "200", 3),
		header_of("content-type", "application/grpc", 16),
	};

	call->is_started = true;
	if (nghttp2_submit_response(call->conn->session, call->stream_id, nv, 2, &body))
		call->conn->is_dead = true;
}

static void submit_status_only(struct grpc_call *call)
{
	char number[4], text[3 * GRPC_TEXT_MAX];
	struct buf encoded = buf_over(text, sizeof text);
	nghttp2_nv nv[5];
	size_t n = 0;

	nv[n++] = header_of(":status", "200", 3);
	nv[n++] = header_of("content-type", "application/grpc", 16);
	if (call->has_encoding)
		nv[n++] = header_of("grpc-accept-encoding", "identity", 8);
	n += status_headers(call, number, &encoded, nv + n);
	call->is_started = true;
	if (nghttp2_submit_response(call->conn->session, call->stream_id, nv, n, NULL))
		call->conn->is_dead = true;
}

static void submit_http_error(struct grpc_call *call, const char *status)
{
	const nghttp2_nv nv = header_of(":status", status, 3);

	call->is_answered = call->is_started = true;
	if (nghttp2_submit_response(call->conn->session, call->stream_id, &nv, 1, NULL))
		call->conn->is_dead = true;
}

static void call_resume(struct grpc_call *call)
{
	if (!call->is_deferred)
		return;
	call->is_deferred = false;
	if (nghttp2_session_resume_data(call->conn->session, call->stream_id))
		call->conn->is_dead = true;
}

static void call_finish(struct grpc_call *call, enum grpc_status code, const char *text)
{
	struct buf cut = buf_over(call->text, sizeof call->text);
	size_t len = text ? strnlen(text, sizeof call->text - 1) : 0;

	if (call->is_answered)
		return;
	buf_add(&cut, text, len);
	call->code = code;
	call->is_answered = true;
	call->is_handled = false;
	call_drop_request(call);
	if (call->is_started)
		call_resume(call);
	else if (call->head)
		submit_headers(call);
	else
		submit_status_only(call);
	conn_wake(call->conn);
}

static int call_queue(struct grpc_call *call, const void *bytes, size_t len)
{
	size_t n = len + PREFIX_BYTES;
	struct message *message;

	if (len > UINT32_MAX - PREFIX_BYTES || !budget_take(call->conn, n))
		return -ENOBUFS;
	message = malloc(sizeof *message + n);
	if (!message) {
		budget_give(call->conn, n);
		return -ENOMEM;
	}
	*message = (struct message){ .len = n };
	message->bytes[0] = 0;
	message->bytes[1] = (uint8_t)(len >> 24);
	message->bytes[2] = (uint8_t)(len >> 16);
	message->bytes[3] = (uint8_t)(len >> 8);
	message->bytes[4] = (uint8_t)len;
	if (len)
		memcpy(message->bytes + PREFIX_BYTES, bytes, len);
	*call->tail = message;
	call->tail = &message->next;
	call->queued++;
	call->queued_bytes += n;
	call->conn->queue_bytes += n;
	return 0;
}

const struct grpc_peer *grpc_call_peer(const struct grpc_call *call)
{
	return &call->conn->peer;
}

const char *grpc_call_path(const struct grpc_call *call)
{
	return call->path;
}

void grpc_call_on_end(struct grpc_call *call, grpc_end_fn *fn, void *context)
{
	call->end = fn;
	call->end_context = context;
}

void grpc_call_reply(struct grpc_call *call, const void *message, size_t len)
{
	if (call_queue(call, message, len) < 0)
		call_finish(call, GRPC_RESOURCE_EXHAUSTED, "no memory for the answer; try again");
	else
		call_finish(call, GRPC_OK, NULL);
}

void grpc_call_fail(struct grpc_call *call, enum grpc_status code, const char *text)
{
	call_finish(call, code, text);
}

void grpc_call_start(struct grpc_call *call)
{
	if (call->is_started)
		return;
	submit_headers(call);
	conn_wake(call->conn);
}

int grpc_call_send(struct grpc_call *call, const void *message, size_t len)
{
	int r = -ENOBUFS;

	assert(!call->is_answered);
	if (call->queued < GRPC_QUEUE_MESSAGES && len < GRPC_QUEUE_BYTES - call->queued_bytes &&
	    len < 4 * GRPC_QUEUE_BYTES - call->conn->queue_bytes)
		r = call_queue(call, message, len);
	if (r < 0) {
		call->dropped++;
		return r;
	}
	if (call->is_started)
		call_resume(call);
	else
		submit_headers(call);
	conn_wake(call->conn);
	return 0;
}

uint64_t grpc_call_dropped(const struct grpc_call *call)
{
	return call->dropped;
}

/* --- requests --- */

static const struct grpc_method *method_find(const struct grpc_service *service, const char *path)
{
	for (const struct grpc_method *method = service->methods; method->path; method++)
		if (!strcmp(method->path, path))
			return method;
	return NULL;
}

static void refuse(struct grpc_call *call, enum grpc_status code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void refuse(struct grpc_call *call, enum grpc_status code, const char *format, ...)
{
	char text[GRPC_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cut is fine: it is for people */
	va_end(args);
	call_finish(call, code, text);
}

static bool peer_may_change(const struct grpc_peer *peer)
{
	return peer->is_unix && peer->has_creds && peer->uid == 0;
}

/* All header fields of a request are here: is it a call that we answer? */
static void call_open(struct grpc_call *call)
{
	const struct grpc_peer *peer = &call->conn->peer;

	call->has_headers = true;
	if (call->header_bytes > GRPC_HEADER_BYTES_MAX) {
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "header fields take more than %d bytes", GRPC_HEADER_BYTES_MAX);
		return;
	}
	if (!call->is_post) {
		submit_http_error(call, "405");
		return;
	}
	if (!call->is_grpc) {
		submit_http_error(call, "415");
		return;
	}
	call->method = method_find(call->conn->service, call->path);
	if (!call->method)
		refuse(call, GRPC_UNIMPLEMENTED, "unknown method %s", call->path);
	else if (call->has_encoding)
		refuse(call, GRPC_UNIMPLEMENTED,
		       "%s: compressed requests are not supported; send grpc-encoding: identity", call->path);
	else if (call->has_bad_timeout)
		refuse(call, GRPC_INTERNAL, "%s: malformed grpc-timeout", call->path);
	else if (call->method->changes && !peer->is_unix)
		refuse(call, GRPC_PERMISSION_DENIED,
		       "%s changes the node's policy state: answered only on the agent's unix socket, to uid 0; "
		       "this is a TCP connection",
		       call->path);
	else if (call->method->changes && !peer_may_change(peer))
		refuse(call, GRPC_PERMISSION_DENIED,
		       "%s changes the node's policy state: answered only to uid 0; the caller's uid is %lld",
		       call->path, peer->has_creds ? (long long)peer->uid : -1LL);
	else if (call->deadline_ns && call->deadline_ns <= call->conn->now_ns)
		refuse(call, GRPC_DEADLINE_EXCEEDED, "%s: no time was left when the call came in", call->path);
}

static size_t request_max(const struct grpc_call *call)
{
	return call->method->request_max ? call->method->request_max : GRPC_MESSAGE_MAX;
}

static bool request_prefix(struct grpc_call *call)
{
	const uint8_t *p = call->prefix;

	call->request_due = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
	if (p[0])
		refuse(call, GRPC_UNIMPLEMENTED, "%s: compressed requests are not supported", call->path);
	else if (call->request_due > request_max(call))
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "%s: the request of %zu bytes is larger than %zu", call->path,
		       call->request_due, request_max(call));
	return !call->is_answered;
}

/* Room for `n` more bytes, doubling up to what the prefix announced: a peer pays for memory by sending. */
static bool request_reserve(struct grpc_call *call, size_t n)
{
	size_t size = call->request_size ? call->request_size : 1024, more;
	uint8_t *grown;

	if (call->request_size - call->request_len >= n)
		return true;
	while (size - call->request_len < n)
		size *= 2;
	if (size > call->request_due)
		size = call->request_due;
	more = size - call->request_size;
	if (more > GRPC_REQUEST_BYTES_MAX - call->conn->request_bytes || !budget_take(call->conn, more))
		return false;
	grown = realloc(call->request, size);
	if (!grown) {
		budget_give(call->conn, more);
		return false;
	}
	call->request = grown;
	call->request_size = size;
	call->conn->request_bytes += more;
	return true;
}

static void request_add(struct grpc_call *call, const uint8_t *bytes, size_t n)
{
	while (n && !call->is_answered && !call->is_handled) {
		size_t part;

		if (call->prefix_len < PREFIX_BYTES) {
			call->prefix[call->prefix_len++] = *bytes++;
			n--;
			if (call->prefix_len == PREFIX_BYTES && !request_prefix(call))
				return;
			continue;
		}
		part = call->request_due - call->request_len;
		if (!part) {
			refuse(call, GRPC_UNIMPLEMENTED, "%s: more than one request message", call->path);
			return;
		}
		if (part > n)
			part = n;
		if (!request_reserve(call, part)) {
			refuse(call, GRPC_RESOURCE_EXHAUSTED, "%s: too many large requests at a time; try again",
			       call->path);
			return;
		}
		memcpy(call->request + call->request_len, bytes, part);
		call->request_len += part;
		bytes += part;
		n -= part;
	}
}

/* The peer has ended its half of the stream. */
static void request_end(struct grpc_call *call)
{
	const struct grpc_service *service = call->conn->service;
	uint8_t *request;
	size_t len;

	if (call->is_answered || call->is_handled)
		return;
	if (!call->prefix_len) {
		refuse(call, GRPC_UNIMPLEMENTED, "%s: the request message is missing", call->path);
		return;
	}
	if (call->prefix_len < PREFIX_BYTES || call->request_len < call->request_due) {
		refuse(call, GRPC_INTERNAL, "%s: the request message is cut", call->path);
		return;
	}
	request = take(call->request); /* for the handler's time: its answer drops what is the call's own */
	len = call->request_len;
	call_drop_request(call); /* counters only */
	call->is_handled = true;
	call->method->handle(service->context, call, request, len);
	free(request);
}

/* --- nghttp2's callbacks --- */

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream_id)
{
	return nghttp2_session_get_stream_user_data(session, stream_id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct grpc_conn *conn = context;
	struct grpc_call *call;

	conn->in_headers = true;
	conn->header_block = 0;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	call = calloc(1, sizeof *call);
	if (!call)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	call->conn = conn;
	call->stream_id = frame->hd.stream_id;
	call->tail = &call->head;
	if (nghttp2_session_set_stream_user_data(session, call->stream_id, call)) {
		free(call);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	call->next = conn->calls;
	if (call->next)
		call->next->prev = call;
	conn->calls = call;
	return 0;
}

static bool is_grpc_type(struct str value)
{
	const struct str type = STR("application/grpc");

	return str_starts(value, type) &&
	       (value.len == type.len || value.p[type.len] == '+' || value.p[type.len] == ';');
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
		     const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
	const struct str key = { (const char *)name, name_len }, text = { (const char *)value, value_len };
	struct grpc_call *call = call_of(session, frame->hd.stream_id);
	struct grpc_conn *conn = context;
	int64_t timeout_ns;

	(void)flags;
	if (!call)
		return 0;
	call->header_bytes += name_len + value_len + 32;
	if (call->header_bytes > GRPC_HEADER_BYTES_MAX || call->has_headers)
		return 0; /* refused when they have ended; trailers of a request tell us nothing */
	if (str_is(key, ":method")) {
		call->is_post = str_is(text, "POST");
	} else if (str_is(key, ":path")) {
		struct buf path = buf_over(call->path, sizeof call->path);

		buf_str(&path, text); /* one that does not fit stays "", which is no method */
	} else if (str_is(key, "content-type")) {
		call->is_grpc = is_grpc_type(text);
	} else if (str_is(key, "grpc-encoding")) {
		call->has_encoding = !str_is(text, "identity");
	} else if (str_is(key, "grpc-timeout")) {
		call->has_bad_timeout = grpc_timeout_parse(text, &timeout_ns) < 0;
		if (!call->has_bad_timeout)
			call->deadline_ns = timeout_ns > INT64_MAX - conn->now_ns ? INT64_MAX
										  : conn->now_ns + timeout_ns;
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes, size_t n,
		   void *context)
{
	struct grpc_call *call = call_of(session, stream_id);

	(void)flags;
	if (call && call->has_headers)
		request_add(call, bytes, n);
	((struct grpc_conn *)context)->in_headers = false;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct grpc_conn *conn = context;
	struct grpc_call *call;
	bool is_control = false;

	conn->in_headers = false; /* no other frame may stand between HEADERS and its CONTINUATIONs */
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		break;
	case NGHTTP2_DATA:
		is_control = !frame->hd.length && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		if (!bucket_take(&conn->window, conn->now_ns, GRPC_WINDOW_BURST, GRPC_WINDOW_PER_S))
			conn->is_dead = true;
		break;
	default:
		is_control = !(frame->hd.flags & NGHTTP2_FLAG_ACK);
		break;
	}
	if (is_control && !bucket_take(&conn->control, conn->now_ns, GRPC_CONTROL_BURST, GRPC_CONTROL_PER_S))
		conn->is_dead = true;
	if (conn->is_dead)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	call = call_of(session, frame->hd.stream_id);
	if (!call)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && !call->has_headers)
		call_open(call);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		request_end(call);
	return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *context)
{
	struct grpc_conn *conn = context;

	(void)session, (void)frame, (void)error;
	conn->in_headers = false;
	if (!bucket_take(&conn->control, conn->now_ns, GRPC_CONTROL_BURST, GRPC_CONTROL_PER_S))
		conn->is_dead = true;
	return conn->is_dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* A call that was answered before its request ended: the peer need not send the rest. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	(void)context;
	if (frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
	    nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
		(void)nghttp2_submit_rst_stream(
			session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
			NGHTTP2_NO_ERROR); /* only memory can be missing: then the peer goes on */
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error, void *context)
{
	struct grpc_call *call = call_of(session, stream_id);

	(void)error, (void)context;
	if (!call)
		return 0;
	call_end(call);
	call_free(call);
	return 0;
}

/* --- connections --- */

static int session_new(struct grpc_conn *conn)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_STREAMS_MAX },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADER_BYTES_MAX },
	};
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int r = -ENOMEM;

	if (nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&option))
		goto out;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_option_set_no_closed_streams(option, 1); /* memory only */
	if (nghttp2_session_server_new2(&conn->session, callbacks, conn, option))
		goto out;
	if (nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings))
		goto out;
	r = 0;
out:
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return r;
}

int grpc_conn_new(const struct grpc_service *service, const struct grpc_peer *peer,
		  void (*wake)(void *context, struct grpc_conn *conn), void *context, struct grpc_conn **ret_conn)
{
	struct grpc_conn *conn = calloc(1, sizeof *conn);

	if (!conn)
		return -ENOMEM;
	conn->service = service;
	conn->peer = *peer;
	conn->wake = wake;
	conn->wake_context = context;
	if (session_new(conn) < 0) {
		grpc_conn_free(conn);
		return -ENOMEM;
	}
	*ret_conn = conn;
	return 0;
}

void grpc_conn_free(struct grpc_conn *conn)
{
	if (!conn)
		return;
	conn->is_inside = true;
	while (conn->calls) {
		struct grpc_call *call = conn->calls;

		(void)nghttp2_session_set_stream_user_data(conn->session, call->stream_id,
							   NULL); /* gone with the session */
		call_end(call);
		call_free(call);
	}
	nghttp2_session_del(conn->session);
	free(conn);
}

/* The peer is cut off, and told why. */
static int conn_calm(struct grpc_conn *conn)
{
	conn->is_dead = true;
	(void)nghttp2_session_terminate_session(conn->session, NGHTTP2_ENHANCE_YOUR_CALM); /* a courtesy */
	return -EPROTO;
}

int grpc_conn_feed(struct grpc_conn *conn, const uint8_t *bytes, size_t n, int64_t now_ns)
{
	ssize_t taken;

	if (conn->is_dead)
		return -EPROTO;
	conn->now_ns = now_ns;
	if (conn->in_headers) {
		conn->header_block += n;
		if (conn->header_block > GRPC_HEADER_BLOCK_MAX)
			return conn_calm(conn);
	}
	conn->is_inside = true;
	taken = nghttp2_session_mem_recv(conn->session, bytes, n);
	conn->is_inside = false;
	if (conn->is_dead)
		return conn_calm(conn);
	conn->is_dead = taken < 0;
	return conn->is_dead ? -EPROTO : 0;
}

ssize_t grpc_conn_output(struct grpc_conn *conn, const uint8_t **ret_bytes)
{
	ssize_t n;

	conn->is_inside = true;
	n = nghttp2_session_mem_send(conn->session, ret_bytes);
	conn->is_inside = false;
	if (n < 0) {
		conn->is_dead = true;
		return n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPROTO;
	}
	return n;
}

bool grpc_conn_is_over(const struct grpc_conn *conn)
{
	return conn->is_dead ||
	       (!nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session));
}

bool grpc_conn_is_idle(const struct grpc_conn *conn)
{
	return !conn->calls;
}

int64_t grpc_conn_deadline(const struct grpc_conn *conn)
{
	int64_t earliest = INT64_MAX;

	for (const struct grpc_call *call = conn->calls; call; call = call->next)
		if (call->deadline_ns && !call->is_answered && call->deadline_ns < earliest)
			earliest = call->deadline_ns;
	return earliest;
}

void grpc_conn_tick(struct grpc_conn *conn, int64_t now_ns)
{
	conn->now_ns = now_ns;
	conn->is_inside = true;
	for (struct grpc_call *call = conn->calls, *next; call; call = next) {
		next = call->next;
		if (!call->deadline_ns || call->is_answered || call->deadline_ns > now_ns)
			continue;
		call_end(call);
		refuse(call, GRPC_DEADLINE_EXCEEDED, "%s: the caller's time is over", call->path);
	}
	conn->is_inside = false;
}
