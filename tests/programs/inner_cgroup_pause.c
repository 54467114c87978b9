/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a cgroup below its own (/cg is the host's cgroup2 tree, writable), says so, waits: others come into that
 * cgroup. */
#include "nolibc.h"

__attribute__((force_align_arg_pointer)) _Noreturn void _start(void);
_Noreturn void _start(void)
{
	static char path[4096] = "/cg";

	append_own_cgroup(path, sizeof path);
	append(path, sizeof path, "/inner");
	if (call(NR_MKDIR, (long)path, 0755, 0, 0, 0) < 0)
		setup_failed(path);
	say(1, "ready\n");
	for (;;)
		call(NR_PAUSE, 0, 0, 0, 0, 0);
}
