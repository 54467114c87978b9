/* SPDX-License-Identifier: Apache-2.0 */
/* src/base/hash.h: FNV-1a, 64 bits, for tables over names that no tenant chooses freely. Not for keeping secrets. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN UINT64_C(14695981039346656037)

static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

/* For a table of a power of two of buckets, or few of them: the upper bits count too. */
static inline size_t hash_fold(uint64_t hash)
{
	return (size_t)(hash ^ hash >> 32);
}

#endif
