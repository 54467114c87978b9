/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rpc/grpc_call.h"
#include "rpc/grpc_wire.h"

static bool bucket_take(struct grpc_bucket *bucket, int64_t now_ns, int64_t burst, int64_t per_s)
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
		grpc_request_add(call, bytes, n);
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
		grpc_request_open(call);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		grpc_request_end(call);
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
	grpc_call_end(call);
	grpc_call_free(call);
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
		grpc_call_end(call);
		grpc_call_free(call);
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
		grpc_call_end(call);
		grpc_call_refuse(call, GRPC_DEADLINE_EXCEEDED, "%s: the caller's time is over", call->path);
	}
	conn->is_inside = false;
}
