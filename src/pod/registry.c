/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "pod/path_tree.h"

/* RECENT holds removed containers, the others those that live. */
enum index { BY_CGROUP, BY_ID, RECENT, INDEXES };

/* One allocation: the entry, its labels, its texts. */
struct entry {
	struct pod_container c;      /* first: a public pointer is the entry's */
	struct entry *next[INDEXES]; /* hash chains */
	struct entry *newer, *older; /* in the list of those that live, or of the recent ones */
	struct path_node *node;      /* of its path; NULL: no path, or recent */
	struct entry *same_path;     /* the next one at that node, added before this one */
	int64_t removed_ns;
	size_t bytes;
};

struct list {
	struct entry *oldest, *newest;
	size_t n;
};

struct pod_registry {
	struct entry **bucket[INDEXES];
	size_t mask;
	struct path_tree paths; /* owner of a node: the entry of that path that was last added or completed */
	struct list live, recent;
	struct pod_registry_options options;
	pod_keep_fn *keep;
	const void *keep_context;
	uint64_t refused, conflicts;
	size_t bytes;
};

/* --- texts of an entry, as rows --- */

static const struct {
	const char *what;
	size_t offset, max;
} texts[] = {
	{ "container id", offsetof(struct pod_container, container_id), POD_ID_MAX },
	{ "runtime", offsetof(struct pod_container, runtime), POD_ID_MAX },
	{ "container name", offsetof(struct pod_container, name), POD_NAME_MAX },
	{ "image", offsetof(struct pod_container, image), POD_IMAGE_MAX },
	{ "pod namespace", offsetof(struct pod_container, pod_namespace), POD_NAME_MAX },
	{ "pod name", offsetof(struct pod_container, pod_name), POD_NAME_MAX },
	{ "pod uid", offsetof(struct pod_container, pod_uid), POD_ID_MAX },
	{ "cgroup path", offsetof(struct pod_container, cgroup_path), POD_PATH_MAX },
};
#define TEXTS (sizeof texts / sizeof *texts)

static const char *text_get(const struct pod_container *c, size_t i)
{
	const char *text;

	memcpy(&text, (const char *)c + texts[i].offset, sizeof text);
	return text ? text : "";
}

static void text_set(struct pod_container *c, size_t i, const char *text)
{
	memcpy((char *)c + texts[i].offset, &text, sizeof text);
}

static struct str path_trim(const char *path)
{
	struct str text = str_of(path);

	while (text.len && text.p[text.len - 1] == '/')
		text.len--;
	return text;
}

/* --- index --- */

static size_t hash_text(struct str text)
{
	return hash_fold(hash_bytes(HASH_BEGIN, text.p, text.len));
}

static size_t hash_number(uint64_t number)
{
	return hash_fold(number * UINT64_C(0x9e3779b97f4a7c15));
}

static size_t hash_entry(const struct entry *entry, enum index index)
{
	switch (index) {
	case BY_ID:
		return hash_text(str_of(entry->c.container_id));
	default:
		return hash_number(entry->c.cgroup_id);
	}
}

static void index_add(struct pod_registry *registry, struct entry *entry, enum index index)
{
	struct entry **head = &registry->bucket[index][hash_entry(entry, index) & registry->mask];

	entry->next[index] = *head;
	*head = entry;
}

static void index_remove(struct pod_registry *registry, struct entry *entry, enum index index)
{
	struct entry **at = &registry->bucket[index][hash_entry(entry, index) & registry->mask];

	while (*at && *at != entry)
		at = &(*at)->next[index];
	if (*at)
		*at = entry->next[index];
}

static void list_append(struct list *list, struct entry *entry)
{
	entry->older = list->newest;
	entry->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = entry;
	list->newest = entry;
	list->n++;
}

static void list_remove(struct list *list, struct entry *entry)
{
	*(entry->older ? &entry->older->newer : &list->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &list->newest) = entry->older;
	list->n--;
}

static void path_remove(struct pod_registry *registry, struct entry *entry)
{
	struct path_node *node = entry->node;
	struct entry *at = node ? node->owner : NULL;

	if (!node)
		return;
	if (at == entry) {
		node->owner = entry->same_path;
	} else {
		while (at->same_path != entry)
			at = at->same_path;
		at->same_path = entry->same_path;
	}
	entry->node = NULL;
	path_tree_prune(&registry->paths, node);
}

static void live_unindex(struct pod_registry *registry, struct entry *entry)
{
	index_remove(registry, entry, BY_CGROUP);
	index_remove(registry, entry, BY_ID);
	path_remove(registry, entry);
}

/* False: no memory, and nothing is changed. */
static bool live_index(struct pod_registry *registry, struct entry *entry)
{
	if (*entry->c.cgroup_path) {
		entry->node = path_tree_make(&registry->paths, str_of(entry->c.cgroup_path));
		if (!entry->node)
			return false;
		entry->same_path = entry->node->owner;
		entry->node->owner = entry;
	}
	index_add(registry, entry, BY_CGROUP);
	index_add(registry, entry, BY_ID);
	return true;
}

static struct entry *find_number(const struct pod_registry *registry, enum index index, uint64_t cgroup_id)
{
	struct entry *entry = registry->bucket[index][hash_number(cgroup_id) & registry->mask];

	while (entry && entry->c.cgroup_id != cgroup_id)
		entry = entry->next[index];
	return entry;
}

/* --- life --- */

struct pod_registry *pod_registry_new(const struct pod_registry_options *options)
{
	struct pod_registry *registry = calloc(1, sizeof *registry);
	size_t buckets = 64;

	if (!registry)
		return NULL;
	if (options)
		registry->options = *options;
	if (!registry->options.limit)
		registry->options.limit = 65536;
	if (!registry->options.recent_limit)
		registry->options.recent_limit = 1024;
	if (!registry->options.recent_ns)
		registry->options.recent_ns = INT64_C(60000000000);
	while (buckets < registry->options.limit / 4)
		buckets *= 2;
	registry->mask = buckets - 1;
	for (size_t i = 0; i < INDEXES; i++) {
		registry->bucket[i] = calloc(buckets, sizeof(struct entry *));
		if (!registry->bucket[i]) {
			pod_registry_free(registry);
			return NULL;
		}
	}
	if (path_tree_init(&registry->paths, buckets) < 0) {
		pod_registry_free(registry);
		return NULL;
	}
	return registry;
}

static void entry_free(struct pod_registry *registry, struct entry *entry)
{
	registry->bytes -= entry->bytes;
	free(entry);
}

static void list_free(struct pod_registry *registry, struct list *list)
{
	for (struct entry *entry = list->oldest, *next; entry; entry = next) {
		next = entry->newer;
		entry_free(registry, entry);
	}
}

void pod_registry_free(struct pod_registry *registry)
{
	if (!registry)
		return;
	list_free(registry, &registry->live);
	list_free(registry, &registry->recent);
	for (size_t i = 0; i < INDEXES; i++)
		free(registry->bucket[i]);
	path_tree_done(&registry->paths);
	free(registry);
}

/* --- adding --- */

static int info_check(const struct pod_container *info, struct error *err)
{
	if (!info->cgroup_id)
		return error_set(err, EINVAL, "container '%s': cgroup id 0 stands for no container",
				 info->container_id ? info->container_id : "");
	for (size_t i = 0; i < TEXTS; i++)
		if (strnlen(text_get(info, i), texts[i].max + 1) > texts[i].max)
			return error_set(err, E2BIG, "%s: longer than %zu bytes", texts[i].what, texts[i].max);
	if (info->cgroup_path && *info->cgroup_path && *info->cgroup_path != '/')
		return error_set(err, EINVAL, "cgroup path '%s': want one that begins with '/'", info->cgroup_path);
	if (info->labels > POD_LABELS_MAX)
		return error_set(err, E2BIG, "pod '%s': %zu labels, more than %d", text_get(info, 5), info->labels,
				 POD_LABELS_MAX);
	for (size_t i = 0; i < info->labels; i++)
		if (strnlen(info->label[i].key, POD_LABEL_MAX + 1) > POD_LABEL_MAX ||
		    strnlen(info->label[i].value, POD_LABEL_MAX + 1) > POD_LABEL_MAX)
			return error_set(err, E2BIG, "pod '%s': a label is longer than %d bytes", text_get(info, 5),
					 POD_LABEL_MAX);
	return 0;
}

static const char *copy_text(char **at, const char *text, size_t len)
{
	char *copy = *at;

	memcpy(copy, text, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

static int label_order(const void *a, const void *b)
{
	return strcmp(((const struct pod_label *)a)->key, ((const struct pod_label *)b)->key);
}

/* `info` is checked: sums cannot wrap. */
static struct entry *entry_new(struct pod_registry *registry, const struct pod_container *info)
{
	size_t bytes = sizeof(struct entry) + info->labels * sizeof(struct pod_label);
	struct pod_label *label;
	struct entry *entry;
	char *at;

	for (size_t i = 0; i < TEXTS; i++)
		bytes += strlen(text_get(info, i)) + 1;
	for (size_t i = 0; i < info->labels; i++)
		bytes += strlen(info->label[i].key) + strlen(info->label[i].value) + 2;
	entry = malloc(bytes);
	if (!entry)
		return NULL;
	*entry = (struct entry){ .c = *info, .bytes = bytes };
	label = (struct pod_label *)(entry + 1);
	at = (char *)(label + info->labels);
	for (size_t i = 0; i < info->labels; i++) {
		label[i].key = copy_text(&at, info->label[i].key, strlen(info->label[i].key));
		label[i].value = copy_text(&at, info->label[i].value, strlen(info->label[i].value));
	}
	if (info->labels)
		qsort(label, info->labels, sizeof *label, label_order);
	entry->c.label = label;
	entry->c.labels_known = info->labels_known || info->labels;
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = text_get(info, i);
		bool is_path = texts[i].offset == offsetof(struct pod_container, cgroup_path);

		text_set(&entry->c, i, copy_text(&at, text, is_path ? path_trim(text).len : strlen(text)));
	}
	registry->bytes += bytes;
	return entry;
}

static bool differs(const char *known, const char *said)
{
	return *known && said && *said && strcmp(known, said);
}

static int complete(struct pod_registry *registry, struct entry *old, const struct pod_container *info,
		    struct error *err)
{
	struct pod_container merged = old->c;
	bool changed = false;
	struct entry *entry;

	if (differs(old->c.container_id, info->container_id) || differs(old->c.pod_namespace, info->pod_namespace) ||
	    differs(old->c.pod_uid, info->pod_uid)) {
		registry->conflicts++;
		return error_set(err, EEXIST,
				 "cgroup %s: is registered for container '%s' of namespace '%s', pod uid '%s', "
				 "and cannot become container '%s' of namespace '%s', pod uid '%s'",
				 old->c.cgroup_path, old->c.container_id, old->c.pod_namespace, old->c.pod_uid,
				 text_get(info, 0), text_get(info, 4), text_get(info, 6));
	}
	for (size_t i = 0; i < TEXTS; i++) {
		if (!*text_get(&merged, i) && *text_get(info, i)) {
			text_set(&merged, i, text_get(info, i));
			changed = true;
		}
	}
	if (!merged.labels_known && (info->labels_known || info->labels)) {
		merged.label = info->label;
		merged.labels = info->labels;
		merged.labels_known = true;
		changed = true;
	}
	if (!changed)
		return 0;
	entry = entry_new(registry, &merged);
	if (!entry || !live_index(registry, entry)) {
		if (entry)
			entry_free(registry, entry);
		registry->refused++;
		return error_set(err, ENOMEM, "container '%s': out of memory", old->c.container_id);
	}
	live_unindex(registry, old);
	entry->older = old->older;
	entry->newer = old->newer;
	*(old->older ? &old->older->newer : &registry->live.oldest) = entry;
	*(old->newer ? &old->newer->older : &registry->live.newest) = entry;
	entry_free(registry, old);
	return 0;
}

int pod_registry_add(struct pod_registry *registry, const struct pod_container *info, int64_t now_ns, struct error *err)
{
	struct entry *entry;
	int r = info_check(info, err);

	if (r < 0)
		return r;
	entry = find_number(registry, BY_CGROUP, info->cgroup_id);
	if (entry)
		return complete(registry, entry, info, err);
	if (registry->live.n >= registry->options.limit) {
		registry->refused++;
		return error_set(err, ENOSPC, "container '%s': the registry is full with %zu containers",
				 text_get(info, 0), registry->live.n);
	}
	entry = entry_new(registry, info);
	if (!entry || !live_index(registry, entry)) {
		if (entry)
			entry_free(registry, entry);
		registry->refused++;
		return error_set(err, ENOMEM, "container '%s': out of memory", text_get(info, 0));
	}
	entry->c.registered_ns = now_ns;
	list_append(&registry->live, entry);
	return 1;
}

/* --- removal --- */

static void recent_drop_oldest(struct pod_registry *registry)
{
	struct entry *entry = registry->recent.oldest;

	list_remove(&registry->recent, entry);
	index_remove(registry, entry, RECENT);
	entry_free(registry, entry);
}

/* True if the oldest recent one is still needed: then it counts as removed now. */
static bool recent_keep_oldest(struct pod_registry *registry, int64_t now_ns)
{
	struct entry *entry = registry->recent.oldest;

	if (!registry->keep || !registry->keep(registry->keep_context, entry->c.cgroup_id))
		return false;
	list_remove(&registry->recent, entry);
	entry->removed_ns = now_ns;
	list_append(&registry->recent, entry);
	return true;
}

void pod_registry_keep(struct pod_registry *registry, pod_keep_fn *keep, const void *context)
{
	registry->keep = keep;
	registry->keep_context = context;
}

int pod_registry_remove(struct pod_registry *registry, uint64_t cgroup_id, int64_t now_ns)
{
	struct entry *entry = find_number(registry, BY_CGROUP, cgroup_id);

	if (!entry)
		return -ENOENT;
	live_unindex(registry, entry);
	list_remove(&registry->live, entry);
	entry->removed_ns = now_ns;
	list_append(&registry->recent, entry);
	index_add(registry, entry, RECENT);
	if (registry->recent.n > registry->options.recent_limit) {
		int tries = 0;

		while (tries < POD_KEEP_TRIES && recent_keep_oldest(registry, now_ns))
			tries++;
		recent_drop_oldest(registry);
	}
	return 0;
}

size_t pod_registry_expire(struct pod_registry *registry, int64_t now_ns)
{
	size_t n = 0;
	int tries = 0;

	while (registry->recent.oldest && now_ns - registry->recent.oldest->removed_ns > registry->options.recent_ns &&
	       tries++ < POD_KEEP_TRIES) {
		if (recent_keep_oldest(registry, now_ns))
			continue;
		recent_drop_oldest(registry);
		n++;
	}
	return n;
}

/* --- lookup --- */

static const struct pod_container *of(const struct entry *entry)
{
	return entry ? &entry->c : NULL;
}

const struct pod_container *pod_registry_by_cgroup(const struct pod_registry *registry, uint64_t cgroup_id)
{
	return of(find_number(registry, BY_CGROUP, cgroup_id));
}

const struct pod_container *pod_registry_recall(const struct pod_registry *registry, uint64_t cgroup_id)
{
	const struct entry *entry = find_number(registry, BY_CGROUP, cgroup_id);

	return of(entry ? entry : find_number(registry, RECENT, cgroup_id));
}

const struct pod_container *pod_registry_by_id(const struct pod_registry *registry, const char *container_id)
{
	const struct entry *entry;

	if (!container_id || !*container_id)
		return NULL;
	entry = registry->bucket[BY_ID][hash_text(str_of(container_id)) & registry->mask];
	while (entry && strcmp(container_id, entry->c.container_id))
		entry = entry->next[BY_ID];
	return of(entry);
}

/* The owner of a path's node; the root is nobody's. */
static const struct entry *find_path(const struct pod_registry *registry, const char *path, void **ret_above)
{
	const struct path_node *node = path_tree_find(&registry->paths, path_trim(path), ret_above);

	return node ? node->owner : NULL;
}

const struct pod_container *pod_registry_by_path(const struct pod_registry *registry, const char *cgroup_path)
{
	return of(find_path(registry, cgroup_path, NULL));
}

const struct pod_container *pod_registry_above(const struct pod_registry *registry, const char *cgroup_path)
{
	void *above;
	const struct entry *entry = find_path(registry, cgroup_path, &above);

	return of(entry ? entry : above);
}

enum pod_path pod_registry_judge_path(const struct pod_registry *registry, const char *cgroup_path, uint64_t cgroup_id,
				      const char *container_id, const struct pod_container **ret_other)
{
	struct str path = path_trim(cgroup_path);
	const struct pod_container *other = NULL;
	enum pod_path answer = POD_PATH_NEW;
	const struct path_node *node;
	void *above;

	node = path_tree_find(&registry->paths, path, &above);
	if (!path.len) {
		answer = POD_PATH_ROOT;
	} else if (node && node->owner) {
		other = of(node->owner);
		if (other->cgroup_id != cgroup_id)
			answer = POD_PATH_REMADE;
		else
			answer = differs(other->container_id, container_id) ? POD_PATH_TAKEN : POD_PATH_SAME;
	} else if (node) { /* it is there because of somebody below it */
		answer = POD_PATH_ABOVE;
		other = of(path_tree_below(node));
	} else if (above) {
		answer = POD_PATH_BELOW;
		other = of(above);
	}
	if (ret_other)
		*ret_other = other;
	return answer;
}

void pod_registry_decided(struct pod_registry *registry, uint64_t cgroup_id, uint32_t decision_us)
{
	struct entry *entry = find_number(registry, BY_CGROUP, cgroup_id);

	if (entry && !entry->c.decision_us)
		entry->c.decision_us = decision_us;
}

int pod_registry_each(struct pod_registry *registry, const char *pod_namespace, pod_registry_fn *each, void *context)
{
	for (struct entry *entry = registry->live.oldest, *next; entry; entry = next) {
		int r;

		next = entry->newer;
		if (pod_namespace && strcmp(pod_namespace, entry->c.pod_namespace))
			continue;
		r = each(context, &entry->c);
		if (r)
			return r;
	}
	return 0;
}

void pod_registry_stats(const struct pod_registry *registry, struct pod_registry_stats *ret_stats)
{
	*ret_stats = (struct pod_registry_stats){
		.containers = registry->live.n,
		.recent = registry->recent.n,
		.refused = registry->refused,
		.conflicts = registry->conflicts,
		.bytes = registry->bytes + registry->paths.bytes,
	};
}
