/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a cgroup below its own (/cg is the host's cgroup2 tree, writable), moves there, makes the forbidden call. */
#include "nolibc.h"

__attribute__((force_align_arg_pointer)) _Noreturn void _start(void);
_Noreturn void _start(void)
{
	static char path[4096] = "/cg";

	append_own_cgroup(path, sizeof path);
	append(path, sizeof path, "/inner");
	if (call(NR_MKDIR, (long)path, 0755, 0, 0, 0) < 0)
		setup_failed(path);
	enter_cgroup(path, sizeof path);
	forbidden_lseek();
	survived();
}
