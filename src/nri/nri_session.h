/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/nri_session.h: one connection of a plugin with a runtime, without I/O: received bytes go in, in pieces of any
 * size, bytes to send come out, the plugin's functions are called in between. nri_link.h puts it on a socket; a test or
 * a fuzzer needs none. The runtime is not trusted: what it can make us keep or do has a limit below. One thread.
 * Source: behaviour of containerd 1.7.27, 2.1.5, 2.3.4 and CRI-O 1.37.0 (captured streams in tests/fixtures/nri).
 *
 *   registering    our RegisterPlugin is out; Configure may come before its answer
 *   synchronizing  configured; the list of what exists comes, in one or several parts
 *   running        events
 * Both generations of events are spoken: a method for each, and StateChange.
 */
#ifndef NRI_NRI_SESSION_H
#define NRI_NRI_SESSION_H

#include "nri/nri_plugin.h"

struct error;
struct nri_session;

#define NRI_ANSWER_MAX (256 * 1024)                 /* bytes of one answer's message */
#define NRI_UPDATE_MAX (1024 * 1024)                /* bytes of one request of ours */
#define NRI_OUT_MAX (4 * 1024 * 1024)               /* bytes that wait to be sent: the runtime does not read */
#define NRI_START_MAX_NS (30 * INT64_C(1000000000)) /* until running: a silent runtime is given up */
#define NRI_NAME_OF_PLUGIN_MAX 128

enum nri_phase { NRI_REGISTERING, NRI_SYNCHRONIZING, NRI_IS_RUNNING };

struct nri_session_counts {
	uint64_t requests, refused; /* events answered; those of them with an error */
	uint64_t bad_requests;      /* malformed, unknown, too large, out of order */
	uint64_t list_parts;
};

/* NULL: no memory. `plugin` is borrowed. RegisterPlugin is ready to be sent. now_ns: CLOCK_MONOTONIC, as everywhere. */
struct nri_session *nri_session_new(const struct nri_plugin *plugin, int64_t now_ns);
void nri_session_free(struct nri_session *session);

/*
 * Received bytes. Returns 0; or the session is over, with a text why:
 *   -ECONNREFUSED  the runtime refused the registration
 *   -ECANCELED     plugin->configure said no, or no event of those wanted is known
 *   -EMSGSIZE      a frame over the limit;  -EPROTO a malformed answer;  -ENOBUFS it does not read;
 *   -ENOMEM
 */
int nri_session_feed(struct nri_session *session, const void *bytes, size_t n, int64_t now_ns, struct error *err);

/* Bytes to send (valid until the next call of another function here), and how many went out. */
struct str nri_session_out(const struct nri_session *session);
void nri_session_sent(struct nri_session *session, size_t n);

enum nri_phase nri_session_phase(const struct nri_session *session);
const struct nri_session_counts *nri_session_counts(const struct nri_session *session);
/* When a session that does not get to running must be given up; INT64_MAX when it is running. */
int64_t nri_session_deadline_ns(const struct nri_session *session);

/*
 * Asks the runtime to change or evict containers that run (`body`: nri_update_add, nri_evict_add with NRI_IN_REQUEST).
 * plugin->updated gets the answer. Returns 0; -EAGAIN not running, or the last request is not answered yet; -EMSGSIZE;
 * -ENOMEM, -ENOBUFS.
 */
int nri_session_update(struct nri_session *session, struct str body, struct error *err);

#endif
