/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a document: finding keys, decoding strings, comparing. */
#include "conf/toml_state.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"

struct toml_node *toml_get(const struct toml *doc, const struct toml_node *table, struct str key)
{
	return table && table->type == TOML_TABLE ? toml_index_get(doc->index, table, key) : NULL;
}

struct toml_node *toml_find(const struct toml *doc, const char *const path[])
{
	struct toml_node *node = doc->root;

	for (; node && *path; path++)
		node = toml_get(doc, node, str_of(*path));
	return node;
}

void toml_string(const struct toml_node *node, char *room, struct str *ret)
{
	assert(node->type == TOML_STRING);
	if (!toml_plain(node->text, ret))
		*ret = (struct str){ room, toml_decode(node->text, room) };
}

bool toml_is_string(const struct toml_node *node, struct str text)
{
	struct str plain;
	char *room;
	bool is;

	if (node->type != TOML_STRING || node->text.len < text.len)
		return false;
	if (toml_plain(node->text, &plain))
		return str_equal(plain, text);
	room = malloc(node->text.len);
	is = room && str_equal((struct str){ room, toml_decode(node->text, room) }, text);
	free(room);
	return is;
}

static bool strings_equal(const struct toml_node *x, const struct toml_node *y)
{
	char *room;
	struct str a, b;
	bool equal;

	if (toml_plain(x->text, &a) && toml_plain(y->text, &b))
		return str_equal(a, b);
	room = malloc(x->text.len + y->text.len);
	if (!room)
		return false; /* "differs" is the safe answer: an edit is then refused */
	toml_string(x, room, &a);
	toml_string(y, room + x->text.len, &b);
	equal = str_equal(a, b);
	free(room);
	return equal;
}

/* By their bits: -0 is not 0. All NaNs are one. */
static bool floats_equal(double a, double b)
{
	uint64_t x, y;

	memcpy(&x, &a, sizeof x);
	memcpy(&y, &b, sizeof y);
	return x == y || (a != a && b != b);
}

bool toml_equal(const struct toml *a, const struct toml_node *x, const struct toml *b, const struct toml_node *y)
{
	const struct toml_node *other = y->first;

	if (x->type != y->type || x->children != y->children)
		return false;
	if (x->text.len && x->type > TOML_ARRAY && str_equal(x->text, y->text))
		return true;
	switch (x->type) {
	case TOML_TABLE:
		for (const struct toml_node *child = x->first; child; child = child->next) {
			other = toml_get(b, y, child->key);
			if (!other || !toml_equal(a, child, b, other))
				return false;
		}
		return true;
	case TOML_ARRAY:
		for (const struct toml_node *child = x->first; child; child = child->next, other = other->next)
			if (!toml_equal(a, child, b, other))
				return false;
		return true;
	case TOML_STRING:
		return strings_equal(x, y);
	case TOML_INTEGER:
		return toml_integer(x) == toml_integer(y);
	case TOML_FLOAT:
		return floats_equal(toml_float(x), toml_float(y));
	case TOML_BOOL:
		return toml_bool(x) == toml_bool(y);
	default:
		return false; /* dates and times, which are not the same text */
	}
}

/* The child of `table` with that key. Most documents agree in their order, so `near` is looked at first. */
static const struct toml_node *counterpart(const struct toml *doc, const struct toml_node *table,
					   const struct toml_node *near, struct str key)
{
	return near && str_equal(near->key, key) ? near : toml_get(doc, table, key);
}

static int tables_diff(const struct toml *a, const struct toml_node *x, const struct toml *b, const struct toml_node *y,
		       int (*report)(void *user, const struct toml_node *x, const struct toml_node *y), void *user)
{
	const struct toml_node *near = y->first;
	uint32_t found = 0;
	int result = 0;

	for (const struct toml_node *child = x->first; child && !result; child = child->next) {
		const struct toml_node *other = counterpart(b, y, near, child->key);

		if (other) {
			found++;
			near = other->next;
		}
		if (other && child->type == TOML_TABLE && other->type == TOML_TABLE)
			result = tables_diff(a, child, b, other, report, user);
		else if (!other || !toml_equal(a, child, b, other))
			result = report(user, child, other);
	}
	near = x->first;
	for (const struct toml_node *child = y->first; child && !result && found < y->children; child = child->next) {
		const struct toml_node *other = counterpart(a, x, near, child->key);

		if (other)
			near = other->next;
		else
			result = report(user, NULL, child);
	}
	return result;
}

int toml_diff(const struct toml *a, const struct toml *b,
	      int (*report)(void *user, const struct toml_node *x, const struct toml_node *y), void *user)
{
	return tables_diff(a, a->root, b, b->root, report, user);
}

void toml_path(const struct toml_node *node, struct buf *out)
{
	const struct toml_node *up[TOML_DEPTH_MAX + 1];
	size_t n = 0;

	for (; node->parent; node = node->parent)
		up[n++] = node;
	if (!n)
		buf_text(out, "the document");
	for (size_t i = n; i--;) {
		if (up[i]->parent->type == TOML_ARRAY) {
			uint64_t index = 0;

			for (const struct toml_node *element = up[i]->parent->first; element != up[i];
			     element = element->next)
				index++;
			buf_byte(out, '[');
			buf_u64(out, index);
			buf_byte(out, ']');
			continue;
		}
		if (i + 1 < n)
			buf_byte(out, '.');
		toml_write_key(out, up[i]->key);
	}
}

void toml_write_string(struct buf *out, struct str text)
{
	static const char hex[] = "0123456789abcdef";

	buf_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '"' || c == '\\') {
			buf_byte(out, '\\');
			buf_byte(out, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_text(out, "\\u00");
			buf_byte(out, hex[c >> 4]);
			buf_byte(out, hex[c & 15]);
		} else {
			buf_byte(out, (char)c);
		}
	}
	buf_byte(out, '"');
}

void toml_write_key(struct buf *out, struct str key)
{
	bool bare = key.len > 0;

	for (size_t i = 0; bare && i < key.len; i++) {
		char c = key.p[i];

		bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		       c == '-';
	}
	if (bare)
		buf_str(out, key);
	else
		toml_write_string(out, key);
}

void toml_write_value(struct buf *out, const struct toml_node *node)
{
	bool table = node->type == TOML_TABLE;

	if (node->text.p) {
		buf_str(out, node->text);
		return;
	}
	buf_byte(out, table ? '{' : '[');
	for (const struct toml_node *child = node->first; child; child = child->next) {
		buf_text(out, child != node->first ? ", " : table ? " " : "");
		if (table) {
			toml_write_key(out, child->key);
			buf_text(out, " = ");
		}
		toml_write_value(out, child); /* as deep as TOML_DEPTH_MAX */
	}
	buf_text(out, !table ? "]" : node->first ? " }" : "}");
}
