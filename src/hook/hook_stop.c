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
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &block, &ret_stop->wait_mask); /* these three fail for wrong arguments only */
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	sigdelset(&ret_stop->wait_mask, SIGTERM); /* a parent may have had them blocked */
	sigdelset(&ret_stop->wait_mask, SIGINT);
	ret_stop->stop = &stopped;
}
