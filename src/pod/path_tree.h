/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/pod/path_tree.h: paths that have an owner, and the directories above them: what is at a path, around it and below
 * it is found in one walk along the path, however many paths there are. A node holds one element ("c1" of "/pods/c1");
 * it is there as long as it has an owner or a child. One thread.
 */
#ifndef POD_PATH_TREE_H
#define POD_PATH_TREE_H

#include <stddef.h>

#include "base/str.h"

struct path_node {
	struct path_node *parent; /* NULL: the root, or its child's end */
	void *owner;              /* the user's to read and write; NULL: merely above an owner */
	/* the rest is the tree's */
	struct path_node *child;              /* one of them, NULL: none */
	struct path_node *sibling, *previous; /* list of the parent's children */
	struct path_node *next;               /* hash chain */
	struct str name;                      /* lies behind the node */
};

struct path_tree {
	struct path_node **bucket;
	size_t mask;
	struct path_node root;
	size_t bytes; /* allocated for nodes */
};

/* `buckets`: a power of two. -ENOMEM. */
int path_tree_init(struct path_tree *tree, size_t buckets);
/* Frees all nodes; owners are their users' business. A tree of zeros is allowed. */
void path_tree_done(struct path_tree *tree);

/*
 * The node of `path` ("/a/b", nothing at its end; "" is the root), made if it is not there; NULL: no memory. It is the
 * caller's to set its owner, or to give it back with path_tree_prune.
 */
struct path_node *path_tree_make(struct path_tree *tree, struct str path);
/* Frees `node` and those above it that have neither owner nor child. NULL is allowed. */
void path_tree_prune(struct path_tree *tree, struct path_node *node);

/*
 * The node of `path`, or NULL; *ret_above (may be NULL): the owner of the nearest node strictly above it, or NULL. A
 * path without leading '/' is nowhere.
 */
const struct path_node *path_tree_find(const struct path_tree *tree, struct str path, void **ret_above);
/* An owner strictly below `node`. NULL only for one without children. */
void *path_tree_below(const struct path_node *node);

#endif
