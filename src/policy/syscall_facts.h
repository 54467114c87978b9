/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/syscall_facts.h: what the kernel's headers do not say about system calls: tables behind syscall_table.h.
 * All are sorted by name. Sources: Linux, arch/x86/entry/syscalls/syscall_32.tbl, arch/x86/kernel/sys_ia32.c (64-bit
 * values in halves), net/compat.c, ipc/syscall.c, include/uapi/linux/io_uring.h.
 */
#ifndef POLICY_SYSCALL_FACTS_H
#define POLICY_SYSCALL_FACTS_H

#include <stddef.h>

/* Another word for a call: the header's name of a second number in i386, or the kernel's name of the function. */
struct syscall_alias {
	const char *name;
	const char *call; /* the family's name */
};
extern const struct syscall_alias syscall_aliases[];
extern const size_t syscall_aliases_n;

/* Ways around a policy on the call. */
struct syscall_bypass {
	const char *name; /* the family's */
	const char *text;
};
extern const struct syscall_bypass syscall_bypass_rows[];
extern const size_t syscall_bypass_rows_n;

/* Calls that io_uring can do: the family's names. */
extern const char *const syscall_io_uring[];
extern const size_t syscall_io_uring_n;

#endif
