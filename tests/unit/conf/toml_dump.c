/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/conf/toml_dump.c: reads TOML from stdin and prints it as the tagged JSON of the toml-test suite; exit 1
 * and the error on stderr where the document is refused. Values are as written but for strings and integers: the judge
 * normalises.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "conf/toml.h"

static void text_print(struct str text)
{
	(void)putchar('"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

static void scalar_print(const struct toml_node *node)
{
	static const char *const names[] = {
		[TOML_STRING] = "string",         [TOML_INTEGER] = "integer",
		[TOML_FLOAT] = "float",           [TOML_BOOL] = "bool",
		[TOML_DATETIME] = "datetime",     [TOML_DATETIME_LOCAL] = "datetime-local",
		[TOML_DATE_LOCAL] = "date-local", [TOML_TIME_LOCAL] = "time-local",
	};
	auto_free char *room = malloc(node->text.len + 1);
	struct str text = node->text;
	char number[64];

	if (!room)
		exit(2);
	if (node->type == TOML_STRING) {
		toml_string(node, room, &text);
	} else if (node->type == TOML_INTEGER) {
		(void)snprintf(number, sizeof number, "%" PRId64, toml_integer(node));
		text = str_of(number);
	} else if (node->type == TOML_FLOAT) {
		(void)snprintf(number, sizeof number, "%.17g", toml_float(node));
		text = str_of(number);
	}
	(void)printf("{\"type\":\"%s\",\"value\":", names[node->type]);
	text_print(text);
	(void)putchar('}');
}

static void node_print(const struct toml_node *node)
{
	bool table = node->type == TOML_TABLE;

	if (!table && node->type != TOML_ARRAY) {
		scalar_print(node);
		return;
	}
	(void)putchar(table ? '{' : '[');
	for (const struct toml_node *child = node->first; child; child = child->next) {
		if (table) {
			text_print(child->key);
			(void)putchar(':');
		}
		node_print(child);
		if (child->next)
			(void)putchar(',');
	}
	(void)putchar(table ? '}' : ']');
}

int main(void)
{
	auto_toml struct toml *doc = NULL;
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len;

	if (file_read_fd(STDIN_FILENO, TOML_BYTES_MAX, &text, &len, &err) < 0 ||
	    toml_parse((struct str){ text, len }, &doc, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	node_print(doc->root);
	(void)putchar('\n');
	return 0;
}
