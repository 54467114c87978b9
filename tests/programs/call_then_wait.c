/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that tells for itself whether it was under policy from its first instruction on, and then stays. Its
 * child makes the forbidden call; the process then bears the name "guarded" or "unseen" (/proc/PID/comm), for whoever
 * walks the cgroup tree. Whatever happens to its policies later changes nothing about that.
 */
#include "nolibc.h"

enum { NR_PRCTL = 157, PR_SET_NAME = 15, SIGCHLD_FLAG = 17 };

_Noreturn void _start(void);
_Noreturn void _start(void)
{
	long pid = call(NR_CLONE, SIGCHLD_FLAG, 0, 0, 0, 0);
	int status = 0;

	if (!pid) {
		forbidden_lseek();
		leave(0);
	}
	if (pid < 0 || call(NR_WAIT4, pid, (long)&status, 0, 0, 0) != pid)
		setup_failed("clone, wait4");
	call(NR_PRCTL, PR_SET_NAME, (long)((status & 0x7f) == 9 ? "guarded" : "unseen"), 0, 0, 0);
	for (;;)
		call(NR_PAUSE, 0, 0, 0, 0, 0);
}
