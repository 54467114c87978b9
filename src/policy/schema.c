/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "policy/shown.h"
#include "policy/suggest.h"

#define WHY_MAX 512 /* the texts are ours and shorter; foreign parts are cut by shown() */

/* clang-format off */
const struct schema_row schema_rows[] = {
	{ SCHEMA_ROOT, "apiVersion", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_ROOT, "kind", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_ROOT, "metadata", SCHEMA_MAP, SCHEMA_REQUIRED },
	{ SCHEMA_ROOT, "spec", SCHEMA_MAP, SCHEMA_REQUIRED },

	{ SCHEMA_METADATA, "annotations", SCHEMA_MAP, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "creationTimestamp", SCHEMA_ANY, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "deletionGracePeriodSeconds", SCHEMA_INT, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "deletionTimestamp", SCHEMA_ANY, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "finalizers", SCHEMA_LIST, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "generateName", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_METADATA, "generation", SCHEMA_INT, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "labels", SCHEMA_MAP, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "managedFields", SCHEMA_LIST, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "name", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_METADATA, "namespace", SCHEMA_TEXT, SCHEMA_OPTIONAL },
	{ SCHEMA_METADATA, "ownerReferences", SCHEMA_LIST, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "resourceVersion", SCHEMA_TEXT, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "selfLink", SCHEMA_TEXT, SCHEMA_IGNORED },
	{ SCHEMA_METADATA, "uid", SCHEMA_TEXT, SCHEMA_IGNORED },

	{ SCHEMA_SPEC, "containerSelector", SCHEMA_MAP, SCHEMA_OPTIONAL },
	{ SCHEMA_SPEC, "enforcers", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "fentries", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "hostSelector", SCHEMA_MAP, SCHEMA_OPTIONAL },
	{ SCHEMA_SPEC, "kprobes", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_SPEC, "lists", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "loader", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "lsmhooks", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "nodeSelector", SCHEMA_MAP, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "options", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "podSelector", SCHEMA_MAP, SCHEMA_OPTIONAL },
	{ SCHEMA_SPEC, "selectorsMacros", SCHEMA_MAP, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "tracepoints", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_SPEC, "uprobes", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SPEC, "usdts", SCHEMA_LIST, SCHEMA_UNSUPPORTED },

	{ SCHEMA_KPROBE, "args", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_KPROBE, "call", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_KPROBE, "data", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_KPROBE, "ignore", SCHEMA_MAP, SCHEMA_UNSUPPORTED },
	{ SCHEMA_KPROBE, "message", SCHEMA_TEXT, SCHEMA_OPTIONAL },
	{ SCHEMA_KPROBE, "return", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_KPROBE, "returnArg", SCHEMA_MAP, SCHEMA_UNSUPPORTED },
	{ SCHEMA_KPROBE, "returnArgAction", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_KPROBE, "selectors", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_KPROBE, "syscall", SCHEMA_BOOL, SCHEMA_OPTIONAL },
	{ SCHEMA_KPROBE, "tags", SCHEMA_LIST, SCHEMA_OPTIONAL },

	{ SCHEMA_TRACEPOINT, "args", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_TRACEPOINT, "event", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_TRACEPOINT, "message", SCHEMA_TEXT, SCHEMA_OPTIONAL },
	{ SCHEMA_TRACEPOINT, "raw", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_TRACEPOINT, "selectors", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_TRACEPOINT, "subsystem", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_TRACEPOINT, "tags", SCHEMA_LIST, SCHEMA_OPTIONAL },

	{ SCHEMA_ARG, "btfType", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "btfTypeModule", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "index", SCHEMA_INT, SCHEMA_REQUIRED },
	{ SCHEMA_ARG, "label", SCHEMA_TEXT, SCHEMA_OPTIONAL },
	{ SCHEMA_ARG, "maxData", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "resolve", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "returnCopy", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "sizeArgIndex", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "source", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ARG, "type", SCHEMA_TEXT, SCHEMA_OPTIONAL }, /* "auto" */

	{ SCHEMA_SELECTOR, "label", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "macros", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchActions", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_SELECTOR, "matchArgs", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_SELECTOR, "matchBinaries", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchCapabilities", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchCapabilityChanges", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchData", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchNamespaceChanges", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchNamespaces", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchPIDs", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchParentBinaries", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchReturnActions", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchReturnArgs", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_SELECTOR, "matchWorkloads", SCHEMA_MAP, SCHEMA_UNSUPPORTED },

	{ SCHEMA_MATCH_ARG, "args", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_MATCH_ARG, "index", SCHEMA_INT, SCHEMA_OPTIONAL },
	{ SCHEMA_MATCH_ARG, "operator", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_MATCH_ARG, "values", SCHEMA_LIST, SCHEMA_REQUIRED },

	{ SCHEMA_ACTION, "action", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_ACTION, "argError", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argFqdn", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argIndex", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argNewAddr", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argNewOffset", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argNewSymbol", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argRegs", SCHEMA_LIST, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argSig", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argSock", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argUrl", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "argValue", SCHEMA_INT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "imaHash", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "kernelStackTrace", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "rateLimit", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "rateLimitScope", SCHEMA_TEXT, SCHEMA_UNSUPPORTED },
	{ SCHEMA_ACTION, "userStackTrace", SCHEMA_BOOL, SCHEMA_UNSUPPORTED },

	{ SCHEMA_LABEL_SELECTOR, "matchExpressions", SCHEMA_LIST, SCHEMA_OPTIONAL },
	{ SCHEMA_LABEL_SELECTOR, "matchLabels", SCHEMA_MAP, SCHEMA_OPTIONAL },

	{ SCHEMA_LABEL_TERM, "key", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_LABEL_TERM, "operator", SCHEMA_TEXT, SCHEMA_REQUIRED },
	{ SCHEMA_LABEL_TERM, "values", SCHEMA_LIST, SCHEMA_OPTIONAL },
};
/* clang-format on */
const size_t schema_rows_n = sizeof schema_rows / sizeof *schema_rows;

static const char *const type_names[] = {
	[SCHEMA_TEXT] = "a string", [SCHEMA_BOOL] = "true or false", [SCHEMA_INT] = "an integer",
	[SCHEMA_LIST] = "a list",   [SCHEMA_MAP] = "a mapping",
};

static const char *const kind_names[] = {
	[YAML_TEXT] = "a string",        [YAML_NULL] = "null",
	[YAML_BOOL] = "a boolean",       [YAML_INT] = "an integer",
	[YAML_INT_OTHER] = "an integer", [YAML_FLOAT] = "a number with a fraction",
};

size_t path_mark(const struct parse *parse)
{
	return parse->path.len;
}

void path_key(struct parse *parse, const char *key)
{
	buf_printf(&parse->path, "%s%s", parse->path.len ? "." : "", key);
}

void path_index(struct parse *parse, size_t index)
{
	buf_printf(&parse->path, "[%zu]", index);
}

void path_reset(struct parse *parse, size_t mark)
{
	parse->path.len = mark;
	parse->path.p[mark] = '\0';
}

static int fail(const struct parse *parse, int code, const char *key, unsigned line, unsigned column, const char *why)
{
	bool has_path = parse->path.len > 0;
	const char *path = has_path ? parse->path.p : key ? "" : "policy";

	if (!line)
		return error_set(parse->err, code, "%s: %s", path, why);
	return error_set(parse->err, code, "%s%s%s: %s (line %u, column %u)", path, key && has_path ? "." : "",
			 key ? key : "", why, line, column);
}

int parse_fail(const struct parse *parse, int code, const struct yaml_node *at, const char *format, ...)
{
	char why[WHY_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, sizeof why, format, args);
	va_end(args);
	return fail(parse, code, NULL, at ? at->line : 0, at ? at->column : 0, why);
}

int parse_fail_key(struct parse *parse, int code, const struct yaml_node *child, const char *format, ...)
{
	struct shown key = shown(child->key);
	char why[WHY_MAX];
	va_list args;

	key.text[strlen(key.text) - 1] = '\0'; /* without its quotes: part of a path */
	va_start(args, format);
	(void)vsnprintf(why, sizeof why, format, args);
	va_end(args);
	return fail(parse, code, key.text + 1, child->key_line, child->key_column, why);
}

struct hint schema_hint(struct str wanted, const void *words, size_t n, size_t stride)
{
	char word[SUGGEST_WORD_MAX + 1] = "";
	struct suggestion best = suggestion_for(word);
	struct hint hint = { "" };

	if (wanted.len >= sizeof word || (wanted.len && memchr(wanted.p, '\0', wanted.len)))
		return hint;
	if (wanted.len)
		memcpy(word, wanted.p, wanted.len);
	word[wanted.len] = '\0';
	for (size_t i = 0; i < n; i++)
		suggestion_offer(&best, *(const char *const *)((const char *)words + i * stride));
	if (best.word)
		(void)snprintf(hint.text, sizeof hint.text, "; did you mean '%s'?", best.word);
	return hint;
}

static const struct schema_row *row_find(enum schema_object object, struct str key)
{
	for (size_t i = 0; i < schema_rows_n; i++)
		if (schema_rows[i].object == object && str_is(key, schema_rows[i].key))
			return &schema_rows[i];
	return NULL;
}

static int unknown_key(struct parse *parse, enum schema_object object, const struct yaml_node *child)
{
	const char *words[32];
	size_t n = 0;

	for (size_t i = 0; i < schema_rows_n && n < sizeof words / sizeof *words; i++)
		if (schema_rows[i].object == object)
			words[n++] = schema_rows[i].key;
	return parse_fail_key(parse, EINVAL, child, "unknown key%s",
			      schema_hint(child->key, words, n, sizeof *words).text);
}

static bool is_null(const struct yaml_node *node)
{
	return node->type == YAML_SCALAR && node->kind == YAML_NULL;
}

static bool type_fits(const struct yaml_node *node, enum schema_type type)
{
	switch (type) {
	case SCHEMA_TEXT: /* an integer whose every reading prints as it is written is taken for its text */
		return node->type == YAML_SCALAR && (node->kind == YAML_TEXT || node->kind == YAML_INT);
	case SCHEMA_BOOL:
		return node->type == YAML_SCALAR && node->kind == YAML_BOOL;
	case SCHEMA_INT:
		return node->type == YAML_SCALAR && node->kind == YAML_INT;
	case SCHEMA_LIST:
		return node->type == YAML_LIST;
	case SCHEMA_MAP:
		return node->type == YAML_MAP;
	case SCHEMA_ANY:
		return true;
	}
	return false;
}

/* A value that asks for nothing. An empty selector ({}) selects: it is no zero. */
static bool is_zero(const struct yaml_node *node, enum schema_type type)
{
	switch (type) {
	case SCHEMA_TEXT:
		return !node->text.len;
	case SCHEMA_BOOL:
		return !yaml_bool(node);
	case SCHEMA_INT:
		return str_is(node->text, "0");
	case SCHEMA_LIST:
		return !node->children;
	case SCHEMA_MAP:
	case SCHEMA_ANY:
		return false;
	}
	return false;
}

static const char *what_is(const struct yaml_node *node)
{
	return node->type == YAML_LIST ? "a list" : node->type == YAML_MAP ? "a mapping" : kind_names[node->kind];
}

static int value_check(struct parse *parse, const struct schema_row *row, const struct yaml_node *child)
{
	if (is_null(child))
		return 0;
	if (!type_fits(child, row->type)) {
		if (row->use == SCHEMA_UNSUPPORTED)
			return parse_fail_key(parse, EINVAL, child, "not supported yet");
		return parse_fail_key(parse, EINVAL, child, "want %s, not %s%s", type_names[row->type], what_is(child),
				      row->type == SCHEMA_TEXT && child->type == YAML_SCALAR ? "; put it in quotes"
											     : "");
	}
	if (row->use == SCHEMA_UNSUPPORTED && !is_zero(child, row->type))
		return parse_fail_key(parse, EINVAL, child, "not supported yet");
	if (row->type == SCHEMA_TEXT && memchr(child->text.p, '\0', child->text.len))
		return parse_fail_key(parse, EINVAL, child, "a NUL byte inside");
	return 0;
}

int schema_check(struct parse *parse, enum schema_object object, const struct yaml_node *node)
{
	if (node->type != YAML_MAP)
		return parse_fail(parse, EINVAL, node, "want a mapping, not %s", what_is(node));
	for (const struct yaml_node *child = yaml_first(parse->tree, node); child;
	     child = yaml_next(parse->tree, child)) {
		const struct schema_row *row = row_find(object, child->key);
		int r = row ? value_check(parse, row, child) : unknown_key(parse, object, child);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < schema_rows_n; i++)
		if (schema_rows[i].object == object && schema_rows[i].use == SCHEMA_REQUIRED &&
		    !schema_get(parse, node, schema_rows[i].key)) {
			path_key(parse, schema_rows[i].key);
			return parse_fail(parse, EINVAL, node, "required, but not there");
		}
	return 0;
}

const struct yaml_node *schema_get(const struct parse *parse, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *child = yaml_get(parse->tree, map, key);

	return child && !is_null(child) ? child : NULL;
}
