/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream behind one byte that says in what pieces it comes: frames do not depend on it, what is read as request or
 * response and written again reads the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "rpc/ttrpc.h"

static bool is_text(struct str text)
{
	for (unsigned n; text.len; text = str_from(text, n))
		if (!(n = utf8_length(text, NULL)))
			return false;
	return true;
}

/* The frame without its header. */
static struct str payload(const struct buf *out)
{
	assert(!out->overflow && out->len >= TTRPC_HEADER_BYTES);
	return (struct str){ out->p + TTRPC_HEADER_BYTES, out->len - TTRPC_HEADER_BYTES };
}

static void written_again(const struct ttrpc_frame *frame)
{
	size_t size = frame->payload.len + 64 * 1024;
	struct ttrpc_request request, request_again;
	struct ttrpc_response response, response_again;
	char *memory = malloc(size);
	struct buf out = buf_over(memory, size);

	assert(memory);
	if (ttrpc_request_parse(frame->payload, &request) >= 0 && is_text(request.service) && is_text(request.method)) {
		ttrpc_request_write(&out, 1, &request);
		assert(ttrpc_request_parse(payload(&out), &request_again) == 0);
		assert(str_equal(request.service, request_again.service) &&
		       str_equal(request.method, request_again.method));
		assert(str_equal(request.payload, request_again.payload) &&
		       request.timeout_ns == request_again.timeout_ns);
		assert(request.timeout_ns >= 0);
	}
	out = buf_over(memory, size);
	if (ttrpc_response_parse(frame->payload, &response) >= 0 && response.code && is_text(response.message) &&
	    response.message.len <= TTRPC_STATUS_TEXT_MAX) {
		ttrpc_response_write(&out, 1, &response);
		assert(out.len <= TTRPC_HEADER_BYTES + TTRPC_OVERHEAD + response.message.len + response.payload.len);
		assert(ttrpc_response_parse(payload(&out), &response_again) == 0);
		assert(response.code == response_again.code && str_equal(response.message, response_again.message));
		assert(str_equal(response.payload, response_again.payload));
	}
	free(memory);
}

static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
	struct ttrpc_stream stream = { 0 };
	uint64_t sum = 1;

	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;
		char *copy = malloc(n);
		struct str input = { copy, n };
		struct ttrpc_frame frame;

		assert(copy);
		memcpy(copy, data + at, n);
		while (ttrpc_next(&stream, &input, &frame, NULL) > 0) {
			sum = (sum * 31 + frame.stream) * 31 + frame.type + frame.is_too_large;
			for (size_t i = 0; i < frame.payload.len; i++)
				sum = sum * 31 + (unsigned char)frame.payload.p[i];
			written_again(&frame);
		}
		assert(!input.len);
		assert(stream.size <= 2 * (size_t)stream.len + 8192 || stream.size <= TTRPC_KEEP_BYTES);
		free(copy);
	}
	ttrpc_stream_done(&stream);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		assert(run(data + 1, size - 1, size) == run(data + 1, size - 1, data[0] + 1u));
	return 0;
}
