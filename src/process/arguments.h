/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/arguments.h: a process's arguments as the API's one text: argv[1..] joined by one space, an element that
 * contains a space in double quotes, nothing escaped, empty ones at the end lost. Source: reference of the events,
 * section 4. Pure.
 */
#ifndef PROCESS_ARGUMENTS_H
#define PROCESS_ARGUMENTS_H

#include "base/buf.h"

/* `argv`: elements end in NUL as in memory, argv[0] first; the last NUL may be missing. Needs at most 2 * argv.len + 1.
 */
void arguments_write(struct buf *out, struct str argv);

#endif
