/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_create.h: the createRuntime hook: who is the container, what does the agent say, may it start?
 */
#ifndef HOOK_HOOK_CREATE_H
#define HOOK_HOOK_CREATE_H

#include "base/arena.h"
#include "base/log.h"
#include "hook/hook_options.h"
#include "hook/hook_stop.h"

struct error;

struct hook_create {
	const struct hook_conf *conf;
	enum runtime runtime; /* of conf, parsed */
	struct log *log;
	struct arena *arena;
	struct arena *check_arena; /* of the fail check, which may run in the midst of the call */
	const struct hook_stop *stop;
	int64_t start_ns; /* CLOCK_MONOTONIC: the time-out runs from here */
	int stdin_fd;
};

/*
 * Returns 0: the container may start. -ECANCELED: it must not, and the text says why; whatever happened is in the log.
 */
int hook_create_run(const struct hook_create *create, struct error *err);

#endif
