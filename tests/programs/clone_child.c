/* SPDX-License-Identifier: Apache-2.0 */
/* The first process does nothing forbidden; its child does. */
#include "nolibc.h"

__attribute__((force_align_arg_pointer)) _Noreturn void _start(void);
_Noreturn void _start(void)
{
	long pid = call(NR_CLONE, 17 /* SIGCHLD */, 0, 0, 0, 0);

	if (pid < 0)
		setup_failed("clone");
	if (pid == 0) {
		forbidden_lseek();
		survived();
	}
	leave_as_child(pid);
}
