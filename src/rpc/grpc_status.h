/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/rpc/grpc_status.h: gRPC's status codes, their names as Go's library prints them, and what stands for which code
 * when a peer answers in HTTP's terms. Source: grpc/grpc, doc/statuscodes.md, doc/http-grpc-status-mapping.md,
 * doc/PROTOCOL-HTTP2.md ("Errors"). Pure.
 */
#ifndef RPC_GRPC_STATUS_H
#define RPC_GRPC_STATUS_H

#include <stdint.h>

#include "base/buf.h"

enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
	GRPC_STATUSES,
};

/* "OK", "Canceled", "InvalidArgument" …; "Code" for a number that no code has. */
const char *grpc_status_name(int status);

/* The text of a grpc-status header; GRPC_UNKNOWN if it is no number. A number without a name is passed on. */
int grpc_status_parse(struct str text);

/* Status for an HTTP status other than 200 without grpc-status. */
enum grpc_status grpc_status_of_http(unsigned http_status);

/* Status for an RST_STREAM or GOAWAY error code of HTTP/2. */
enum grpc_status grpc_status_of_h2(uint32_t error_code);

/* Appends the text of a grpc-message header, %XX undone; what is no escape stays. */
void grpc_message_decode(struct buf *out, struct str text);

#endif
