/* SPDX-License-Identifier: Apache-2.0 */
/* lseek(-1, 0, SEEK_SET) as the very first instructions of the process: written out, so that nothing comes before. */
#include "nolibc.h"

__asm__(".globl _start\n"
	"_start:\n"
	"	mov $8, %eax\n" /* lseek */
	"	mov $-1, %edi\n"
	"	xor %esi, %esi\n"
	"	xor %edx, %edx\n"
	"	syscall\n"
	"	and $-16, %rsp\n"
	"	call after_lseek\n");

_Noreturn void after_lseek(void);
_Noreturn void after_lseek(void)
{
	survived();
}
