/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_unary.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>

#include "base/clock.h"
#include "base/error.h"

#define PREFIX_BYTES 5 /* of a gRPC message: compressed?, length in big endian */
#define OUT_BYTES (64 * 1024)
#define FRAME_MAX (16384 + 9) /* that nghttp2 hands out at once: we never let the peer raise it beyond its default */
#define ALLOC_HEADER 16       /* before each piece of nghttp2's memory: its size; keeps the alignment */

struct grpc_unary {
	nghttp2_session *session;
	struct arena memory; /* nghttp2's, a part of the caller's */
	struct str body;
	size_t body_at;
	int32_t stream;
	struct buf *response;

	bool is_over;
	struct grpc_result result;

	/* what came so far */
	size_t frames, header_bytes, data_bytes;
	unsigned http_status; /* 0: none yet */
	bool is_grpc;         /* content-type */
	bool has_status;
	int status;
	unsigned char prefix[PREFIX_BYTES];
	uint32_t message_left;  /* bytes of the message still to come, once the prefix is complete */
	unsigned char start[5]; /* of the connection: tells HTTP/1 */
	size_t start_len;

	size_t out_at, out_len;
	char message[GRPC_UNARY_MESSAGE_MAX]; /* grpc-message, decoded */
	char out[OUT_BYTES];
};

static void *memory_alloc(size_t n, void *user_data)
{
	struct grpc_unary *unary = user_data;
	size_t *at;

	if (n > SIZE_MAX - ALLOC_HEADER)
		return NULL;
	at = arena_alloc(&unary->memory, n + ALLOC_HEADER);
	if (!at)
		return NULL;
	*at = n;
	return (char *)at + ALLOC_HEADER;
}

static void memory_free(void *pointer, void *user_data)
{
	(void)pointer; /* the arena goes as a whole */
	(void)user_data;
}

static void *memory_calloc(size_t count, size_t n, void *user_data)
{
	void *pointer;

	if (n && count > SIZE_MAX / n)
		return NULL;
	pointer = memory_alloc(count * n, user_data);
	if (pointer)
		memset(pointer, 0, count * n);
	return pointer;
}

static void *memory_realloc(void *pointer, size_t n, void *user_data)
{
	void *moved;
	size_t old;

	if (!pointer)
		return memory_alloc(n, user_data);
	old = *(size_t *)(void *)((char *)pointer - ALLOC_HEADER);
	if (n <= old)
		return pointer;
	moved = memory_alloc(n, user_data);
	if (moved)
		memcpy(moved, pointer, old);
	return moved;
}

void grpc_unary_end(struct grpc_unary *unary, enum grpc_outcome outcome, enum grpc_status status, const char *message)
{
	struct buf text;

	if (unary->is_over)
		return;
	text = buf_over(unary->result.message, sizeof unary->result.message);
	unary->is_over = true;
	unary->result.outcome = outcome;
	unary->result.status = (int)status;
	buf_add(&text, message, strnlen(message, sizeof unary->result.message - 1));
}

static void fail(struct grpc_unary *unary, enum grpc_status status, const char *message)
{
	grpc_unary_end(unary, GRPC_ANSWERED, status, message);
}

/* "<text> <number>": printf would bring a lot into a program that has no other use for it here. */
static void fail_number(struct grpc_unary *unary, enum grpc_status status, const char *text, uint64_t number)
{
	char message[128];
	struct buf out = buf_over(message, sizeof message);

	buf_text(&out, text);
	buf_byte(&out, ' ');
	buf_u64(&out, number);
	fail(unary, status, message);
}

/* The server has finished its side: what does all that it sent amount to? */
static void conclude(struct grpc_unary *unary)
{
	if (unary->is_over)
		return;
	if (unary->has_status) {
		unary->result.is_servers_word = true;
		if (unary->status == GRPC_OK && (unary->data_bytes < PREFIX_BYTES || unary->message_left)) {
			unary->result.is_servers_word = false;
			fail(unary, GRPC_INTERNAL, "the peer said OK but sent no whole message");
			return;
		}
		grpc_unary_end(unary, GRPC_ANSWERED, (enum grpc_status)unary->status, unary->message);
	} else if (unary->http_status != 200) {
		fail_number(unary, grpc_status_of_http(unary->http_status),
			    "unexpected HTTP status code received from server:", unary->http_status);
	} else if (!unary->is_grpc) {
		fail(unary, GRPC_UNKNOWN, "the peer's answer is not gRPC (another content-type)");
	} else {
		fail(unary, GRPC_INTERNAL, "the peer closed the stream without sending trailers");
	}
}

static ssize_t on_body_read(nghttp2_session *session, int32_t stream, uint8_t *out, size_t room, uint32_t *flags,
			    nghttp2_data_source *source, void *user_data)
{
	struct grpc_unary *unary = user_data;
	size_t n = unary->body.len - unary->body_at;

	(void)session, (void)stream, (void)source;
	if (n > room)
		n = room;
	memcpy(out, unary->body.p + unary->body_at, n);
	unary->body_at += n;
	if (unary->body_at == unary->body.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *header, void *user_data)
{
	struct grpc_unary *unary = user_data;

	(void)session, (void)header;
	if (++unary->frames <= GRPC_UNARY_FRAMES_MAX)
		return 0;
	fail(unary, GRPC_RESOURCE_EXHAUSTED, "the peer sent too many frames");
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static unsigned three_digits(struct str text)
{
	unsigned value = 0;

	for (size_t i = 0; i < text.len && i < 3; i++)
		value = value * 10 + (unsigned)(text.p[i] - '0'); /* nghttp2 has checked them */
	return value;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_bytes, size_t name_len,
		     const uint8_t *value_bytes, size_t value_len, uint8_t flags, void *user_data)
{
	struct grpc_unary *unary = user_data;
	struct str name = { (const char *)name_bytes, name_len };
	struct str value = { (const char *)value_bytes, value_len };

	(void)session, (void)flags;
	if (name_len + value_len > GRPC_UNARY_HEADER_BYTES_MAX - unary->header_bytes) {
		fail(unary, GRPC_RESOURCE_EXHAUSTED, "the peer sent too many header bytes");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	unary->header_bytes += name_len + value_len;
	if (frame->hd.stream_id != unary->stream)
		return 0;
	if (str_is(name, ":status")) {
		unary->http_status = three_digits(value);
	} else if (str_is(name, "content-type")) {
		unary->is_grpc = str_starts(value, STR("application/grpc"));
	} else if (str_is(name, "grpc-status")) {
		unary->has_status = true;
		unary->status = grpc_status_parse(value);
	} else if (str_is(name, "grpc-message")) {
		struct buf text = buf_over(unary->message, sizeof unary->message);

		grpc_message_decode(&text, value);
		for (size_t i = 0; i < text.len; i++)
			if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
				text.p[i] = ' '; /* goes to terminals */
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t n,
		   void *user_data)
{
	struct grpc_unary *unary = user_data;

	(void)session, (void)flags;
	if (stream != unary->stream)
		return 0;
	if (n > GRPC_UNARY_DATA_BYTES_MAX - unary->data_bytes) {
		fail(unary, GRPC_RESOURCE_EXHAUSTED, "the peer sent too many response bytes");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	if (!unary->is_grpc || unary->http_status != 200) {
		unary->data_bytes += n; /* some page: its end tells */
		return 0;
	}
	for (; n && unary->data_bytes < PREFIX_BYTES; n--, bytes++) {
		unary->prefix[unary->data_bytes++] = *bytes;
		if (unary->data_bytes < PREFIX_BYTES)
			continue;
		if (unary->prefix[0]) {
			fail(unary, GRPC_INTERNAL, "the peer compressed its answer, which was not offered");
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		}
		unary->message_left = (uint32_t)unary->prefix[1] << 24 | (uint32_t)unary->prefix[2] << 16 |
				      (uint32_t)unary->prefix[3] << 8 | unary->prefix[4];
	}
	if (n > unary->message_left) {
		fail(unary, GRPC_INTERNAL, "the peer sent more than one message");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	unary->message_left -= (uint32_t)n;
	unary->data_bytes += n;
	if (unary->response)
		buf_add(unary->response, bytes, n);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct grpc_unary *unary = user_data;

	(void)session;
	if (frame->hd.stream_id == unary->stream &&
	    (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		conclude(unary);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error_code, void *user_data)
{
	struct grpc_unary *unary = user_data;

	(void)session;
	if (stream != unary->stream || unary->is_over)
		return 0;
	if (error_code == NGHTTP2_REFUSED_STREAM)
		grpc_unary_end(unary, GRPC_NO_CONNECTION, GRPC_UNAVAILABLE,
			       "the peer takes no more calls on this connection");
	else
		fail_number(unary, grpc_status_of_h2(error_code), "the stream was reset: HTTP/2 error", error_code);
	return 0;
}

static int callbacks_make(nghttp2_session_callbacks **ret_callbacks)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	*ret_callbacks = callbacks;
	return 0;
}

static int session_make(struct grpc_unary *unary)
{
	nghttp2_mem mem = { unary, memory_alloc, memory_free, memory_calloc, memory_realloc };
	nghttp2_session_callbacks *callbacks;
	int r = callbacks_make(&callbacks);

	if (r < 0)
		return r;
	r = nghttp2_session_client_new3(&unary->session, callbacks, unary, NULL, &mem);
	nghttp2_session_callbacks_del(callbacks);
	return r ? -ENOMEM : 0;
}

/* grpc-timeout: at most 8 digits; rounded up, so that the server does not give up before us. */
static void timeout_write(struct buf *out, int64_t timeout_ns)
{
	static const struct {
		int64_t ns;
		char name;
	} units[] = { { 1000, 'u' }, { NS_PER_MS, 'm' }, { NS_PER_S, 'S' }, { 60 * NS_PER_S, 'M' } };
	size_t i = 0;

	if (timeout_ns < 0)
		timeout_ns = 0;
	while (i < sizeof units / sizeof *units - 1 && timeout_ns / units[i].ns >= 99999999)
		i++;
	buf_u64(out, (uint64_t)(timeout_ns / units[i].ns + (timeout_ns % units[i].ns != 0)));
	buf_byte(out, units[i].name);
}

#define HEADER(name, text)                                                                                  \
	{                                                                                                   \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(text), sizeof(name) - 1, strlen(text), \
			NGHTTP2_NV_FLAG_NO_COPY_NAME                                                        \
	}

static int settings_submit(struct grpc_unary *unary)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_UNARY_HEADER_BYTES_MAX },
	};

	return nghttp2_submit_settings(unary->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings)
		       ? -ENOMEM
		       : 0;
}

static int request_submit(struct grpc_unary *unary, const struct grpc_request *request)
{
	nghttp2_data_provider body = { .read_callback = on_body_read };
	char timeout[24];
	struct buf timeout_text = buf_over(timeout, sizeof timeout);

	timeout_write(&timeout_text, request->timeout_ns);
	{
		const nghttp2_nv header[] = {
			HEADER(":method", "POST"),
			HEADER(":scheme", "http"),
			HEADER(":path", request->path),
			HEADER(":authority", request->authority),
			HEADER("content-type", "application/grpc"),
			HEADER("user-agent", "tetragon-oci-hook/" PROJECT_VERSION),
			HEADER("te", "trailers"),
			HEADER("grpc-timeout", timeout),
		};

		unary->stream = nghttp2_submit_request(unary->session, NULL, header, sizeof header / sizeof *header,
						       &body, NULL);
	}
	return unary->stream < 0 ? -ENOMEM : 0;
}

int grpc_unary_new(struct arena *arena, const struct grpc_request *request, struct buf *response,
		   struct grpc_unary **ret_unary, struct error *err)
{
	struct grpc_unary *unary = arena_alloc(arena, sizeof *unary);
	void *memory = unary ? arena_alloc(arena, GRPC_UNARY_ARENA_BYTES) : NULL;
	int r;

	if (!memory)
		return error_set(err, ENOMEM, "cannot make a gRPC call: out of memory");
	memset(unary, 0,
	       offsetof(struct grpc_unary, out)); /* the rest is written before it is read: its pages stay untouched */
	unary->memory = arena_over(memory, GRPC_UNARY_ARENA_BYTES);
	unary->body = request->body;
	unary->response = response;
	r = session_make(unary);
	if (r >= 0)
		r = settings_submit(unary);
	if (r >= 0)
		r = request_submit(unary, request);
	if (r < 0)
		return error_set(err, ENOMEM, "cannot make a gRPC call: out of memory");
	*ret_unary = unary;
	return 0;
}

int grpc_unary_again(struct grpc_unary *unary, const struct grpc_request *request, struct buf *response)
{
	if (!unary->is_over || !unary->result.is_servers_word || !nghttp2_session_check_request_allowed(unary->session))
		return -EPIPE;
	if (unary->memory.used > GRPC_UNARY_ARENA_BYTES / 2)
		return -ENOSPC;
	unary->body = request->body;
	unary->body_at = 0;
	unary->response = response;
	unary->is_over = unary->is_grpc = unary->has_status = false;
	unary->result = (struct grpc_result){ 0 };
	unary->frames = unary->header_bytes = unary->data_bytes = 0;
	unary->http_status = 0;
	unary->status = 0;
	unary->message_left = 0;
	unary->message[0] = '\0';
	return request_submit(unary, request);
}

struct str grpc_unary_out(struct grpc_unary *unary)
{
	if (!unary->is_over && unary->out_len == unary->out_at) {
		unary->out_at = unary->out_len = 0;
		while (sizeof unary->out - unary->out_len >= FRAME_MAX) {
			const uint8_t *bytes;
			ssize_t n = nghttp2_session_mem_send(unary->session, &bytes);

			if (n < 0)
				fail(unary, GRPC_RESOURCE_EXHAUSTED, "the call needs too much memory");
			if (n <= 0)
				break;
			memcpy(unary->out + unary->out_len, bytes, (size_t)n);
			unary->out_len += (size_t)n;
		}
	}
	if (unary->out_len == unary->out_at)
		return (struct str){ 0 };
	return (struct str){ unary->out + unary->out_at, unary->out_len - unary->out_at };
}

void grpc_unary_sent(struct grpc_unary *unary, size_t n)
{
	unary->out_at += n;
}

static bool is_http1(const struct grpc_unary *unary)
{
	return unary->start_len == 5 && !memcmp(unary->start, "HTTP/", 5);
}

bool grpc_unary_feed(struct grpc_unary *unary, const void *bytes, size_t n)
{
	ssize_t r;

	if (unary->is_over)
		return true;
	for (size_t i = 0; i < n && unary->start_len < sizeof unary->start; i++)
		unary->start[unary->start_len++] = ((const unsigned char *)bytes)[i];
	r = nghttp2_session_mem_recv(unary->session, bytes, n);
	if (unary->is_over)
		return true;
	if (is_http1(unary))
		fail(unary, GRPC_INTERNAL, "the peer speaks HTTP/1, not gRPC");
	else if (r == NGHTTP2_ERR_FLOODED)
		fail(unary, GRPC_RESOURCE_EXHAUSTED, "the peer sent too many frames");
	else if (r == NGHTTP2_ERR_NOMEM)
		fail(unary, GRPC_RESOURCE_EXHAUSTED, "the peer's answer needs too much memory");
	else if (r < 0)
		fail(unary, GRPC_INTERNAL, "the peer does not speak HTTP/2");
	else
		(void)grpc_unary_out(unary); /* what nghttp2 found wrong becomes an end when its GOAWAY is taken */
	if (!unary->is_over && !nghttp2_session_want_read(unary->session))
		fail(unary, GRPC_INTERNAL, "the peer does not speak HTTP/2");
	return unary->is_over;
}

void grpc_unary_eof(struct grpc_unary *unary, const char *why)
{
	grpc_unary_end(unary, GRPC_NO_CONNECTION, GRPC_UNAVAILABLE,
		       why ? why : "the peer closed the connection before it answered");
}

const struct grpc_result *grpc_unary_result(const struct grpc_unary *unary)
{
	return unary->is_over ? &unary->result : NULL;
}
