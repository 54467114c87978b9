/* SPDX-License-Identifier: Apache-2.0 */
/* The first program does nothing forbidden; the one that it becomes does. */
#include "nolibc.h"

_Noreturn void _start(void);
_Noreturn void _start(void)
{
	const char *argv[] = { "/bin/first_lseek", NULL };
	const char *envp[] = { NULL };

	call(NR_EXECVE, (long)argv[0], (long)argv, (long)envp, 0, 0);
	setup_failed("execve /bin/first_lseek");
}
