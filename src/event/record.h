/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/record.h: does a ring buffer record hold what its header says? The kernel side is ours, but a pinned
 * program of another build may write here too, so nothing is believed. Pure; any thread.
 */
#ifndef EVENT_RECORD_H
#define EVENT_RECORD_H

#include <linux/types.h>
#include <stddef.h>

#include "abi.h"

/*
 * `record` is aligned to 8 bytes and `size` long. 0: header.size is `size` or less, the type is known, the record is as
 * large as its fixed part and its texts together, counts and enumerations are within the ABI's limits. Else -EINVAL.
 */
int record_check(const struct abi_header *record, size_t size);

#endif
