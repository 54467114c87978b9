/* SPDX-License-Identifier: Apache-2.0 */
/* Where a document's nodes live, and how a key is found without walking its table. */
#include "conf/toml_state.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_BYTES (size_t)65536
#define INDEX_FIRST 64 /* slots; a power of two */

struct toml_block {
	struct toml_block *next;
	char bytes[];
};

struct toml_memory {
	struct toml_block *blocks; /* the first one is being filled */
	size_t used, size;         /* of the first one */
};

struct toml_memory *toml_memory_new(void)
{
	return calloc(1, sizeof(struct toml_memory));
}

void *toml_memory_get(struct toml_memory *memory, size_t n)
{
	char *p;

	n = (n + 7) & ~(size_t)7;
	if (n > memory->size - memory->used) {
		size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
		struct toml_block *block = malloc(sizeof *block + size);

		if (!block)
			return NULL;
		block->next = memory->blocks;
		memory->blocks = block;
		memory->used = 0;
		memory->size = size;
	}
	p = memory->blocks->bytes + memory->used;
	memory->used += n;
	return p;
}

void toml_memory_free(struct toml_memory *memory)
{
	struct toml_block *next;

	if (!memory)
		return;
	for (struct toml_block *block = memory->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(memory);
}

/* The hash beside the node spares most looks at nodes that are others: those are cache misses. */
struct toml_slot {
	uint64_t hash;
	struct toml_node *node; /* NULL: free */
};

struct toml_index {
	struct toml_slot *slot;
	size_t slots, used; /* at most half are used */
};

struct toml_index *toml_index_new(void)
{
	struct toml_index *index = calloc(1, sizeof *index);

	if (!index)
		return NULL;
	index->slots = INDEX_FIRST;
	index->slot = calloc(index->slots, sizeof *index->slot);
	if (!index->slot) {
		free(index);
		return NULL;
	}
	return index;
}

/* FNV-1a over the key, started with the table's address; the last step spreads it over all bits. */
static uint64_t hash(const struct toml_node *table, struct str key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uintptr_t)table;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* The slot that holds the key, or the free one where it would go. */
static struct toml_slot *slot_of(const struct toml_index *index, uint64_t h, const struct toml_node *table,
				 struct str key)
{
	size_t i = h & (index->slots - 1);

	for (; index->slot[i].node; i = (i + 1) & (index->slots - 1)) {
		const struct toml_slot *slot = &index->slot[i];

		if (slot->hash == h && slot->node->parent == table && str_equal(slot->node->key, key))
			break;
	}
	return &index->slot[i];
}

static int grow(struct toml_index *index)
{
	struct toml_index larger = { .slots = index->slots * 2, .used = index->used };

	larger.slot = calloc(larger.slots, sizeof *larger.slot);
	if (!larger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < index->slots; i++) {
		size_t at = index->slot[i].hash & (larger.slots - 1);

		if (!index->slot[i].node)
			continue;
		while (larger.slot[at].node) /* all keys differ */
			at = (at + 1) & (larger.slots - 1);
		larger.slot[at] = index->slot[i];
	}
	free(index->slot);
	*index = larger;
	return 0;
}

int toml_index_add(struct toml_index *index, struct toml_node *node)
{
	uint64_t h = hash(node->parent, node->key);

	if (index->used >= index->slots / 2 && grow(index) < 0)
		return -ENOMEM;
	*slot_of(index, h, node->parent, node->key) = (struct toml_slot){ h, node };
	index->used++;
	return 0;
}

struct toml_node *toml_index_get(const struct toml_index *index, const struct toml_node *table, struct str key)
{
	return slot_of(index, hash(table, key), table, key)->node;
}

void toml_index_free(struct toml_index *index)
{
	if (!index)
		return;
	free(index->slot);
	free(index);
}
