/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/schema.h: every key that a TracingPolicy may have, as rows of a table: where it stands, what type it has,
 * and whether this agent can do what it asks. A key that the table does not know is a mistake, and one that it knows
 * but that is not supported yet is refused unless its value asks for nothing (null, or the type's zero: false, 0, "",
 * []). Source: the CRDs of the original, tracing policy reference, sections 1 to 8.
 */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include "base/buf.h"
#include "policy/yaml_tree.h"

struct policy;

enum schema_object {
	SCHEMA_ROOT = 1,
	SCHEMA_METADATA,
	SCHEMA_SPEC,
	SCHEMA_KPROBE,
	SCHEMA_TRACEPOINT,
	SCHEMA_ARG,
	SCHEMA_SELECTOR,
	SCHEMA_MATCH_ARG,
	SCHEMA_ACTION,
	SCHEMA_LABEL_SELECTOR,
	SCHEMA_LABEL_TERM,
};

enum schema_type { SCHEMA_TEXT = 1, SCHEMA_BOOL, SCHEMA_INT, SCHEMA_LIST, SCHEMA_MAP, SCHEMA_ANY };

enum schema_use {
	SCHEMA_OPTIONAL = 1,
	SCHEMA_REQUIRED,
	SCHEMA_IGNORED,     /* says nothing about what is to be watched: labels, what the API server adds */
	SCHEMA_UNSUPPORTED, /* not yet */
};

struct schema_row {
	enum schema_object object;
	const char *key;
	enum schema_type type;
	enum schema_use use;
};

/* The table, sorted by object, then key. */
extern const struct schema_row schema_rows[];
extern const size_t schema_rows_n;

#define PARSE_PATH_MAX 256

/* A policy in the making: one for each policy_parse, on its stack. */
struct parse {
	const struct yaml_tree *tree;
	struct policy *policy;
	struct error *err;
	struct buf path; /* "spec.kprobes[0].selectors[1]" */
	char path_text[PARSE_PATH_MAX];
	size_t strings_size; /* allocated policy->string */
	uint32_t sets;       /* string sets given out */
};

/* The path grows by ".key" or "[index]" and falls back to what path_mark returned. */
size_t path_mark(const struct parse *parse);
void path_key(struct parse *parse, const char *key);
void path_index(struct parse *parse, size_t index);
void path_reset(struct parse *parse, size_t mark);

/*
 * Sets "PATH: why (line L, column C)" with the place of `at` (NULL: none) and returns -code. fail_key puts ".key"
 * behind the path and takes the key's own place.
 */
int parse_fail(const struct parse *parse, int code, const struct yaml_node *at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int parse_fail_key(struct parse *parse, int code, const struct yaml_node *child, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Checks a node against the rows of `object`: it is a map, its keys are known and supported and have values of their
 * type, and the required ones are there. 0 or -EINVAL.
 */
int schema_check(struct parse *parse, enum schema_object object, const struct yaml_node *node);

/*
 * The value under `key` of a checked map, or NULL if it is absent or null. Only asked for keys that have a row.
 */
const struct yaml_node *schema_get(const struct parse *parse, const struct yaml_node *map, const char *key);

/* Sets " did you mean 'X'?" text for the closest of `words` (stride bytes apart, each begins with a const char *). */
struct hint {
	char text[96];
};
struct hint schema_hint(struct str wanted, const void *words, size_t n, size_t stride);

#endif
