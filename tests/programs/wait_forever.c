/* SPDX-License-Identifier: Apache-2.0 */
/* Says "ready" and waits to be killed: a container to exec into, or to find running. */
#include "nolibc.h"

_Noreturn void _start(void);
_Noreturn void _start(void)
{
	say(1, "ready\n");
	for (;;)
		call(NR_PAUSE, 0, 0, 0, 0, 0);
}
