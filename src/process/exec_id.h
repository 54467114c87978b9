/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/exec_id.h: the name of one program image: standard base64 of "<node name>:<boot time in ns>:<pid>".
 * Source: reference of the events, section 2. Pure; any thread.
 */
#ifndef PROCESS_EXEC_ID_H
#define PROCESS_EXEC_ID_H

#include <stdint.h>

#include "base/buf.h"

#define EXEC_ID_NODE_MAX 255 /* bytes of a node name; longer ones are cut */
#define EXEC_ID_MAX 400      /* bytes of an id with its NUL */

/* Appends the id. */
void exec_id_write(struct buf *out, const char *node_name, uint64_t ktime_ns, uint32_t pid);

#endif
