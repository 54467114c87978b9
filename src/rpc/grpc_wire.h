/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_wire.h: what the server writes and reads in gRPC's header fields. Pure; any thread.
 * Source: grpc/grpc, doc/PROTOCOL-HTTP2.md.
 */
#ifndef RPC_GRPC_WIRE_H
#define RPC_GRPC_WIRE_H

#include <stdint.h>

#include "rpc/grpc_status.h"

/* The status that says best what a negative errno (or its positive) means to a caller. */
enum grpc_status grpc_status_of_errno(int error);

/* grpc-timeout: 1 to 8 digits and a unit of "HMSmun". 0 and *ret_ns (>= 0), or -EINVAL. Hours saturate at INT64_MAX. */
int grpc_timeout_parse(struct str text, int64_t *ret_ns);

/*
 * grpc-message: bytes outside 0x20 to 0x7e, and '%', become %XX; so does a blank at either end, which a field's value
 * may not have (RFC 9113, section 8.2.1).
 */
void grpc_message_encode(struct buf *out, struct str text);

#endif
