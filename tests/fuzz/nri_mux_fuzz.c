/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes behind one that says in what pieces they come: the pieces of each connection, put together, do not depend on
 * it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "rpc/nri_mux.h"

/* A running sum of ids and bytes: order counts, cuts do not. Returns bytes taken. */
static size_t run(const uint8_t *data, size_t size, size_t step, uint64_t *ret_sum, int *ret_result)
{
	struct nri_mux mux = { 0 };
	uint64_t sum = 1;
	size_t taken = 0;
	int r = 0;

	for (size_t at = 0; at < size && r >= 0; at += step) {
		size_t n = size - at < step ? size - at : step;
		char *copy = malloc(n);
		struct str input = { copy, n };
		struct nri_mux_piece piece;

		assert(copy);
		memcpy(copy, data + at, n);
		while ((r = nri_mux_next(&mux, &input, &piece, NULL)) > 0) {
			assert(piece.bytes.len && piece.bytes.p >= copy && piece.bytes.p + piece.bytes.len <= copy + n);
			for (size_t i = 0; i < piece.bytes.len; i++)
				sum = (sum ^ piece.id) * 31 + (unsigned char)piece.bytes.p[i];
			taken += piece.bytes.len;
		}
		assert(r < 0 || !input.len);
		free(copy);
	}
	*ret_sum = sum;
	*ret_result = r;
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole, cut;
	int whole_result, cut_result;

	if (!size)
		return 0;
	assert(run(data + 1, size - 1, size, &whole, &whole_result) ==
	       run(data + 1, size - 1, data[0] + 1u, &cut, &cut_result));
	assert(whole == cut && whole_result == cut_result);
	return 0;
}
