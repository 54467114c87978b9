/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/nri_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define READ_BYTES (256 * 1024)
#define READS_MAX                                                                                          \
	64 /* in one step: a runtime that never stops sending must not keep the caller from its other work \
	    */

struct nri_link {
	struct nri_link_options options;
	struct nri_session *session; /* NULL: not connected */
	int fd;
	int64_t wake_ns; /* of the next attempt to connect */
	int64_t backoff_ns;
	bool is_running, is_unreachable_told, is_over;
	char bytes[READ_BYTES]; /* pages that nobody touches cost nothing */
};

int nri_launch_tell(struct nri_launch *ret_launch, struct error *err)
{
	const char *text = getenv("NRI_PLUGIN_SOCKET");
	int flags;
	long fd;
	char *end;

	*ret_launch = (struct nri_launch){ -1, getenv("NRI_PLUGIN_NAME"), getenv("NRI_PLUGIN_IDX") };
	if (!text)
		return 0;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || !*text || *end || fd < 3 || fd > 1024)
		return error_set(err, EINVAL, "environment: NRI_PLUGIN_SOCKET='%s' is no descriptor", text);
	flags = fcntl((int)fd, F_GETFD);
	if (flags < 0 || fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC) < 0)
		return error_errno(err, errno, "environment: NRI_PLUGIN_SOCKET=%s", text);
	ret_launch->fd = (int)fd;
	return 0;
}

struct nri_link *nri_link_new(const struct nri_link_options *options)
{
	struct nri_link *link = malloc(sizeof *link); /* not calloc: see `bytes` */

	if (!link)
		return NULL;
	memset(link, 0, offsetof(struct nri_link, bytes));
	link->options = *options;
	link->fd = -1;
	link->backoff_ns = NRI_BACKOFF_FIRST_NS;
	return link;
}

static void close_all(struct nri_link *link)
{
	nri_session_free(link->session);
	link->session = NULL;
	if (link->fd >= 0)
		(void)close(link->fd); /* nothing to be done about it */
	link->fd = -1;
	link->is_running = false;
}

void nri_link_free(struct nri_link *link)
{
	if (!link)
		return;
	close_all(link);
	if (link->options.fd >= 0)
		(void)close(link->options.fd); /* never used */
	free(link);
}

static void tell(struct nri_link *link, enum nri_news news, const char *text)
{
	if (link->options.told)
		link->options.told(link->options.user, news, text);
}

/* The next attempt: soon at first, then ever later. */
static void wait_longer(struct nri_link *link, int64_t now_ns, int64_t limit_ns)
{
	link->wake_ns = now_ns + link->backoff_ns;
	link->backoff_ns = link->backoff_ns * 2 < limit_ns ? link->backoff_ns * 2 : limit_ns;
}

static void lose(struct nri_link *link, int64_t now_ns, const char *why)
{
	if (link->is_running) /* it worked: at once again */
		link->backoff_ns = NRI_BACKOFF_FIRST_NS;
	close_all(link);
	wait_longer(link, now_ns, NRI_BACKOFF_START_NS);
	link->is_over = link->options.is_once || link->options.fd == -2;
	tell(link, NRI_NEWS_LOST, why);
}

void nri_link_drop(struct nri_link *link, const char *why)
{
	if (link->session)
		lose(link, clock_now_ns(CLOCK_MONOTONIC), why);
}

/* Whoever listens there is believed about containers: root, or whoever runs this process. */
static int peer_check(int fd, const char *path, struct error *err)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return error_errno(err, errno, "%s", path);
	if (peer.uid != 0 && peer.uid != geteuid())
		return error_set(err, EPERM, "%s: user %u listens there: no runtime of this host", path, peer.uid);
	return 0;
}

/* "Connection refused" alone says little. Returns -number. */
static int refused_tell(const char *path, int number, struct error *err)
{
	struct stat info;

	if (number != ECONNREFUSED || stat(path, &info) < 0)
		return error_errno(err, number, "%s", path);
	return error_set(err, ECONNREFUSED,
			 S_ISSOCK(info.st_mode) ? "%s: nobody listens there; is the runtime running, with NRI on?"
						: "%s: is no socket",
			 path);
}

static int socket_connect(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t n = strlen(path);

	if (n >= sizeof address.sun_path)
		return error_set(err, ENAMETOOLONG, "%s: longer than a socket's name can be", path);
	memcpy(address.sun_path, path, n);
	if (fd < 0)
		return error_errno(err, errno, "socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return refused_tell(path, errno, err);
	if (peer_check(fd, path, err) < 0)
		return -EPERM;
	return take_fd(&fd);
}

/* A launched plugin's descriptor may be a blocking one. */
static int launched_take(struct nri_link *link, struct error *err)
{
	int fd = link->options.fd, flags = fcntl(fd, F_GETFL);

	link->options.fd = -2; /* had */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, errno, "descriptor %d of the runtime", fd);
	return fd;
}

static void connect_now(struct nri_link *link, int64_t now_ns)
{
	struct error err = { 0 };
	int fd = link->options.fd >= 0 ? launched_take(link, &err) : socket_connect(link->options.socket, &err);

	if (fd >= 0) {
		link->fd = fd;
		link->session = nri_session_new(link->options.plugin, now_ns);
		if (!link->session) {
			close_all(link);
			(void)error_set(&err, ENOMEM, "no memory for a session");
		}
	}
	if (!link->session) {
		wait_longer(link, now_ns, NRI_BACKOFF_CONNECT_NS);
		link->is_over = link->options.is_once || link->options.fd == -2;
		if (!link->is_unreachable_told)
			tell(link, NRI_NEWS_UNREACHABLE, err.text);
		link->is_unreachable_told = true;
		return;
	}
	link->is_unreachable_told = false;
	tell(link, NRI_NEWS_CONNECTED, link->options.socket);
}

/* `number` is an errno, or 0 for the end of the stream. Where the runtime closed, its phase tells why. */
static void lose_for(struct nri_link *link, int64_t now_ns, int number)
{
	enum nri_phase phase = nri_session_phase(link->session);
	struct error err = { 0 };

	if (number && number != EPIPE && number != ECONNRESET)
		(void)error_set(&err, number, "%s", strerror(number));
	else if (phase == NRI_REGISTERING)
		(void)error_set(&err, ECONNRESET, "closed by the runtime while the plugin registered");
	else if (phase == NRI_SYNCHRONIZING) /* a list that it cannot split: docs/nri.md */
		(void)error_set(&err, ECONNRESET,
				"closed by the runtime while it listed its containers, after %llu parts of the list",
				(unsigned long long)nri_session_counts(link->session)->list_parts);
	else
		(void)error_set(&err, ECONNRESET, "closed by the runtime");
	lose(link, now_ns, err.text);
}

/* False: the connection is gone (and that was told). */
static bool send_all(struct nri_link *link, int64_t now_ns)
{
	struct str out;

	while ((out = nri_session_out(link->session)).len) {
		ssize_t n = send(link->fd, out.p, out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			lose_for(link, now_ns, errno);
			return false;
		}
		nri_session_sent(link->session, (size_t)n);
	}
	return true;
}

/*
 * The runtime has hung up already: what it sent before waits for no answer any more. It matters after a long stop of
 * this process: the containers of those requests have started, and are found by the next list as what they are.
 */
static bool is_stale(const struct nri_link *link)
{
	struct pollfd fd = { .fd = link->fd, .events = POLLRDHUP };

	return link->is_running && poll(&fd, 1, 0) > 0 && fd.revents & (POLLRDHUP | POLLHUP);
}

/* True if something came, and there may be more. */
static bool receive(struct nri_link *link, int64_t *now_ns)
{
	struct error err = { 0 };
	ssize_t n = recv(link->fd, link->bytes, sizeof link->bytes, 0);

	if (n < 0)
		return errno == EINTR || (errno != EAGAIN && (lose_for(link, *now_ns, errno), false));
	if (!n || is_stale(link)) {
		lose_for(link, *now_ns, 0);
		return false;
	}
	*now_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (nri_session_feed(link->session, link->bytes, (size_t)n, *now_ns, &err) < 0) {
		(void)send_all(link, *now_ns); /* answers that were ready before */
		if (link->session)
			lose(link, *now_ns, err.text);
		return false;
	}
	if (!send_all(link, *now_ns))
		return false;
	if (!link->is_running && nri_session_phase(link->session) == NRI_IS_RUNNING) {
		link->is_running = true;
		tell(link, NRI_NEWS_RUNNING, "");
	}
	return link->session != NULL;
}

int nri_link_step(struct nri_link *link, struct error *err)
{
	int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);

	if (!link->session && !link->is_over && now_ns >= link->wake_ns)
		connect_now(link, now_ns);
	if (link->session && send_all(link, now_ns))
		for (int i = 0; i < READS_MAX && receive(link, &now_ns); i++)
			;
	if (link->session && now_ns >= nri_session_deadline_ns(link->session))
		lose(link, now_ns, "the runtime does not go on with the registration");
	return link->is_over ? error_set(err, ENOTCONN, "the connection with the runtime is over") : 0;
}

int nri_link_fd(const struct nri_link *link)
{
	return link->fd;
}

short nri_link_events(const struct nri_link *link)
{
	return (short)(POLLIN | (link->session && nri_session_out(link->session).len ? POLLOUT : 0));
}

int64_t nri_link_wake_ns(const struct nri_link *link)
{
	return link->session ? nri_session_deadline_ns(link->session) : link->wake_ns;
}

bool nri_link_is_running(const struct nri_link *link)
{
	return link->is_running;
}

struct nri_session *nri_link_session(struct nri_link *link)
{
	return link->session;
}
