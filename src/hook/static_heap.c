/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap of the static program: a few fixed KiB, never freed. nghttp2 asks the C library for one small struct a call,
 * past the allocator that it is given; a real heap would cost five system calls and could grow. Linked into the musl
 * build only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define HEAP_BYTES (64 * 1024) /* one struct of 200 bytes at a time is what there is */
#define HEADER_BYTES 16        /* before each piece: its size; keeps the alignment */

static char memory[HEAP_BYTES];
static struct arena heap = { .p = memory, .size = sizeof memory };

void *malloc(size_t n)
{
	size_t *at = n <= HEAP_BYTES ? arena_alloc(&heap, n + HEADER_BYTES) : NULL;

	if (!at) {
		errno = ENOMEM;
		return NULL;
	}
	*at = n;
	return (char *)at + HEADER_BYTES;
}

void free(void *pointer)
{
	size_t *at = pointer ? (size_t *)(void *)((char *)pointer - HEADER_BYTES) : NULL;

	if (at && (char *)pointer + *at == heap.p + heap.used) /* the last one: given back */
		heap.used = (size_t)((char *)at - heap.p);
}

void *calloc(size_t count, size_t n)
{
	void *pointer = n && count > HEAP_BYTES / n ? malloc(SIZE_MAX) : malloc(count * n);

	if (pointer)
		memset(pointer, 0, count * n);
	return pointer;
}

void *realloc(void *pointer, size_t n)
{
	size_t old = pointer ? *(size_t *)(void *)((char *)pointer - HEADER_BYTES) : 0;
	void *moved = malloc(n);

	if (moved && old)
		memcpy(moved, pointer, old < n ? old : n);
	return moved;
}
