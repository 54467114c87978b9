/* SPDX-License-Identifier: Apache-2.0 */
/* The document's structure: statements, keys, values, and who may define what a second time (nobody). */
#include "conf/toml_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"

#define SHOWN(text) (int)((text).len < 80 ? (text).len : 80), (text).p ? (text).p : ""

struct parse {
	struct toml_scan scan;
	struct toml *doc;
	struct toml_node *section;        /* the table that keys go into */
	struct toml_statement *statement; /* the one that is being read */
	size_t nodes;
	struct error *err;
};

static void position(struct str text, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	size_t line_at = 0;
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.p[i] == '\n') {
			line++;
			line_at = i + 1;
		}
	}
	if (!line_at && str_starts(text, STR("\xef\xbb\xbf")) && offset >= 3)
		line_at = 3;
	for (size_t i = line_at; i < offset && i < text.len; i++)
		column += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	*ret_line = line;
	*ret_column = column;
}

void toml_position(const struct toml *doc, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	position(doc->text, offset, ret_line, ret_column);
}

size_t toml_offset(const struct toml *doc, const struct toml_node *node)
{
	if (node->text.p)
		return (size_t)(node->text.p - doc->text.p);
	return node->statement ? (size_t)(node->statement->text.p - doc->text.p) : 0;
}

/* Puts the place in front of the text that is there. */
static int at(struct parse *parse, size_t offset, int result)
{
	unsigned line, column;

	position(parse->scan.text, offset, &line, &column);
	return error_wrap(parse->err, result, "line %u, column %u", line, column);
}

static int no_memory(struct parse *parse)
{
	return error_set(parse->err, ENOMEM, "not enough memory for a TOML document of %zu bytes",
			 parse->scan.text.len);
}

/* "defined twice", with both places. */
static int twice(struct parse *parse, size_t offset, const struct toml_node *old, const char *why)
{
	unsigned line, column;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	toml_path(old, &out); /* cut is fine */
	position(parse->scan.text, toml_offset(parse->doc, old), &line, &column);
	return at(parse, offset,
		  error_set(parse->err, EINVAL, "%s%s: %s (line %u)", path, out.overflow ? "…" : "", why, line));
}

static struct toml_node *node_new(struct parse *parse, struct toml_node *parent, enum toml_type type,
				  enum toml_origin origin)
{
	struct toml_node *node;

	if (parse->nodes >= TOML_NODES_MAX || (parent && parent->depth >= TOML_DEPTH_MAX)) {
		(void)at(parse, parse->scan.at,
			 error_set(parse->err, E2BIG,
				   parse->nodes >= TOML_NODES_MAX ? "more than %u keys and values"
								  : "nested more than %u deep",
				   parse->nodes >= TOML_NODES_MAX ? TOML_NODES_MAX : TOML_DEPTH_MAX));
		return NULL;
	}
	node = toml_memory_get(parse->doc->memory, sizeof *node);
	if (!node) {
		(void)no_memory(parse);
		return NULL;
	}
	*node = (struct toml_node){ .type = type, .origin = origin, .parent = parent, .statement = parse->statement };
	parse->nodes++;
	if (!parent)
		return node;
	node->depth = parent->depth + 1;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->children++;
	return node;
}

/* The result that node_new's NULL stands for. */
static int node_error(const struct parse *parse)
{
	return parse->err ? -parse->err->code : -EINVAL;
}

/* A child of a table. `raw` is the key as written, `key` decoded. */
static struct toml_node *child_new(struct parse *parse, struct toml_node *table, struct str raw, struct str key,
				   enum toml_type type, enum toml_origin origin)
{
	struct toml_node *node = node_new(parse, table, type, origin);

	if (!node)
		return NULL;
	node->key = key;
	node->name = raw;
	if (toml_index_add(parse->doc->index, node) < 0) {
		(void)no_memory(parse);
		return NULL;
	}
	return node;
}

static int key_decode(struct parse *parse, struct str raw, struct str *ret_key)
{
	char *room;

	if (toml_plain(raw, ret_key))
		return 0;
	room = toml_memory_get(parse->doc->memory, raw.len);
	if (!room)
		return no_memory(parse);
	*ret_key = (struct str){ room, toml_decode(raw, room) };
	return 0;
}

/* Steps over the dot behind a part of a key; false where the key ends. */
static bool dot(struct toml_scan *scan)
{
	size_t before = scan->at;

	toml_scan_blank(scan);
	if (scan->at < scan->text.len && scan->text.p[scan->at] == '.') {
		scan->at++;
		toml_scan_blank(scan);
		return true;
	}
	scan->at = before;
	return false;
}

/* Descends one part of a header's key that is not its last. */
static int header_step(struct parse *parse, struct toml_node **table, struct str raw, struct str key)
{
	struct toml_node *node = toml_index_get(parse->doc->index, *table, key);

	if (!node)
		node = child_new(parse, *table, raw, key, TOML_TABLE, TOML_IMPLIED);
	else if (node->type == TOML_ARRAY && node->origin == TOML_HEADER)
		node = node->last;
	else if (node->type != TOML_TABLE || node->origin == TOML_VALUE)
		return twice(parse, (size_t)(raw.p - parse->scan.text.p), node,
			     "is a value, so a header cannot go into it");
	if (!node)
		return node_error(parse);
	*table = node;
	return 0;
}

/* The last part of a header's key. */
static int header_end(struct parse *parse, struct toml_node *table, struct str raw, struct str key)
{
	bool array = parse->statement->kind == TOML_ARRAY_HEADER;
	struct toml_node *node = toml_index_get(parse->doc->index, table, key);
	size_t offset = (size_t)(raw.p - parse->scan.text.p);

	if (array) {
		if (!node)
			node = child_new(parse, table, raw, key, TOML_ARRAY, TOML_HEADER);
		else if (node->type != TOML_ARRAY || node->origin != TOML_HEADER)
			return twice(parse, offset, node, "is defined already, and not as an array of tables");
		node = node ? node_new(parse, node, TOML_TABLE, TOML_HEADER) : NULL;
	} else if (!node) {
		node = child_new(parse, table, raw, key, TOML_TABLE, TOML_HEADER);
	} else if (node->type == TOML_TABLE && node->origin == TOML_IMPLIED) {
		node->origin = TOML_HEADER;
		node->statement = parse->statement;
	} else {
		return twice(parse, offset, node, "is defined twice");
	}
	if (!node)
		return node_error(parse);
	parse->section = node;
	parse->statement->node = node;
	return 0;
}

static int header(struct parse *parse)
{
	struct toml_statement *statement = parse->statement;
	struct toml_scan *scan = &parse->scan;
	struct toml_node *table = parse->doc->root;
	size_t begin = scan->at, key_begin;
	bool array = scan->text.len - scan->at >= 2 && scan->text.p[scan->at + 1] == '[';

	statement->kind = array ? TOML_ARRAY_HEADER : TOML_TABLE_HEADER;
	scan->at += array ? 2 : 1;
	toml_scan_blank(scan);
	key_begin = scan->at;
	for (bool more = true; more;) {
		struct str raw, key;
		int result = toml_scan_key_part(scan, &raw);

		if (result >= 0)
			result = key_decode(parse, raw, &key);
		if (result < 0)
			return result;
		more = dot(scan);
		result = more ? header_step(parse, &table, raw, key) : header_end(parse, table, raw, key);
		if (result < 0)
			return result;
	}
	statement->key = (struct str){ scan->text.p + key_begin, scan->at - key_begin };
	toml_scan_blank(scan);
	if (!str_starts(str_from(scan->text, scan->at), array ? STR("]]") : STR("]")))
		return toml_scan_fail(scan, scan->at, array ? "the header needs ]] here" : "the header needs ] here");
	scan->at += array ? 2 : 1;
	statement->text = (struct str){ scan->text.p + begin, scan->at - begin };
	return 0;
}

static int value(struct parse *parse, struct toml_node *parent, struct str raw, struct str key, struct toml_node **ret);

/* key = value within `table`, a section or an inline table. *ret_key: the key as written; *ret_node: the value. */
static int key_value(struct parse *parse, struct toml_node *table, struct str *ret_key, struct toml_node **ret_node)
{
	struct toml_scan *scan = &parse->scan;
	size_t begin = scan->at;
	struct str raw, key;

	for (;;) {
		struct toml_node *node;
		int result = toml_scan_key_part(scan, &raw);
		size_t offset = (size_t)(raw.p - scan->text.p);

		if (result >= 0)
			result = key_decode(parse, raw, &key);
		if (result < 0)
			return result;
		node = toml_index_get(parse->doc->index, table, key);
		*ret_key = (struct str){ scan->text.p + begin, scan->at - begin };
		if (!dot(scan)) {
			if (node)
				return twice(parse, offset, node, "is defined twice");
			break;
		}
		if (!node) {
			node = child_new(parse, table, raw, key, TOML_TABLE, TOML_DOTTED);
			if (!node)
				return node_error(parse);
		} else if (node->type == TOML_TABLE && node->origin == TOML_IMPLIED) {
			node->origin = TOML_DOTTED;
			node->statement = parse->statement;
		} else if (node->type != TOML_TABLE || node->origin != TOML_DOTTED) {
			return twice(parse, offset, node, "is defined already, so a dotted key cannot add to it");
		}
		table = node;
	}
	toml_scan_blank(scan);
	if (scan->at == scan->text.len || scan->text.p[scan->at] != '=')
		return toml_scan_fail(scan, scan->at, "a key is followed by = and a value");
	scan->at++;
	toml_scan_blank(scan);
	return value(parse, table, raw, key, ret_node);
}

/* White space, comments and line ends between an array's elements. */
static int array_blank(struct toml_scan *scan)
{
	for (;;) {
		size_t before = scan->at;

		toml_scan_blank(scan);
		if (toml_scan_comment(scan) < 0)
			return -EINVAL;
		if (scan->at < scan->text.len && toml_scan_at_eol(scan))
			toml_scan_eol(scan);
		if (scan->at == before)
			return 0;
	}
}

static bool next_is(const struct toml_scan *scan, char byte)
{
	return scan->at < scan->text.len && scan->text.p[scan->at] == byte;
}

static int array(struct parse *parse, struct toml_node *node)
{
	struct toml_scan *scan = &parse->scan;
	size_t begin = scan->at++;

	for (;;) {
		struct toml_node *element;
		int result = array_blank(scan);

		if (result < 0)
			return result;
		if (next_is(scan, ']'))
			break;
		if (scan->at == scan->text.len)
			return toml_scan_fail(scan, begin, "the array has no end");
		result = value(parse, node, (struct str){ 0 }, (struct str){ 0 }, &element);
		if (result >= 0)
			result = array_blank(scan);
		if (result < 0)
			return result;
		if (next_is(scan, ']'))
			break;
		if (!next_is(scan, ','))
			return toml_scan_fail(scan, scan->at, "an array's elements are parted by commas");
		scan->at++;
	}
	scan->at++;
	return 0;
}

static int inline_table(struct parse *parse, struct toml_node *node)
{
	struct toml_scan *scan = &parse->scan;
	size_t begin = scan->at++;

	toml_scan_blank(scan);
	if (next_is(scan, '}')) {
		scan->at++;
		return 0;
	}
	/* Keys may be added until it closes: as if by dotted keys. */
	node->origin = TOML_DOTTED;
	for (;;) {
		struct toml_node *child;
		struct str key;
		int result;

		toml_scan_blank(scan);
		if (toml_scan_at_eol(scan))
			return toml_scan_fail(scan, begin, "an inline table ends on its own line");
		result = key_value(parse, node, &key, &child);
		if (result < 0)
			return result;
		toml_scan_blank(scan);
		if (next_is(scan, '}'))
			break;
		if (toml_scan_at_eol(scan))
			return toml_scan_fail(scan, begin, "an inline table ends on its own line");
		if (!next_is(scan, ','))
			return toml_scan_fail(scan, scan->at, "keys of an inline table are parted by commas");
		scan->at++;
	}
	node->origin = TOML_VALUE;
	scan->at++;
	return 0;
}

/* A value of key `raw`, or an element of an array where it is absent. */
static int value(struct parse *parse, struct toml_node *parent, struct str raw, struct str key, struct toml_node **ret)
{
	struct toml_scan *scan = &parse->scan;
	size_t begin = scan->at;
	char first = scan->at < scan->text.len ? scan->text.p[scan->at] : '\0';
	struct toml_node *node = raw.p ? child_new(parse, parent, raw, key, TOML_STRING, TOML_VALUE)
				       : node_new(parse, parent, TOML_STRING, TOML_VALUE);
	int result = 0;

	if (!node)
		return node_error(parse);
	node->text =
		(struct str){ scan->text.p + begin, 0 }; /* for errors about the key while the value is being read */
	if (first == '"' || first == '\'') {
		result = toml_scan_string(scan, false);
	} else if (first == '[') {
		node->type = TOML_ARRAY;
		result = array(parse, node);
	} else if (first == '{') {
		node->type = TOML_TABLE;
		result = inline_table(parse, node);
	} else {
		result = toml_scan_scalar(scan);
		if (result >= 0)
			node->type = (enum toml_type)result;
	}
	if (result < 0)
		return result;
	node->text.len = scan->at - begin;
	*ret = node;
	return 0;
}

static int statement(struct parse *parse)
{
	struct toml_scan *scan = &parse->scan;
	struct toml_statement *statement = toml_memory_get(parse->doc->memory, sizeof *statement);
	size_t begin = scan->at;
	int result;

	if (!statement)
		return no_memory(parse);
	*statement = (struct toml_statement){ .kind = TOML_KEY_VALUE,
					      .table = parse->section,
					      .prev = parse->doc->last,
					      .text = { scan->text.p + begin, 0 } };
	parse->statement = statement;
	if (next_is(scan, '[')) {
		result = header(parse);
	} else {
		result = key_value(parse, parse->section, &statement->key, &statement->node);
		statement->text.len = scan->at - begin;
	}
	if (result < 0)
		return result;
	if (parse->doc->last)
		parse->doc->last->next = statement;
	else
		parse->doc->first = statement;
	parse->doc->last = statement;
	return 0;
}

static int document(struct parse *parse)
{
	struct toml_scan *scan = &parse->scan;

	if (str_starts(scan->text, STR("\xef\xbb\xbf")))
		scan->at = 3;
	while (scan->at < scan->text.len) {
		int result = 0;

		toml_scan_blank(scan);
		if (!toml_scan_at_eol(scan) && !next_is(scan, '#')) {
			result = statement(parse);
			toml_scan_blank(scan);
		}
		if (result >= 0)
			result = toml_scan_comment(scan);
		if (result < 0)
			return result;
		if (!toml_scan_at_eol(scan))
			return toml_scan_fail(scan, scan->at,
					      next_is(scan, '\r') ? "a carriage return stands only before a line feed"
								  : "only a comment may follow on this line");
		toml_scan_eol(scan);
	}
	return 0;
}

/* Offset of the first byte that is not UTF-8; text.len if there is none. */
static size_t utf8_check(struct str text)
{
	size_t i = 0;

	while (i < text.len) {
		uint64_t eight;
		unsigned n;

		if (text.len - i >= sizeof eight) {
			memcpy(&eight, text.p + i, sizeof eight);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				i += sizeof eight;
				continue;
			}
		}
		n = utf8_length(str_from(text, i), NULL);
		if (!n)
			break;
		i += n;
	}
	return i;
}

static int document_fill(struct parse *parse, struct str text)
{
	struct toml *doc = parse->doc;
	char *copy;
	size_t wrong;
	int result;

	doc->memory = toml_memory_new();
	doc->index = toml_index_new();
	copy = doc->memory && doc->index ? toml_memory_get(doc->memory, text.len + 1) : NULL;
	if (!copy)
		return no_memory(parse);
	if (text.len)
		memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	doc->text = parse->scan.text = (struct str){ copy, text.len };
	doc->root = parse->section = node_new(parse, NULL, TOML_TABLE, TOML_ROOT);
	if (!doc->root)
		return node_error(parse);
	wrong = utf8_check(doc->text);
	if (wrong < text.len)
		return at(parse, wrong, error_set(parse->err, EINVAL, "the file is not UTF-8 here"));
	result = document(parse);
	if (result < 0 && parse->scan.why)
		return at(parse, parse->scan.where, error_set(parse->err, EINVAL, "%s", parse->scan.why));
	return result;
}

int toml_parse(struct str text, struct toml **ret_doc, struct error *err)
{
	struct error own = { 0 }; /* node_error needs one */
	struct parse parse = { .err = err ? err : &own, .scan = { .text = text } };
	int result;

	if (text.len > TOML_BYTES_MAX)
		return error_set(err, E2BIG, "larger than %u bytes: no configuration file", TOML_BYTES_MAX);
	parse.doc = calloc(1, sizeof *parse.doc);
	if (!parse.doc)
		return no_memory(&parse);
	result = document_fill(&parse, text);
	if (result < 0) {
		toml_free(parse.doc);
		return result;
	}
	*ret_doc = parse.doc;
	return 0;
}

void toml_free(struct toml *doc)
{
	if (!doc)
		return;
	toml_memory_free(doc->memory);
	toml_index_free(doc->index);
	free(doc);
}
