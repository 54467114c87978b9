/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define RECEIVE_BYTES 16384

/* A call under way. */
struct attempt {
	struct grpc_unary *unary;
	const struct grpc_call_limits *limits;
	int64_t until_ns; /* the soft limit, later the deadline */
};

/*
 * Not the system's words for ENOENT: podman takes "No such file or directory" on a hook's standard error for a missing
 * program of the container and says so to the user.
 */
static const char *refusal(int code)
{
	switch (code) {
	case EAGAIN:
		return "its queue of connections is full";
	case ENOENT:
		return "the socket is not there";
	}
	return strerror(code);
}

static bool is_late(struct attempt *attempt, int64_t now_ns)
{
	const struct grpc_call_limits *limits = attempt->limits;

	if (now_ns < attempt->until_ns)
		return false;
	if (attempt->until_ns < limits->deadline_ns && limits->is_worth_more(limits->user))
		attempt->until_ns = limits->deadline_ns;
	return now_ns >= attempt->until_ns;
}

/* Waits for `events`. Returns 1 when there are some; 0 after the call was ended here (deadline, signal). */
static int wait_for(struct attempt *attempt, int fd, short events)
{
	const struct grpc_call_limits *limits = attempt->limits;
	struct pollfd poll_fd = { .fd = fd, .events = events };

	for (;;) {
		int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC), left;
		struct timespec timeout;
		int r;

		if (limits->stop && *limits->stop) {
			grpc_unary_end(attempt->unary, GRPC_STOPPED, GRPC_CANCELLED, "ended by a signal");
			return 0;
		}
		if (is_late(attempt, now_ns)) {
			grpc_unary_end(attempt->unary, GRPC_NO_ANSWER, GRPC_DEADLINE_EXCEEDED,
				       "no answer within the time-out");
			return 0;
		}
		left = attempt->until_ns - now_ns;
		timeout = (struct timespec){ .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
		r = ppoll(&poll_fd, 1, &timeout, limits->mask);
		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR) {
			grpc_unary_eof(attempt->unary, strerror(errno));
			return 0;
		}
	}
}

/* Returns a connected socket, or -1 after the call was ended here. */
static int connect_to(struct attempt *attempt, const struct grpc_target *target, bool *ret_is_queue_full)
{
	auto_close int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(int);
	int error = 0;

	if (fd < 0) {
		grpc_unary_eof(attempt->unary, strerror(errno));
		return -1;
	}
	if (connect(fd, (const struct sockaddr *)&target->address, target->length) < 0) {
		error = errno;
		if (error == EINPROGRESS) {
			if (!wait_for(attempt, fd, POLLOUT))
				return -1;
			if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
				error = errno;
		}
	}
	if (error) {
		*ret_is_queue_full = error == EAGAIN;
		grpc_unary_eof(attempt->unary, refusal(error));
		return -1;
	}
	return take_fd(&fd);
}

/* Sends what there is. False if the socket takes no more for good: an answer may still be there to read. */
static bool send_all(struct grpc_unary *unary, int fd, bool *ret_is_full)
{
	struct str out;

	*ret_is_full = false;
	while ((out = grpc_unary_out(unary)).len) {
		ssize_t n = send(fd, out.p, out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			*ret_is_full = true;
			return true;
		}
		if (n < 0)
			return false;
		grpc_unary_sent(unary, (size_t)n);
	}
	return true;
}

static void exchange(struct attempt *attempt, int fd)
{
	struct grpc_unary *unary = attempt->unary;
	char bytes[RECEIVE_BYTES];
	bool can_send = true, is_full;

	while (!grpc_unary_result(unary)) {
		ssize_t n;

		is_full = false;
		if (can_send)
			can_send = send_all(unary, fd, &is_full);
		if (grpc_unary_result(unary) || !wait_for(attempt, fd, (short)(POLLIN | (is_full ? POLLOUT : 0))))
			return;
		n = recv(fd, bytes, sizeof bytes, 0);
		if (n > 0)
			grpc_unary_feed(unary, bytes, (size_t)n);
		else if (!n)
			grpc_unary_eof(unary, NULL);
		else if (errno != EAGAIN && errno != EINTR)
			grpc_unary_eof(unary, strerror(errno));
	}
}

void grpc_client_call(const struct grpc_target *target, const struct grpc_request *request,
		      const struct grpc_call_limits *limits, struct arena *arena, struct buf *response,
		      struct grpc_result *ret_result)
{
	struct grpc_request timed = *request;
	size_t before = arena->used;
	bool has_soft = limits->is_worth_more && limits->soft_ns < limits->deadline_ns;
	struct attempt attempt = { .limits = limits, .until_ns = has_soft ? limits->soft_ns : limits->deadline_ns };
	struct error err = { 0 };
	bool is_queue_full = false;

	timed.timeout_ns = limits->deadline_ns - clock_now_ns(CLOCK_MONOTONIC);
	if (grpc_unary_new(arena, &timed, response, &attempt.unary, &err) < 0) {
		*ret_result = (struct grpc_result){ .outcome = GRPC_NO_CONNECTION, .status = GRPC_RESOURCE_EXHAUSTED };
		memcpy(ret_result->message, err.text, sizeof ret_result->message - 1);
	} else {
		auto_close int fd = connect_to(&attempt, target, &is_queue_full);

		if (fd >= 0)
			exchange(&attempt, fd);
		*ret_result = *grpc_unary_result(attempt.unary);
		ret_result->is_retried_soon = is_queue_full;
	}
	arena->used = before;
}

void grpc_kept_init(struct grpc_kept *kept, const struct grpc_target *target, void *memory)
{
	*kept = (struct grpc_kept){ .target = target, .arena = arena_over(memory, GRPC_KEPT_ARENA_BYTES), .fd = -1 };
}

void grpc_kept_close(struct grpc_kept *kept)
{
	if (kept->fd >= 0)
		(void)close(kept->fd); /* nothing to be done about it */
	kept->fd = -1;
	kept->unary = NULL;
	kept->arena.used = 0;
}

/* True if the connection is there and takes another call. */
static bool is_reused(struct grpc_kept *kept, const struct grpc_request *request, struct buf *response)
{
	struct pollfd fd = { .fd = kept->fd, .events = POLLRDHUP };

	if (kept->unary && poll(&fd, 1, 0) == 0 && grpc_unary_again(kept->unary, request, response) >= 0)
		return true;
	grpc_kept_close(kept);
	return false;
}

/* False: no memory, and *ret_result says so. */
static bool connect_anew(struct grpc_kept *kept, const struct grpc_request *request, struct attempt *attempt,
			 struct buf *response, bool *ret_is_queue_full)
{
	if (grpc_unary_new(&kept->arena, request, response, &kept->unary, NULL) < 0)
		return false;
	kept->connections++;
	attempt->unary = kept->unary;
	kept->fd = connect_to(attempt, kept->target, ret_is_queue_full);
	return true;
}

void grpc_kept_call(struct grpc_kept *kept, const struct grpc_request *request, const struct grpc_call_limits *limits,
		    struct buf *response, struct grpc_result *ret_result)
{
	bool has_soft = limits->is_worth_more && limits->soft_ns < limits->deadline_ns;
	struct attempt attempt = { .limits = limits, .until_ns = has_soft ? limits->soft_ns : limits->deadline_ns };
	struct grpc_request timed = *request;
	bool reused, is_queue_full = false;

	*ret_result = (struct grpc_result){ .outcome = GRPC_NO_CONNECTION, .status = GRPC_RESOURCE_EXHAUSTED };
	timed.timeout_ns = limits->deadline_ns - clock_now_ns(CLOCK_MONOTONIC);
	reused = is_reused(kept, &timed, response);
	attempt.unary = kept->unary;
	while (reused || connect_anew(kept, &timed, &attempt, response, &is_queue_full)) {
		if (kept->fd >= 0)
			exchange(&attempt, kept->fd);
		*ret_result = *grpc_unary_result(kept->unary);
		if (!reused || ret_result->outcome != GRPC_NO_CONNECTION)
			break;
		grpc_kept_close(kept); /* it died while we were asking: once more, on a new one */
		reused = false;
	}
	ret_result->is_retried_soon = is_queue_full;
	if (ret_result->outcome != GRPC_ANSWERED || !ret_result->is_servers_word)
		grpc_kept_close(kept);
}
