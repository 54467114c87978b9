/* SPDX-License-Identifier: Apache-2.0 */
/* add-oci-hook: base_runtime_spec for the runtimes of one file, the built-in one included. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/containerd_conf_state.h"
#include "setup/setup_context.h"
#include "setup/containerd_imports.h"

#define KEYS_MAX 32 /* of a runtime's table */
#define SPEC STR("base_runtime_spec")

struct runtimes {
	struct toml_edit *edit;
	const char *spec; /* in TOML's syntax */
	struct buf *notes;
	int version;  /* of the file; 0: none */
	size_t found; /* of runc's type */
	bool runc;    /* one of them is called runc */
	bool others;  /* there is a runtime that is called otherwise */
};

static void runtime_note(struct runtimes *all, const struct toml_node *runtime, const char *text)
{
	toml_path(runtime, all->notes);
	buf_text(all->notes, ": ");
	buf_text(all->notes, text);
	buf_byte(all->notes, '\n');
}

bool containerd_is_runc(const struct toml *doc, const struct toml_node *runtime)
{
	const struct toml_node *type = toml_get(doc, runtime, STR("runtime_type"));

	if (!type) /* 2.x joins it with its built-in runtime of this name, 1.x does not start containers with it */
		return str_is(runtime->key, "runc");
	return type->type == TOML_STRING &&
	       (toml_is_string(type, STR(CONTAINERD_RUNC)) || str_starts(str_from(type->text, 1), STR("${")));
}

static int runtime_patch(struct runtimes *all, const struct toml_node *runtime, struct error *err)
{
	const struct toml *doc = all->edit->doc;
	const struct toml_node *type, *spec;
	struct str plain;

	if (runtime->type != TOML_TABLE)
		return containerd_wrong_type(doc, runtime, "a table", err);
	type = toml_get(doc, runtime, STR("runtime_type"));
	spec = toml_get(doc, runtime, SPEC);
	if (type && type->type != TOML_STRING)
		return containerd_wrong_type(doc, type, "a string", err);
	if (spec && spec->type != TOML_STRING)
		return containerd_wrong_type(doc, spec, "a string", err);
	all->runc |= str_is(runtime->key, "runc");
	all->others |= !str_is(runtime->key, "runc");
	if (!containerd_is_runc(doc, runtime)) {
		runtime_note(all, runtime, "not of type " CONTAINERD_RUNC ", left as it is");
		return 0;
	}
	all->found++;
	if (!spec) {
		runtime_note(all, runtime, "base_runtime_spec added");
		return toml_edit_insert(all->edit, runtime, type, SPEC, all->spec, err);
	}
	if (toml_is_string(spec, STR(""))) {
		runtime_note(all, runtime, "base_runtime_spec was empty and is set now");
		return toml_edit_set(all->edit, runtime, SPEC, all->spec, err);
	}
	if (str_equal(spec->text, str_of(all->spec))) {
		runtime_note(all, runtime, "base_runtime_spec is this one already");
		return 0;
	}
	plain = str_from(spec->text, 1);
	plain.len -= plain.len > 0;
	buf_byte(all->notes, SETUP_NOTE_WARNS);
	toml_path(runtime, all->notes);
	buf_printf(all->notes,
		   ": base_runtime_spec definition already exists (%.*s), left as it is: its containers start without "
		   "the hook unless that file has it (`print-config` prints it)\n",
		   (int)plain.len, plain.p);
	return 0;
}

static int plugin_patch(struct runtimes *all, const char *plugin, struct error *err)
{
	const char *const runtimes_path[] = { "plugins", plugin, "containerd", "runtimes", NULL };
	const char *const default_path[] = { "plugins", plugin, "containerd", "default_runtime", NULL };
	const struct toml *doc = all->edit->doc;
	const struct toml_node *runtimes = toml_find(doc, runtimes_path), *lone = toml_find(doc, default_path);
	size_t before = all->found;
	int result = 0;

	if (runtimes && runtimes->type != TOML_TABLE)
		return containerd_wrong_type(doc, runtimes, "a table", err);
	for (const struct toml_node *one = runtimes ? runtimes->first : NULL; !result && one; one = one->next)
		result = runtime_patch(all, one, err);
	/* `config default` of 1.x prints this one with an empty type: it is not in use then. */
	if (!result && lone && lone->children)
		result = runtime_patch(all, lone, err);
	if (result < 0 || all->found == before || all->version > 1)
		return result;
	/* Run with the real ones: 1.7 reads the short name, 2.1 nothing of CRI, 2.3 both. */
	buf_text(all->notes, strcmp(plugin, CONTAINERD_CRI_SHORT) != 0
				     ? "containerd before 2.3 does not read this in a file without `version = 2`\n"
				     : "containerd 2.0 to 2.2 do not read CRI's settings in a file without `version = "
				       "2`\n");
	return 0;
}

/* --- the built-in runtime, which no file names --- */

static const struct toml_node *plugin_find(const struct toml *doc, const char *plugin)
{
	const char *const path[] = { "plugins", plugin, NULL };

	return toml_find(doc, path);
}

bool containerd_has_names_of_2(const struct toml *doc)
{
	const struct toml_node *plugins = toml_get(doc, doc->root, STR("plugins"));

	for (const struct toml_node *one = plugins && plugins->type == TOML_TABLE ? plugins->first : NULL; one;
	     one = one->next)
		if (str_starts(one->key, STR("io.containerd.cri.v1.")))
			return true;
	return false;
}

/* The keys that containerd 1.x has in force, which a table of our own would drop. Returns how many. */
static size_t keys_carry(const struct toml *in_force, const char *spec, struct toml_pair pairs[KEYS_MAX],
			 struct buf *room)
{
	static const char *const path[] = { "plugins", CONTAINERD_CRI_1, "containerd", "runtimes", "runc", NULL };
	const struct toml_node *runc = in_force ? toml_find(in_force, path) : NULL;
	size_t n = 0;

	for (const struct toml_node *key = runc && runc->type == TOML_TABLE ? runc->first : NULL; key && n < KEYS_MAX;
	     key = key->next) {
		pairs[n].key = room->p + room->len;
		buf_str(room, key->key);
		buf_byte(room, '\0');
		pairs[n].value = room->p + room->len;
		if (str_equal(key->key, SPEC))
			buf_text(room, spec);
		else
			toml_write_value(room, key);
		buf_byte(room, '\0');
		n++;
	}
	return n;
}

static int builtin_write(struct runtimes *all, const char *plugin, const struct toml *in_force, struct error *err)
{
	const char *const path[] = { "plugins", plugin, "containerd", "runtimes", "runc", NULL };
	struct toml_pair pairs[KEYS_MAX] = { { "runtime_type", "\"" CONTAINERD_RUNC "\"" },
					     { "base_runtime_spec", all->spec },
					     { "sandbox_mode", "\"podsandbox\"" } };
	size_t size = 65536, n = strcmp(plugin, CONTAINERD_CRI_2) != 0 ? 3 : 2, carried;
	auto_free char *memory = malloc(size);
	struct buf room = buf_over(memory, memory ? size : 0);
	struct toml_pair own[KEYS_MAX];

	if (!memory)
		return error_set(err, ENOMEM, "not enough memory to edit the configuration");
	if (containerd_kind_of(in_force) == CONTAINERD_1) {
		carried = keys_carry(in_force, all->spec, own, &room);
		if (carried && !room.overflow) {
			memcpy(pairs, own, sizeof own);
			n = carried;
		}
	}
	buf_printf(all->notes,
		   "no file names the built-in runtime runc: plugins.\"%s\".containerd.runtimes.runc added\n", plugin);
	return toml_edit_table(all->edit, path, pairs, n, err);
}

/*
 * Run with the real ones: 2.x joins a table of ours with its built-in runtime, and has that one in force beside all
 * others; 1.x has it only where no file names any runtime, and takes ours in its place.
 */
static int builtin_patch(struct runtimes *all, const struct toml *in_force, struct error *err)
{
	const struct toml *doc = all->edit->doc;
	enum containerd_kind kind = containerd_kind_of(in_force);
	const char *plugin = CONTAINERD_CRI_1;

	if (all->version > 2 || (containerd_has_names_of_2(doc) && !plugin_find(doc, CONTAINERD_CRI_1)))
		return builtin_write(all, CONTAINERD_CRI_2, in_force, err);
	if (all->others && kind == CONTAINERD_1)
		return 0;
	if (all->others && kind == CONTAINERD_ANY) {
		buf_text(all->notes, "containerd 2.x has its built-in runtime runc beside these, without a base spec: "
				     "--validate=BINARY tells which containerd it is\n");
		return 0;
	}
	if (all->version < 2 && plugin_find(doc, CONTAINERD_CRI_SHORT)) {
		buf_text(all->notes,
			 "containerd 2.0 to 2.2 do not read CRI's settings in a file without `version = 2`\n");
		plugin = CONTAINERD_CRI_SHORT;
	} else if (all->version < 2) {
		int result = containerd_version_raise(all->edit, "table of CRI by that name", all->notes, err);

		if (result < 0)
			return result;
	}
	return builtin_write(all, plugin, in_force, err);
}

static int cri_is_on(const struct toml *doc, struct error *err)
{
	static const char *const names[] = { CONTAINERD_CRI_SHORT, CONTAINERD_CRI_1, CONTAINERD_CRI_2,
					     "io.containerd.cri.v1.images" };
	const struct toml_node *list;
	int result = containerd_list_read(doc, doc->root, "disabled_plugins", &list, err);

	for (const struct toml_node *item = result >= 0 && list ? list->first : NULL; item; item = item->next)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (toml_is_string(item, str_of(names[i])))
				return containerd_refuse(
					doc, item, ENOTSUP,
					"CRI is switched off here, so containerd starts no pods and reads no base "
					"spec. "
					"If the kubelet is to use this containerd, write a file that has CRI "
					"(`containerd config default` prints one), then run this again",
					err);
	return result < 0 ? result : 0;
}

int containerd_add_oci_hook(const struct toml *doc, const struct containerd_hook *hook, char **ret_text,
			    size_t *ret_len, struct buf *notes, struct error *err)
{
	static const char *const plugins[] = { CONTAINERD_CRI_SHORT, CONTAINERD_CRI_1, CONTAINERD_CRI_2 };
	char quoted[PATH_MAX * 6 + 3];
	struct buf spec = buf_over(quoted, sizeof quoted);
	int version, result;

	toml_write_string(&spec, str_of(hook->spec_path));
	if (spec.overflow)
		return error_set(err, EINVAL, "the path of the base spec is too long");
	result = containerd_version_read(doc, &version, err);
	if (result >= 0)
		result = cri_is_on(doc, err);
	if (result < 0)
		return result;
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);
	struct runtimes all = { .edit = &edit, .spec = quoted, .notes = notes, .version = version };

	for (size_t i = version > 1; !result && i < sizeof plugins / sizeof *plugins; i++)
		result = plugin_patch(&all, plugins[i], err);
	if (!result && !all.runc && !hook->builtin_elsewhere)
		result = builtin_patch(&all, hook->in_force, err);
	if (!result && !all.found && toml_edit_is_empty(&edit) && hook->builtin_elsewhere)
		return error_set(
			err, ENOENT,
			"this file has no runtime of type " CONTAINERD_RUNC
			", and the one called runc has a base spec in a file that is imported, left as it is: add "
			"the hook to that base spec by hand (`print-config` prints it)");
	if (!result && !all.found && toml_edit_is_empty(&edit))
		return error_set(
			err, ENOENT,
			"no runtime of type " CONTAINERD_RUNC
			" in this file, and its own ones may have taken the place of the built-in one: add it by "
			"hand, a table [plugins.\"%s\".containerd.runtimes.runc] (containerd 1.x) or "
			"[plugins.\"%s\".containerd.runtimes.runc] (2.x) with runtime_type = \"" CONTAINERD_RUNC
			"\", and run this again; or let --validate=BINARY tell which containerd it is",
			CONTAINERD_CRI_1, CONTAINERD_CRI_2);
	return containerd_finish(&edit, result, ret_text, ret_len, err);
}
