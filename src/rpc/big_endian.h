/* SPDX-License-Identifier: Apache-2.0 */
/* src/rpc/big_endian.h: 32-bit numbers as networks write them. Header-only. */
#ifndef RPC_BIG_ENDIAN_H
#define RPC_BIG_ENDIAN_H

#include <stdint.h>

static inline uint32_t big_endian_read(const unsigned char p[static 4])
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void big_endian_write(unsigned char p[static 4], uint32_t value)
{
	p[0] = (unsigned char)(value >> 24);
	p[1] = (unsigned char)(value >> 16);
	p[2] = (unsigned char)(value >> 8);
	p[3] = (unsigned char)value;
}

#endif
