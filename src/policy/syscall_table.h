/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/syscall_table.h: system calls by name for every ABI of the machine. Numbers are made at build time from
 * the kernel's user headers (asm/unistd_64.h, unistd_32.h, unistd_x32.h); newer ones, which are the same on all ABIs,
 * are added.
 *
 * A tenant chooses the ABI of each call, so one name stands for all numbers that reach the same operation with the same
 * argument order: i386 has setuid (16 bit) and setuid32, futex and futex_time64, stat, oldstat and stat64. Any of these
 * words, and the kernel's function names where they differ (newstat, umount, sendfile64), finds the family; the
 * family's own ("canonical") name is x86-64's. i386's mmap and select, which take a pointer to their arguments, are
 * calls of their own here, named as the kernel names them: old_mmap, old_select. Source: Linux,
 * arch/x86/entry/syscalls/syscall_32.tbl and syscall_64.tbl. Pure, any thread.
 */
#ifndef POLICY_SYSCALL_TABLE_H
#define POLICY_SYSCALL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSCALL_NUMBERS_MAX 8 /* numbers of one call in one ABI: setuid and its 16-bit form on i386 */

struct syscall_numbers {
	size_t n;
	uint16_t nr[SYSCALL_NUMBERS_MAX];
};

/*
 * All numbers by which `name` ("lseek") can be made in `arch` (enum abi_arch), variants of the same call with the same
 * argument order included (i386: setuid is 23 and 213; x32: its own 512… numbers). n is 0 where the ABI lacks the call.
 */
void syscall_numbers(const char *name, int arch, struct syscall_numbers *ret_numbers);

/* True if any ABI has a call of that name. */
bool syscall_is_known(const char *name);

/* The family's own name of any of its names ("umount" -> "umount2", "setuid32" -> "setuid"), or NULL if it is not
 * known. */
const char *syscall_canonical(const char *name);

/* The closest known name for a suggestion, or NULL. */
const char *syscall_suggest(const char *name);

/* Canonical name of a number ("lseek"; i386 213 is "setuid"), or NULL. x32 numbers without bit 30. */
const char *syscall_name(int arch, unsigned nr);

/*
 * Ways to have the same operation done by another system call that syscall_numbers cannot list, since its arguments
 * stand elsewhere, and arguments that an ABI passes differently: "i386 socketcall(2)" for connect. "" when none is
 * known.
 */
const char *syscall_bypasses(const char *name);

/* True if io_uring can do what the call does, without the call (Linux 6.16). */
bool syscall_in_io_uring(const char *name);

#endif
