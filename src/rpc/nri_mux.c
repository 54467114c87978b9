/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/nri_mux.h"

#include <errno.h>

#include "rpc/big_endian.h"
#include "base/error.h"

int nri_mux_next(struct nri_mux *mux, struct str *input, struct nri_mux_piece *ret_piece, struct error *err)
{
	while (input->len) {
		if (mux->left) {
			size_t n = input->len < mux->left ? input->len : mux->left;

			*ret_piece = (struct nri_mux_piece){ mux->id, { input->p, n } };
			*input = str_from(*input, n);
			mux->left -= (uint32_t)n;
			return 1;
		}
		mux->header[mux->have++] = (unsigned char)*input->p;
		*input = str_from(*input, 1);
		if (mux->have < NRI_MUX_HEADER_BYTES)
			continue;
		mux->have = 0;
		mux->id = big_endian_read(mux->header);
		mux->left = big_endian_read(mux->header + 4);
		if (mux->left > NRI_MUX_PAYLOAD_MAX)
			return error_set(err, EMSGSIZE, "frame of %u bytes for connection %u: want at most %u",
					 (unsigned)mux->left, (unsigned)mux->id, (unsigned)NRI_MUX_PAYLOAD_MAX);
	}
	return 0;
}

void nri_mux_header_write(unsigned char header[static NRI_MUX_HEADER_BYTES], uint32_t id, uint32_t payload_bytes)
{
	big_endian_write(header, id);
	big_endian_write(header + 4, payload_bytes);
}
