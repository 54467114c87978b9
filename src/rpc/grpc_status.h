/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_status.h: gRPC's status codes and the texts that travel with a call. Pure.
 * Source: grpc/doc/statuscodes.md, grpc/doc/PROTOCOL-HTTP2.md.
 */
#ifndef RPC_GRPC_STATUS_H
#define RPC_GRPC_STATUS_H

#include <stdint.h>

#include "base/buf.h"

enum grpc_code {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_ALREADY_EXISTS = 6,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_ABORTED = 10,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_DATA_LOSS = 15,
	GRPC_UNAUTHENTICATED = 16,
};

/* "PERMISSION_DENIED"; "?" for a number that is no code. */
const char *grpc_code_name(enum grpc_code code);

/* The code that says best what a room's errno (positive or negative) means to a caller; INTERNAL if nothing fits better. */
enum grpc_code grpc_code_of_errno(int error);

/* A grpc-timeout header: 1 to 8 digits and a unit of HMSmun. Returns 0 or -EINVAL; too long a time is INT64_MAX. */
int grpc_timeout_parse(struct str text, int64_t *ret_ns);

/* Appends `text` as a grpc-message header wants it: '%' and what is not printable ASCII as %XX. */
void grpc_message_encode(struct buf *out, struct str text);

#endif
