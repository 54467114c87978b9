/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/guard_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

struct guard_uv {
	struct guard *guard;
	struct nri_link *link;
	uv_poll_t poll; /* on `epoll` */
	uv_timer_t timer;
	int epoll;
	unsigned open; /* handles that are not closed yet */
	bool is_over;
};

/* Poll's and epoll's bits for in and out are the same numbers. A descriptor that was closed has left by itself. */
static void watch(struct guard_uv *uv, int fd, short events)
{
	struct epoll_event event = { .events = (uint32_t)(unsigned short)events, .data.fd = fd };

	if (fd >= 0 && epoll_ctl(uv->epoll, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT)
		(void)epoll_ctl(uv->epoll, EPOLL_CTL_ADD, fd, &event); /* if it fails, the timer is what is left */
}

static void step(struct guard_uv *uv);

static void on_timer(uv_timer_t *timer)
{
	step(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	step(poll->data);
}

static void step(struct guard_uv *uv)
{
	int64_t wake_ns, left_ns;
	short events = 0;
	int fd;

	if (uv->is_over)
		return;
	if (nri_link_step(uv->link, NULL) < 0) {
		uv->is_over = true; /* told by the link */
		return;
	}
	reconcile_step(&uv->guard->reconcile);
	watch(uv, nri_link_fd(uv->link), nri_link_events(uv->link));
	fd = reconcile_fd(&uv->guard->reconcile, &events);
	watch(uv, fd, events);
	wake_ns = nri_link_wake_ns(uv->link);
	if (reconcile_wake_ns(&uv->guard->reconcile) < wake_ns)
		wake_ns = reconcile_wake_ns(&uv->guard->reconcile);
	if (wake_ns == INT64_MAX) {
		(void)uv_timer_stop(&uv->timer); /* never fails */
		return;
	}
	left_ns = wake_ns - clock_now_ns(CLOCK_MONOTONIC);
	(void)uv_timer_start(&uv->timer, on_timer, left_ns > 0 ? (uint64_t)(left_ns / NS_PER_MS) + 1 : 0,
			     0); /* fails for wrong arguments only */
}

static void on_closed(uv_handle_t *handle)
{
	struct guard_uv *uv = handle->data;

	if (--uv->open)
		return;
	nri_link_free(uv->link);
	(void)close(uv->epoll); /* nothing to be done about it */
	free(uv);
}

int guard_uv_start(uv_loop_t *loop, struct guard *guard, const struct nri_link_options *options,
		   struct guard_uv **ret_uv, struct error *err)
{
	struct guard_uv *uv = calloc(1, sizeof *uv);
	int r;

	if (!uv)
		return error_set(err, ENOMEM, "no memory for the NRI plugin");
	*uv = (struct guard_uv){ .guard = guard, .link = nri_link_new(options), .epoll = epoll_create1(EPOLL_CLOEXEC) };
	uv->poll.data = uv->timer.data = uv;
	if (!uv->link || uv->epoll < 0) {
		r = error_errno(err, uv->link ? errno : ENOMEM, "NRI plugin");
	} else {
		r = uv_poll_init(loop, &uv->poll, uv->epoll);
		if (r >= 0) {
			uv->open = 2;
			(void)uv_timer_init(loop, &uv->timer); /* these two fail for wrong arguments only */
			(void)uv_poll_start(&uv->poll, UV_READABLE, on_ready);
			*ret_uv = uv;
			step(uv);
			return 0;
		}
		(void)error_errno(err, -r, "NRI plugin");
	}
	nri_link_free(uv->link);
	if (uv->epoll >= 0)
		(void)close(uv->epoll); /* nothing to be done about it */
	free(uv);
	return r;
}

void guard_uv_stop(struct guard_uv *uv)
{
	if (!uv)
		return;
	uv->is_over = true;
	uv_close((uv_handle_t *)&uv->poll, on_closed);
	uv_close((uv_handle_t *)&uv->timer, on_closed);
}

bool guard_uv_is_running(const struct guard_uv *uv)
{
	return !uv->is_over && nri_link_is_running(uv->link);
}

int guard_uv_fd(const struct guard_uv *uv)
{
	return nri_link_fd(uv->link);
}
