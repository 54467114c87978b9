/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/yaml_tree.h: one YAML document as a small tree whose nodes know their line and column.
 * A strict subset: block and flow style, UTF-8 (a byte order mark at the start is skipped). Refused with line and
 * column: anchors and aliases, tags other than !!str !!int !!bool !!null !!float on scalars, keys that are not scalars
 * of text, duplicate keys, a second document, and more than the caller's limits. Nothing recurses.
 */
#ifndef POLICY_YAML_TREE_H
#define POLICY_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct error;

#define YAML_KEYS_MAX 512 /* of one mapping: duplicates are looked for pairwise */

enum yaml_type { YAML_SCALAR = 1, YAML_LIST, YAML_MAP };

/*
 * How the scalars of YAML 1.1 and 1.2 read, as the Go libraries behind kubectl and the original take them: quoted and
 * block scalars are text; plain ones may be something else. Base 60 ("1:30") is text there.
 */
enum yaml_kind {
	YAML_TEXT = 1,
	YAML_NULL,      /* ~, null, nothing */
	YAML_BOOL,      /* true, false, and 1.1's yes, no, on, off, y, n: see yaml_bool */
	YAML_INT,       /* decimal without leading zero: the same number in every reading, its text is its own value */
	YAML_INT_OTHER, /* hexadecimal, octal, binary, leading zero, underscores, plus sign: readings differ */
	YAML_FLOAT,
};

struct yaml_node {
	enum yaml_type type;
	enum yaml_kind kind;   /* scalars */
	unsigned line, column; /* from 1, of its first character; a map's child has its own besides its key's */
	struct str text;       /* scalars: decoded, may hold NULs when quoted; NUL-terminated at text.p[text.len] */
	struct str key;        /* children of a map */
	unsigned key_line, key_column;
	uint32_t children;      /* of lists and maps */
	uint32_t first, next;   /* indexes of nodes; 0 = none (0 is the root) */
	size_t text_at, key_at; /* offsets while the tree grows */
};

struct yaml_tree {
	struct yaml_node *node; /* [0] is the root; owned */
	size_t nodes;
	char *pool; /* all texts; owned */
	size_t pool_len;
};

struct yaml_limits {
	size_t bytes;   /* of input */
	size_t nodes;   /* keys count too */
	unsigned depth; /* nested lists and maps */
};

/*
 * Parses `len` bytes (borrowed during the call). On success *ret_tree is the caller's, emptied by yaml_tree_done; on
 * failure it is empty. Returns 0; -EINVAL malformed, refused or no document; -E2BIG over a limit; -ENOMEM. Errors name
 * line and column where there is one.
 */
int yaml_tree_parse(const char *yaml, size_t len, const struct yaml_limits *limits, struct yaml_tree *ret_tree,
		    struct error *err);
void yaml_tree_done(struct yaml_tree *tree);

/* First child and next sibling, NULL at the end. */
const struct yaml_node *yaml_first(const struct yaml_tree *tree, const struct yaml_node *node);
const struct yaml_node *yaml_next(const struct yaml_tree *tree, const struct yaml_node *node);

/* The value under `key` of a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_tree *tree, const struct yaml_node *map, const char *key);

/* The value of a scalar of kind YAML_BOOL. */
bool yaml_bool(const struct yaml_node *scalar);

/* How a plain scalar reads. */
enum yaml_kind yaml_kind_of_plain(struct str text);

#endif
