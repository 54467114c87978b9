/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile client's bytes. The first byte of the input says who the peer is and in what pieces the rest comes. What
 * must hold, whatever the bytes are: a call that changes reaches its handler only for root on a unix socket; each call
 * that a handler has got is answered by it or ended, once; the limits of calls and of memory hold; when the connection
 * is gone, all memory is given back; what the server says is within what HTTP/2 lets a peer ask for.
 */
#include <assert.h>
#include <stdlib.h>

#include "rpc/grpc_conn.h"

#define HELD_MAX (GRPC_STREAMS_MAX + 1)

struct server {
	struct grpc_call *held[HELD_MAX]; /* not answered yet */
	size_t helds;
	bool may_change;
};

static void forget(struct server *server, struct grpc_call *call)
{
	for (size_t i = 0; i < server->helds; i++) {
		if (server->held[i] != call)
			continue;
		server->held[i] = server->held[--server->helds];
		return;
	}
	abort(); /* an end of a call that nobody had */
}

static void on_end(void *context, struct grpc_call *call)
{
	forget(context, call);
}

static void hold(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	struct server *server = context;

	(void)message, (void)len;
	assert(server->helds < HELD_MAX);
	server->held[server->helds++] = call;
	grpc_call_on_end(call, on_end, server);
}

static void echo(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	(void)context;
	grpc_call_reply(call, message, len);
}

static void change(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	struct server *server = context;

	(void)message;
	assert(server->may_change);
	grpc_call_fail(call, len % 17, "not \xff today % ");
}

static void stream(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	grpc_call_start(call);
	(void)grpc_call_send(call, message, len);
	hold(context, call, message, len);
}

static const struct grpc_method methods[] = {
	{ "/s/Echo", false, false, 0, echo },
	{ "/s/Hold", false, false, 1000, hold },
	{ "/s/Stream", true, false, 0, stream },
	{ "/tetragon.FineGuidanceSensors/RuntimeHook", false, true, 0, change },
	{ "/tetragon.FineGuidanceSensors/GetVersion", false, false, 4096, echo },
	{ 0 },
};

static void drain(struct grpc_conn *conn)
{
	const uint8_t *bytes;
	ssize_t n;

	while ((n = grpc_conn_output(conn, &bytes)) > 0)
		assert(n <= 16384 + 9 + 256);
}

/* Half of the held calls are answered now. */
static void answer_some(struct server *server)
{
	for (size_t i = 0; i < server->helds / 2; i++) {
		struct grpc_call *call = server->held[0];

		(void)grpc_call_send(call, "later", 5);
		forget(server, call);
		grpc_call_fail(call, GRPC_OK, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 7, 64, 65536 };
	struct server server = { 0 };
	struct grpc_budget budget = { .max = 1 << 20 };
	const struct grpc_service service = { .methods = methods, .context = &server, .budget = &budget };
	struct grpc_peer peer = { 0 };
	struct grpc_conn *conn;
	int64_t now_ns = 1000000000;

	if (!size)
		return 0;
	peer.is_unix = data[0] & 1;
	peer.has_creds = data[0] & 2;
	peer.uid = data[0] & 4 ? 1000 : 0;
	server.may_change = peer.is_unix && peer.has_creds && peer.uid == 0;
	assert(grpc_conn_new(&service, &peer, NULL, NULL, &conn) == 0);
	for (size_t at = 1, n; at < size; at += n) {
		n = pieces[data[0] >> 3 & 3];
		if (n > size - at)
			n = size - at;
		if (grpc_conn_feed(conn, data + at, n, now_ns) < 0)
			break;
		assert(budget.used <= budget.max);
		if (data[0] & 32)
			drain(conn);
		if (data[0] & 64)
			answer_some(&server);
		now_ns += 1000000;
		grpc_conn_tick(conn, now_ns);
		assert(grpc_conn_deadline(conn) > now_ns);
	}
	drain(conn);
	grpc_conn_free(conn);
	assert(!server.helds);
	assert(!budget.used);
	return 0;
}
