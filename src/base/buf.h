/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/buf.h: append to the caller's memory. Overflow is sticky: what does not fit is dropped, `overflow` stays
 * set, and one check at the end suffices. Invariants: len < size whenever size > 0; p[len] is NUL; no allocation.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t size; /* bytes at p, the NUL included */
	size_t len;
	bool overflow;
};

/* A buffer over `size` bytes at `memory` (borrowed for the buffer's life); size 0 overflows at the first byte. */
static inline struct buf buf_over(void *memory, size_t size)
{
	if (size)
		*(char *)memory = '\0';
	return (struct buf){ .p = memory, .size = size };
}

void buf_add(struct buf *buf, const void *bytes, size_t n); /* all or nothing */
void buf_byte(struct buf *buf, char byte);
void buf_text(struct buf *buf, const char *text);
void buf_str(struct buf *buf, struct str text);
void buf_u64(struct buf *buf, uint64_t value); /* decimal; the hook avoids printf on its hot path */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
