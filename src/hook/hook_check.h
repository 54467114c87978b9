/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_check.h: the fail check: may a container start although the agent could not be asked?
 *   with --fail-cel-expr  the expression decides, alone: true = no
 *   else                  yes if the namespace is listed, or a pattern matches it. The namespace is the one of the
 *                         runtime's own key set (or of --pod-namespace); where --annotations-namespace-key is given and
 *                         --pod-namespace is not, one of those annotations is enough
 * An unknown or empty namespace is in no list and matches no pattern. What cannot be decided (a wrong pattern that no
 * other alternative makes up for, an evaluation error, a limit) is a no, with the reason.
 */
#ifndef HOOK_HOOK_CHECK_H
#define HOOK_HOOK_CHECK_H

#include "base/error.h"
#include "hook/hook_options.h"
#include "ask/ask_request.h"

struct hook_check {
	const struct hook_conf *conf;
	const struct ask_container *container;
	bool is_known;       /* the container's spec was read */
	struct arena *arena; /* scratch: given back */
};

/* Returns 1: it may start; 0: it must not; -errno: that cannot be decided, so it must not, and why. */
int hook_check_run(const struct hook_check *check, struct error *err);

#endif
