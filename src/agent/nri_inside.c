/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/nri_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/counts.h"
#include "agent/nri_asker.h"
#include "ask/ask_log.h"
#include "base/error.h"
#include "base/log.h"
#include "nri/guard_uv.h"
#include "nri/status.h"

#define DEFAULT_ADDRESS "unix:///var/run/tetragon/tetragon.sock" /* the hook's own default */

struct nri_inside {
	const struct nri_conf *conf;
	struct log *log; /* the agent's, or `own` */
	struct log own;
	struct nri_asker asker;
	struct guard guard;
	struct guard_uv *uv;
	struct nri_status status;
};

/* The runtime's pid; 0: of another pid namespace, or no connection. */
static pid_t peer_pid(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

static void on_news(void *user, enum nri_news news, const char *text)
{
	struct nri_inside *inside = user;

	inside->asker.runtime_pid = peer_pid(guard_uv_fd(inside->uv));
	guard_news(&inside->guard, news, text);
	nri_status_news(&inside->status, news, text);
	nri_status_keep(&inside->status, &inside->guard);
}

static int log_start(struct nri_inside *inside, struct log *log, struct error *err)
{
	int r;

	inside->own.fd = -1;
	inside->log = log;
	if (!*inside->conf->log_fname)
		return 0;
	r = ask_log_open(inside->conf->log_fname, err);
	if (r < 0)
		return error_wrap(err, r, "--nri-log-fname");
	inside->own = (struct log){ .fd = r, .level = log->level, .format = LOG_JSON };
	inside->log = &inside->own;
	return 0;
}

/* Renamed or removed by whoever rotates logs: the next lines go into a new one. */
static void log_follow(struct nri_inside *inside)
{
	struct stat open, there;
	int fd;

	if (inside->own.fd < 0 || fstat(inside->own.fd, &open) < 0)
		return;
	if (stat(inside->conf->log_fname, &there) == 0 && there.st_ino == open.st_ino && there.st_dev == open.st_dev)
		return;
	fd = ask_log_open(inside->conf->log_fname, NULL);
	if (fd < 0)
		return;              /* the old one goes on */
	(void)close(inside->own.fd); /* nothing is lost: each line was written at once */
	inside->own.fd = fd;
}

static void inside_free(struct nri_inside *inside)
{
	guard_done(&inside->guard);
	if (inside->own.fd >= 0)
		(void)close(inside->own.fd); /* nothing is lost: each line was written at once */
	free(inside);
}

int nri_inside_start(const struct nri_inside_options *options, struct nri_inside **ret_inside, struct error *err)
{
	struct nri_inside *inside = calloc(1, sizeof *inside);
	const struct asker asker = { nri_asker_ask, inside ? &inside->asker : NULL };
	bool tells_agent;
	int r;

	if (!inside)
		return error_errno(err, ENOMEM, "NRI plugin");
	inside->conf = options->conf;
	r = log_start(inside, options->log, err);
	if (r < 0) {
		free(inside);
		return r;
	}
	inside->asker = (struct nri_asker){ options->admission, options->announced, options->log, 0 };
	nri_status_init(&inside->status, inside->conf->status_file, "tetragon", inside->log);
	tells_agent = strcmp(inside->conf->agent, DEFAULT_ADDRESS) != 0;
	r = guard_init(&inside->guard, inside->conf, &asker, tells_agent, inside->log, err);
	if (r >= 0) {
		const struct nri_link_options link = { .plugin = &inside->guard.plugin,
						       .socket = inside->conf->socket,
						       .fd = -1,
						       .told = on_news,
						       .user = inside };

		r = guard_uv_start(options->loop, &inside->guard, &link, &inside->uv, err);
	}
	if (r < 0) {
		inside_free(inside);
		return error_wrap(err, r, "--nri");
	}
	nri_inside_tick(inside);
	*ret_inside = inside;
	return 0;
}

void nri_inside_tick(struct nri_inside *inside)
{
	if (!inside)
		return;
	log_follow(inside);
	nri_status_keep(&inside->status, &inside->guard);
}

void nri_inside_count(const struct nri_inside *inside, struct counts *counts)
{
	const struct guard *guard;

	if (!inside)
		return;
	guard = &inside->guard;
	counts_set(counts, "nri-connections-lost", true, inside->status.dropped);
	counts_set(counts, "nri-asked", false, guard->gate.counts.asked);
	counts_set(counts, "nri-refused", false, guard->gate.counts.refused + guard->counts.rejected);
	counts_set(counts, "nri-tolerated", false, guard->gate.counts.tolerated);
	counts_set(counts, "nri-listed", false, guard->reconcile.counts.listed);
	counts_set(counts, "nri-started-unseen", true, guard->reconcile.counts.unseen);
	counts_set(counts, "nri-list-left-out", true, guard->reconcile.counts.left_out);
	counts_set(counts, "nri-looks-failed", true, guard->reconcile.counts.looks_failed);
	counts_set(counts, "nri-log-lines-lost", true, inside->own.dropped);
}

void nri_inside_stop(struct nri_inside *inside)
{
	if (!inside)
		return;
	guard_uv_stop(inside->uv);
	nri_status_end(&inside->status);
}

void nri_inside_free(struct nri_inside *inside)
{
	if (inside)
		inside_free(inside);
}
