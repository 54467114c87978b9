/* SPDX-License-Identifier: Apache-2.0 */
/* A second thread of the first process makes the forbidden call; the first one waits in pause(2). */
#include "nolibc.h"

#define THREAD_FLAGS 0x50f00 /* CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM */

static char stack[16384] __attribute__((aligned(16)));

__attribute__((force_align_arg_pointer)) _Noreturn void _start(void);
_Noreturn void _start(void)
{
	long pid;

	/* The thread starts on an empty stack: no return from a C function there, so clone and its branch are one asm.
	 */
	__asm__ volatile("syscall\n"
			 "test %%rax, %%rax\n"
			 "jnz 1f\n"
			 "call in_thread\n"
			 "1:"
			 : "=a"(pid)
			 : "a"(NR_CLONE), "D"(THREAD_FLAGS), "S"(stack + sizeof stack), "d"(0)
			 : "rcx", "r11", "r8", "r10", "memory");
	if (pid < 0)
		setup_failed("clone of a thread");
	for (;;)
		call(NR_PAUSE, 0, 0, 0, 0, 0);
}

_Noreturn void in_thread(void);
_Noreturn void in_thread(void)
{
	forbidden_lseek();
	survived(); /* exit_group: ends the first thread too */
}
