/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/required_plugin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conf/toml_edit.h"
#include "setup/containerd_conf.h"

static const char *const containerd_path[] = { "plugins", CONTAINERD_NRI, "default_validator", NULL };
static const char *const crio_path[] = { "crio", "nri", "default_validator", NULL };

const struct required_names required_in_containerd = { "containerd", containerd_path, "enable", "required_plugins",
						       "tolerate_missing_plugins_annotation" };
const struct required_names required_in_crio = { "CRI-O", crio_path, "nri_enable_default_validator",
						 "nri_validator_required_plugins",
						 "nri_validator_tolerate_missing_plugins_annotation" };

/* The values to write, in TOML's syntax. */
struct values {
	const char *plugin;   /* as it is */
	const char *quoted;   /* the plugin */
	const char *list;     /* a list of it, behind what is carried over */
	const char *tolerate; /* "": none */
};

static int wrong_type(const struct toml *doc, const struct toml_node *node, const struct required_names *names,
		      const char *want, struct error *err)
{
	unsigned line, column;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	toml_path(node, &out); /* cut is fine */
	toml_position(doc, toml_offset(doc, node), &line, &column);
	return error_set(err, EINVAL, "line %u, column %u: %s: %s wants %s here", line, column, path, names->runtime,
			 want);
}

static int table_new(struct toml_edit *edit, const struct required_names *names, const struct values *values,
		     struct error *err)
{
	struct toml_pair pairs[] = {
		{ names->enable, "true" },
		{ names->list, values->list },
		{ names->tolerate, values->tolerate },
	};

	return toml_edit_table(edit, names->path, pairs, *values->tolerate ? 3 : 2, err);
}

static int list_change(struct toml_edit *edit, const struct toml_node *table, const struct required_names *names,
		       const struct values *values, struct error *err)
{
	const struct toml_node *list = toml_get(edit->doc, table, str_of(names->list));

	if (!list)
		return toml_edit_set(edit, table, str_of(names->list), values->list, err);
	if (list->type != TOML_ARRAY)
		return wrong_type(edit->doc, list, names, "a list of strings", err);
	for (const struct toml_node *item = list->first; item; item = item->next) {
		if (item->type != TOML_STRING)
			return wrong_type(edit->doc, item, names, "a string", err);
		if (toml_is_string(item, str_of(values->plugin)))
			return 0;
	}
	return toml_edit_array_append(edit, list, &values->quoted, 1, err);
}

static int table_change(struct toml_edit *edit, const struct toml_node *table, const struct required_names *names,
			const struct values *values, struct error *err)
{
	const struct toml *doc = edit->doc;
	const struct toml_node *enable = toml_get(doc, table, str_of(names->enable)),
			       *old = toml_get(doc, table, str_of(names->tolerate));
	int result = 0;

	if (enable && enable->type != TOML_BOOL)
		return wrong_type(doc, enable, names, "true or false", err);
	if (!enable || !toml_bool(enable))
		result = toml_edit_set(edit, table, str_of(names->enable), "true", err);
	if (result >= 0)
		result = list_change(edit, table, names, values, err);
	if (result >= 0 && *values->tolerate && (!old || toml_is_string(old, STR(""))))
		result = toml_edit_set(edit, table, str_of(names->tolerate), values->tolerate, err);
	return result;
}

int required_plugin_add(struct str text, const struct required_names *names, const char *plugin, const char *tolerate,
			const struct toml_node *carried, char **ret_text, size_t *ret_len, struct buf *notes,
			struct error *err)
{
	char name[1024], list[16384], other[1024];
	struct buf one = buf_over(name, sizeof name), two = buf_over(list, sizeof list),
		   three = buf_over(other, sizeof other);
	const struct values values = { plugin, name, list, other };
	auto_toml struct toml *doc = NULL;
	const struct toml_node *table;
	int result;

	*ret_text = NULL;
	*ret_len = 0;
	toml_write_string(&one, str_of(plugin));
	buf_byte(&two, '[');
	for (const struct toml_node *item = carried && carried->type == TOML_ARRAY ? carried->first : NULL; item;
	     item = item->next)
		if (!toml_is_string(item, str_of(plugin))) {
			toml_write_value(&two, item);
			buf_text(&two, ", ");
		}
	toml_write_string(&two, str_of(plugin));
	buf_byte(&two, ']');
	if (tolerate)
		toml_write_string(&three, str_of(tolerate));
	if (one.overflow || two.overflow || three.overflow)
		return error_set(err, EINVAL, "the names of the plugins or the annotation are too long");
	result = toml_parse(text, &doc, err);
	if (result < 0)
		return result;
	auto_toml_edit struct toml_edit edit = toml_edit_of(doc);

	table = toml_find(doc, names->path);
	if (table && table->type != TOML_TABLE)
		result = wrong_type(doc, table, names, "a table", err);
	else if (table && table->origin != TOML_IMPLIED)
		result = table_change(&edit, table, names, &values, err);
	else
		result = table_new(&edit, names, &values, err);
	if (result < 0 || toml_edit_is_empty(&edit))
		return result < 0 ? result : 0;
	buf_printf(notes, "the NRI plugin %s is required now\n", plugin);
	result = toml_edit_apply(&edit, ret_text, ret_len, err);
	return result < 0 ? result : 0;
}
