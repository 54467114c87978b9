/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/yaml_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <yaml.h>

#include "base/error.h"
#include "policy/shown.h"

#define POOL_FIRST 4096
#define NODES_FIRST 64

/* A list or map that is still open. */
struct level {
	uint32_t node;
	uint32_t last; /* its last child; 0 = none yet */
	bool has_key;  /* map: a key waits for its value */
	size_t key_at, key_len;
	unsigned key_line, key_column;
};

struct build {
	struct yaml_tree tree;
	size_t nodes_size, pool_size;
	size_t counted; /* nodes and keys */
	const struct yaml_limits *limits;
	struct level *level; /* limits->depth of them */
	unsigned depth;
	struct error *err;
};

static int refuse(struct build *build, int code, const yaml_mark_t *mark, const char *why)
{
	return error_set(build->err, code, "YAML: %s (line %zu, column %zu)", why, mark->line + 1, mark->column + 1);
}

static int pool_add(struct build *build, const void *text, size_t len, size_t *ret_at)
{
	struct yaml_tree *tree = &build->tree;

	if (build->pool_size - tree->pool_len <= len) {
		size_t size = (build->pool_size ? build->pool_size : POOL_FIRST) * 2 + len;
		char *pool = realloc(tree->pool, size);

		if (!pool)
			return error_set(build->err, ENOMEM, "YAML: out of memory");
		tree->pool = pool;
		build->pool_size = size;
	}
	if (len)
		memcpy(tree->pool + tree->pool_len, text, len);
	tree->pool[tree->pool_len + len] = '\0';
	*ret_at = tree->pool_len;
	tree->pool_len += len + 1;
	return 0;
}

static int count(struct build *build, const yaml_mark_t *mark)
{
	if (++build->counted > build->limits->nodes)
		return refuse(build, E2BIG, mark, "too many nodes for a policy");
	return 0;
}

/* Appends a node below the innermost open level. */
static int node_add(struct build *build, enum yaml_type type, const yaml_mark_t *mark, uint32_t *ret_index)
{
	struct yaml_tree *tree = &build->tree;
	struct yaml_node *node;
	uint32_t index = (uint32_t)tree->nodes;
	int r = count(build, mark);

	if (r < 0)
		return r;
	if (tree->nodes == build->nodes_size) {
		size_t size = build->nodes_size ? build->nodes_size * 2 : NODES_FIRST;

		node = realloc(tree->node, size * sizeof *node);
		if (!node)
			return error_set(build->err, ENOMEM, "YAML: out of memory");
		tree->node = node;
		build->nodes_size = size;
	}
	node = &tree->node[tree->nodes++];
	*node = (struct yaml_node){ .type = type,
				    .line = (unsigned)mark->line + 1,
				    .column = (unsigned)mark->column + 1 };
	if (build->depth) {
		struct level *level = &build->level[build->depth - 1];
		struct yaml_node *parent = &tree->node[level->node];

		if (level->last)
			tree->node[level->last].next = index;
		else
			parent->first = index;
		level->last = index;
		parent->children++;
		if (parent->type == YAML_MAP) {
			node->key_at = level->key_at;
			node->key.len = level->key_len;
			node->key_line = level->key_line;
			node->key_column = level->key_column;
			level->has_key = false;
		}
	}
	*ret_index = index;
	return 0;
}

static bool wants_key(const struct build *build)
{
	const struct level *level = build->depth ? &build->level[build->depth - 1] : NULL;

	assert(!level || build->tree.node); /* a level is a node */
	return level && build->tree.node[level->node].type == YAML_MAP && !level->has_key;
}

static int key_add(struct build *build, const yaml_event_t *event, enum yaml_kind kind)
{
	struct level *level = &build->level[build->depth - 1];
	const struct yaml_node *map = &build->tree.node[level->node];
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	int r = count(build, &event->start_mark);

	if (r < 0)
		return r;
	/* JSON has text keys only. A plain "y" or "on" is one all the same where a key stands. */
	if (kind != YAML_TEXT && kind != YAML_BOOL)
		return refuse(build, EINVAL, &event->start_mark, "a key must be text");
	if (map->children >= YAML_KEYS_MAX)
		return refuse(build, E2BIG, &event->start_mark, "too many keys in one mapping");
	for (uint32_t at = map->first; at; at = build->tree.node[at].next) {
		const struct yaml_node *other = &build->tree.node[at];

		if (other->key.len == len && !memcmp(build->tree.pool + other->key_at, text, len))
			return error_set(build->err, EINVAL,
					 "YAML: duplicate key %s, first seen on line %u (line %zu, column %zu)",
					 shown((struct str){ text, len }).text, other->key_line,
					 event->start_mark.line + 1, event->start_mark.column + 1);
	}
	r = pool_add(build, text, len, &level->key_at);
	if (r < 0)
		return r;
	level->key_len = len;
	level->key_line = (unsigned)event->start_mark.line + 1;
	level->key_column = (unsigned)event->start_mark.column + 1;
	level->has_key = true;
	return 0;
}

static const struct tag {
	const char *name;
	enum yaml_kind kind;
} scalar_tags[] = {
	{ "!", YAML_TEXT },           { YAML_STR_TAG, YAML_TEXT },  { YAML_INT_TAG, YAML_INT },
	{ YAML_BOOL_TAG, YAML_BOOL }, { YAML_NULL_TAG, YAML_NULL }, { YAML_FLOAT_TAG, YAML_FLOAT },
};

/* Kind of a scalar by its tag and its look. */
static int kind_find(struct build *build, const yaml_event_t *event, enum yaml_kind *ret_kind)
{
	struct str text = { (const char *)event->data.scalar.value, event->data.scalar.length };
	const char *tag = (const char *)event->data.scalar.tag;
	enum yaml_kind looks = yaml_kind_of_plain(text);

	if (!tag) {
		*ret_kind = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? looks : YAML_TEXT;
		return 0;
	}
	for (size_t i = 0; i < sizeof scalar_tags / sizeof *scalar_tags; i++) {
		if (strcmp(tag, scalar_tags[i].name) != 0)
			continue;
		if (scalar_tags[i].kind == YAML_TEXT || scalar_tags[i].kind == looks ||
		    (scalar_tags[i].kind == YAML_INT && looks == YAML_INT_OTHER)) {
			*ret_kind = scalar_tags[i].kind == YAML_TEXT ? YAML_TEXT : looks;
			return 0;
		}
		return refuse(build, EINVAL, &event->start_mark, "the value is not what its tag says");
	}
	return refuse(build, EINVAL, &event->start_mark, "tags are not supported");
}

static int scalar_take(struct build *build, const yaml_event_t *event)
{
	struct yaml_node *node;
	enum yaml_kind kind = YAML_TEXT;
	uint32_t index = 0;
	size_t at = 0;
	int r;

	if (event->data.scalar.anchor)
		return refuse(build, EINVAL, &event->start_mark, "anchors are not supported");
	r = kind_find(build, event, &kind);
	if (r < 0)
		return r;
	if (wants_key(build))
		return key_add(build, event, kind);
	r = pool_add(build, event->data.scalar.value, event->data.scalar.length, &at);
	if (r >= 0)
		r = node_add(build, YAML_SCALAR, &event->start_mark, &index);
	if (r < 0)
		return r;
	node = &build->tree.node[index];
	node->kind = kind;
	node->text_at = at;
	node->text.len = event->data.scalar.length;
	return 0;
}

static int level_open(struct build *build, const yaml_event_t *event)
{
	bool map = event->type == YAML_MAPPING_START_EVENT;
	uint32_t index = 0;
	int r;

	if (map ? event->data.mapping_start.anchor != NULL : event->data.sequence_start.anchor != NULL)
		return refuse(build, EINVAL, &event->start_mark, "anchors are not supported");
	if (map ? event->data.mapping_start.tag != NULL : event->data.sequence_start.tag != NULL)
		return refuse(build, EINVAL, &event->start_mark, "tags are not supported");
	if (wants_key(build))
		return refuse(build, EINVAL, &event->start_mark, "a key must be text");
	if (build->depth >= build->limits->depth)
		return refuse(build, E2BIG, &event->start_mark, "nested too deeply");
	r = node_add(build, map ? YAML_MAP : YAML_LIST, &event->start_mark, &index);
	if (r < 0)
		return r;
	build->level[build->depth++] = (struct level){ .node = index };
	return 0;
}

/* Returns 1 at the end of the stream, else 0 or a negative errno. */
static int event_take(struct build *build, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		if (!build->tree.nodes)
			return error_set(build->err, EINVAL, "YAML: no document");
		return 1;
	case YAML_DOCUMENT_START_EVENT:
		if (build->tree.nodes)
			return refuse(build, EINVAL, &event->start_mark,
				      "a second document begins; a policy is one document");
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(build, EINVAL, &event->start_mark, "aliases are not supported");
	case YAML_SCALAR_EVENT:
		return scalar_take(build, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return level_open(build, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		build->depth--;
		return 0;
	default:
		return 0;
	}
}

/* libyaml's own refusal. Errors of the reader have a byte offset only. */
static int parser_refuse(struct build *build, const yaml_parser_t *parser, const char *yaml, size_t len)
{
	size_t line = parser->problem_mark.line, column = parser->problem_mark.column;
	const char *problem = parser->problem ? parser->problem : "malformed";

	if (parser->error == YAML_MEMORY_ERROR)
		return error_set(build->err, ENOMEM, "YAML: out of memory");
	if (parser->error == YAML_READER_ERROR) {
		size_t end = parser->problem_offset < len ? parser->problem_offset : len;

		line = column = 0;
		for (size_t i = 0; i < end; i++) {
			bool newline = yaml[i] == '\n';

			line += newline;
			column = newline ? 0 : column + 1;
		}
	}
	return error_set(build->err, EINVAL, "YAML: %s%s%s%s (line %zu, column %zu)",
			 parser->context ? parser->context : "", parser->context ? ": " : "", problem,
			 strstr(problem, "cannot start any token") ? "; indent with spaces, not tabs" : "", line + 1,
			 column + 1);
}

static int events_take(struct build *build, const char *yaml, size_t len)
{
	yaml_parser_t parser;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return error_set(build->err, ENOMEM, "YAML: out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING); /* or a byte order mark would choose UTF-16 */
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, len);
	while (!r) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			r = parser_refuse(build, &parser, yaml, len);
			break;
		}
		r = event_take(build, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return r < 0 ? r : 0;
}

int yaml_tree_parse(const char *yaml, size_t len, const struct yaml_limits *limits, struct yaml_tree *ret_tree,
		    struct error *err)
{
	struct build build = { .limits = limits, .err = err };
	int r;

	*ret_tree = (struct yaml_tree){ 0 };
	if (len > limits->bytes)
		return error_set(err, E2BIG, "YAML: %zu bytes; a policy has at most %zu", len, limits->bytes);
	if (len >= 3 && !memcmp(yaml, "\xef\xbb\xbf", 3)) {
		yaml += 3;
		len -= 3;
	}
	build.level = calloc(limits->depth, sizeof *build.level);
	if (!build.level)
		return error_set(err, ENOMEM, "YAML: out of memory");
	r = events_take(&build, yaml, len);
	free(build.level);
	if (r < 0) {
		yaml_tree_done(&build.tree);
		return r;
	}
	for (size_t i = 0; i < build.tree.nodes; i++) {
		struct yaml_node *node = &build.tree.node[i];

		node->text.p = node->type == YAML_SCALAR ? build.tree.pool + node->text_at : NULL;
		node->key.p = node->key_line ? build.tree.pool + node->key_at : NULL;
	}
	*ret_tree = build.tree;
	return 0;
}

void yaml_tree_done(struct yaml_tree *tree)
{
	free(tree->node);
	free(tree->pool);
	*tree = (struct yaml_tree){ 0 };
}

const struct yaml_node *yaml_first(const struct yaml_tree *tree, const struct yaml_node *node)
{
	return node->first ? &tree->node[node->first] : NULL;
}

const struct yaml_node *yaml_next(const struct yaml_tree *tree, const struct yaml_node *node)
{
	return node->next ? &tree->node[node->next] : NULL;
}

const struct yaml_node *yaml_get(const struct yaml_tree *tree, const struct yaml_node *map, const char *key)
{
	if (map->type != YAML_MAP)
		return NULL;
	for (const struct yaml_node *child = yaml_first(tree, map); child; child = yaml_next(tree, child))
		if (str_is(child->key, key))
			return child;
	return NULL;
}
