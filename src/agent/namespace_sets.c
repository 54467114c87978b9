/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/namespace_sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static size_t bucket_of(const char *name)
{
	return hash_fold(hash_bytes(HASH_BEGIN, name, strlen(name))) % NAMESPACE_BUCKETS;
}

static struct namespace_set *find(const struct namespace_sets *sets, const char *name)
{
	struct namespace_set *set = sets->bucket[bucket_of(name)];

	while (set && strcmp(set->name, name) != 0)
		set = set->next;
	return set;
}

struct namespace_set *namespace_sets_ref(struct namespace_sets *sets, const char *name)
{
	struct namespace_set *set = find(sets, name), **head = &sets->bucket[bucket_of(name)];
	size_t size = strlen(name) + 1;

	if (!set) {
		set = calloc(1, sizeof *set + size);
		if (!set)
			return NULL;
		memcpy(set->name, name, size);
		set->next = *head;
		*head = set;
	}
	set->refs++;
	return set;
}

void namespace_sets_unref(struct namespace_sets *sets, struct namespace_set *set)
{
	struct namespace_set **at;

	if (!set || --set->refs)
		return;
	at = &sets->bucket[bucket_of(set->name)];
	while (*at != set)
		at = &(*at)->next;
	*at = set->next;
	free(set);
}

const struct abi_policy_set *namespace_sets_find(const struct namespace_sets *sets, const char *name)
{
	const struct namespace_set *set = find(sets, name);

	return set ? &set->policies : NULL;
}
