/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/nri_out.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "nri/nri_session.h"
#include "rpc/nri_mux.h"

#define KEEP_BYTES (64 * 1024)
/* In front of the message: two multiplexer headers, though one often does. */
#define HEAD (2 * NRI_MUX_HEADER_BYTES)

/* Room for `n` more bytes behind what waits. */
static int room_make(struct nri_out *out, size_t n, struct error *err)
{
	size_t size = out->size ? out->size : 1024;
	char *more;

	if (out->sent) {
		memmove(out->p, out->p + out->sent, out->len - out->sent);
		out->len -= out->sent;
		out->sent = 0;
	}
	if (out->len > NRI_OUT_MAX)
		return error_set(err, ENOBUFS, "the runtime does not read its answers: %zu bytes wait", out->len);
	while (size - out->len < n)
		size *= 2;
	if (size <= out->size)
		return 0;
	more = realloc(out->p, size);
	if (!more)
		return error_set(err, ENOMEM, "no memory for an answer of %zu bytes", n);
	out->p = more;
	out->size = size;
	return 0;
}

static int frames_close(struct nri_out *out, uint32_t id, const struct buf *message, struct error *err)
{
	unsigned char *at = (unsigned char *)out->p + out->len;
	size_t n = message->len, payload = n - TTRPC_HEADER_BYTES;

	if (message->overflow)
		return error_set(err, EMSGSIZE, "message does not fit the room made for it");
	if (NRI_MUX_HEADER_BYTES + n <= NRI_MUX_FRAME_SAFE) {
		nri_mux_header_write(at, id, (uint32_t)n);
		memmove(at + NRI_MUX_HEADER_BYTES, at + HEAD, n);
		out->len += NRI_MUX_HEADER_BYTES + n;
		return 0;
	}
	nri_mux_header_write(at, id, TTRPC_HEADER_BYTES);
	memmove(at + NRI_MUX_HEADER_BYTES, at + HEAD, TTRPC_HEADER_BYTES);
	nri_mux_header_write(at + NRI_MUX_HEADER_BYTES + TTRPC_HEADER_BYTES, id, (uint32_t)payload);
	out->len += HEAD + n;
	return 0;
}

int nri_out_request(struct nri_out *out, uint32_t id, uint32_t stream, const struct ttrpc_request *request,
		    struct error *err)
{
	size_t n =
		TTRPC_HEADER_BYTES + TTRPC_OVERHEAD + request->service.len + request->method.len + request->payload.len;
	struct buf message;
	int r = room_make(out, HEAD + n, err);

	if (r < 0)
		return r;
	message = buf_over(out->p + out->len + HEAD, out->size - out->len - HEAD);
	ttrpc_request_write(&message, stream, request);
	return frames_close(out, id, &message, err);
}

int nri_out_response(struct nri_out *out, uint32_t id, uint32_t stream, const struct ttrpc_response *response,
		     struct error *err)
{
	/* Malformed bytes of the text become three each. */
	size_t n = TTRPC_HEADER_BYTES + TTRPC_OVERHEAD + 3 * TTRPC_STATUS_TEXT_MAX + response->payload.len;
	struct buf message;
	int r = room_make(out, HEAD + n, err);

	if (r < 0)
		return r;
	message = buf_over(out->p + out->len + HEAD, out->size - out->len - HEAD);
	ttrpc_response_write(&message, stream, response);
	return frames_close(out, id, &message, err);
}

struct str nri_out_bytes(const struct nri_out *out)
{
	return (struct str){ out->p ? out->p + out->sent : NULL, out->len - out->sent };
}

void nri_out_sent(struct nri_out *out, size_t n)
{
	out->sent += n;
	if (out->sent < out->len)
		return;
	out->sent = out->len = 0;
	if (out->size > KEEP_BYTES)
		nri_out_done(out);
}

void nri_out_done(struct nri_out *out)
{
	free(out->p);
	*out = (struct nri_out){ 0 };
}
