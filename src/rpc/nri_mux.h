/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/nri_mux.h: several logical connections in one socket, as NRI has them. Without I/O: received bytes go in, in
 * pieces of any size, and come out as pieces of one logical connection each. Nothing is buffered but a header.
 *   frame   connection id, uint32 big endian; payload length, uint32 big endian; payload
 * Frame boundaries mean nothing to what is inside: each id is a stream of bytes. Source: behaviour of containerd 1.7 to
 * 2.3 and CRI-O 1.37 (captured frames in tests/fixtures/nri).
 */
#ifndef RPC_NRI_MUX_H
#define RPC_NRI_MUX_H

#include <stdint.h>

#include "base/str.h"

struct error;

#define NRI_MUX_HEADER_BYTES 8
/* Of a frame's payload: the largest ttrpc message and its header. Runtimes send and accept no larger ones. */
#define NRI_MUX_PAYLOAD_MAX (4 * 1024 * 1024 + 10)
/*
 * The runtime takes a whole frame with one read through a buffer of this size, unless the frame alone is larger than
 * the buffer; a ttrpc message in one frame above it breaks its reader.
 */
#define NRI_MUX_FRAME_SAFE 4096

enum nri_mux_id {
	NRI_MUX_PLUGIN = 1, /* the plugin serves, the runtime calls */
	NRI_MUX_RUNTIME,    /* the runtime serves, the plugin calls */
};

struct nri_mux { /* zero-initialised */
	unsigned char header[NRI_MUX_HEADER_BYTES];
	unsigned have;     /* bytes of the header */
	uint32_t id, left; /* of the frame that is being read */
};

struct nri_mux_piece {
	uint32_t id; /* any: what is for an unknown one is dropped by the caller */
	struct str bytes;
};

/*
 * Takes the next piece off *input. Returns 1 and *ret_piece (a span of *input, not empty); 0: *input is used up;
 * -EMSGSIZE a frame is larger than NRI_MUX_PAYLOAD_MAX: the connection is of no more use.
 */
int nri_mux_next(struct nri_mux *mux, struct str *input, struct nri_mux_piece *ret_piece, struct error *err);

void nri_mux_header_write(unsigned char header[static NRI_MUX_HEADER_BYTES], uint32_t id, uint32_t payload_bytes);

#endif
