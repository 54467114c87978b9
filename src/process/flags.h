/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/flags.h: what is special about a process entry, as bits and as the words of the API's `flags`.
 * Source of bits, words and their order: reference of the events, section 3. Forks that have not exec'd yet are "clone"
 * without "execve", unlike in the original (its flaw 8).
 */
#ifndef PROCESS_FLAGS_H
#define PROCESS_FLAGS_H

#include <stdint.h>

#include "base/buf.h"

enum process_flag {
	PROCESS_EXECVE = 0x1,
	PROCESS_PROCFS = 0x4, /* found in /proc at start */
	PROCESS_ARGS_CUT = 0x10,
	PROCESS_MISS = 0x40, /* parent not known */
	PROCESS_PATH_ERROR = 0x100,
	PROCESS_ARGS_ERROR = 0x200,
	PROCESS_ROOT_CWD = 0x1000,
	PROCESS_CWD_ERROR = 0x2000,
	PROCESS_CLONE = 0x4000, /* the exec was preceded by a fork; alone: a fork that has not exec'd */
	PROCESS_CWD_CUT = 0x400000,
	PROCESS_INIT_TREE = 0x2000000, /* pid 1 of its pid namespace, or descends from such */
	PROCESS_UNKNOWN = 0x40000000,  /* ours: stand-in, nothing but the pid is known; word "unknown" */
};

/* Appends the words, separated by one space. */
void process_flags_write(struct buf *out, uint32_t flags);

#endif
