/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/arena.h: allocate from the caller's memory, never free. The hook lives in one arena of a fixed size;
 * programs use one for what lasts as long as they do (options). Exhaustion returns NULL: bounded memory against
 * hostile input.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdint.h>

#include "base/str.h"

struct arena {
	char *p;
	size_t size;
	size_t used;
};

static inline struct arena arena_over(void *memory, size_t size)
{
	return (struct arena){ .p = memory, .size = size };
}

/* `n` bytes aligned to 16, not cleared; NULL when the arena is exhausted. */
static inline void *arena_alloc(struct arena *arena, size_t n)
{
	size_t pad = (16 - ((uintptr_t)(arena->p + arena->used) & 15)) & 15;
	char *at;

	if (pad > arena->size - arena->used || n > arena->size - arena->used - pad)
		return NULL;
	at = arena->p + arena->used + pad;
	arena->used += pad + n;
	return at;
}

/* A NUL-terminated copy of `text`; NULL when exhausted. */
static inline char *arena_copy(struct arena *arena, struct str text)
{
	char *copy = text.len < SIZE_MAX ? arena_alloc(arena, text.len + 1) : NULL;

	if (!copy)
		return NULL;
	if (text.len)
		memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	return copy;
}

#endif
