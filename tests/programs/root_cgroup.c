/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves the container's cgroup for the root of the tree (/cg, the host's, writable), then makes the forbidden call. */
#include "nolibc.h"

__attribute__((force_align_arg_pointer)) _Noreturn void _start(void);
_Noreturn void _start(void)
{
	static char path[4096] = "/cg";

	enter_cgroup(path, sizeof path);
	forbidden_lseek();
	survived();
}
