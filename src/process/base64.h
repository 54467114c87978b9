/* SPDX-License-Identifier: Apache-2.0 */
/* src/process/base64.h: standard base64 with padding (RFC 4648, section 4), for exec ids and bytes in JSON. Pure. */
#ifndef PROCESS_BASE64_H
#define PROCESS_BASE64_H

#include "base/buf.h"

/* Appends the text of `n` bytes: 4 characters for each 3 begun. */
void base64_write(struct buf *out, const void *bytes, size_t n);

#endif
