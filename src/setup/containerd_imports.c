/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/containerd_imports.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "conf/toml_edit.h"
#include "setup/conf_paper.h"
#include "setup/containerd_conf.h"

static const char *const nri_table[] = { "plugins", CONTAINERD_NRI, NULL };

enum containerd_kind containerd_kind_of(const struct toml *in_force)
{
	const struct toml_node *version = in_force ? toml_get(in_force, in_force->root, STR("version")) : NULL;

	if (!version || version->type != TOML_INTEGER)
		return CONTAINERD_ANY;
	return toml_integer(version) > 2 ? CONTAINERD_2 : CONTAINERD_1;
}

/* --- which files --- */

struct reading {
	struct conf_set *set;
	const struct conf_overlay *over;
	size_t n;
};

/* As Go sorts the matches: folder by folder, so '/' comes before all other bytes. */
static int path_compare(const void *a, const void *b)
{
	const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x == *y)
		return 0;
	if (!*x || !*y)
		return *x ? 1 : -1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return *x < *y ? -1 : 1;
}

static bool is_dot(const char *path)
{
	return str_ends(str_of(path), STR("/.")) || str_ends(str_of(path), STR("/.."));
}

static int pattern_add(struct reading *reading, const char *pattern, struct error *err)
{
	glob_t found = { 0 };
	const char **paths;
	size_t n = 0;
	int result = 0;

	if (!strchr(pattern, '*'))
		return conf_set_add(reading->set, pattern, err);
	if (glob(pattern, GLOB_PERIOD, NULL, &found))
		found.gl_pathc = 0;
	paths = calloc(found.gl_pathc + reading->n + 1, sizeof *paths);
	if (!paths)
		result = error_set(err, ENOMEM, "not enough memory for the list of imports");
	for (size_t i = 0; paths && i < found.gl_pathc; i++)
		if (!is_dot(found.gl_pathv[i]))
			paths[n++] = found.gl_pathv[i];
	/* What is not on the disk yet would be found too. */
	for (size_t i = 0; paths && i < reading->n; i++)
		if (!fnmatch(pattern, reading->over[i].path, FNM_PATHNAME))
			paths[n++] = reading->over[i].path;
	if (n)
		qsort(paths, n, sizeof *paths, path_compare);
	for (size_t i = 0; result >= 0 && i < n; i++)
		result = conf_set_add(reading->set, paths[i], err);
	free(paths);
	globfree(&found);
	return result;
}

static int imports_add(struct reading *reading, const struct conf_file *file, struct error *err)
{
	const struct toml_node *list = toml_get(file->doc, file->doc->root, STR("imports"));
	ptrdiff_t slash = str_find_last(str_of(file->path), '/');
	int result = 0;

	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; result >= 0 && item;
	     item = item->next) {
		char room[PATH_MAX], pattern[PATH_MAX * 2], clean[PATH_MAX];
		struct buf out = buf_over(pattern, sizeof pattern);
		struct str name;

		if (item->type != TOML_STRING || item->text.len >= sizeof room)
			continue;
		toml_string(item, room, &name);
		if (!name.len || memchr(name.p, '\0', name.len))
			continue;
		if (name.p[0] != '/')
			buf_add(&out, file->path, (size_t)slash + 1);
		buf_str(&out, name);
		if (!out.overflow)
			result = conf_path_absolute(pattern, clean, err);
		if (!out.overflow && result >= 0)
			result = pattern_add(reading, clean, err);
	}
	return result;
}

int containerd_set_read(const char *root, const struct conf_overlay *over, size_t n, struct conf_set *set,
			struct error *err)
{
	struct reading reading = { set, over, n };
	int result = conf_set_add(set, root, err);

	for (size_t i = 0; result >= 0 && i < set->n; i++) {
		struct conf_file *file = &set->file[i];

		result = conf_set_load(set, i, over, n, err);
		if (result < 0 && i)
			return error_wrap(err, result, "it imports %s, with which the runtime does not start",
					  file->path);
		if (result >= 0 && file->doc)
			result = imports_add(&reading, file, err);
	}
	return result < 0 ? result : 0;
}

/* --- what they say about NRI --- */

static int ineffective(const struct conf_file *file, const struct toml_node *node, const char *why, struct error *err)
{
	char text[PATH_MAX + 32];
	struct buf where = buf_over(text, sizeof text);

	conf_file_where(file, node, &where);
	return error_set(err, EPERM,
			 "a change here would have no effect: %s, which is imported and read later, %s; change that "
			 "file: --config-file=%s",
			 text, why, file->path);
}

static int disabled_check(const struct conf_set *set, struct error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct toml *doc = set->file[i].doc;
		const struct toml_node *list = doc ? toml_get(doc, doc->root, STR("disabled_plugins")) : NULL;

		for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
		     item = item->next)
			if (toml_is_string(item, STR(CONTAINERD_NRI)))
				return ineffective(&set->file[i], item, "switches NRI off", err);
	}
	return 0;
}

static bool holds(const struct toml_node *list, const char *text)
{
	for (const struct toml_node *item = list->type == TOML_ARRAY ? list->first : NULL; item; item = item->next)
		if (toml_is_string(item, str_of(text)))
			return true;
	return false;
}

int containerd_set_allows_nri(const struct conf_set *set, enum containerd_kind kind, const char *plugin,
			      struct error *err)
{
	static const char *const disable_path[] = { "plugins", CONTAINERD_NRI, "disable", NULL };
	static const char *const enable_path[] = { "plugins", CONTAINERD_NRI, "default_validator", "enable", NULL };
	static const char *const list_path[] = { "plugins", CONTAINERD_NRI, "default_validator", "required_plugins",
						 NULL };
	const struct toml_node *node, *table;
	const struct conf_file *file, *last;
	int result = disabled_check(set, err);

	if (result < 0)
		return result;
	file = conf_set_last(set, disable_path, &node);
	if (file && node->type == TOML_BOOL && toml_bool(node))
		return ineffective(file, node, "switches NRI off", err);
	last = conf_set_last(set, nri_table, &table);
	if (file && last != file && kind != CONTAINERD_2 && containerd_file_version(set->file[0].doc) <= 2)
		return ineffective(
			last, table,
			"has a table of NRI without `disable = false`, which containerd 1.x takes instead of "
			"this one",
			err);
	if (!plugin)
		return 0;
	file = conf_set_last(set, enable_path, &node);
	if (file && node->type == TOML_BOOL && !toml_bool(node))
		return ineffective(file, node, "switches the validator off", err);
	file = conf_set_last(set, list_path, &node);
	return file && !holds(node, plugin) ? ineffective(file, node, "requires other plugins", err) : 0;
}

/* --- what they say about base specs --- */

static const char *const cri_plugins[] = { "cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime" };
#define CRI_PLUGINS 3

/* A file behind the one that we changed, on which containerd 1.x takes CRI's settings from that file alone. */
static int takeover_check(const struct conf_set *set, enum containerd_kind kind, struct error *err)
{
	if (kind == CONTAINERD_2 || containerd_file_version(set->file[0].doc) > 2)
		return 0;
	for (size_t i = set->n; i-- > 1;)
		for (size_t p = 0; p < 2; p++) { /* 1.x does not know the third */
			const char *const path[] = { "plugins", cri_plugins[p], NULL };
			const struct toml *doc = set->file[i].doc;
			const struct toml_node *table = doc ? toml_find(doc, path) : NULL;

			if (table)
				return ineffective(
					&set->file[i], table,
					kind == CONTAINERD_1
						? "has CRI's settings, and containerd 1.x takes those alone"
						: "has settings of CRI: containerd 1.x takes those alone, 2.x "
						  "joins them (--validate=BINARY tells which it is)",
					err);
		}
	return 0;
}

/* The runtime's base spec in the end, by all files; NULL: none says. */
static const struct conf_file *spec_find(const struct conf_set *set, const char *plugin, struct str name,
					 const struct toml_node **ret_spec)
{
	char key[256];
	struct buf out = buf_over(key, sizeof key);
	const char *const path[] = { "plugins", plugin, "containerd", "runtimes", key, "base_runtime_spec", NULL };

	buf_str(&out, name);
	return out.overflow ? NULL : conf_set_last(set, path, ret_spec);
}

static int runtime_check(const struct conf_set *set, const struct conf_file *file, const char *plugin,
			 const struct toml_node *runtime, const char *spec_path, struct log *log, struct error *err)
{
	const struct toml_node *own = toml_get(file->doc, runtime, STR("base_runtime_spec")), *spec = NULL;
	const struct conf_file *decides = spec_find(set, plugin, runtime->key, &spec);
	bool none = !decides || toml_is_string(spec, STR(""));
	char name[128];

	if (own && toml_is_string(own, str_of(spec_path)) && decides && none)
		return ineffective(decides, spec, "empties base_runtime_spec", err);
	if (!none || own || !containerd_is_runc(file->doc, runtime) || file == &set->file[0])
		return 0;
	(void)snprintf(name, sizeof name, "%.*s", (int)runtime->key.len, runtime->key.p);
	(void)log_event(log, LOG_WARN, "this runtime has no base spec: its containers start without the hook",
			"runtime", name, "filename", file->path, "advice",
			"run this with --config-file for that file too", NULL); /* counted by the log */
	return 0;
}

int containerd_set_allows_hook(const struct conf_set *set, enum containerd_kind kind, const char *spec_path,
			       struct log *log, struct error *err)
{
	int result = takeover_check(set, kind, err);

	for (size_t i = 0; !result && i < set->n; i++)
		for (size_t p = 0; !result && set->file[i].doc && p < CRI_PLUGINS; p++) {
			const char *const path[] = { "plugins", cri_plugins[p], "containerd", "runtimes", NULL };
			const struct toml_node *table = toml_find(set->file[i].doc, path);

			for (const struct toml_node *one = table && table->type == TOML_TABLE ? table->first : NULL;
			     !result && one; one = one->next)
				result = runtime_check(set, &set->file[i], cri_plugins[p], one, spec_path, log, err);
		}
	return result;
}

/* --- the same on paper --- */

static int paper_put(const struct toml *doc, const char *imports, struct conf_paper *paper, const char **ret_name,
		     struct error *err)
{
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);
	auto_free char *text = NULL;
	size_t len = 0;
	int result = 0;

	if (toml_get(doc, doc->root, STR("imports")))
		result = toml_edit_set(&edit, doc->root, STR("imports"), imports, err);
	if (result >= 0 && !toml_edit_is_empty(&edit))
		result = toml_edit_apply(&edit, &text, &len, err);
	if (result < 0)
		return result;
	return conf_paper_add(paper, text ? (struct str){ text, len } : doc->text, ret_name, err);
}

int containerd_set_lay_out(const struct conf_set *set, struct conf_paper *paper, const char **ret_root,
			   struct error *err)
{
	size_t size = 3 + set->n * (PATH_MAX + 4);
	auto_free char *room = malloc(size);
	struct buf list = buf_over(room, room ? size : 0);
	int result = room ? 0 : error_set(err, ENOMEM, "not enough memory to have the result judged");

	buf_byte(&list, '[');
	for (size_t i = 1; result >= 0 && i < set->n; i++) {
		const char *name = set->file[i].path; /* one that we cannot read: the runtime may */

		if (set->file[i].doc)
			result = paper_put(set->file[i].doc, "[]", paper, &name, err);
		if (i > 1)
			buf_text(&list, ", ");
		toml_write_string(&list, str_of(name));
	}
	buf_byte(&list, ']');
	if (result >= 0 && list.overflow)
		result = error_set(err, E2BIG, "too many imports to have the result judged");
	return result < 0 ? result : paper_put(set->file[0].doc, room, paper, ret_root, err);
}
