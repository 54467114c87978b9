/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/ttrpc.h: ttrpc's frames and messages, both sides, without I/O.
 *   frame     payload length, uint32 big endian, header excluded; stream id, uint32 big endian; type; flags; payload
 *   Request   service = 1, method = 2, payload = 3, timeout_nano = 4 (metadata = 5 is for tracing: skipped)
 *   Response  status = 1 (google.rpc.Status: code = 1, message = 2), payload = 2
 * A client's stream ids are odd, begin at 1 and are never used again. Streams of data are not spoken here. Source:
 * containerd/ttrpc, PROTOCOL.md; behaviour of containerd 1.7 to 2.3 and CRI-O 1.37.
 */
#ifndef RPC_TTRPC_H
#define RPC_TTRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct error;

#define TTRPC_HEADER_BYTES 10
#define TTRPC_MESSAGE_MAX (4 * 1024 * 1024) /* bytes of a payload; a larger one is skipped and reported */
#define TTRPC_KEEP_BYTES (64 * 1024)        /* memory that is kept between messages */
#define TTRPC_STATUS_TEXT_MAX 1024          /* bytes of an error's text that are sent */
#define TTRPC_OVERHEAD 64                   /* what a response adds to its payload at most, status text excluded */

enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE, TTRPC_DATA };

struct ttrpc_stream { /* one direction of one connection; zero-initialised */
	unsigned char header[TTRPC_HEADER_BYTES];
	unsigned have; /* bytes of the header */
	uint32_t length;
	char *message; /* heap */
	size_t size;
	uint32_t len;    /* bytes received of the payload */
	bool is_skipped; /* the payload is too large */
};

struct ttrpc_frame {
	uint32_t stream;
	uint8_t type, flags;
	bool is_too_large;  /* its payload was skipped */
	struct str payload; /* valid until the next ttrpc_next or ttrpc_stream_done */
};

/*
 * Takes bytes off *input until a frame is complete. Returns 1 and *ret_frame; 0: *input is used up; -ENOMEM.
 */
int ttrpc_next(struct ttrpc_stream *stream, struct str *input, struct ttrpc_frame *ret_frame, struct error *err);
void ttrpc_stream_done(struct ttrpc_stream *stream); /* frees its memory; may be used again */

struct ttrpc_request {
	struct str service, method, payload; /* spans of the frame */
	int64_t timeout_ns;                  /* 0: none */
};
int ttrpc_request_parse(struct str payload, struct ttrpc_request *ret_request); /* 0, -EINVAL malformed */

struct ttrpc_response {
	int32_t code; /* gRPC's; 0 is success */
	struct str message, payload;
};
int ttrpc_response_parse(struct str payload, struct ttrpc_response *ret_response); /* 0, -EINVAL malformed */

/* The whole frame, header included. Check out->overflow. */
void ttrpc_request_write(struct buf *out, uint32_t stream, const struct ttrpc_request *request);
void ttrpc_response_write(struct buf *out, uint32_t stream, const struct ttrpc_response *response);

#endif
