/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/ttrpc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "rpc/big_endian.h"
#include "rpc/pb_read.h"
#include "rpc/pb_write.h"

enum { REQUEST_SERVICE = 1, REQUEST_METHOD, REQUEST_PAYLOAD, REQUEST_TIMEOUT };
enum { RESPONSE_STATUS = 1, RESPONSE_PAYLOAD };
enum { STATUS_CODE = 1, STATUS_MESSAGE };

#define SIZE_FIRST 4096

/* Memory grows with what has arrived, not with what a header promises. */
static int room_make(struct ttrpc_stream *stream, size_t n)
{
	size_t size = stream->size ? stream->size : SIZE_FIRST;
	char *more;

	if (n <= stream->size)
		return 0;
	while (size < n)
		size *= 2;
	more = realloc(stream->message, size);
	if (!more)
		return -ENOMEM;
	stream->message = more;
	stream->size = size;
	return 0;
}

void ttrpc_stream_done(struct ttrpc_stream *stream)
{
	free(stream->message);
	*stream = (struct ttrpc_stream){ 0 };
}

/* True once the header is complete. */
static bool header_take(struct ttrpc_stream *stream, struct str *input)
{
	while (stream->have < TTRPC_HEADER_BYTES && input->len) {
		stream->header[stream->have++] = (unsigned char)*input->p;
		*input = str_from(*input, 1);
		if (stream->have == TTRPC_HEADER_BYTES) {
			stream->length = big_endian_read(stream->header);
			stream->is_skipped = stream->length > TTRPC_MESSAGE_MAX;
			stream->len = 0;
			if (stream->size > TTRPC_KEEP_BYTES && stream->length <= TTRPC_KEEP_BYTES) {
				free(stream->message);
				stream->message = NULL;
				stream->size = 0;
			}
		}
	}
	return stream->have == TTRPC_HEADER_BYTES;
}

static void frame_tell(struct ttrpc_stream *stream, struct str payload, struct ttrpc_frame *ret_frame)
{
	*ret_frame = (struct ttrpc_frame){ .stream = big_endian_read(stream->header + 4),
					   .type = stream->header[8],
					   .flags = stream->header[9],
					   .is_too_large = stream->is_skipped,
					   .payload = payload };
	stream->have = 0;
}

int ttrpc_next(struct ttrpc_stream *stream, struct str *input, struct ttrpc_frame *ret_frame, struct error *err)
{
	size_t n;

	if (!header_take(stream, input))
		return 0;
	n = stream->length - stream->len < input->len ? stream->length - stream->len : input->len;
	if (!stream->len && n == stream->length && !stream->is_skipped) { /* all of it is there: no copy */
		frame_tell(stream, (struct str){ input->p, n }, ret_frame);
		*input = str_from(*input, n);
		return 1;
	}
	if (!stream->is_skipped && n) {
		if (room_make(stream, stream->len + n) < 0)
			return error_set(err, ENOMEM, "no memory for a message of %u bytes", (unsigned)stream->length);
		memcpy(stream->message + stream->len, input->p, n);
	}
	stream->len += (uint32_t)n;
	*input = str_from(*input, n);
	if (stream->len < stream->length)
		return 0;
	frame_tell(stream, stream->is_skipped ? (struct str){ 0 } : (struct str){ stream->message, stream->length },
		   ret_frame);
	return 1;
}

int ttrpc_request_parse(struct str payload, struct ttrpc_request *ret_request)
{
	struct ttrpc_request request = { 0 };
	struct pb_field field;
	int r;

	while ((r = pb_next(&payload, &field)) > 0) {
		if (field.number == REQUEST_SERVICE && field.type == PB_BYTES)
			request.service = field.bytes;
		else if (field.number == REQUEST_METHOD && field.type == PB_BYTES)
			request.method = field.bytes;
		else if (field.number == REQUEST_PAYLOAD && field.type == PB_BYTES)
			request.payload = field.bytes;
		else if (field.number == REQUEST_TIMEOUT && field.type == PB_VARINT)
			request.timeout_ns = (int64_t)field.value;
	}
	if (request.timeout_ns < 0)
		request.timeout_ns = 0;
	*ret_request = request;
	return r;
}

static int status_parse(struct str status, struct ttrpc_response *response)
{
	struct pb_field field;
	int r;

	while ((r = pb_next(&status, &field)) > 0) {
		if (field.number == STATUS_CODE && field.type == PB_VARINT)
			response->code = (int32_t)(uint32_t)field.value;
		else if (field.number == STATUS_MESSAGE && field.type == PB_BYTES)
			response->message = field.bytes;
	}
	return r;
}

int ttrpc_response_parse(struct str payload, struct ttrpc_response *ret_response)
{
	struct ttrpc_response response = { 0 };
	struct pb_field field;
	int r;

	while ((r = pb_next(&payload, &field)) > 0) {
		if (field.number == RESPONSE_STATUS && field.type == PB_BYTES) {
			if (status_parse(field.bytes, &response) < 0)
				return -EINVAL;
		} else if (field.number == RESPONSE_PAYLOAD && field.type == PB_BYTES) {
			response.payload = field.bytes;
		}
	}
	*ret_response = response;
	return r;
}

static void bytes_write(struct buf *out, unsigned field, struct str bytes)
{
	size_t mark = pb_open(out, field);

	buf_str(out, bytes);
	pb_close(out, mark);
}

static size_t frame_open(struct buf *out)
{
	static const char header[TTRPC_HEADER_BYTES];

	buf_add(out, header, sizeof header);
	return out->len;
}

static void frame_close(struct buf *out, size_t mark, uint32_t stream, enum ttrpc_type type)
{
	unsigned char *header = (unsigned char *)out->p + mark - TTRPC_HEADER_BYTES;

	if (out->overflow)
		return;
	big_endian_write(header, (uint32_t)(out->len - mark));
	big_endian_write(header + 4, stream);
	header[8] = (unsigned char)type;
	header[9] = 0;
}

void ttrpc_request_write(struct buf *out, uint32_t stream, const struct ttrpc_request *request)
{
	size_t mark = frame_open(out);

	pb_text(out, REQUEST_SERVICE, request->service);
	pb_text(out, REQUEST_METHOD, request->method);
	if (request->payload.len)
		bytes_write(out, REQUEST_PAYLOAD, request->payload);
	pb_number(out, REQUEST_TIMEOUT, (uint64_t)request->timeout_ns);
	frame_close(out, mark, stream, TTRPC_REQUEST);
}

void ttrpc_response_write(struct buf *out, uint32_t stream, const struct ttrpc_response *response)
{
	size_t mark = frame_open(out);

	if (response->code) {
		struct str text = response->message;
		size_t status = pb_open(out, RESPONSE_STATUS);

		if (text.len > TTRPC_STATUS_TEXT_MAX)
			text.len = TTRPC_STATUS_TEXT_MAX;
		pb_number(out, STATUS_CODE, (uint64_t)response->code);
		pb_text(out, STATUS_MESSAGE, text);
		pb_close(out, status);
	}
	if (response->payload.len)
		bytes_write(out, RESPONSE_PAYLOAD, response->payload);
	frame_close(out, mark, stream, TTRPC_RESPONSE);
}
