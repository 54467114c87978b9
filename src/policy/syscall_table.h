/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/syscall_table.h: system calls by name for every ABI of the machine. Numbers are made at build time from the
 * kernel's user headers (asm/unistd_64.h, unistd_32.h, unistd_x32.h); newer ones, which are the same on all ABIs, are added.
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

/* The closest known name for a suggestion, or NULL. */
const char *syscall_suggest(const char *name);

/* Canonical name of a number ("lseek"), or NULL. */
const char *syscall_name(int arch, unsigned nr);

#endif
