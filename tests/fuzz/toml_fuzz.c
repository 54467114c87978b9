/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as TOML: spans lie in the text and in order, values can be read, a document equals itself. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "conf/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void node_check(const struct toml *doc, const struct toml_node *node)
{
	uint32_t children = 0;

	if (node->text.p) {
		assert(node->text.p >= doc->text.p && node->text.p + node->text.len <= doc->text.p + doc->text.len);
		assert(node->text.len);
	}
	if (node->parent && node->parent->type == TOML_TABLE)
		assert(toml_get(doc, node->parent, node->key) == node);
	if (node->type == TOML_STRING) {
		char *room = malloc(node->text.len);
		struct str text;

		assert(room);
		toml_string(node, room, &text);
		assert(toml_is_string(node, text));
		free(room);
	} else if (node->type == TOML_INTEGER) {
		(void)toml_integer(node);
	} else if (node->type == TOML_FLOAT) {
		(void)toml_float(node);
	}
	for (const struct toml_node *child = node->first; child; child = child->next) {
		assert(child->parent == node && child->depth == node->depth + 1);
		node_check(doc, child);
		children++;
	}
	assert(children == node->children);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct error err = { 0 };
	struct toml *doc = NULL;
	const char *at;

	if (toml_parse(text, &doc, &err) < 0) {
		assert(*err.text && (str_starts(str_of(err.text), STR("line ")) || err.code == E2BIG));
		return 0;
	}
	at = doc->text.p;
	for (const struct toml_statement *statement = doc->first; statement; statement = statement->next) {
		assert(statement->text.p >= at && statement->text.len && statement->node);
		assert(statement->key.p >= statement->text.p);
		at = statement->text.p + statement->text.len;
		assert(statement->next || statement == doc->last);
	}
	assert(at <= doc->text.p + doc->text.len);
	node_check(doc, doc->root);
	assert(toml_equal(doc, doc->root, doc, doc->root));
	toml_free(doc);
	return 0;
}
