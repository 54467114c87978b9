/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/path_tree.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"

/* Nodes lie apart in memory: their addresses tell parents apart. */
static size_t hash(const struct path_node *parent, struct str name)
{
	return hash_fold(hash_bytes(HASH_BEGIN ^ (uint64_t)(uintptr_t)parent, name.p, name.len));
}

/* Takes the first element off "/a/b". False: no more, or no '/' where one has to be. */
static bool element_next(struct str *path, struct str *ret_name)
{
	struct str rest;
	ptrdiff_t slash;

	if (!path->len || *path->p != '/')
		return false;
	rest = str_from(*path, 1);
	slash = str_find(rest, '/');
	*ret_name = (struct str){ rest.p, slash < 0 ? rest.len : (size_t)slash };
	*path = str_from(rest, ret_name->len);
	return true;
}

static struct path_node *child_find(const struct path_tree *tree, const struct path_node *parent, struct str name)
{
	struct path_node *node = tree->bucket[hash(parent, name) & tree->mask];

	while (node && (node->parent != parent || !str_equal(name, node->name)))
		node = node->next;
	return node;
}

static struct path_node *child_new(struct path_tree *tree, struct path_node *parent, struct str name)
{
	struct path_node **head = &tree->bucket[hash(parent, name) & tree->mask];
	struct path_node *node = malloc(sizeof *node + name.len);

	if (!node)
		return NULL;
	if (name.len)
		memcpy(node + 1, name.p, name.len);
	name.p = (const char *)(node + 1);
	*node = (struct path_node){ .parent = parent, .next = *head, .sibling = parent->child, .name = name };
	*head = node;
	if (parent->child)
		parent->child->previous = node;
	parent->child = node;
	tree->bytes += sizeof *node + name.len;
	return node;
}

static void node_free(struct path_tree *tree, struct path_node *node)
{
	struct path_node **at = &tree->bucket[hash(node->parent, node->name) & tree->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	*(node->previous ? &node->previous->sibling : &node->parent->child) = node->sibling;
	if (node->sibling)
		node->sibling->previous = node->previous;
	tree->bytes -= sizeof *node + node->name.len;
	free(node);
}

int path_tree_init(struct path_tree *tree, size_t buckets)
{
	*tree = (struct path_tree){ .bucket = calloc(buckets, sizeof(struct path_node *)), .mask = buckets - 1 };
	return tree->bucket ? 0 : -ENOMEM;
}

void path_tree_done(struct path_tree *tree)
{
	for (size_t i = 0; tree->bucket && i <= tree->mask; i++) {
		for (struct path_node *node = tree->bucket[i], *next; node; node = next) {
			next = node->next;
			free(node);
		}
	}
	free(tree->bucket);
	*tree = (struct path_tree){ 0 };
}

struct path_node *path_tree_make(struct path_tree *tree, struct str path)
{
	struct path_node *node = &tree->root, *child;
	struct str name;

	while (element_next(&path, &name)) {
		child = child_find(tree, node, name);
		if (!child)
			child = child_new(tree, node, name);
		if (!child) {
			path_tree_prune(tree, node);
			return NULL;
		}
		node = child;
	}
	return node;
}

void path_tree_prune(struct path_tree *tree, struct path_node *node)
{
	while (node && node->parent && !node->owner && !node->child) {
		struct path_node *parent = node->parent;

		node_free(tree, node);
		node = parent;
	}
}

const struct path_node *path_tree_find(const struct path_tree *tree, struct str path, void **ret_above)
{
	const struct path_node *node = &tree->root;
	void *above = NULL;
	struct str name;

	while (node && element_next(&path, &name)) {
		if (node->owner)
			above = node->owner;
		node = child_find(tree, node, name);
	}
	if (ret_above)
		*ret_above = above;
	return path.len ? NULL : node;
}

void *path_tree_below(const struct path_node *node)
{
	node = node->child;
	while (node && !node->owner)
		node = node->child;
	return node ? node->owner : NULL;
}
