/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says "ready", then makes the forbidden call for each byte that comes on standard input. For containers that come
 * under a policy, or are freed of one, while they run.
 */
#include "nolibc.h"

__attribute__((force_align_arg_pointer)) _Noreturn void _start(void);
_Noreturn void _start(void)
{
	char byte;

	say(1, "ready\n");
	while (call(NR_READ, 0, (long)&byte, 1, 0, 0) == 1) {
		forbidden_lseek();
		say(1, "survived\n");
	}
	leave(0);
}
