/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_stop.h"

#include <stddef.h>

static volatile sig_atomic_t stopped; /* a handler can reach nothing but a global */

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

void hook_stop_init(struct hook_stop *ret_stop)
{
	struct sigaction stop = { .sa_handler = on_stop };
	sigset_t all;

	sigfillset(&all);
	ret_stop->wait_mask = all;
	sigdelset(&ret_stop->wait_mask, SIGTERM); /* whatever a parent had blocked */
	sigdelset(&ret_stop->wait_mask, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &all, NULL); /* these fail for wrong arguments only */
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	ret_stop->stop = &stopped;
}
