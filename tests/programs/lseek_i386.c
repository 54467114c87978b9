/* SPDX-License-Identifier: Apache-2.0 */
/* lseek(-1, …) of a 32-bit program. */
#include "nolibc.h"

_Noreturn void _start(void);
_Noreturn void _start(void)
{
	forbidden_lseek();
	survived();
}
