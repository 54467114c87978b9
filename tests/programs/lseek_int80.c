/* SPDX-License-Identifier: Apache-2.0 */
/* lseek(-1, …) of a 64-bit program through the 32-bit entry, where it has number 19. */
#include "nolibc.h"

__asm__(".globl _start\n"
	"_start:\n"
	"	mov $19, %eax\n"
	"	mov $-1, %ebx\n"
	"	xor %ecx, %ecx\n"
	"	xor %edx, %edx\n"
	"	int $0x80\n"
	"	and $-16, %rsp\n"
	"	call after_lseek\n");

_Noreturn void after_lseek(void);
_Noreturn void after_lseek(void)
{
	survived();
}
