/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat of a path whose page nobody has touched yet: at sys_enter a BPF program cannot read it. A page of its own
 * keeps what start-up reads away from it.
 */
#include "nolibc.h"

static const struct {
	char before[4096];
	char path[4096];
	char after[4096];
} constants __attribute__((aligned(4096))) = { .path = "/etc/forbidden" };

_Noreturn void _start(void);
_Noreturn void _start(void)
{
	call(NR_OPENAT, -100, (long)constants.path, 0, 0, 0);
	survived();
}
