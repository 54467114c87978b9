/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/guard_uv.h: the plugin inside a program that has a libuv loop, as the agent. One handle for the loop,
 * whatever connections come and go: an epoll descriptor of our own, which holds theirs. The asker is the program's own
 * code: one hop fewer. Never blocks but in the asker.
 */
#ifndef NRI_GUARD_UV_H
#define NRI_GUARD_UV_H

#include <uv.h>

#include "nri/guard.h"
#include "nri/nri_link.h"

struct guard_uv;

/*
 * Connects in the loop, and again whenever the connection is lost. `guard` is borrowed, initialised; options->plugin
 * must be &guard->plugin, and options->told has to call guard_news; it may be called before this returns, *ret_uv being
 * set. Returns 0; -ENOMEM, -errno of epoll.
 */
int guard_uv_start(uv_loop_t *loop, struct guard *guard, const struct nri_link_options *options,
		   struct guard_uv **ret_uv, struct error *err);

/* Closes; the memory goes when the loop has run once more. NULL is allowed. */
void guard_uv_stop(struct guard_uv *uv);

bool guard_uv_is_running(const struct guard_uv *uv);
int guard_uv_fd(const struct guard_uv *uv); /* of the connection with the runtime; -1: none now */

#endif
