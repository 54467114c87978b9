/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const struct grpc_method *method_find(const struct grpc_service *service, const char *path)
{
	for (const struct grpc_method *method = service->methods; method->path; method++)
		if (!strcmp(method->path, path))
			return method;
	return NULL;
}

static bool peer_may_change(const struct grpc_peer *peer)
{
	return peer->is_unix && peer->has_creds && peer->uid == 0;
}

static void deny(struct grpc_call *call)
{
	const struct grpc_service *service = call->conn->service;
	const struct grpc_peer *peer = &call->conn->peer;

	if (service->denied)
		service->denied(service->context, peer, call->path);
	if (!peer->is_unix)
		grpc_call_refuse(
			call, GRPC_PERMISSION_DENIED,
			"%s changes the node's policy state: answered only on the agent's unix socket, to uid 0; "
			"this is a TCP connection",
			call->path);
	else
		grpc_call_refuse(call, GRPC_PERMISSION_DENIED,
				 "%s changes the node's policy state: answered only to uid 0; the caller's uid is %lld",
				 call->path, peer->has_creds ? (long long)peer->uid : -1LL);
}

/* All header fields of a request are here: is it a call that we answer? */
void grpc_request_open(struct grpc_call *call)
{
	const struct grpc_peer *peer = &call->conn->peer;

	call->has_headers = true;
	if (call->header_bytes > GRPC_HEADER_BYTES_MAX) {
		grpc_call_refuse(call, GRPC_RESOURCE_EXHAUSTED, "header fields take more than %d bytes",
				 GRPC_HEADER_BYTES_MAX);
		return;
	}
	if (!call->is_post) {
		grpc_call_http_error(call, "405");
		return;
	}
	if (!call->is_grpc) {
		grpc_call_http_error(call, "415");
		return;
	}
	call->method = method_find(call->conn->service, call->path);
	if (!call->method)
		grpc_call_refuse(call, GRPC_UNIMPLEMENTED, "unknown method %s", call->path);
	else if (call->has_encoding)
		grpc_call_refuse(call, GRPC_UNIMPLEMENTED,
				 "%s: compressed requests are not supported; send grpc-encoding: identity", call->path);
	else if (call->has_bad_timeout)
		grpc_call_refuse(call, GRPC_INTERNAL, "%s: malformed grpc-timeout", call->path);
	else if (call->method->changes && !peer_may_change(peer))
		deny(call);
	else if (call->deadline_ns && call->deadline_ns <= call->conn->now_ns)
		grpc_call_refuse(call, GRPC_DEADLINE_EXCEEDED, "%s: no time was left when the call came in",
				 call->path);
}

static size_t request_max(const struct grpc_call *call)
{
	return call->method->request_max ? call->method->request_max : GRPC_MESSAGE_MAX;
}

static bool request_prefix(struct grpc_call *call)
{
	const uint8_t *p = call->prefix;

	call->request_due = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
	if (p[0])
		grpc_call_refuse(call, GRPC_UNIMPLEMENTED, "%s: compressed requests are not supported", call->path);
	else if (call->request_due > request_max(call))
		grpc_call_refuse(call, GRPC_RESOURCE_EXHAUSTED, "%s: the request of %zu bytes is larger than %zu",
				 call->path, call->request_due, request_max(call));
	return !call->is_answered;
}

/* Room for `n` more bytes, doubling up to what the prefix announced: a peer pays for memory by sending. */
static bool request_reserve(struct grpc_call *call, size_t n)
{
	size_t size = call->request_size ? call->request_size : 1024, more;
	uint8_t *grown;

	if (call->request_size - call->request_len >= n)
		return true;
	while (size - call->request_len < n)
		size *= 2;
	if (size > call->request_due)
		size = call->request_due;
	more = size - call->request_size;
	if (more > GRPC_REQUEST_BYTES_MAX - call->conn->request_bytes || !grpc_budget_take(call->conn, more))
		return false;
	grown = realloc(call->request, size);
	if (!grown) {
		grpc_budget_give(call->conn, more);
		return false;
	}
	call->request = grown;
	call->request_size = size;
	call->conn->request_bytes += more;
	return true;
}

void grpc_request_add(struct grpc_call *call, const uint8_t *bytes, size_t n)
{
	while (n && !call->is_answered && !call->is_handled) {
		size_t part;

		if (call->prefix_len < GRPC_PREFIX_BYTES) {
			call->prefix[call->prefix_len++] = *bytes++;
			n--;
			if (call->prefix_len == GRPC_PREFIX_BYTES && !request_prefix(call))
				return;
			continue;
		}
		part = call->request_due - call->request_len;
		if (!part) {
			grpc_call_refuse(call, GRPC_UNIMPLEMENTED, "%s: more than one request message", call->path);
			return;
		}
		if (part > n)
			part = n;
		if (!request_reserve(call, part)) {
			grpc_call_refuse(call, GRPC_RESOURCE_EXHAUSTED,
					 "%s: too many large requests at a time; try again", call->path);
			return;
		}
		memcpy(call->request + call->request_len, bytes, part);
		call->request_len += part;
		bytes += part;
		n -= part;
	}
}

/* The peer has ended its half of the stream. */
void grpc_request_end(struct grpc_call *call)
{
	const struct grpc_service *service = call->conn->service;
	uint8_t *request;
	size_t len;

	if (call->is_answered || call->is_handled)
		return;
	if (!call->prefix_len) {
		grpc_call_refuse(call, GRPC_UNIMPLEMENTED, "%s: the request message is missing", call->path);
		return;
	}
	if (call->prefix_len < GRPC_PREFIX_BYTES || call->request_len < call->request_due) {
		grpc_call_refuse(call, GRPC_INTERNAL, "%s: the request message is cut", call->path);
		return;
	}
	request = take(call->request); /* for the handler's time: its answer drops what is the call's own */
	len = call->request_len;
	grpc_call_drop_request(call); /* counters only */
	call->is_handled = true;
	call->method->handle(service->context, call, request, len);
	free(request);
}
