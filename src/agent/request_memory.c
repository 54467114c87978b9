/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/request_memory.h"

#include <stdlib.h>

#define BLOCK_BYTES 65536

struct request_block {
	struct request_block *next;
	_Alignas(16) char bytes[];
};

static void *memory_alloc(void *context, size_t size)
{
	struct request_memory *memory = context;
	struct request_block *block;
	size_t rounded;

	if (size > REQUEST_MEMORY_MAX)
		return NULL;
	rounded = (size + 15) & ~(size_t)15;
	if (rounded > memory->left) {
		size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;

		if (room > REQUEST_MEMORY_MAX - memory->total)
			return NULL;
		block = malloc(sizeof *block + room);
		if (!block)
			return NULL;
		block->next = memory->blocks;
		memory->blocks = block;
		memory->total += room;
		memory->at = block->bytes;
		memory->left = room;
	}
	memory->at += rounded;
	memory->left -= rounded;
	return memory->at - rounded;
}

void *request_memory_alloc(struct request_memory *memory, size_t size)
{
	return memory_alloc(memory, size);
}

static void memory_free(void *context, void *pointer)
{
	(void)context, (void)pointer; /* all at once: request_memory_done */
}

void request_memory_init(struct request_memory *memory)
{
	memory->allocator = (ProtobufCAllocator){ memory_alloc, memory_free, memory };
	memory->blocks = NULL;
	memory->at = memory->first;
	memory->left = sizeof memory->first;
	memory->total = 0;
}

void request_memory_done(struct request_memory *memory)
{
	while (memory->blocks) {
		struct request_block *block = memory->blocks;

		memory->blocks = block->next;
		free(block);
	}
}

ProtobufCMessage *request_unpack(struct request_memory *memory, const ProtobufCMessageDescriptor *descriptor,
				 const uint8_t *bytes, size_t len)
{
	return protobuf_c_message_unpack(descriptor, &memory->allocator, len, bytes);
}
