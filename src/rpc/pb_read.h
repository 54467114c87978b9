/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/pb_read.h: protobuf's wire format from the caller's bytes, field by field, without allocation: for programs
 * that are too small for a library, and for messages of which few fields matter. Source: protobuf.dev, "Encoding".
 * Groups, which proto3 does not have, are malformed. Pure.
 */
#ifndef RPC_PB_READ_H
#define RPC_PB_READ_H

#include <stdint.h>

#include "base/str.h"

enum pb_type { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

struct pb_field {
	uint32_t number; /* 1 … 2^29 - 1 */
	enum pb_type type;
	uint64_t value;   /* of the three number types */
	struct str bytes; /* of PB_BYTES: a span of the message */
};

/*
 * Takes the next field off *rest, which begins as the whole message. Returns 1 and *ret_field, 0 at the end, or -EINVAL
 * malformed (*rest is then unspecified).
 */
int pb_next(struct str *rest, struct pb_field *ret_field);

#endif
