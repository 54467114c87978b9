/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/containerd_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conf/toml_edit.h"
#include "setup/containerd_conf_state.h"

static const char *const nri_path[] = { "plugins", CONTAINERD_NRI, NULL };

const struct toml_pair containerd_nri_keys[CONTAINERD_NRI_KEYS] = {
	{ "disable", "false" },
	{ "disable_connections", "false" },
	{ "plugin_config_path", "\"/etc/nri/conf.d\"" },
	{ "plugin_path", "\"/opt/nri/plugins\"" },
	{ "plugin_registration_timeout", "\"5s\"" },
	{ "plugin_request_timeout", "\"2s\"" },
	{ "socket_path", "\"/var/run/nri/nri.sock\"" },
};

/* What versions 1 and 2 of the file read alike. */
static const char *const same_in_both[] = { "root",   "state",    "temp",          "oom_score",
					    "grpc",   "ttrpc",    "debug",         "metrics",
					    "cgroup", "timeouts", "proxy_plugins", "stream_processors" };

int containerd_refuse(const struct toml *doc, const struct toml_node *node, int code, const char *why,
		      struct error *err)
{
	unsigned line, column;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	toml_path(node, &out); /* cut is fine */
	toml_position(doc, toml_offset(doc, node), &line, &column);
	return error_set(err, code, "line %u, column %u: %s: %s", line, column, path, why);
}

int containerd_wrong_type(const struct toml *doc, const struct toml_node *node, const char *want, struct error *err)
{
	char why[80];
	struct buf out = buf_over(why, sizeof why);

	buf_printf(&out, "containerd wants %s here", want);
	return containerd_refuse(doc, node, EINVAL, why, err);
}

int containerd_file_version(const struct toml *doc)
{
	const struct toml_node *version = doc ? toml_get(doc, doc->root, STR("version")) : NULL;

	return version && version->type == TOML_INTEGER ? (int)toml_integer(version) : 0;
}

int containerd_version_read(const struct toml *doc, int *ret_version, struct error *err)
{
	const struct toml_node *version = toml_get(doc, doc->root, STR("version"));
	int64_t value;

	*ret_version = 0;
	if (!version)
		return 0;
	if (version->type != TOML_INTEGER)
		return containerd_wrong_type(doc, version, "a whole number", err);
	value = toml_integer(version);
	if (value < 0 || value > CONTAINERD_VERSION_MAX)
		return containerd_refuse(doc, version, ENOTSUP, "this program knows versions 1 to 4 of the file", err);
	*ret_version = (int)value;
	return 0;
}

int containerd_list_read(const struct toml *doc, const struct toml_node *table, const char *key,
			 const struct toml_node **ret_list, struct error *err)
{
	const struct toml_node *list = toml_get(doc, table, str_of(key));

	*ret_list = list;
	if (!list)
		return 0;
	if (list->type != TOML_ARRAY)
		return containerd_wrong_type(doc, list, "a list of strings", err);
	for (const struct toml_node *item = list->first; item; item = item->next)
		if (item->type != TOML_STRING)
			return containerd_wrong_type(doc, item, "a string", err);
	return 0;
}

static bool is_same_in_both(const struct toml_node *node)
{
	for (size_t i = 0; i < sizeof same_in_both / sizeof *same_in_both; i++)
		if (str_is(node->key, same_in_both[i]))
			return true;
	/* Empty lists and a table with NRI alone, which is what we are asked to bring to life. */
	if (str_is(node->key, "disabled_plugins") || str_is(node->key, "required_plugins") ||
	    str_is(node->key, "imports"))
		return node->type == TOML_ARRAY && !node->children;
	if (str_is(node->key, "plugins") && node->type == TOML_TABLE)
		return !node->children || (node->children == 1 && str_is(node->first->key, CONTAINERD_NRI));
	return false;
}

int containerd_version_raise(struct toml_edit *edit, const char *what, struct buf *notes, struct error *err)
{
	const struct toml *doc = edit->doc;
	const struct toml_node *version = toml_get(doc, doc->root, STR("version"));
	char why[512];
	struct buf text = buf_over(why, sizeof why);

	buf_printf(&text,
		   "%s, so containerd 1.x reads it as version 1, in which there is no %s; another version would change "
		   "what this key means or wake it. Write a file with a version (`containerd config default` prints "
		   "one, `containerd config migrate` converts this one), move your settings over, then run this again",
		   version ? "the file has version 1" : "the file has no version", what);
	for (const struct toml_node *node = doc->root->first; node; node = node->next)
		if (node != version && !is_same_in_both(node))
			return containerd_refuse(doc, node, ENOTSUP, why, err);
	if (version) {
		buf_text(notes, "the file had version 1: it is 2 now\n");
		return toml_edit_set(edit, doc->root, STR("version"), "2", err);
	}
	buf_text(notes, "the file had no version: 'version = 2' is its first line now\n");
	return toml_edit_prepend(edit, STR("version"), "2", err);
}

/* Takes NRI out of disabled_plugins, which beats `disable = false`. */
static int disabled_remove(struct toml_edit *edit, struct buf *notes, struct error *err)
{
	const struct toml_node *list;
	int result = containerd_list_read(edit->doc, edit->doc->root, "disabled_plugins", &list, err);
	bool any = false;

	if (result < 0 || !list || !list->children)
		return result;
	auto_free bool *drop = calloc(list->children, sizeof *drop);
	size_t index = 0;

	if (!drop)
		return error_set(err, ENOMEM, "not enough memory to edit the configuration");
	for (const struct toml_node *item = list->first; item; item = item->next, index++)
		any |= drop[index] = toml_is_string(item, STR(CONTAINERD_NRI));
	if (!any)
		return 0;
	buf_text(notes, "took " CONTAINERD_NRI " out of disabled_plugins\n");
	return toml_edit_array_remove(edit, list, drop, err);
}

static int nri_enable(struct toml_edit *edit, struct buf *notes, struct error *err)
{
	const struct toml *doc = edit->doc;
	const struct toml_node *plugins = toml_get(doc, doc->root, STR("plugins"));
	const struct toml_node *nri = toml_find(doc, nri_path), *disable = toml_get(doc, nri, STR("disable"));

	if (plugins && plugins->type != TOML_TABLE)
		return containerd_wrong_type(doc, plugins, "a table", err);
	if (nri && nri->type != TOML_TABLE)
		return containerd_wrong_type(doc, nri, "a table", err);
	if (disable && disable->type != TOML_BOOL)
		return containerd_wrong_type(doc, disable, "true or false", err);
	if (disable && !toml_bool(disable))
		return 0;
	if (nri) {
		buf_text(notes, disable ? "NRI was disabled: 'disable' is false now\n"
					: "NRI's table did not say whether it is disabled: 'disable = false' added\n");
		return toml_edit_set(edit, nri, STR("disable"), "false", err);
	}
	buf_text(notes, "added the table plugins.\"" CONTAINERD_NRI "\"\n");
	return toml_edit_table(edit, nri_path, containerd_nri_keys, CONTAINERD_NRI_KEYS, err);
}

int containerd_finish(struct toml_edit *edit, int result, char **ret_text, size_t *ret_len, struct error *err)
{
	*ret_text = NULL;
	*ret_len = 0;
	if (result >= 0 && !toml_edit_is_empty(edit))
		result = toml_edit_apply(edit, ret_text, ret_len, err);
	return result < 0 ? result : 0;
}

int containerd_enable_nri(const struct toml *doc, char **ret_text, size_t *ret_len, struct buf *notes,
			  struct error *err)
{
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);
	int version, result = containerd_version_read(doc, &version, err);

	if (result >= 0 && version < 2)
		result = containerd_version_raise(&edit, "NRI table", notes, err);
	if (result >= 0)
		result = disabled_remove(&edit, notes, err);
	if (result >= 0)
		result = nri_enable(&edit, notes, err);
	return containerd_finish(&edit, result, ret_text, ret_len, err);
}

int containerd_add_import(const struct toml *doc, const char *path, char **ret_text, size_t *ret_len, struct buf *notes,
			  struct error *err)
{
	char quoted[PATH_MAX * 6 + 5];
	struct buf value = buf_over(quoted, sizeof quoted);
	const struct toml_node *imports;
	const char *item;
	int result = containerd_list_read(doc, doc->root, "imports", &imports, err);

	if (result < 0)
		return result;
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);

	for (const struct toml_node *one = imports ? imports->first : NULL; one; one = one->next)
		if (toml_is_string(one, str_of(path)))
			return containerd_finish(&edit, 0, ret_text, ret_len, err);
	if (!imports)
		buf_byte(&value, '[');
	item = quoted + value.len;
	toml_write_string(&value, str_of(path));
	if (!imports)
		buf_byte(&value, ']');
	if (value.overflow)
		return error_set(err, EINVAL, "the path of the drop-in is too long");
	buf_printf(notes, "%s added to 'imports'\n", path);
	result = imports ? toml_edit_array_append(&edit, imports, &item, 1, err)
			 : toml_edit_set(&edit, doc->root, STR("imports"), quoted, err);
	return containerd_finish(&edit, result, ret_text, ret_len, err);
}
