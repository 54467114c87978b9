/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/pb_write.h: protobuf's wire format into the caller's buffer, for programs that are too small for a library.
 * Source: protobuf.dev, "Encoding"; proto3. Overflow is sticky in the buffer: check it once at the end.
 */
#ifndef RPC_PB_WRITE_H
#define RPC_PB_WRITE_H

#include "base/buf.h"

/*
 * A string field. Nothing is written for "" (proto3's default). Malformed UTF-8, which receivers refuse, becomes
 * U+FFFD.
 */
void pb_text(struct buf *out, unsigned field, struct str text);

/* As pb_text, but "" is written too: an element of a repeated field, a map's key or value. */
void pb_item(struct buf *out, unsigned field, struct str text);

/* A varint field (bool, enum, int32, int64, uint64). Nothing is written for 0 (proto3's default). */
void pb_number(struct buf *out, unsigned field, uint64_t value);

/*
 * A message or map entry as a field: what is written between pb_open and pb_close is its body. `mark` is what pb_open
 * returned; they nest. The body is moved once if its length needs more than one byte.
 */
size_t pb_open(struct buf *out, unsigned field);
void pb_close(struct buf *out, size_t mark);

#endif
