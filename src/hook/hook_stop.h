/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_stop.h: SIGTERM and SIGINT end the call to the agent, nothing else. They are blocked but for the waits,
 * so that none gets lost between a look and a wait. All others stay blocked: no closed pipe (SIGPIPE), limit of a
 * file's size (SIGXFSZ), hang-up or inherited alarm ends the hook without a decision.
 */
#ifndef HOOK_HOOK_STOP_H
#define HOOK_HOOK_STOP_H

#include <signal.h>

struct hook_stop {
	const volatile sig_atomic_t *stop; /* becomes 1 */
	sigset_t wait_mask;                /* for ppoll */
};

/* Once per process: signals are the process'. Fills in *ret_stop. */
void hook_stop_init(struct hook_stop *ret_stop);

#endif
