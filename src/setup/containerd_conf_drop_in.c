/* SPDX-License-Identifier: Apache-2.0 */
/* Drop-ins for containerd: what has to stand in a file of its own, so that nothing but our keys changes. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/containerd_conf_state.h"

#define ROOM (1u << 20)
#define CARRIED_MAX 256
#define RUNTIMES_MAX 256

const char containerd_nri_mark[] = "# NRI on, for Tetragon's runtime hook.";
const char containerd_hook_mark[] = "# Tetragon's runtime hook in the base spec.";

#define HEADER "%s Its version must stay that of the file that imports it.\nversion = %.*s\n"

/* --- NRI --- */

static const char *const nri_path[] = { "plugins", CONTAINERD_NRI, NULL };
#define VALIDATOR STR("default_validator")
#define ENABLE STR("enable")
#define LIST STR("required_plugins")
#define TOLERATE "tolerate_missing_plugins_annotation"

/* A key of NRI's table, or of a table in it; the last file that has it. */
struct carried {
	struct str table, key; /* table: "" for NRI's own */
	const struct toml *doc;
	const struct toml_node *node;
};

struct carry {
	struct carried item[CARRIED_MAX];
	size_t n;
};

static const struct carried *carry_find(const struct carry *carry, struct str table, struct str key)
{
	for (size_t i = 0; i < carry->n; i++)
		if (str_equal(carry->item[i].table, table) && str_equal(carry->item[i].key, key))
			return &carry->item[i];
	return NULL;
}

static int carry_put(struct carry *carry, const struct toml *doc, struct str table, const struct toml_node *node,
		     struct error *err)
{
	struct carried *there = (struct carried *)carry_find(carry, table, node->key);

	if (!there && carry->n == CARRIED_MAX)
		return error_set(err, E2BIG, "NRI's table is too large for a drop-in");
	if (!there)
		there = &carry->item[carry->n++];
	*there = (struct carried){ table, node->key, doc, node };
	return 0;
}

static int carry_take(struct carry *carry, const struct conf_file *file, struct error *err)
{
	const struct toml_node *nri = toml_find(file->doc, nri_path);
	int result = 0;

	if (nri && nri->type != TOML_TABLE)
		return error_wrap(err, containerd_wrong_type(file->doc, nri, "a table", err), "%s", file->path);
	for (const struct toml_node *key = nri ? nri->first : NULL; !result && key; key = key->next) {
		if (key->type != TOML_TABLE)
			result = carry_put(carry, file->doc, STR(""), key, err);
		for (const struct toml_node *sub = key->type == TOML_TABLE ? key->first : NULL; !result && sub;
		     sub = sub->next)
			result = carry_put(carry, file->doc, key->key, sub, err);
	}
	return result;
}

static bool carries_same(const struct carry *a, const struct carry *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct carried *one = &a->item[i], *other = carry_find(b, one->table, one->key);

		if (!other || !toml_equal(one->doc, one->node, other->doc, other->node))
			return false;
	}
	return true;
}

/* What is in force of NRI's table by the files, ours left out; then what an earlier drop-in of ours has. */
static int carry_all(const struct conf_set *set, enum containerd_kind kind, struct carry *carry, struct error *err)
{
	auto_free struct carry *last = calloc(1, sizeof *last);
	bool differs = false;
	size_t files = 0;
	int result = 0;

	if (!last)
		return error_set(err, ENOMEM, "not enough memory for the drop-in");
	for (size_t i = 0; !result && i < set->n; i++) {
		const struct conf_file *file = &set->file[i];

		if (!file->doc || file->ours || !toml_find(file->doc, nri_path))
			continue;
		files++;
		last->n = 0;
		result = carry_take(last, file, err);
		if (!result)
			result = carry_take(carry, file, err);
	}
	if (!result && files > 1 && kind != CONTAINERD_2 && containerd_file_version(set->file[0].doc) <= 2) {
		differs = !carries_same(carry, last);
		if (kind == CONTAINERD_1)
			*carry = *last; /* the last one's table is the only one there */
	}
	last->n = 0;
	for (size_t i = 0; !result && i < set->n; i++)
		if (set->file[i].doc && set->file[i].ours) {
			result = carry_take(last, &set->file[i], err);
			if (!result)
				result = carry_take(carry, &set->file[i], err);
		}
	/* An earlier one of ours says it all, whichever containerd reads it. */
	if (!result && differs && kind == CONTAINERD_ANY && !carries_same(carry, last))
		return error_set(err, ENOTSUP,
				 "several files have a table of NRI, which containerd 1.x and 2.x put together "
				 "differently: --validate=BINARY tells which it is; or edit the last of them");
	return result;
}

static void key_write(struct buf *out, struct str key, const struct toml_node *value)
{
	buf_text(out, "  ");
	toml_write_key(out, key);
	buf_text(out, " = ");
	toml_write_value(out, value);
	buf_byte(out, '\n');
}

static int required_write(struct buf *out, const struct carry *carry, const char *plugin, struct error *err)
{
	const struct carried *list = carry_find(carry, VALIDATOR, LIST);

	if (list && list->node->type != TOML_ARRAY)
		return error_set(err, EINVAL, "NRI's required_plugins: containerd wants a list of strings here");
	buf_text(out, "  enable = true\n  required_plugins = [");
	for (const struct toml_node *item = list ? list->node->first : NULL; item; item = item->next)
		if (!toml_is_string(item, str_of(plugin))) {
			toml_write_value(out, item);
			buf_text(out, ", ");
		}
	toml_write_string(out, str_of(plugin));
	buf_text(out, "]\n");
	return 0;
}

static int validator_write(struct buf *out, const struct carry *carry, const char *plugin, const char *tolerate,
			   struct error *err)
{
	const struct carried *old = carry_find(carry, VALIDATOR, STR(TOLERATE));
	bool ours = tolerate && (!old || toml_is_string(old->node, STR("")));
	int result = plugin ? required_write(out, carry, plugin, err) : 0;

	/* Each in its place whoever says it, so that the same drop-in comes out of itself. */
	for (size_t i = 0; !plugin && i < 2; i++) {
		const struct carried *one = carry_find(carry, VALIDATOR, i ? LIST : ENABLE);

		if (one)
			key_write(out, one->key, one->node);
	}
	if (ours) {
		buf_text(out, "  " TOLERATE " = ");
		toml_write_string(out, str_of(tolerate));
		buf_byte(out, '\n');
	} else if (old) {
		key_write(out, old->key, old->node);
	}
	for (size_t i = 0; i < carry->n; i++) {
		const struct carried *one = &carry->item[i];

		if (str_equal(one->table, VALIDATOR) && !str_is(one->key, TOLERATE) && !str_equal(one->key, ENABLE) &&
		    !str_equal(one->key, LIST))
			key_write(out, one->key, one->node);
	}
	return result;
}

static bool is_nri_key(struct str key)
{
	for (size_t i = 0; i < CONTAINERD_NRI_KEYS; i++)
		if (str_is(key, containerd_nri_keys[i].key))
			return true;
	return false;
}

static int nri_write(struct buf *out, const struct carry *carry, const char *plugin, const char *tolerate,
		     struct error *err)
{
	bool validator = plugin;

	buf_text(out, "\n[plugins.\"" CONTAINERD_NRI "\"]\n");
	for (size_t i = 0; i < CONTAINERD_NRI_KEYS; i++) {
		struct str key = str_of(containerd_nri_keys[i].key);
		const struct carried *own = i ? carry_find(carry, STR(""), key) : NULL; /* 0: disable */

		if (own)
			key_write(out, key, own->node);
		else
			buf_printf(out, "  %s = %s\n", key.p, containerd_nri_keys[i].value);
	}
	for (size_t i = 0; i < carry->n; i++) {
		const struct carried *one = &carry->item[i];

		if (!one->table.len && !is_nri_key(one->key))
			key_write(out, one->key, one->node);
		validator |= str_equal(one->table, VALIDATOR);
	}
	if (validator) {
		int result;

		buf_text(out, "\n[plugins.\"" CONTAINERD_NRI "\".default_validator]\n");
		result = validator_write(out, carry, plugin, tolerate, err);
		if (result < 0)
			return result;
	}
	for (size_t i = 0; i < carry->n; i++) {
		const struct carried *one = &carry->item[i];

		if (!one->table.len || str_equal(one->table, VALIDATOR))
			continue;
		buf_text(out, "\n[plugins.\"" CONTAINERD_NRI "\".");
		toml_write_key(out, one->table);
		buf_text(out, "]\n");
		for (size_t k = i; k < carry->n; k++) {
			struct carried *same = (struct carried *)&carry->item[k];

			if (k != i && !str_equal(same->table, one->table))
				continue;
			key_write(out, same->key, same->node);
			if (k != i)
				same->table = VALIDATOR; /* written */
		}
	}
	return 0;
}

/* The end of every drop-in: it must be TOML. */
static int drop_in_finish(struct buf *out, char **room, char **ret_text, size_t *ret_len, struct error *err)
{
	auto_toml struct toml *check = NULL;
	int result;

	if (out->overflow)
		return error_set(err, E2BIG, "too much for a drop-in; edit the file itself");
	result = toml_parse((struct str){ out->p, out->len }, &check, err);
	if (result < 0)
		return error_wrap(err, -EBADMSG, "the drop-in would not be TOML");
	*ret_len = out->len;
	*ret_text = take(*room);
	return 0;
}

/* Root's version as it stands there, and the drop-in's first lines. */
static int drop_in_begin(const struct conf_set *set, const char *mark, int *ret_version, struct buf *out,
			 struct error *err)
{
	const struct toml *root = set->file[0].doc;
	const struct toml_node *version = toml_get(root, root->root, STR("version"));
	int result = containerd_version_read(root, ret_version, err);

	if (result < 0)
		return result;
	if (*ret_version < 2)
		return error_set(err, ENOTSUP,
				 "the root file has %s, so no drop-in can be written that fits it and is read by every "
				 "containerd; edit the file itself",
				 version ? "version 1" : "no version");
	buf_printf(out, HEADER, mark, (int)version->text.len, version->text.p);
	return 0;
}

int containerd_nri_drop_in(const struct conf_set *set, enum containerd_kind kind, const char *plugin,
			   const char *tolerate, char **ret_text, size_t *ret_len, struct error *err)
{
	const struct toml *root = set->file[0].doc;
	auto_free struct carry *carry = calloc(1, sizeof *carry);
	auto_free char *room = malloc(ROOM);
	struct buf out = buf_over(room, room ? ROOM : 0);
	const struct toml_node *list;
	int version, result;

	if (!carry || !room)
		return error_set(err, ENOMEM, "not enough memory for the drop-in");
	result = drop_in_begin(set, containerd_nri_mark, &version, &out, err);
	if (result >= 0)
		result = containerd_list_read(root, root->root, "disabled_plugins", &list, err);
	for (const struct toml_node *item = result >= 0 && list ? list->first : NULL; item; item = item->next)
		if (toml_is_string(item, STR(CONTAINERD_NRI)))
			return containerd_refuse(
				root, item, ENOTSUP,
				"NRI is switched off here, and no drop-in can take that back; edit the file itself",
				err);
	if (result >= 0)
		result = carry_all(set, kind, carry, err);
	if (result >= 0)
		result = nri_write(&out, carry, plugin, tolerate, err);
	return result < 0 ? result : drop_in_finish(&out, &room, ret_text, ret_len, err);
}

/* --- base_runtime_spec --- */

/* A runtime, by all files together. */
struct runtime {
	const char *plugin;
	struct str name;
	const struct toml_node *type; /* NULL: no file says it */
	bool spec, runc;
};

struct runtime_list {
	struct runtime item[RUNTIMES_MAX];
	size_t n;
};

static int runtime_take(struct runtime_list *list, const struct conf_file *file, const char *plugin,
			const struct toml_node *runtime, struct error *err)
{
	const struct toml_node *type, *spec;
	struct runtime *one = NULL;

	if (runtime->type != TOML_TABLE)
		return error_wrap(err, containerd_wrong_type(file->doc, runtime, "a table", err), "%s", file->path);
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i].plugin == plugin && str_equal(list->item[i].name, runtime->key))
			one = &list->item[i];
	if (!one && list->n == RUNTIMES_MAX)
		return error_set(err, E2BIG, "too many runtimes for a drop-in");
	if (!one) {
		one = &list->item[list->n++];
		*one = (struct runtime){ .plugin = plugin, .name = runtime->key };
	}
	type = toml_get(file->doc, runtime, STR("runtime_type"));
	spec = toml_get(file->doc, runtime, STR("base_runtime_spec"));
	if (type || !one->type)
		one->runc = containerd_is_runc(file->doc, runtime);
	if (type)
		one->type = type;
	if (spec)
		one->spec = !toml_is_string(spec, STR(""));
	return 0;
}

/* Runtimes of all files, ours left out, and the built-in one. *ret_1: one of the files has 1.x's name of CRI. */
static int runtimes_take(const struct conf_set *set, int version, struct runtime_list *list, bool *ret_1,
			 struct error *err)
{
	static const char *const plugins[] = { CONTAINERD_CRI_1, CONTAINERD_CRI_2 };
	bool names_2 = false, runc = false;
	int result = 0;

	*ret_1 = false;
	for (size_t i = 0; !result && i < set->n; i++) {
		const struct conf_file *file = &set->file[i];

		if (!file->doc || file->ours)
			continue;
		names_2 |= containerd_has_names_of_2(file->doc);
		for (size_t p = 0; !result && p < 2; p++) {
			const char *const plugin_path[] = { "plugins", plugins[p], NULL };
			const char *const path[] = { "plugins", plugins[p], "containerd", "runtimes", NULL };
			const struct toml_node *runtimes = toml_find(file->doc, path);

			*ret_1 |= !p && toml_find(file->doc, plugin_path);
			if (runtimes && runtimes->type != TOML_TABLE)
				return error_wrap(err, containerd_wrong_type(file->doc, runtimes, "a table", err), "%s",
						  file->path);
			for (const struct toml_node *one = runtimes ? runtimes->first : NULL; !result && one;
			     one = one->next) {
				runc |= str_is(one->key, "runc");
				result = runtime_take(list, file, plugins[p], one, err);
			}
		}
	}
	*ret_1 |= version == 2 && !names_2;
	if (!result && !runc && list->n < RUNTIMES_MAX)
		list->item[list->n++] = (struct runtime){ .plugin = *ret_1 && version == 2 ? plugins[0] : plugins[1],
							  .name = STR("runc"),
							  .runc = true };
	return result;
}

static bool runtimes_write(const struct runtime_list *list, const char *spec, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct runtime *one = &list->item[i];

		if (!one->runc || one->spec)
			continue;
		any = true;
		buf_printf(out, "\n[plugins.\"%s\".containerd.runtimes.", one->plugin);
		toml_write_key(out, one->name);
		/* With its type: a runtime that has none stops containerd, should the other file go away. */
		buf_text(out, "]\n");
		if (!one->type || toml_is_string(one->type, STR(CONTAINERD_RUNC)))
			buf_text(out, "  runtime_type = \"" CONTAINERD_RUNC "\"\n");
		buf_printf(out, "  base_runtime_spec = %s\n", spec);
	}
	return any;
}

int containerd_hook_drop_in(const struct conf_set *set, enum containerd_kind kind, const char *spec_path,
			    char **ret_text, size_t *ret_len, struct error *err)
{
	auto_free struct runtime_list *list = calloc(1, sizeof *list);
	auto_free char *room = malloc(ROOM);
	char quoted[PATH_MAX * 6 + 3];
	struct buf out = buf_over(room, room ? ROOM : 0), spec = buf_over(quoted, sizeof quoted);
	bool names_1;
	int version, result;

	*ret_text = NULL;
	*ret_len = 0;
	if (!list || !room)
		return error_set(err, ENOMEM, "not enough memory for the drop-in");
	toml_write_string(&spec, str_of(spec_path));
	if (spec.overflow)
		return error_set(err, EINVAL, "the path of the base spec is too long");
	result = drop_in_begin(set, containerd_hook_mark, &version, &out, err);
	if (result >= 0)
		result = runtimes_take(set, version, list, &names_1, err);
	if (result < 0)
		return result;
	if (version == 2 && (kind == CONTAINERD_1 || (kind == CONTAINERD_ANY && names_1)))
		return error_set(
			err, ENOTSUP,
			"containerd 1.x, which %s a file of this version, replaces all of CRI's settings by those of a "
			"drop-in; edit the file itself%s",
			kind == CONTAINERD_1 ? "reads" : "may read",
			kind == CONTAINERD_1 ? "" : ", or let --validate=BINARY tell that this is 2.x");
	return runtimes_write(list, quoted, &out) ? drop_in_finish(&out, &room, ret_text, ret_len, err) : 0;
}
