/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "rpc/grpc_unary.h"

static char memory[GRPC_UNARY_ARENA_BYTES + 256 * 1024];
static char answer_memory[256 * 1024];

/* A server's bytes in the making. */
static void frame(struct buf *out, unsigned type, unsigned flags, uint32_t stream, struct str payload)
{
	const char head[9] = {
		(char)(payload.len >> 16), (char)(payload.len >> 8), (char)payload.len,   (char)type,  (char)flags,
		(char)(stream >> 24),      (char)(stream >> 16),     (char)(stream >> 8), (char)stream
	};

	buf_add(out, head, sizeof head);
	buf_str(out, payload);
}

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7 };
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4 };

/* HPACK without tables or Huffman: "name: value" lines. */
static void headers(struct buf *out, unsigned flags, const char *lines)
{
	char text[8192];
	struct buf block = buf_over(text, sizeof text);

	while (*lines) {
		const char *colon = strchr(lines + 1, ':');
		size_t value_len = strcspn(colon + 2, "\n");

		buf_byte(&block, 0);
		buf_byte(&block, (char)(colon - lines));
		buf_add(&block, lines, (size_t)(colon - lines));
		if (value_len < 127) {
			buf_byte(&block, (char)value_len);
		} else {
			buf_byte(&block, 127);
			for (size_t left = value_len - 127;; left >>= 7) {
				buf_byte(&block, (char)(left > 127 ? (left & 127) | 128 : left));
				if (left <= 127)
					break;
			}
		}
		buf_add(&block, colon + 2, value_len);
		lines = colon + 2 + value_len;
		lines += *lines == '\n';
	}
	assert_false(block.overflow);
	frame(out, HEADERS, flags | END_HEADERS, 1, (struct str){ text, block.len });
}

#define OPENING ":status: 200\ncontent-type: application/grpc"

static void settings(struct buf *out)
{
	frame(out, SETTINGS, 0, 0, STR(""));
}

static void opening(struct buf *out)
{
	settings(out);
	headers(out, 0, OPENING);
}

static void empty_message(struct buf *out)
{
	frame(out, DATA, 0, 1, STR("\0\0\0\0\0"));
}

static void ok(struct buf *out)
{
	opening(out);
	empty_message(out);
	headers(out, END_STREAM, "grpc-status: 0");
}

static void ok_with_text(struct buf *out)
{
	opening(out);
	frame(out, DATA, 0, 1, STR("\0\0\0\0\3a"));
	frame(out, PING, 0, 0, STR("12345678"));
	frame(out, DATA, 0, 1, STR("bc"));
	headers(out, END_STREAM, "grpc-status: 0");
}

static void trailers_only(struct buf *out)
{
	settings(out);
	headers(out, END_STREAM, OPENING "\ngrpc-status: 7\ngrpc-message: for%67ed%0A%25");
}

static void ok_without_message(struct buf *out)
{
	settings(out);
	headers(out, END_STREAM, OPENING "\ngrpc-status: 0");
}

static void ok_with_half_a_message(struct buf *out)
{
	opening(out);
	frame(out, DATA, 0, 1, STR("\0\0\0\0\4abc"));
	headers(out, END_STREAM, "grpc-status: 0");
}

static void two_messages(struct buf *out)
{
	opening(out);
	empty_message(out);
	empty_message(out);
	headers(out, END_STREAM, "grpc-status: 0");
}

static void compressed(struct buf *out)
{
	opening(out);
	frame(out, DATA, 0, 1, STR("\1\0\0\0\0"));
	headers(out, END_STREAM, "grpc-status: 0");
}

static void status_is_no_number(struct buf *out)
{
	settings(out);
	headers(out, END_STREAM, OPENING "\ngrpc-status: x");
}

static void unknown_status(struct buf *out)
{
	settings(out);
	headers(out, END_STREAM, OPENING "\ngrpc-status: 77\ngrpc-message: odd");
}

static void no_trailers(struct buf *out)
{
	opening(out);
	frame(out, DATA, END_STREAM, 1, STR("\0\0\0\0\0"));
}

static void http_503(struct buf *out)
{
	settings(out);
	headers(out, 0, ":status: 503\ncontent-type: text/html");
	frame(out, DATA, END_STREAM, 1, STR("<html>sorry</html>"));
}

static void http_403(struct buf *out)
{
	settings(out);
	headers(out, END_STREAM, ":status: 403");
}

static void html(struct buf *out)
{
	settings(out);
	headers(out, 0, ":status: 200\ncontent-type: text/html");
	frame(out, DATA, END_STREAM, 1, STR("<html>hello</html>"));
}

static void refused(struct buf *out)
{
	settings(out);
	frame(out, RST_STREAM, 0, 1, STR("\0\0\0\7"));
}

static void cancelled(struct buf *out)
{
	opening(out);
	frame(out, RST_STREAM, 0, 1, STR("\0\0\0\10"));
}

static void calm(struct buf *out)
{
	settings(out);
	frame(out, RST_STREAM, 0, 1, STR("\0\0\0\13"));
}

static void goaway(struct buf *out)
{
	settings(out);
	frame(out, GOAWAY, 0, 0, STR("\0\0\0\0\0\0\0\0"));
}

static void goaway_after_this_one(struct buf *out)
{
	settings(out);
	frame(out, GOAWAY, 0, 0, STR("\0\0\0\1\0\0\0\0"));
	headers(out, 0, OPENING);
	empty_message(out);
	headers(out, END_STREAM, "grpc-status: 0");
}

static void http1(struct buf *out)
{
	buf_text(out, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void no_settings_first(struct buf *out)
{
	headers(out, 0, OPENING);
}

static void no_status_header(struct buf *out)
{
	settings(out);
	headers(out, END_STREAM, "content-type: application/grpc\ngrpc-status: 0");
}

static void broken_hpack(struct buf *out)
{
	settings(out);
	frame(out, HEADERS, END_HEADERS, 1, STR("\xff\xff\xff\xff\xff\xff\xff"));
}

static void pings(struct buf *out)
{
	settings(out);
	for (int i = 0; i < GRPC_UNARY_FRAMES_MAX; i++)
		frame(out, PING, 0, 0, STR("12345678"));
}

static void long_response(struct buf *out)
{
	static char text[GRPC_UNARY_DATA_BYTES_MAX / 4 - 1];

	opening(out);
	frame(out, DATA, 0, 1, STR("\0\0\1\0\1")); /* 65,537 bytes to come */
	for (int i = 0; i < 5; i++)
		frame(out, DATA, 0, 1, (struct str){ text, sizeof text });
}

static void many_headers(struct buf *out)
{
	static char line[4096] = "x-y: ";

	memset(line + 5, 'v', sizeof line - 6);
	settings(out);
	headers(out, 0, OPENING);
	for (int i = 0; i < 17; i++) /* repeated trailers: each is an error of its own, or the bytes add up */
		headers(out, 0, line);
}

static void nothing(struct buf *out)
{
	(void)out;
}

static const struct {
	const char *why;
	void (*answer)(struct buf *out);
	enum grpc_outcome outcome;
	int status;
	bool is_servers_word;
	const char *message, *response;
} answers[] = {
	{ "OK", ok, GRPC_ANSWERED, GRPC_OK, true, "", "" },
	{ "OK and a message in pieces", ok_with_text, GRPC_ANSWERED, GRPC_OK, true, "", "abc" },
	{ "trailers only", trailers_only, GRPC_ANSWERED, GRPC_PERMISSION_DENIED, true, "forged %", "" },
	{ "OK but no message", ok_without_message, GRPC_ANSWERED, GRPC_INTERNAL, false, "no whole message", "" },
	{ "OK but half a message", ok_with_half_a_message, GRPC_ANSWERED, GRPC_INTERNAL, false, "no whole message",
	  "abc" },
	{ "two messages", two_messages, GRPC_ANSWERED, GRPC_INTERNAL, false, "more than one message", "" },
	{ "compressed", compressed, GRPC_ANSWERED, GRPC_INTERNAL, false, "compressed", "" },
	{ "status is no number", status_is_no_number, GRPC_ANSWERED, GRPC_UNKNOWN, true, "", "" },
	{ "status without a name", unknown_status, GRPC_ANSWERED, 77, true, "odd", "" },
	{ "no trailers", no_trailers, GRPC_ANSWERED, GRPC_INTERNAL, false, "without sending trailers", "" },
	{ "HTTP 503", http_503, GRPC_ANSWERED, GRPC_UNAVAILABLE, false, "503", "" },
	{ "HTTP 403 is not the agent's word", http_403, GRPC_ANSWERED, GRPC_PERMISSION_DENIED, false, "403", "" },
	{ "a web page", html, GRPC_ANSWERED, GRPC_UNKNOWN, false, "not gRPC", "" },
	{ "stream refused", refused, GRPC_NO_CONNECTION, GRPC_UNAVAILABLE, false, "no more calls", "" },
	{ "stream cancelled", cancelled, GRPC_ANSWERED, GRPC_CANCELLED, false, "error 8", "" },
	{ "enhance your calm", calm, GRPC_ANSWERED, GRPC_RESOURCE_EXHAUSTED, false, "error 11", "" },
	{ "GOAWAY before our stream", goaway, GRPC_NO_CONNECTION, GRPC_UNAVAILABLE, false, "no more calls", "" },
	{ "GOAWAY behind our stream", goaway_after_this_one, GRPC_ANSWERED, GRPC_OK, true, "", "" },
	{ "HTTP/1", http1, GRPC_ANSWERED, GRPC_INTERNAL, false, "HTTP/1", "" },
	{ "no SETTINGS", no_settings_first, GRPC_ANSWERED, GRPC_INTERNAL, false, "HTTP/2", "" },
	{ "no :status", no_status_header, GRPC_ANSWERED, GRPC_INTERNAL, false, "", "" },
	{ "broken HPACK", broken_hpack, GRPC_ANSWERED, GRPC_INTERNAL, false, "", "" },
	{ "a flood of pings", pings, GRPC_ANSWERED, GRPC_RESOURCE_EXHAUSTED, false, "too many frames", "" },
	{ "a long response", long_response, GRPC_ANSWERED, GRPC_RESOURCE_EXHAUSTED, false, "too many response bytes",
	  NULL },
	{ "headers without end", many_headers, GRPC_ANSWERED, GRPC_INTERNAL, false, "", "" },
	{ "closed at once", nothing, GRPC_NO_CONNECTION, GRPC_UNAVAILABLE, false, "closed the connection", "" },
};

/* The call's own bytes, as a server that takes them all. */
static void out_take(struct grpc_unary *unary, struct buf *sent)
{
	struct str out;

	while ((out = grpc_unary_out(unary)).len) {
		if (sent)
			buf_str(sent, out);
		grpc_unary_sent(unary, out.len);
	}
}

static struct grpc_unary *call_new(struct str body, struct buf *response)
{
	static const struct grpc_request request = { .path = "/p.S/M",
						     .authority = "localhost",
						     .timeout_ns = 1500000000 };
	struct arena arena = arena_over(memory, sizeof memory);
	struct grpc_request with_body = request;
	struct grpc_unary *unary;

	with_body.body = body;
	assert_int_equal(grpc_unary_new(&arena, &with_body, response, &unary, NULL), 0);
	return unary;
}

/* Feeds in pieces of `piece` bytes from an exact copy, so that a sanitizer sees one byte too many. */
static const struct grpc_result *feed(struct grpc_unary *unary, struct str bytes, size_t piece)
{
	out_take(unary, NULL);
	while (bytes.len && !grpc_unary_result(unary)) {
		size_t n = bytes.len < piece ? bytes.len : piece;
		char *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, bytes.p, n);
		(void)grpc_unary_feed(unary, copy, n);
		free(copy);
		out_take(unary, NULL);
		bytes = str_from(bytes, n);
	}
	grpc_unary_eof(unary, NULL);
	return grpc_unary_result(unary);
}

static void answers_follow_the_table(void **state)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 7, 4096 };

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		for (size_t n = 0; n < sizeof pieces / sizeof *pieces; n++) {
			struct buf bytes = buf_over(answer_memory, sizeof answer_memory);
			char text[GRPC_UNARY_DATA_BYTES_MAX];
			struct buf response = buf_over(text, sizeof text);
			struct grpc_unary *unary = call_new(STR("\0\0\0\0\0"), &response);
			const struct grpc_result *got;

			answers[i].answer(&bytes);
			assert_false(bytes.overflow);
			got = feed(unary, (struct str){ bytes.p, bytes.len }, pieces[n]);
			if (got->outcome != answers[i].outcome || got->status != answers[i].status ||
			    got->is_servers_word != answers[i].is_servers_word ||
			    !strstr(got->message, answers[i].message) ||
			    (answers[i].response && strcmp(text, answers[i].response)))
				fail_msg("%s, in pieces of %zu: outcome %d, %s, '%s', response '%s'", answers[i].why,
					 pieces[n], (int)got->outcome, grpc_status_name(got->status), got->message,
					 text);
		}
	(void)state;
}

/* An answer that is cut anywhere is an answer that did not come, never OK. */
static void a_cut_answer_is_no_answer(void **state)
{
	struct buf bytes = buf_over(answer_memory, sizeof answer_memory);

	ok_with_text(&bytes);
	for (size_t n = 0; n < bytes.len; n++) {
		const struct grpc_result *got = feed(call_new(STR("\0\0\0\0\0"), NULL), (struct str){ bytes.p, n }, 5);

		if (got->outcome != GRPC_NO_CONNECTION || got->status != GRPC_UNAVAILABLE)
			fail_msg("cut at %zu of %zu: %s", n, bytes.len, grpc_status_name(got->status));
	}
	(void)state;
}

static void the_request_is_all_there(void **state)
{
	static char body[100000];
	char *sent_memory = malloc(2 * sizeof body);
	struct buf sent = buf_over(sent_memory, 2 * sizeof body);
	struct buf update = buf_over(answer_memory, sizeof answer_memory);
	struct grpc_unary *unary = call_new((struct str){ body, sizeof body }, NULL);

	out_take(unary, &sent);
	assert_memory_equal(sent.p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	assert_in_range(sent.len, 65535, 66200); /* as much as the window lets through */
	settings(&update);
	frame(&update, 8, 0, 0, STR("\0\1\0\0"));
	frame(&update, 8, 0, 1, STR("\0\1\0\0"));
	assert_false(grpc_unary_feed(unary, update.p, update.len));
	out_take(unary, &sent);
	assert_in_range(sent.len, sizeof body, sizeof body + 500);
	free(sent_memory);
	(void)state;
}

static void the_first_end_counts(void **state)
{
	struct grpc_unary *unary = call_new(STR("\0\0\0\0\0"), NULL);

	assert_null(grpc_unary_result(unary));
	grpc_unary_end(unary, GRPC_NO_ANSWER, GRPC_DEADLINE_EXCEEDED, "late");
	grpc_unary_eof(unary, NULL);
	assert_true(grpc_unary_feed(unary, "x", 1));
	assert_int_equal(grpc_unary_result(unary)->status, GRPC_DEADLINE_EXCEEDED);
	assert_string_equal(grpc_unary_result(unary)->message, "late");
	(void)state;
}

static void too_small_an_arena_is_an_error(void **state)
{
	const struct grpc_request request = { .path = "/p.S/M", .authority = "localhost" };
	struct arena arena = arena_over(memory, GRPC_UNARY_ARENA_BYTES);
	struct grpc_unary *unary;
	struct error err;

	assert_int_equal(grpc_unary_new(&arena, &request, NULL, &unary, &err), -ENOMEM);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_follow_the_table),       cmocka_unit_test(a_cut_answer_is_no_answer),
		cmocka_unit_test(the_request_is_all_there),       cmocka_unit_test(the_first_end_counts),
		cmocka_unit_test(too_small_an_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
