/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/listing.h: what the runtime listed, kept until the agent was told of each container, and the ids of all
 * containers that the plugin has heard of on this connection. Bounded: identity and pod labels are kept, annotations
 * are not. Pods and containers come in any order and are joined at the end.
 */
#ifndef NRI_LISTING_H
#define NRI_LISTING_H

#include "nri/nri_message.h"

#define LISTING_BYTES_MAX (32 * 1024 * 1024) /* for all texts */
#define LISTING_ITEMS_MAX 65536              /* pods, and containers */
#define LISTING_LABELS_MAX (32 * 1024)       /* bytes of one pod's labels; more are left out */
#define KNOWN_MAX 65536                      /* ids; further ones are not remembered and may be told twice */

struct listing { /* zero-initialised */
	struct nri_pod *pod;
	struct nri_container *container;
	size_t pods, containers, pods_size, containers_size;
	char *bytes; /* chunks, newest first */
	size_t chunk_used, total;
	uint64_t left_out; /* containers that did not fit */
	size_t next;       /* of listing_next */
};

void listing_clear(struct listing *listing); /* and frees */
void listing_add_pod(struct listing *listing, const struct nri_pod *pod);
void listing_add_container(struct listing *listing, const struct nri_container *container);
void listing_end(struct listing *listing); /* all is there: sorts */

/* The next container with its pod (NULL: not listed); false: no more. */
bool listing_next(struct listing *listing, const struct nri_container **ret_container, const struct nri_pod **ret_pod);
/* The same one again, later. */
void listing_back(struct listing *listing);

/* A set of ids, by hash. */
struct known { /* zero-initialised */
	uint64_t *slot;
	size_t size, n;
};
void known_clear(struct known *known); /* and frees */
void known_add(struct known *known, struct str id);
bool known_has(const struct known *known, struct str id);

#endif
