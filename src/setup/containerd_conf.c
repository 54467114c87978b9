/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/containerd_conf.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conf/toml_edit.h"

#define RUNC_TYPE "io.containerd.runc.v2"

static const char *const nri_path[] = { "plugins", CONTAINERD_NRI, NULL };

static const struct toml_pair nri_keys[] = {
	{ "disable", "false" },
	{ "disable_connections", "false" },
	{ "plugin_config_path", "\"/etc/nri/conf.d\"" },
	{ "plugin_path", "\"/opt/nri/plugins\"" },
	{ "plugin_registration_timeout", "\"5s\"" },
	{ "plugin_request_timeout", "\"2s\"" },
	{ "socket_path", "\"/var/run/nri/nri.sock\"" },
};

/* The plugin that holds the runtimes: containerd 1.x, 2.x. The file's version says nothing about it (AKS mixes them).
 */
static const char *const cri_plugins[] = { "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime" };

/* What versions 1 and 2 of the file read alike. */
static const char *const same_in_both[] = { "root",   "state",    "temp",          "oom_score",
					    "grpc",   "ttrpc",    "debug",         "metrics",
					    "cgroup", "timeouts", "proxy_plugins", "stream_processors" };

/* "line L, column C: " and the text. */
static int refuse(const struct toml *doc, const struct toml_node *node, int code, const char *why, struct error *err)
{
	unsigned line, column;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	toml_path(node, &out); /* cut is fine */
	toml_position(doc, toml_offset(doc, node), &line, &column);
	return error_set(err, code, "line %u, column %u: %s: %s", line, column, path, why);
}

static int wrong_type(const struct toml *doc, const struct toml_node *node, const char *want, struct error *err)
{
	char why[80];
	struct buf out = buf_over(why, sizeof why);

	buf_printf(&out, "containerd wants %s here", want);
	return refuse(doc, node, EINVAL, why, err);
}

/* The file's version; 0 where it says none. */
static int version_read(const struct toml *doc, int *ret_version, struct error *err)
{
	const struct toml_node *version = toml_get(doc, doc->root, STR("version"));
	int64_t value;

	*ret_version = 0;
	if (!version)
		return 0;
	if (version->type != TOML_INTEGER)
		return wrong_type(doc, version, "a whole number", err);
	value = toml_integer(version);
	if (value == 0 || value == 1)
		return refuse(doc, version, ENOTSUP,
			      "this format knows neither NRI's table nor today's plugin names; let "
			      "`containerd config migrate` write a newer one first, and compare",
			      err);
	if (value < 0 || value > CONTAINERD_VERSION_MAX)
		return refuse(doc, version, ENOTSUP, "this program knows versions 2 to 4 of the file", err);
	*ret_version = (int)value;
	return 0;
}

/* The value of a key that must be a list of strings; *ret_list is NULL where the key is absent. */
static int list_read(const struct toml *doc, const struct toml_node *table, const char *key,
		     const struct toml_node **ret_list, struct error *err)
{
	const struct toml_node *list = toml_get(doc, table, str_of(key));

	*ret_list = list;
	if (!list)
		return 0;
	if (list->type != TOML_ARRAY)
		return wrong_type(doc, list, "a list of strings", err);
	for (const struct toml_node *item = list->first; item; item = item->next)
		if (item->type != TOML_STRING)
			return wrong_type(doc, item, "a string", err);
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

static int version_add(struct toml_edit *edit, struct buf *notes, struct error *err)
{
	for (const struct toml_node *node = edit->doc->root->first; node; node = node->next)
		if (!is_same_in_both(node))
			return refuse(
				edit->doc, node, ENOTSUP,
				"the file has no version, so containerd 1.x reads it as version 1, in which there is "
				"no "
				"NRI table; a version line would change what this key means or wake it. Write a file "
				"with a version (`containerd config default` prints one, `containerd config migrate` "
				"converts this one), move your settings over, then run this again",
				err);
	buf_text(notes, "the file had no version: 'version = 2' is its first line now\n");
	return toml_edit_prepend(edit, STR("version"), "2", err);
}

/* Takes NRI out of disabled_plugins, which beats `disable = false`. */
static int disabled_remove(struct toml_edit *edit, struct buf *notes, struct error *err)
{
	const struct toml_node *list;
	int result = list_read(edit->doc, edit->doc->root, "disabled_plugins", &list, err);
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
		return wrong_type(doc, plugins, "a table", err);
	if (nri && nri->type != TOML_TABLE)
		return wrong_type(doc, nri, "a table", err);
	if (disable && disable->type != TOML_BOOL)
		return wrong_type(doc, disable, "true or false", err);
	if (disable && !toml_bool(disable))
		return 0;
	if (nri) {
		buf_text(notes, disable ? "NRI was disabled: 'disable' is false now\n"
					: "NRI's table did not say whether it is disabled: 'disable = false' added\n");
		return toml_edit_set(edit, nri, STR("disable"), "false", err);
	}
	buf_text(notes, "added the table plugins.\"" CONTAINERD_NRI "\"\n");
	return toml_edit_table(edit, nri_path, nri_keys, sizeof nri_keys / sizeof *nri_keys, err);
}

/* The end of every edit: the new text, or none where nothing is to be done. */
static int finish(struct toml_edit *edit, int result, char **ret_text, size_t *ret_len, struct error *err)
{
	*ret_text = NULL;
	*ret_len = 0;
	if (result >= 0 && !toml_edit_is_empty(edit))
		result = toml_edit_apply(edit, ret_text, ret_len, err);
	return result < 0 ? result : 0;
}

int containerd_enable_nri(struct str text, char **ret_text, size_t *ret_len, struct buf *notes, struct error *err)
{
	auto_toml struct toml *doc = NULL;
	int version, result = toml_parse(text, &doc, err);

	if (result < 0)
		return result;
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);

	result = version_read(doc, &version, err);
	if (result >= 0 && !version)
		result = version_add(&edit, notes, err);
	if (result >= 0)
		result = disabled_remove(&edit, notes, err);
	if (result >= 0)
		result = nri_enable(&edit, notes, err);
	return finish(&edit, result, ret_text, ret_len, err);
}

/* --- base_runtime_spec --- */

struct runtimes {
	struct toml_edit *edit;
	const char *spec; /* in TOML's syntax */
	struct buf *notes;
	size_t found; /* of runc's type */
};

static void runtime_note(struct runtimes *all, const struct toml_node *runtime, const char *text)
{
	toml_path(runtime, all->notes);
	buf_text(all->notes, ": ");
	buf_text(all->notes, text);
	buf_byte(all->notes, '\n');
}

static int runtime_patch(struct runtimes *all, const struct toml_node *runtime, struct error *err)
{
	const struct toml *doc = all->edit->doc;
	const struct toml_node *type, *spec;
	struct str plain;

	if (runtime->type != TOML_TABLE)
		return wrong_type(doc, runtime, "a table", err);
	type = toml_get(doc, runtime, STR("runtime_type"));
	spec = toml_get(doc, runtime, STR("base_runtime_spec"));
	if (type && type->type != TOML_STRING)
		return wrong_type(doc, type, "a string", err);
	if (spec && spec->type != TOML_STRING)
		return wrong_type(doc, spec, "a string", err);
	if (!type || (!toml_is_string(type, STR(RUNC_TYPE)) && !str_starts(str_from(type->text, 1), STR("${")))) {
		runtime_note(all, runtime, "not of type " RUNC_TYPE ", left as it is");
		return 0;
	}
	all->found++;
	if (!spec) {
		runtime_note(all, runtime, "base_runtime_spec added");
		return toml_edit_insert(all->edit, runtime, type, STR("base_runtime_spec"), all->spec, err);
	}
	if (toml_is_string(spec, STR(""))) {
		runtime_note(all, runtime, "base_runtime_spec was empty and is set now");
		return toml_edit_set(all->edit, runtime, STR("base_runtime_spec"), all->spec, err);
	}
	plain = str_from(spec->text, 1);
	plain.len -= plain.len > 0;
	toml_path(runtime, all->notes);
	buf_printf(all->notes, ": base_runtime_spec definition already exists (%.*s), left as it is\n", (int)plain.len,
		   plain.p);
	return 0;
}

static int plugin_patch(struct runtimes *all, const char *plugin, struct error *err)
{
	const char *const runtimes_path[] = { "plugins", plugin, "containerd", "runtimes", NULL };
	const char *const default_path[] = { "plugins", plugin, "containerd", "default_runtime", NULL };
	const struct toml *doc = all->edit->doc;
	const struct toml_node *runtimes = toml_find(doc, runtimes_path), *lone = toml_find(doc, default_path);
	int result = 0;

	if (runtimes && runtimes->type != TOML_TABLE)
		return wrong_type(doc, runtimes, "a table", err);
	for (const struct toml_node *one = runtimes ? runtimes->first : NULL; !result && one; one = one->next)
		result = runtime_patch(all, one, err);
	/* `config default` of 1.x prints this one with an empty type: it is not in use then. */
	if (!result && lone && lone->children)
		result = runtime_patch(all, lone, err);
	return result;
}

int containerd_add_oci_hook(struct str text, const char *spec_path, char **ret_text, size_t *ret_len, struct buf *notes,
			    struct error *err)
{
	char quoted[PATH_MAX * 6 + 3];
	struct buf spec = buf_over(quoted, sizeof quoted);
	auto_toml struct toml *doc = NULL;
	int result;

	toml_write_string(&spec, str_of(spec_path));
	if (spec.overflow)
		return error_set(err, EINVAL, "the path of the base spec is too long");
	result = toml_parse(text, &doc, err);
	if (result < 0)
		return result;
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);
	struct runtimes all = { .edit = &edit, .spec = quoted, .notes = notes };

	for (size_t i = 0; !result && i < sizeof cri_plugins / sizeof *cri_plugins; i++)
		result = plugin_patch(&all, cri_plugins[i], err);
	if (!result && !all.found)
		return error_set(err, ENOENT,
				 "no runtime of type " RUNC_TYPE
				 " in this file: containerd uses its built-in one, which takes "
				 "no base spec. Add it by hand and run this again: a table "
				 "[plugins.\"%s\".containerd.runtimes.runc] (containerd 1.x) or "
				 "[plugins.\"%s\".containerd.runtimes.runc] "
				 "(2.x) with runtime_type = \"" RUNC_TYPE "\"",
				 cri_plugins[0], cri_plugins[1]);
	return finish(&edit, result, ret_text, ret_len, err);
}

/* --- drop-ins --- */

int containerd_nri_drop_in(struct str text, char **ret_text, size_t *ret_len, struct error *err)
{
	auto_toml struct toml *doc = NULL, *check = NULL;
	const struct toml_node *nri, *list, *version;
	int number, result = toml_parse(text, &doc, err);
	size_t size;

	if (result >= 0)
		result = version_read(doc, &number, err);
	if (result >= 0)
		result = list_read(doc, doc->root, "disabled_plugins", &list, err);
	if (result < 0)
		return result;
	version = toml_get(doc, doc->root, STR("version"));
	if (!version)
		return error_set(err, ENOTSUP,
				 "the root file has no version, so no drop-in can be written that fits it; edit the "
				 "file itself");
	for (const struct toml_node *item = list ? list->first : NULL; item; item = item->next)
		if (toml_is_string(item, STR(CONTAINERD_NRI)))
			return refuse(
				doc, item, ENOTSUP,
				"NRI is switched off here, and no drop-in can take that back; edit the file itself",
				err);
	nri = toml_find(doc, nri_path);
	if (nri && nri->type != TOML_TABLE)
		return wrong_type(doc, nri, "a table", err);
	size = 4096 + text.len * 2;
	auto_free char *room = malloc(size);
	struct buf out = buf_over(room, room ? size : 0);

	if (!room)
		return error_set(err, ENOMEM, "not enough memory for the drop-in");
	buf_text(&out, "# NRI on, for Tetragon's runtime hook. The version must stay that of the file that imports "
		       "this one.\n");
	buf_printf(&out, "version = %.*s\n\n[plugins.\"" CONTAINERD_NRI "\"]\n", (int)version->text.len,
		   version->text.p);
	for (size_t i = 0; i < sizeof nri_keys / sizeof *nri_keys; i++) {
		const struct toml_node *own = toml_get(doc, nri, str_of(nri_keys[i].key));

		buf_printf(&out, "  %s = ", nri_keys[i].key);
		buf_str(&out, i && own && own->text.p ? own->text : str_of(nri_keys[i].value));
		buf_byte(&out, '\n');
	}
	/* Whatever else stands in the root's table; sub-tables only where they are values: others would need headers of
	 * their own. */
	for (const struct toml_node *own = nri ? nri->first : NULL; own; own = own->next) {
		bool known = false;

		for (size_t i = 0; i < sizeof nri_keys / sizeof *nri_keys; i++)
			known |= str_is(own->key, nri_keys[i].key);
		if (known)
			continue;
		if (!own->text.p && number >= 3)
			continue; /* 2.x joins tables key by key: what the root says stays in force */
		if (!own->text.p)
			return refuse(doc, own, ENOTSUP,
				      "a drop-in would drop this table on containerd 1.x; edit the file itself", err);
		buf_text(&out, "  ");
		toml_write_key(&out, own->key);
		buf_text(&out, " = ");
		buf_str(&out, own->text);
		buf_byte(&out, '\n');
	}
	if (out.overflow)
		return error_set(err, E2BIG, "NRI's table is too large for a drop-in");
	result = toml_parse((struct str){ room, out.len }, &check, err);
	if (result < 0)
		return error_wrap(err, -EBADMSG, "the drop-in would not be TOML");
	*ret_text = take(room);
	*ret_len = out.len;
	return 0;
}

/* One runtime's part of the drop-in, where it starts runc without a base spec. Returns 1 written, 0 not. */
static int runtime_write(const struct toml *doc, const struct toml_node *runtime, const char *plugin, const char *spec,
			 struct buf *out, struct error *err)
{
	const struct toml_node *type, *own;

	if (runtime->type != TOML_TABLE)
		return wrong_type(doc, runtime, "a table", err);
	type = toml_get(doc, runtime, STR("runtime_type"));
	own = toml_get(doc, runtime, STR("base_runtime_spec"));
	if (!type || !toml_is_string(type, STR(RUNC_TYPE)) || (own && !toml_is_string(own, STR(""))))
		return 0;
	buf_printf(out, "\n[plugins.\"%s\".containerd.runtimes.", plugin);
	toml_write_key(out, runtime->key);
	buf_printf(out, "]\n  base_runtime_spec = %s\n", spec);
	return 1;
}

int containerd_hook_drop_in(struct str text, const char *spec_path, char **ret_text, size_t *ret_len, struct error *err)
{
	char quoted[PATH_MAX * 6 + 3];
	struct buf spec = buf_over(quoted, sizeof quoted);
	auto_toml struct toml *doc = NULL, *check = NULL;
	int number, written = 0, result = toml_parse(text, &doc, err);
	size_t size = 4096 + (text.len + PATH_MAX) * 4;

	toml_write_string(&spec, str_of(spec_path));
	if (result >= 0 && spec.overflow)
		return error_set(err, EINVAL, "the path of the base spec is too long");
	if (result >= 0)
		result = version_read(doc, &number, err);
	if (result < 0)
		return result;
	if (number < 3)
		return error_set(
			err, ENOTSUP,
			"containerd 1.x, which may read a file of this version, replaces all of CRI's settings by "
			"those of a drop-in; edit the file itself");
	auto_free char *room = malloc(size);
	struct buf out = buf_over(room, room ? size : 0);

	if (!room)
		return error_set(err, ENOMEM, "not enough memory for the drop-in");
	buf_printf(&out,
		   "# Tetragon's runtime hook. The version must stay that of the file that imports this one.\n"
		   "version = %d\n",
		   number);
	for (size_t i = 0; i < sizeof cri_plugins / sizeof *cri_plugins; i++) {
		const char *const path[] = { "plugins", cri_plugins[i], "containerd", "runtimes", NULL };
		const struct toml_node *runtimes = toml_find(doc, path);

		if (runtimes && runtimes->type != TOML_TABLE)
			return wrong_type(doc, runtimes, "a table", err);
		for (const struct toml_node *one = runtimes ? runtimes->first : NULL; one; one = one->next) {
			result = runtime_write(doc, one, cri_plugins[i], quoted, &out, err);
			if (result < 0)
				return result;
			written += result;
		}
	}
	if (!written)
		return error_set(err, ENOENT, "no runtime of type " RUNC_TYPE " without a base spec is in this file");
	if (out.overflow)
		return error_set(err, E2BIG, "too many runtimes for a drop-in");
	result = toml_parse((struct str){ room, out.len }, &check, err);
	if (result < 0)
		return error_wrap(err, -EBADMSG, "the drop-in would not be TOML");
	*ret_text = take(room);
	*ret_len = out.len;
	return 0;
}

/* As containerd resolves an import: relative to the file's folder; only a pattern with '*' is globbed. */
static bool import_matches(const struct toml_node *item, const char *root_dir, const char *path)
{
	char pattern[PATH_MAX * 2], text[PATH_MAX];
	struct buf out = buf_over(pattern, sizeof pattern);
	struct str value;

	if (item->text.len >= sizeof text)
		return false;
	toml_string(item, text, &value);
	if (!value.len || value.p[0] != '/') {
		buf_text(&out, root_dir);
		buf_byte(&out, '/');
	}
	buf_str(&out, value);
	if (out.overflow)
		return false;
	return strchr(pattern, '*') ? fnmatch(pattern, path, FNM_PATHNAME) == 0 : !strcmp(pattern, path);
}

int containerd_add_import(struct str text, const char *root_dir, const char *path, char **ret_text, size_t *ret_len,
			  struct buf *notes, struct error *err)
{
	char quoted[PATH_MAX * 6 + 5];
	struct buf value = buf_over(quoted, sizeof quoted);
	auto_toml struct toml *doc = NULL;
	const struct toml_node *imports;
	const char *item;
	int result = toml_parse(text, &doc, err);

	if (result >= 0)
		result = list_read(doc, doc->root, "imports", &imports, err);
	if (result < 0)
		return result;
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);

	for (const struct toml_node *one = imports ? imports->first : NULL; one; one = one->next)
		if (import_matches(one, root_dir, path))
			return finish(&edit, 0, ret_text, ret_len, err);
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
	return finish(&edit, result, ret_text, ret_len, err);
}
