/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rpc/unix_listener.h"

#define READ_BYTES (64 * 1024)
#define WRITE_BYTES (64 * 1024) /* gathered for one write(2) */
#define FRAME_BYTES (17 * 1024) /* room for the frame that passes WRITE_BYTES */
#define TICK_MS 20              /* how exact deadlines are; only while a call with a deadline waits */

union stream {
	uv_handle_t handle;
	uv_stream_t stream;
	uv_pipe_t pipe;
	uv_tcp_t tcp;
};

struct listener {
	union stream uv;
	struct grpc_server *server;
	bool is_unix;
	struct unix_listener file;
};

struct connection {
	union stream uv;
	struct connection *newer, *older; /* by last use */
	LIST_ENTRY(connection) woken;     /* has output that nobody has sent yet */
	struct grpc_server *server;
	struct grpc_conn *grpc;
	uv_write_t request;
	uint8_t *pending; /* what the socket did not take yet */
	bool is_unix, is_writing, is_closing, is_paused, is_over, is_woken;
};

struct grpc_server {
	uv_loop_t *loop;
	struct grpc_service service;
	struct grpc_budget budget;
	struct listener *listener[GRPC_LISTENERS_MAX];
	size_t listeners;
	struct connection *newest, *oldest;
	size_t open_unix, open_tcp, limit_unix, limit_tcp;
	LIST_HEAD(woken, connection) woken;
	uv_prepare_t flush;
	uv_timer_t tick;
	bool is_ticking, is_stopped;
	struct grpc_server_stats stats;
	uint8_t in[READ_BYTES];
	uint8_t out[WRITE_BYTES + FRAME_BYTES];
};

/* --- connections by last use --- */

static void unlink_connection(struct connection *c)
{
	struct grpc_server *server = c->server;

	*(c->newer ? &c->newer->older : &server->newest) = c->older;
	*(c->older ? &c->older->newer : &server->oldest) = c->newer;
}

static void link_newest(struct connection *c)
{
	struct grpc_server *server = c->server;

	c->newer = NULL;
	c->older = server->newest;
	*(server->newest ? &server->newest->newer : &server->oldest) = c;
	server->newest = c;
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	free(c->pending);
	free(c);
}

static void connection_close(struct connection *c)
{
	if (c->is_closing)
		return;
	c->is_closing = true;
	unlink_connection(c);
	if (c->is_woken)
		LIST_REMOVE(c, woken);
	if (c->is_unix)
		c->server->open_unix--;
	else
		c->server->open_tcp--;
	grpc_conn_free(take(c->grpc));
	uv_close(&c->uv.handle, on_closed);
}

static void connection_flush(struct connection *c);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf);

static void on_written(uv_write_t *request, int status)
{
	struct connection *c = request->data;

	free(take(c->pending));
	c->is_writing = false;
	if (c->is_closing)
		return;
	if (status < 0) {
		connection_close(c);
		return;
	}
	connection_flush(c);
	if (c->is_closing || c->is_writing || !c->is_paused)
		return;
	c->is_paused = false;
	if (uv_read_start(&c->uv.stream, on_alloc, on_read) < 0)
		connection_close(c);
}

/* Gives `len` bytes of server->out to the socket; what it does not take waits in memory of its own. */
static int connection_write(struct connection *c, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)c->server->out, (unsigned)len);
	int n = uv_try_write(&c->uv.stream, &buf, 1);

	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0)
		return n;
	if ((size_t)n == len)
		return 0;
	c->pending = malloc(len - (size_t)n);
	if (!c->pending)
		return -ENOMEM;
	memcpy(c->pending, c->server->out + n, len - (size_t)n);
	buf = uv_buf_init((char *)c->pending, (unsigned)(len - (size_t)n));
	c->request.data = c;
	n = uv_write(&c->request, &c->uv.stream, &buf, 1, on_written);
	if (n < 0)
		return n;
	c->is_writing = true;
	return 0;
}

static void connection_flush(struct connection *c)
{
	while (!c->is_writing) {
		size_t len = 0;
		ssize_t n = 0;

		while (len < WRITE_BYTES) {
			const uint8_t *bytes;

			n = grpc_conn_output(c->grpc, &bytes);
			if (n <= 0)
				break;
			if ((size_t)n > sizeof c->server->out - len) {
				n = -EPROTO; /* larger than any frame of ours */
				break;
			}
			memcpy(c->server->out + len, bytes, (size_t)n);
			len += (size_t)n;
		}
		if (n < 0 || (len && connection_write(c, len) < 0)) {
			connection_close(c);
			return;
		}
		if (!len) {
			if (c->is_over || grpc_conn_is_over(c->grpc))
				connection_close(c);
			return;
		}
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct grpc_server *server = timer->data;
	int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	bool waits = false;

	for (struct connection *c = server->newest, *older; c; c = older) {
		int64_t deadline = grpc_conn_is_idle(c->grpc) ? INT64_MAX : grpc_conn_deadline(c->grpc);

		older = c->older;
		if (deadline == INT64_MAX)
			continue;
		waits = true;
		if (deadline > now_ns)
			continue;
		grpc_conn_tick(c->grpc, now_ns);
		connection_flush(c);
	}
	if (!waits) {
		server->is_ticking = false;
		(void)uv_timer_stop(timer);
	}
}

static void tick_start(struct connection *c)
{
	struct grpc_server *server = c->server;

	if (server->is_ticking || server->is_stopped || grpc_conn_deadline(c->grpc) == INT64_MAX)
		return;
	server->is_ticking = uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS) == 0;
}

/*
 * An answer was given outside of the connection's own events. It is sent before the loop sleeps, not here: a broken
 * connection would end calls, and their owners, in the middle of somebody's loop over them.
 */
static void on_wake(void *context, struct grpc_conn *grpc)
{
	struct connection *c = context;

	(void)grpc;
	if (c->is_closing || c->is_woken)
		return;
	c->is_woken = true;
	LIST_INSERT_HEAD(&c->server->woken, c, woken);
}

static void on_flush(uv_prepare_t *prepare)
{
	struct grpc_server *server = prepare->data;
	struct connection *c;

	while ((c = LIST_FIRST(&server->woken))) {
		LIST_REMOVE(c, woken);
		c->is_woken = false;
		connection_flush(c);
	}
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct connection *c = handle->data;

	(void)size;
	*buf = uv_buf_init((char *)c->server->in, sizeof c->server->in);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	if (n == 0)
		return;
	if (n < 0) {
		connection_close(c);
		return;
	}
	unlink_connection(c);
	link_newest(c);
	if (grpc_conn_feed(c->grpc, (const uint8_t *)buf->base, (size_t)n, clock_now_ns(CLOCK_MONOTONIC)) < 0) {
		c->server->stats.failed++;
		c->is_over = true;
		(void)uv_read_stop(stream);
	}
	connection_flush(c);
	if (c->is_closing)
		return;
	tick_start(c);
	if (c->is_writing && !c->is_paused) {
		c->is_paused = true; /* the peer does not read: nothing more is taken from it */
		(void)uv_read_stop(stream);
	}
}

/* --- accepting --- */

static void peer_of(struct connection *c, struct grpc_peer *ret_peer)
{
	struct ucred creds;
	socklen_t size = sizeof creds;
	uv_os_fd_t fd;

	*ret_peer = (struct grpc_peer){ .is_unix = c->is_unix };
	if (!c->is_unix || uv_fileno(&c->uv.handle, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &size) < 0)
		return;
	ret_peer->has_creds = true;
	ret_peer->uid = creds.uid;
	ret_peer->gid = creds.gid;
	ret_peer->pid = creds.pid;
}

/* Makes room for one more connection of that kind. */
static bool evict(struct grpc_server *server, bool is_unix)
{
	if ((is_unix ? server->open_unix < server->limit_unix : server->open_tcp < server->limit_tcp))
		return true;
	for (struct connection *c = server->oldest; c; c = c->newer) {
		if (c->is_unix != is_unix || !grpc_conn_is_idle(c->grpc))
			continue;
		server->stats.evicted++;
		connection_close(c);
		return true;
	}
	return false;
}

static void on_refused_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *listener = stream->data;
	struct grpc_server *server = listener->server;
	struct grpc_peer peer;
	struct connection *c;
	int r;

	if (status < 0) {
		server->stats.refused++;
		return;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		return; /* libuv accepts nothing more at this address then: without 1 KiB of memory the agent can't
			   answer either */
	c->server = server;
	c->is_unix = listener->is_unix;
	r = c->is_unix ? uv_pipe_init(server->loop, &c->uv.pipe, 0) : uv_tcp_init(server->loop, &c->uv.tcp);
	if (r < 0) {
		free(c);
		return;
	}
	c->uv.handle.data = c;
	r = uv_accept(stream, &c->uv.stream);
	if (r >= 0 && !evict(server, c->is_unix))
		r = -EMFILE;
	if (r >= 0) {
		peer_of(c, &peer);
		r = grpc_conn_new(&server->service, &peer, on_wake, c, &c->grpc);
	}
	if (r < 0) {
		server->stats.refused++;
		uv_close(&c->uv.handle, on_refused_closed);
		return;
	}
	if (!c->is_unix)
		(void)uv_tcp_nodelay(&c->uv.tcp, 1); /* slower without */
	server->stats.accepted++;
	if (c->is_unix)
		server->open_unix++;
	else
		server->open_tcp++;
	link_newest(c);
	if (uv_read_start(&c->uv.stream, on_alloc, on_read) < 0)
		connection_close(c);
	else
		connection_flush(c);
}

static int listen_unix(struct listener *listener, const char *path, struct error *err)
{
	uv_loop_t *loop = listener->server->loop;
	int r = unix_listener_open(path, GRPC_BACKLOG, &listener->file, err);

	if (r < 0)
		return r;
	r = uv_pipe_init(loop, &listener->uv.pipe, 0);
	if (r >= 0)
		r = uv_pipe_open(&listener->uv.pipe, listener->file.fd);
	if (r < 0) {
		(void)close(listener->file.fd);
		unix_listener_remove(&listener->file);
		return error_set(err, -r, "%s: %s", path, uv_strerror(r));
	}
	return 0;
}

static int tcp_address(const char *address, struct sockaddr_storage *ret_address, struct error *err)
{
	const char *colon = strrchr(address, ':'), *port = GRPC_ADDRESS_DEFAULT_PORT;
	size_t host_len = strlen(address);
	char host[INET6_ADDRSTRLEN + 2], *end;
	struct buf text = buf_over(host, sizeof host);
	long number;

	if (colon && (*address != '[' || colon[-1] == ']')) {
		port = colon + 1;
		host_len = (size_t)(colon - address);
	}
	if (host_len >= 2 && address[0] == '[' && address[host_len - 1] == ']')
		buf_add(&text, address + 1, host_len - 2);
	else
		buf_add(&text, address, host_len);
	if (str_is(str_of(host), "localhost"))
		text = buf_over(host, sizeof host), buf_text(&text, "127.0.0.1");
	errno = 0;
	number = strtol(port, &end, 10);
	if (errno || end == port || *end || *port == '+' || number < 0 || number > 65535)
		return error_set(err, EINVAL, "%s: '%s' is no port", address, port);
	if (!text.overflow && !uv_ip4_addr(host_len ? host : "0.0.0.0", (int)number, (struct sockaddr_in *)ret_address))
		return 0;
	if (!text.overflow && !uv_ip6_addr(host, (int)number, (struct sockaddr_in6 *)ret_address))
		return 0;
	return error_set(err, EINVAL, "%s: want unix:///path or an IP address and a port, such as 127.0.0.1:%s",
			 address, GRPC_ADDRESS_DEFAULT_PORT);
}

static void on_listener_freed(uv_handle_t *handle)
{
	free(handle->data);
}

static int listen_tcp(struct listener *listener, const char *address, struct error *err)
{
	struct sockaddr_storage storage;
	int r = tcp_address(address, &storage, err);

	if (r < 0)
		return r;
	r = uv_tcp_init(listener->server->loop, &listener->uv.tcp);
	if (r < 0)
		return error_set(err, -r, "%s: %s", address, uv_strerror(r));
	r = uv_tcp_bind(&listener->uv.tcp, (struct sockaddr *)&storage, 0);
	if (r < 0) {
		listener->uv.handle.data = listener;
		uv_close(&listener->uv.handle, on_listener_freed);
		return error_set(err, -r, "%s: %s", address, uv_strerror(r)); /* the loop frees it */
	}
	return 0;
}

int grpc_server_listen(struct grpc_server *server, const char *address, struct error *err)
{
	const struct str unix_scheme = STR("unix://");
	struct listener *listener;
	int r;

	if (server->listeners == GRPC_LISTENERS_MAX)
		return error_set(err, ENOSPC, "%s: more than %d addresses", address, GRPC_LISTENERS_MAX);
	if (str_starts(str_of(address), unix_scheme) && address[unix_scheme.len] != '/')
		return error_set(err, EINVAL, "path %s (%s) is not absolute", address + unix_scheme.len, address);
	if (!str_starts(str_of(address), unix_scheme) && strstr(address, "://"))
		return error_set(err, EINVAL, "%s: unknown scheme; want unix:///path or HOST:PORT", address);
	listener = calloc(1, sizeof *listener);
	if (!listener)
		return error_errno(err, ENOMEM, "%s", address);
	listener->server = server;
	listener->is_unix = str_starts(str_of(address), unix_scheme);
	r = listener->is_unix ? listen_unix(listener, address + unix_scheme.len, err)
			      : listen_tcp(listener, address, err);
	if (r < 0) {
		if (!listener->uv.handle.data)
			free(listener);
		return r;
	}
	listener->uv.handle.data = listener;
	server->listener[server->listeners++] = listener;
	r = uv_listen(&listener->uv.stream, GRPC_BACKLOG, on_connection);
	if (r < 0)
		return error_set(err, -r, "%s: %s", address, uv_strerror(r));
	return 0;
}

/* Half of the descriptors at most are connections: the rest is for maps, /proc, cgroups. */
static size_t limit_of(size_t wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY || files.rlim_cur / 4 > wanted)
		return wanted;
	return files.rlim_cur / 4 > 16 ? (size_t)files.rlim_cur / 4 : 16;
}

int grpc_server_new(uv_loop_t *loop, const struct grpc_method *methods, void *context, struct grpc_server **ret_server)
{
	struct grpc_server *server = calloc(1, sizeof *server);

	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->budget.max = GRPC_MEMORY_MAX;
	server->service = (struct grpc_service){ .methods = methods, .context = context, .budget = &server->budget };
	server->limit_unix = limit_of(GRPC_UNIX_CONNECTIONS_MAX);
	server->limit_tcp = limit_of(GRPC_TCP_CONNECTIONS_MAX);
	(void)uv_timer_init(loop, &server->tick); /* these three can't fail */
	(void)uv_prepare_init(loop, &server->flush);
	server->tick.data = server->flush.data = server;
	(void)uv_prepare_start(&server->flush, on_flush);
	*ret_server = server;
	return 0;
}

void grpc_server_on_denied(struct grpc_server *server,
			   void (*denied)(void *context, const struct grpc_peer *peer, const char *path))
{
	server->service.denied = denied;
}

void grpc_server_stop(struct grpc_server *server)
{
	if (server->is_stopped)
		return;
	server->is_stopped = true;
	for (size_t i = 0; i < server->listeners; i++) {
		struct listener *listener = server->listener[i];

		if (listener->is_unix)
			unix_listener_remove(&listener->file);
		uv_close(&listener->uv.handle, on_listener_freed);
	}
	server->listeners = 0;
	while (server->newest)
		connection_close(server->newest);
	uv_close((uv_handle_t *)&server->tick, NULL);
	uv_close((uv_handle_t *)&server->flush, NULL);
}

void grpc_server_free(struct grpc_server *server)
{
	free(server);
}

void grpc_server_stats(const struct grpc_server *server, struct grpc_server_stats *ret_stats)
{
	*ret_stats = server->stats;
	ret_stats->open = (uint32_t)(server->open_unix + server->open_tcp);
}
