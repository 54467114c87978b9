/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/nri_link.h: a plugin's connection with its runtime, on a socket: connects, or takes the socket of a plugin
 * that the runtime launched; begins anew when the connection is lost, for ever, with back-off. The socket is named by
 * path each time: after a restart of the runtime it is a new file. It has to be root's, or of the plugin's own user: a
 * peer is believed.
 *
 * No event loop is built in: the caller polls nri_link_fd() for nri_link_events() until nri_link_wake_ns() and calls
 * nri_link_step(). That is five lines with poll(2), and a uv_poll_t with a uv_timer_t in a program that has libuv; a
 * small static program needs neither. Never blocks but in the plugin's own functions. One thread.
 */
#ifndef NRI_NRI_LINK_H
#define NRI_NRI_LINK_H

#include "nri/nri_session.h"

struct error;
struct nri_link;

#define NRI_SOCKET "/var/run/nri/nri.sock"
#define NRI_BACKOFF_FIRST_NS (10 * INT64_C(1000000))
#define NRI_BACKOFF_CONNECT_NS (250 * INT64_C(1000000)) /* no socket: looking costs microseconds */
#define NRI_BACKOFF_START_NS (30 * INT64_C(1000000000)) /* it connects, but never gets to running */

/* What the runtime tells a plugin that it launches, by environment. */
struct nri_launch {
	int fd;           /* -1: not launched */
	const char *name; /* NULL where the variable is not there; of the environment */
	const char *index;
};
/* Reads NRI_PLUGIN_SOCKET, NRI_PLUGIN_NAME, NRI_PLUGIN_IDX. 0; -EINVAL a variable makes no sense. */
int nri_launch_tell(struct nri_launch *ret_launch, struct error *err);

enum nri_news {
	NRI_NEWS_UNREACHABLE, /* no connection; told once until there is one */
	NRI_NEWS_CONNECTED,
	NRI_NEWS_RUNNING, /* registered, configured, synchronised: events come */
	NRI_NEWS_LOST,    /* the connection that was there is gone; `text` says why */
};

struct nri_link_options {
	const struct nri_plugin *plugin; /* borrowed, as all of this */
	const char *socket;
	int fd;       /* of a launched plugin, taken over; -1: connect to `socket` */
	bool is_once; /* over after the first connection: a look at what exists */
	void (*told)(void *user, enum nri_news news, const char *text); /* may be NULL */
	void *user;
};

/* NULL: no memory. Nothing has happened yet. */
struct nri_link *nri_link_new(const struct nri_link_options *options);
void nri_link_free(struct nri_link *link); /* closes */

int nri_link_fd(const struct nri_link *link);          /* -1: none now */
short nri_link_events(const struct nri_link *link);    /* POLLIN, POLLOUT */
int64_t nri_link_wake_ns(const struct nri_link *link); /* CLOCK_MONOTONIC; INT64_MAX: never by itself */

/*
 * Does what can be done now. Returns 0; -ENOTCONN it is over: a launched plugin lost its runtime (which does not launch
 * it again before its own restart), or is_once and the connection ended or could not be made.
 */
int nri_link_step(struct nri_link *link, struct error *err);

/* Gives the connection up, as if it were lost; the next step connects again (is_once: over). */
void nri_link_drop(struct nri_link *link, const char *why);

bool nri_link_is_running(const struct nri_link *link);
struct nri_session *nri_link_session(struct nri_link *link); /* NULL when not connected; valid until the next step */

#endif
