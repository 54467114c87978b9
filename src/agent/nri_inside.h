/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/nri_inside.h: the NRI plugin inside the agent (--nri): the same code as tetragon-nri-hook (nri/guard.h), in
 * the agent's loop, which asks the agent by a function call. It connects when the agent knows its policies and
 * containers, and again whenever the connection is lost; the agent serves on without it.
 */
#ifndef AGENT_NRI_INSIDE_H
#define AGENT_NRI_INSIDE_H

#include <uv.h>

struct admission;
struct announced;
struct counts;
struct error;
struct log;
struct nri_conf;
struct nri_inside;

struct nri_inside_options {
	uv_loop_t *loop;
	const struct nri_conf *conf; /* borrowed, as the rest */
	struct admission *admission;
	struct announced *announced;
	struct log *log;
};

/*
 * Begins to connect. No runtime there is no error: it is tried for ever. -EINVAL, -E2BIG the options; -ENOMEM; -errno
 * of
 * --nri-log-fname.
 */
int nri_inside_start(const struct nri_inside_options *options, struct nri_inside **ret_inside, struct error *err);

/* These take NULL. Once a second: writes the status file if something changed; a log that was renamed is made anew. */
void nri_inside_tick(struct nri_inside *inside);
void nri_inside_count(const struct nri_inside *inside, struct counts *counts);

/* Closes its handles; then, when the loop has run until they are closed, frees. */
void nri_inside_stop(struct nri_inside *inside);
void nri_inside_free(struct nri_inside *inside);

#endif
