/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing forbidden in it: what an entry point is that a policy on execve does not want. */
#include "nolibc.h"

_Noreturn void _start(void);
_Noreturn void _start(void)
{
	survived();
}
