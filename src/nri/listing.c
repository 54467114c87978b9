/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/listing.h"

#include <stdlib.h>

#define CHUNK_BYTES (256 * 1024)

struct chunk {
	char *next;
	char bytes[CHUNK_BYTES];
};

void listing_clear(struct listing *listing)
{
	for (char *at = listing->bytes; at;) {
		char *next = ((struct chunk *)(void *)at)->next;

		free(at);
		at = next;
	}
	free(listing->pod);
	free(listing->container);
	*listing = (struct listing){ 0 };
}

/* `n` bytes that stay; NULL: no more. n <= CHUNK_BYTES. */
static char *room(struct listing *listing, size_t n)
{
	struct chunk *chunk = (struct chunk *)(void *)listing->bytes;

	if (!chunk || CHUNK_BYTES - listing->chunk_used < n) {
		if (listing->total >= LISTING_BYTES_MAX)
			return NULL;
		chunk = malloc(sizeof *chunk);
		if (!chunk)
			return NULL;
		chunk->next = listing->bytes;
		listing->bytes = (char *)chunk;
		listing->chunk_used = 0;
		listing->total += CHUNK_BYTES;
	}
	listing->chunk_used += n;
	return chunk->bytes + listing->chunk_used - n;
}

/* False: no room. */
static bool keep(struct listing *listing, struct str *text)
{
	char *copy;

	if (!text->len)
		return true;
	copy = room(listing, text->len);
	if (!copy)
		return false;
	memcpy(copy, text->p, text->len);
	text->p = copy;
	return true;
}

/* An array that grows by doubling. */
static void *grow(void *array, size_t item, size_t n, size_t *size)
{
	size_t more = *size ? *size * 2 : 64;
	void *moved = array;

	if (n < *size)
		return array;
	if (n >= LISTING_ITEMS_MAX)
		return NULL;
	moved = realloc(array, more * item);
	if (moved)
		*size = more;
	return moved;
}

/* The labels' entries only, as a message of its own; *ret_cut: they are too many. */
static struct str labels_keep(struct listing *listing, const struct nri_pod *pod, bool *ret_cut)
{
	struct nri_walk walk = nri_pod_labels(pod);
	struct str rest = walk.rest, entry, kept;
	size_t n = 0;
	char *memory, *at;

	while (nri_walk_next(&walk, &entry))
		n += entry.len + 8;
	*ret_cut = n > 0;
	if (!n || n > LISTING_LABELS_MAX)
		return (struct str){ 0 };
	memory = at = room(listing, n);
	if (!memory)
		return (struct str){ 0 };
	*ret_cut = false;
	walk.rest = rest;
	while (nri_walk_next(&walk, &entry)) {
		size_t length = entry.len;

		*at++ = (char)(walk.field << 3 | 2); /* a field of bytes */
		for (; length > 0x7f; length >>= 7)
			*at++ = (char)(length | 0x80);
		*at++ = (char)length;
		memcpy(at, entry.p, entry.len);
		at += entry.len;
	}
	kept = (struct str){ memory, (size_t)(at - memory) };
	return kept;
}

void listing_add_pod(struct listing *listing, const struct nri_pod *pod)
{
	struct nri_pod one = { .id = pod->id, .name = pod->name, .uid = pod->uid, .name_space = pod->name_space };
	struct nri_pod *array = grow(listing->pod, sizeof one, listing->pods, &listing->pods_size);

	if (!array)
		return; /* its containers are told without pod */
	listing->pod = array;
	one.message = labels_keep(listing, pod, &one.labels_cut);
	if (keep(listing, &one.id) && keep(listing, &one.name) && keep(listing, &one.uid) &&
	    keep(listing, &one.name_space))
		listing->pod[listing->pods++] = one;
}

void listing_add_container(struct listing *listing, const struct nri_container *container)
{
	struct nri_container one = { .id = container->id,
				     .pod_id = container->pod_id,
				     .name = container->name,
				     .cgroups_path = container->cgroups_path,
				     .image = container->image,
				     .state = container->state,
				     .pid = container->pid };
	struct nri_container *array;

	array = grow(listing->container, sizeof one, listing->containers, &listing->containers_size);
	if (array)
		listing->container = array;
	if (array && keep(listing, &one.id) && keep(listing, &one.pod_id) && keep(listing, &one.name) &&
	    keep(listing, &one.cgroups_path) && keep(listing, &one.image))
		listing->container[listing->containers++] = one;
	else
		listing->left_out++;
}

static int order(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int pod_order(const void *a, const void *b)
{
	return order(((const struct nri_pod *)a)->id, ((const struct nri_pod *)b)->id);
}

void listing_end(struct listing *listing)
{
	if (listing->pods)
		qsort(listing->pod, listing->pods, sizeof *listing->pod, pod_order);
}

bool listing_next(struct listing *listing, const struct nri_container **ret_container, const struct nri_pod **ret_pod)
{
	const struct nri_container *container = listing->container + listing->next;
	struct nri_pod key = { 0 };

	if (listing->next >= listing->containers)
		return false;
	listing->next++;
	key.id = container->pod_id;
	*ret_container = container;
	*ret_pod = listing->pods ? bsearch(&key, listing->pod, listing->pods, sizeof key, pod_order) : NULL;
	return true;
}

void listing_back(struct listing *listing)
{
	if (listing->next)
		listing->next--;
}

/* --- known ids --- */

static uint64_t hash(struct str id)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a; ids are the runtime's random numbers */

	for (size_t i = 0; i < id.len; i++)
		h = (h ^ (unsigned char)id.p[i]) * UINT64_C(1099511628211);
	return h ? h : 1; /* 0 is an empty slot */
}

static void put(uint64_t *slot, size_t size, uint64_t h)
{
	size_t at = (size_t)h & (size - 1);

	while (slot[at] && slot[at] != h)
		at = (at + 1) & (size - 1);
	slot[at] = h;
}

void known_clear(struct known *known)
{
	free(known->slot);
	*known = (struct known){ 0 };
}

void known_add(struct known *known, struct str id)
{
	if (known->n >= KNOWN_MAX || known_has(known, id))
		return;
	if (2 * known->n >= known->size) {
		size_t size = known->size ? known->size * 2 : 256;
		uint64_t *more = calloc(size, sizeof *more);

		if (!more)
			return; /* told twice, then */
		for (size_t i = 0; i < known->size; i++)
			if (known->slot[i])
				put(more, size, known->slot[i]);
		free(known->slot);
		known->slot = more;
		known->size = size;
	}
	put(known->slot, known->size, hash(id));
	known->n++;
}

bool known_has(const struct known *known, struct str id)
{
	uint64_t h = hash(id);

	for (size_t at = (size_t)h & (known->size - 1); known->size && known->slot[at];
	     at = (at + 1) & (known->size - 1))
		if (known->slot[at] == h)
			return true;
	return false;
}
