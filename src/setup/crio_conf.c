/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/crio_conf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conf/toml_edit.h"

static const char *const handlers_path[] = { "crio", "runtime", "runtimes", NULL };
#define ALLOWED STR("allowed_annotations")

static int wrong_type(const struct toml *doc, const struct toml_node *node, const char *want, struct error *err)
{
	unsigned line, column;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	toml_path(node, &out); /* cut is fine */
	toml_position(doc, toml_offset(doc, node), &line, &column);
	return error_set(err, EINVAL, "line %u, column %u: %s: CRI-O wants %s here", line, column, path, want);
}

/* The annotations to add, in TOML's syntax. */
struct addition {
	const char *const *text; /* as they are */
	char **quoted;
	const char **missing; /* room for the quoted ones that a handler lacks */
	size_t n;
};

static bool is_in(const struct toml_node *list, const char *text)
{
	for (const struct toml_node *item = list ? list->first : NULL; item; item = item->next)
		if (toml_is_string(item, str_of(text)))
			return true;
	return false;
}

/* Whether an earlier one of the additions is the same. */
static bool is_repeated(const struct addition *add, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(add->text[i], add->text[index]))
			return true;
	return false;
}

static int list_set(struct toml_edit *edit, const struct toml_node *handler, const struct addition *add, size_t missing,
		    struct error *err)
{
	size_t size = 3;
	int result;

	for (size_t i = 0; i < missing; i++)
		size += strlen(add->missing[i]) + 2;
	auto_free char *room = malloc(size);
	struct buf value = buf_over(room, room ? size : 0);

	if (!room)
		return error_set(err, ENOMEM, "not enough memory to edit the configuration");
	buf_byte(&value, '[');
	for (size_t i = 0; i < missing; i++) {
		if (i)
			buf_text(&value, ", ");
		buf_text(&value, add->missing[i]);
	}
	buf_byte(&value, ']');
	result = toml_edit_insert(edit, handler, NULL, ALLOWED, room, err);
	return result;
}

static int handler_patch(struct toml_edit *edit, const struct toml_node *handler, const struct addition *add,
			 struct buf *notes, struct error *err)
{
	const struct toml_node *list;
	size_t missing = 0;

	if (handler->type != TOML_TABLE)
		return wrong_type(edit->doc, handler, "a table", err);
	list = toml_get(edit->doc, handler, ALLOWED);
	if (list && list->type != TOML_ARRAY)
		return wrong_type(edit->doc, list, "a list of strings", err);
	for (const struct toml_node *item = list ? list->first : NULL; item; item = item->next)
		if (item->type != TOML_STRING)
			return wrong_type(edit->doc, item, "a string", err);
	for (size_t i = 0; i < add->n; i++)
		if (!is_in(list, add->text[i]) && !is_repeated(add, i))
			add->missing[missing++] = add->quoted[i];
	toml_path(handler, notes);
	if (!missing) {
		buf_text(notes, ": allows these annotations already\n");
		return 0;
	}
	buf_text(notes, list ? ": allowed_annotations extended\n" : ": allowed_annotations added\n");
	return list ? toml_edit_array_append(edit, list, add->missing, missing, err)
		    : list_set(edit, handler, add, missing, err);
}

static int handlers_patch(struct toml_edit *edit, const struct addition *add, const struct crio_scope *scope,
			  struct buf *notes, struct error *err)
{
	const struct toml_node *handlers = toml_find(edit->doc, handlers_path);
	int result = 0;

	if (handlers && handlers->type != TOML_TABLE)
		return wrong_type(edit->doc, handlers, "a table", err);
	if (!handlers || !handlers->children)
		return error_set(
			err, ENOENT,
			"no [crio.runtime.runtimes.NAME] in this file; name the file that holds the handlers with "
			"--config-file (often one of /etc/crio/crio.conf.d). CRI-O takes a handler whole from the last "
			"file that names it, so a new file with this one key would drop its others; --drop-in=FILE "
			"with --validate=BINARY writes one that has them all");
	for (const struct toml_node *one = handlers->first; !result && one; one = one->next)
		if (!scope || scope->counts(scope->user, one->key))
			result = handler_patch(edit, one, add, notes, err);
	return result;
}

static int quote_all(struct addition *add, struct error *err)
{
	for (size_t i = 0; i < add->n; i++) {
		size_t size = strlen(add->text[i]) * 6 + 3;
		struct buf out;

		add->quoted[i] = malloc(size);
		if (!add->quoted[i])
			return error_set(err, ENOMEM, "not enough memory to edit the configuration");
		out = buf_over(add->quoted[i], size);
		toml_write_string(&out, str_of(add->text[i]));
	}
	return 0;
}

int crio_enable_annotations(const struct toml *doc, const char *const *annotations, size_t n,
			    const struct crio_scope *scope, char **ret_text, size_t *ret_len, struct buf *notes,
			    struct error *err)
{
	struct addition add = { .text = annotations, .n = n };
	int result;

	*ret_text = NULL;
	*ret_len = 0;
	if (!n)
		return error_set(err, EINVAL, "no annotation is named; --annotations=NAME,... does");
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);

	add.quoted = calloc(n, sizeof *add.quoted);
	add.missing = calloc(n, sizeof *add.missing);
	result = add.quoted && add.missing ? quote_all(&add, err)
					   : error_set(err, ENOMEM, "not enough memory to edit the configuration");
	if (!result)
		result = handlers_patch(&edit, &add, scope, notes, err);
	if (!result && !toml_edit_is_empty(&edit))
		result = toml_edit_apply(&edit, ret_text, ret_len, err);
	for (size_t i = 0; add.quoted && i < n; i++)
		free(add.quoted[i]);
	free(add.quoted);
	free(add.missing);
	return result < 0 ? result : 0;
}
