/* SPDX-License-Identifier: Apache-2.0 */
/* The server's engine against nghttp2's client, in memory: no sockets, and time is an argument. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "rpc/grpc_conn.h"

#define CALLS_MAX 8
#define T0 (100 * NS_PER_S)

struct answer { /* what the client has seen of one stream */
	int32_t stream;
	bool has_headers, is_closed;
	char status[16], message[256], http[8];
	size_t body_len;
	uint8_t body[1024];
};

struct bed {
	nghttp2_session *client;
	struct grpc_conn *conn;
	struct grpc_service service;
	struct grpc_budget budget;
	struct answer answer[CALLS_MAX];
	struct grpc_call *held;
	int ended, handled, woken;
	size_t request_len;
};

/* --- the client --- */

static struct answer *answer_of(struct bed *bed, int32_t stream)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (bed->answer[i].stream == stream)
			return &bed->answer[i];
	fail_msg("no stream %d", stream);
	return NULL;
}

static void keep(char *to, size_t size, const uint8_t *value, size_t len)
{
	struct buf out = buf_over(to, size);

	buf_add(&out, value, len);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
		     const uint8_t *value, size_t len, uint8_t flags, void *context)
{
	struct answer *answer = answer_of(context, frame->hd.stream_id);
	const struct str key = { (const char *)name, name_len };

	(void)session, (void)flags;
	answer->has_headers = true;
	if (str_is(key, "grpc-status"))
		keep(answer->status, sizeof answer->status, value, len);
	else if (str_is(key, "grpc-message"))
		keep(answer->message, sizeof answer->message, value, len);
	else if (str_is(key, ":status"))
		keep(answer->http, sizeof answer->http, value, len);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t n,
		   void *context)
{
	struct answer *answer = answer_of(context, stream);

	(void)session, (void)flags;
	for (size_t i = 0; i < n; i++)
		if (answer->body_len < sizeof answer->body)
			answer->body[answer->body_len++] = bytes[i];
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context)
{
	(void)session, (void)error;
	answer_of(context, stream)->is_closed = true;
	return 0;
}

struct source {
	const uint8_t *p;
	size_t len;
};

static ssize_t on_read(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size, uint32_t *flags,
		       nghttp2_data_source *source, void *context)
{
	struct source *left = source->ptr;
	size_t n = left->len < size ? left->len : size;

	(void)session, (void)stream, (void)context;
	memcpy(out, left->p, n);
	left->p += n;
	left->len -= n;
	if (!left->len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

/* Moves bytes between the two until both are silent. */
static void pump_at(struct bed *bed, int64_t now_ns)
{
	bool moved = true;

	while (moved) {
		const uint8_t *bytes;
		ssize_t n;

		moved = false;
		while ((n = nghttp2_session_mem_send(bed->client, &bytes)) > 0) {
			assert_int_equal(grpc_conn_feed(bed->conn, bytes, (size_t)n, now_ns), 0);
			moved = true;
		}
		while ((n = grpc_conn_output(bed->conn, &bytes)) > 0) {
			assert_int_equal(nghttp2_session_mem_recv(bed->client, bytes, (size_t)n), n);
			moved = true;
		}
	}
}

static void pump(struct bed *bed)
{
	pump_at(bed, T0);
}

static nghttp2_nv field(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0 };
}

static struct answer *call(struct bed *bed, const char *path, const char *timeout, const char *text)
{
	uint8_t body[512] = { 0 };
	size_t len = strlen(text);
	struct source source = { body, len + 5 };
	nghttp2_data_provider provider = { .source.ptr = &source, .read_callback = on_read };
	const nghttp2_nv fields[] = {
		field(":method", "POST"),
		field(":scheme", "http"),
		field(":authority", "localhost"),
		field(":path", path),
		field("content-type", "application/grpc"),
		field("te", "trailers"),
		field("grpc-timeout", timeout),
	};
	struct answer *answer = answer_of(bed, 0);

	body[4] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		body[5 + i] = (uint8_t)text[i];
	answer->stream =
		nghttp2_submit_request(bed->client, NULL, fields, sizeof fields / sizeof *fields, &provider, NULL);
	assert_true(answer->stream > 0);
	pump(bed);
	return answer;
}

/* --- the service --- */

static void echo(void *context, struct grpc_call *one, const uint8_t *message, size_t len)
{
	struct bed *bed = context;

	bed->handled++;
	grpc_call_reply(one, message, len);
}

static void on_end(void *context, struct grpc_call *one)
{
	struct bed *bed = context;

	assert_ptr_equal(bed->held, one);
	bed->held = NULL;
	bed->ended++;
}

static void hold(void *context, struct grpc_call *one, const uint8_t *message, size_t len)
{
	struct bed *bed = context;

	(void)message;
	bed->handled++;
	bed->held = one;
	bed->request_len = len;
	grpc_call_on_end(one, on_end, bed);
}

static void subscribe(void *context, struct grpc_call *one, const uint8_t *message, size_t len)
{
	hold(context, one, message, len);
	grpc_call_start(one);
}

static void on_wake(void *context, struct grpc_conn *conn)
{
	(void)conn;
	((struct bed *)context)->woken++;
}

static const struct grpc_method methods[] = {
	{ "/s/Echo", false, false, 0, echo },       { "/s/Hold", false, false, 0, hold },
	{ "/s/Stream", true, false, 0, subscribe }, { "/s/Change", false, true, 0, echo },
	{ "/s/Small", false, false, 4, echo },      { 0 },
};

static void bed_open(struct bed *bed, const struct grpc_peer *peer)
{
	nghttp2_session_callbacks *callbacks;

	*bed = (struct bed){ .budget.max = 64 * 1024 * 1024 };
	bed->service = (struct grpc_service){ .methods = methods, .context = bed, .budget = &bed->budget };
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	assert_int_equal(nghttp2_session_client_new(&bed->client, callbacks, bed), 0);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(bed->client, 0, NULL, 0), 0);
	assert_int_equal(grpc_conn_new(&bed->service, peer, on_wake, bed, &bed->conn), 0);
}

static void bed_close(struct bed *bed)
{
	grpc_conn_free(bed->conn);
	nghttp2_session_del(bed->client);
	assert_int_equal(bed->budget.used, 0);
}

static const struct grpc_peer root = { .is_unix = true, .has_creds = true };

/* --- tests --- */

static void a_unary_call_is_answered(void **state)
{
	static struct bed bed;
	struct answer *answer;

	bed_open(&bed, &root);
	answer = call(&bed, "/s/Echo", "1S", "hello");
	assert_string_equal(answer->status, "0");
	assert_string_equal(answer->http, "200");
	assert_int_equal(answer->body_len, 10);
	assert_memory_equal(answer->body, "\0\0\0\0\5hello", 10);
	assert_true(answer->is_closed);
	assert_true(grpc_conn_is_idle(bed.conn));
	bed_close(&bed);
	(void)state;
}

static void who_may_change_is_a_matter_of_the_peer(void **state)
{
	static const struct {
		const char *why;
		struct grpc_peer peer;
		const char *status;
	} rows[] = {
		{ "root on a unix socket", { .is_unix = true, .has_creds = true }, "0" },
		{ "a user on a unix socket", { .is_unix = true, .has_creds = true, .uid = 1000 }, "7" },
		{ "nobody knows who", { .is_unix = true }, "7" },
		{ "TCP", { 0 }, "7" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct bed bed;
		struct answer *answer;

		bed_open(&bed, &rows[i].peer);
		answer = call(&bed, "/s/Change", "1S", "x");
		if (strcmp(answer->status, rows[i].status) != 0 || bed.handled != !strcmp(rows[i].status, "0"))
			fail_msg("%s: status %s, handled %d", rows[i].why, answer->status, bed.handled);
		assert_string_equal(call(&bed, "/s/Echo", "1S", "x")->status, "0");
		bed_close(&bed);
	}
	(void)state;
}

static void a_late_answer_wakes_the_owner(void **state)
{
	static struct bed bed;
	struct answer *answer;

	bed_open(&bed, &root);
	answer = call(&bed, "/s/Hold", "1S", "12345");
	assert_int_equal(bed.request_len, 5);
	assert_false(answer->has_headers);
	assert_int_equal(bed.woken, 0);
	grpc_call_reply(bed.held, "late", 4);
	bed.held = NULL;
	assert_int_equal(bed.woken, 1);
	pump(&bed);
	assert_string_equal(answer->status, "0");
	assert_int_equal(bed.ended, 0); /* the handler has ended it itself */
	bed_close(&bed);
	(void)state;
}

static void a_deadline_ends_a_call(void **state)
{
	static struct bed bed;
	struct answer *answer;

	bed_open(&bed, &root);
	answer = call(&bed, "/s/Hold", "300m", "x");
	assert_int_equal(grpc_conn_deadline(bed.conn), T0 + 300 * NS_PER_MS);
	grpc_conn_tick(bed.conn, T0 + 299 * NS_PER_MS);
	assert_int_equal(bed.ended, 0);
	grpc_conn_tick(bed.conn, T0 + 300 * NS_PER_MS);
	assert_int_equal(bed.ended, 1);
	pump(&bed);
	assert_string_equal(answer->status, "4");
	assert_int_equal(grpc_conn_deadline(bed.conn), INT64_MAX);
	bed_close(&bed);
	(void)state;
}

static void a_reset_ends_a_call(void **state)
{
	static struct bed bed;
	struct answer *answer;

	bed_open(&bed, &root);
	answer = call(&bed, "/s/Hold", "1S", "x");
	assert_int_equal(nghttp2_submit_rst_stream(bed.client, 0, answer->stream, NGHTTP2_CANCEL), 0);
	pump(&bed);
	assert_int_equal(bed.ended, 1);
	assert_true(grpc_conn_is_idle(bed.conn));
	bed_close(&bed);
	(void)state;
}

static void the_end_of_the_connection_ends_calls(void **state)
{
	static struct bed bed;

	bed_open(&bed, &root);
	(void)call(&bed, "/s/Hold", "1S", "x");
	bed_close(&bed);
	assert_int_equal(bed.ended, 1);
	(void)state;
}

static void a_subscriber_gets_headers_before_events(void **state)
{
	static struct bed bed;
	struct answer *answer;

	bed_open(&bed, &root);
	answer = call(&bed, "/s/Stream", "1H", "x");
	assert_true(answer->has_headers);
	assert_string_equal(answer->status, "");
	assert_int_equal(grpc_call_send(bed.held, "one", 3), 0);
	assert_int_equal(grpc_call_send(bed.held, "two", 3), 0);
	pump(&bed);
	assert_int_equal(answer->body_len, 16);
	assert_memory_equal(answer->body, "\0\0\0\0\3one\0\0\0\0\3two", 16);
	grpc_call_fail(bed.held, GRPC_UNAVAILABLE, "the agent ends");
	bed.held = NULL;
	pump(&bed);
	assert_string_equal(answer->status, "14");
	assert_string_equal(answer->message, "the agent ends");
	bed_close(&bed);
	(void)state;
}

static void a_reader_that_does_not_read_loses_messages(void **state)
{
	static struct bed bed;
	uint64_t kept = 0;
	static char event[1000];

	bed_open(&bed, &root);
	(void)call(&bed, "/s/Stream", "1H", "x");
	for (int i = 0; i < 2 * GRPC_QUEUE_MESSAGES; i++) /* nothing is pumped meanwhile */
		kept += grpc_call_send(bed.held, event, sizeof event) == 0;
	assert_in_range(kept, 1000, GRPC_QUEUE_MESSAGES);
	assert_int_equal(grpc_call_dropped(bed.held), 2 * GRPC_QUEUE_MESSAGES - kept);
	assert_in_range(bed.budget.used, 1, GRPC_QUEUE_BYTES);
	pump(&bed); /* it reads again: there is room again */
	assert_int_equal(grpc_call_send(bed.held, event, sizeof event), 0);
	bed_close(&bed);
	assert_int_equal(bed.ended, 1);
	(void)state;
}

static void a_method_has_a_limit_of_its_own(void **state)
{
	static struct bed bed;

	bed_open(&bed, &root);
	assert_string_equal(call(&bed, "/s/Small", "1S", "1234")->status, "0");
	assert_string_equal(call(&bed, "/s/Small", "1S", "12345")->status, "8");
	bed_close(&bed);
	(void)state;
}

/* The client's bytes of one call, cut in two at each place: the answer is the same. */
static void bytes_may_come_in_any_pieces(void **state)
{
	static struct bed model, bed;
	static uint8_t bytes[4096];
	struct source source = { (const uint8_t *)"\0\0\0\0\2hi", 7 };
	nghttp2_data_provider provider = { .source.ptr = &source, .read_callback = on_read };
	const nghttp2_nv fields[] = { field(":method", "POST"), field(":scheme", "http"), field(":path", "/s/Echo"),
				      field(":authority", "localhost"), field("content-type", "application/grpc") };
	const uint8_t *part;
	size_t len = 0;
	ssize_t n;

	bed_open(&model, &root);
	assert_true(nghttp2_submit_request(model.client, NULL, fields, sizeof fields / sizeof *fields, &provider,
					   NULL) > 0);
	while ((n = nghttp2_session_mem_send(model.client, &part)) > 0) {
		assert_true(len + (size_t)n <= sizeof bytes);
		memcpy(bytes + len, part, (size_t)n);
		len += (size_t)n;
	}
	for (size_t cut = 0; cut <= len; cut++) {
		bed_open(&bed, &root);
		assert_int_equal(grpc_conn_feed(bed.conn, bytes, cut, T0), 0);
		assert_int_equal(grpc_conn_feed(bed.conn, bytes + cut, len - cut, T0), 0);
		if (bed.handled != 1)
			fail_msg("cut at byte %zu of %zu: handled %d times", cut, len, bed.handled);
		bed_close(&bed);
	}
	bed_close(&model);
	(void)state;
}

static void a_ping_flood_ends_the_connection(void **state)
{
	static struct bed bed;
	static const uint8_t ping[] = { 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	int r = 0, pings = 0;

	bed_open(&bed, &root);
	pump(&bed);
	while (r == 0 && pings < 10 * GRPC_CONTROL_BURST) {
		r = grpc_conn_feed(bed.conn, ping, sizeof ping, T0);
		pings++;
	}
	assert_int_equal(r, -EPROTO);
	assert_in_range(pings, GRPC_CONTROL_BURST / 2, GRPC_CONTROL_BURST + 10);
	assert_true(grpc_conn_is_over(bed.conn));
	bed_close(&bed);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unary_call_is_answered),
		cmocka_unit_test(who_may_change_is_a_matter_of_the_peer),
		cmocka_unit_test(a_late_answer_wakes_the_owner),
		cmocka_unit_test(a_deadline_ends_a_call),
		cmocka_unit_test(a_reset_ends_a_call),
		cmocka_unit_test(the_end_of_the_connection_ends_calls),
		cmocka_unit_test(a_subscriber_gets_headers_before_events),
		cmocka_unit_test(a_reader_that_does_not_read_loses_messages),
		cmocka_unit_test(a_method_has_a_limit_of_its_own),
		cmocka_unit_test(bytes_may_come_in_any_pieces),
		cmocka_unit_test(a_ping_flood_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
