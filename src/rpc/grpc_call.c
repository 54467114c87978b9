/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_call.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/grpc_wire.h"

bool grpc_budget_take(struct grpc_conn *conn, size_t n)
{
	struct grpc_budget *budget = conn->service->budget;

	if (!budget)
		return true;
	if (n > budget->max || budget->used > budget->max - n)
		return false;
	budget->used += n;
	return true;
}

void grpc_budget_give(struct grpc_conn *conn, size_t n)
{
	if (conn->service->budget)
		conn->service->budget->used -= n;
}

void grpc_call_drop_request(struct grpc_call *call)
{
	free(call->request);
	call->request = NULL;
	call->conn->request_bytes -= call->request_size;
	grpc_budget_give(call->conn, call->request_size);
	call->request_size = 0;
	call->request_len = 0;
}

static void call_drop_head(struct grpc_call *call)
{
	struct grpc_message *message = call->head;

	call->head = message->next;
	if (!call->head)
		call->tail = &call->head;
	call->queued--;
	call->queued_bytes -= message->len;
	call->conn->queue_bytes -= message->len;
	grpc_budget_give(call->conn, message->len);
	free(message);
}

void grpc_call_free(struct grpc_call *call)
{
	grpc_call_drop_request(call);
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

void grpc_call_end(struct grpc_call *call)
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
		struct grpc_message *message = call->head;
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

void grpc_call_http_error(struct grpc_call *call, const char *status)
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
	grpc_call_drop_request(call);
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
	size_t n = len + GRPC_PREFIX_BYTES;
	struct grpc_message *message;

	if (len > UINT32_MAX - GRPC_PREFIX_BYTES || !grpc_budget_take(call->conn, n))
		return -ENOBUFS;
	message = malloc(sizeof *message + n);
	if (!message) {
		grpc_budget_give(call->conn, n);
		return -ENOMEM;
	}
	*message = (struct grpc_message){ .len = n };
	message->bytes[0] = 0;
	message->bytes[1] = (uint8_t)(len >> 24);
	message->bytes[2] = (uint8_t)(len >> 16);
	message->bytes[3] = (uint8_t)(len >> 8);
	message->bytes[4] = (uint8_t)len;
	if (len)
		memcpy(message->bytes + GRPC_PREFIX_BYTES, bytes, len);
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

void grpc_call_refuse(struct grpc_call *call, enum grpc_status code, const char *format, ...)
{
	char text[GRPC_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cut is fine: it is for people */
	va_end(args);
	call_finish(call, code, text);
}
