/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/request_memory.h: memory for unpacking one request. protobuf-c makes a struct of some hundred bytes of an
 * empty message of two: without a limit, a request of 4 MiB takes a gigabyte. What is allocated is freed all at once.
 */
#ifndef AGENT_REQUEST_MEMORY_H
#define AGENT_REQUEST_MEMORY_H

#include <protobuf-c/protobuf-c.h>

#define REQUEST_MEMORY_FIRST 16384 /* bytes that need no allocation: an ordinary hook request */
#define REQUEST_MEMORY_MAX (16 * 1024 * 1024)

struct request_memory {
	ProtobufCAllocator allocator;
	struct request_block *blocks;
	char *at;
	size_t left, total;
	_Alignas(16) char first[REQUEST_MEMORY_FIRST];
};

void request_memory_init(struct request_memory *memory);
/* `size` bytes aligned to 16, not cleared; NULL over the limit. */
void *request_memory_alloc(struct request_memory *memory, size_t size);
void request_memory_done(struct request_memory *memory);

/* The message that `len` bytes are, or NULL: malformed, or larger than REQUEST_MEMORY_MAX. Valid until
 * request_memory_done. */
ProtobufCMessage *request_unpack(struct request_memory *memory, const ProtobufCMessageDescriptor *descriptor,
				 const uint8_t *bytes, size_t len);

#endif
