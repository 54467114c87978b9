/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's bytes (behind one that says in what pieces they come): the call ends, OK only on the server's own word,
 * what it says has no control characters, and once it is over nothing changes it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "rpc/grpc_unary.h"

static void out_take(struct grpc_unary *unary)
{
	struct str out;

	for (size_t rounds = 0; (out = grpc_unary_out(unary)).len; rounds++) {
		assert(rounds < 100000);
		grpc_unary_sent(unary, out.len > 1 ? out.len / 2 + 1 : 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char memory[GRPC_UNARY_ARENA_BYTES + 256 * 1024], response_memory[GRPC_UNARY_DATA_BYTES_MAX + 1];
	const struct grpc_request request = {
		.path = "/p.S/M", .authority = "a", .body = STR("\0\0\0\0\1x"), .timeout_ns = 1
	};
	struct arena arena = arena_over(memory, sizeof memory);
	struct buf response = buf_over(response_memory, sizeof response_memory);
	size_t piece = size ? data[0] + 1u : 1;
	const struct grpc_result *result;
	struct grpc_unary *unary;
	struct grpc_result kept;

	assert(grpc_unary_new(&arena, &request, &response, &unary, NULL) == 0);
	out_take(unary);
	for (size_t at = 1; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		bool is_over = grpc_unary_feed(unary, data + at, n);

		assert(is_over == (grpc_unary_result(unary) != NULL));
		out_take(unary);
	}
	grpc_unary_eof(unary, NULL);
	result = grpc_unary_result(unary);
	assert(result);
	assert(result->status != GRPC_OK || (result->outcome == GRPC_ANSWERED && result->is_servers_word));
	assert(result->outcome == GRPC_ANSWERED || result->outcome == GRPC_NO_CONNECTION);
	assert(memchr(result->message, '\0', sizeof result->message));
	for (const char *at = result->message; *at; at++)
		assert((unsigned char)*at >= ' ' && *at != 0x7f);
	assert(!response.overflow && response.len <= GRPC_UNARY_DATA_BYTES_MAX);
	kept = *result;
	grpc_unary_end(unary, GRPC_STOPPED, GRPC_CANCELLED, "later");
	result = grpc_unary_result(unary);
	assert(kept.outcome == result->outcome && kept.status == result->status &&
	       !strcmp(kept.message, result->message));
	return 0;
}
