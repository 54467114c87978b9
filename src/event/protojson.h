/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/protojson.h: any protobuf-c message as canonical protobuf JSON with the schema's names, led by the
 * descriptors. Rules: reference of the gRPC interface, section 8. Well-known types: wrappers, Timestamp, Duration,
 * FieldMask, Any of these. A repeated message named <Field>Entry of key and value is a map (protobuf-c's descriptors do
 * not tell). One thread per buffer; no state.
 */
#ifndef EVENT_PROTOJSON_H
#define EVENT_PROTOJSON_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

#define PROTOJSON_DEPTH_MAX 32 /* messages within messages */

/*
 * Appends `message` (borrowed) without a newline. Returns 0; -ENOBUFS `out` is too small; -EINVAL a message in an Any
 * is of a type that we do not know or is malformed, or a time is out of range; -E2BIG too deep; -ENOMEM. After a
 * failure the content of `out` is of no use.
 */
int protojson_write(struct buf *out, const ProtobufCMessage *message);

#endif
