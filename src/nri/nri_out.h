/* SPDX-License-Identifier: Apache-2.0 */
/* src/nri/nri_out.h: what waits to be sent, as frames of the multiplexer. A part of nri_session.h. */
#ifndef NRI_NRI_OUT_H
#define NRI_NRI_OUT_H

#include "rpc/ttrpc.h"

struct nri_out { /* zero-initialised */
	char *p; /* heap */
	size_t size, len, sent;
};

/*
 * Appends one message for connection `id`: in one frame where the runtime's reader can take it so, else header and
 * payload apart (rpc/nri_mux.h, NRI_MUX_FRAME_SAFE). Returns 0; -ENOBUFS more than NRI_OUT_MAX bytes would wait;
 * -ENOMEM.
 */
int nri_out_request(struct nri_out *out, uint32_t id, uint32_t stream, const struct ttrpc_request *request,
		    struct error *err);
int nri_out_response(struct nri_out *out, uint32_t id, uint32_t stream, const struct ttrpc_response *response,
		     struct error *err);

struct str nri_out_bytes(const struct nri_out *out);
void nri_out_sent(struct nri_out *out, size_t n);
void nri_out_done(struct nri_out *out);

#endif
