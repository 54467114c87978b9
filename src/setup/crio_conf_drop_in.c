/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/crio_conf.h"
#include "setup/required_plugin.h"

#define ROOM (1u << 20)
#define HANDLERS_MAX 128

const char crio_mark[] = "# For Tetragon's runtime hook.";

static const char *const handlers_path[] = { "crio", "runtime", "runtimes", NULL };
#define ALLOWED STR("allowed_annotations")

struct handler {
	struct str name;
	const struct toml *doc; /* of the file that decides, ours left out; NULL: only ours has it */
	const struct toml_node *node;
	const struct toml *our_doc; /* NULL: ours has it not */
	const struct toml_node *ours;
};

struct handlers {
	struct handler item[HANDLERS_MAX];
	size_t n;
};

static struct handler *handler_of(struct handlers *all, struct str name, struct error *err)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_equal(all->item[i].name, name))
			return &all->item[i];
	if (all->n == HANDLERS_MAX) {
		(void)error_set(err, E2BIG, "more than %d handlers", HANDLERS_MAX);
		return NULL;
	}
	all->item[all->n] = (struct handler){ .name = name };
	return &all->item[all->n++];
}

static int handlers_take(struct handlers *all, const struct toml *doc, bool ours, const char *path, struct error *err)
{
	const struct toml_node *table = toml_find(doc, handlers_path);

	for (const struct toml_node *one = table && table->type == TOML_TABLE ? table->first : NULL; one;
	     one = one->next) {
		struct handler *handler;

		if (one->type != TOML_TABLE)
			return error_set(err, EINVAL, "%s: a handler is no table", path);
		handler = handler_of(all, one->key, err);
		if (!handler)
			return -E2BIG;
		if (ours) {
			handler->ours = one;
			handler->our_doc = doc;
		} else {
			handler->node = one;
			handler->doc = doc;
		}
	}
	return 0;
}

/* Those of the files; and those that are in force though no file names them. */
static int handlers_find(const struct conf_set *set, const struct toml *in_force, struct handlers *all,
			 struct error *err)
{
	const struct toml_node *table = in_force ? toml_find(in_force, handlers_path) : NULL;
	int result = 0;

	for (size_t i = 0; !result && i < set->n; i++)
		if (set->file[i].doc)
			result = handlers_take(all, set->file[i].doc, set->file[i].ours, set->file[i].path, err);
	for (const struct toml_node *one = table && table->type == TOML_TABLE ? table->first : NULL; !result && one;
	     one = one->next) {
		struct handler *handler = handler_of(all, one->key, err);

		if (!handler)
			return -E2BIG;
		if (!handler->node && !handler->ours && one->type == TOML_TABLE) {
			handler->node = one;
			handler->doc = in_force;
		}
	}
	return result;
}

static bool holds(const struct toml_node *list, struct str text)
{
	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
	     item = item->next)
		if (toml_is_string(item, text))
			return true;
	return false;
}

static bool holds_all(const struct toml_node *list, const struct crio_wish *wish)
{
	for (size_t i = 0; i < wish->n; i++)
		if (!holds(list, str_of(wish->annotations[i])))
			return false;
	return true;
}

static bool is_repeated(const struct crio_wish *wish, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(wish->annotations[i], wish->annotations[index]))
			return true;
	return false;
}

struct list {
	struct buf *out;
	bool any;
};

static void list_begin(struct list *list)
{
	buf_text(list->out, list->any ? ", " : "");
	list->any = true;
}

/* The items of `more` that none of a and b has. */
static void items_write(struct list *list, const struct toml_node *more, const struct toml_node *a)
{
	for (const struct toml_node *item = more && more->type == TOML_ARRAY ? more->first : NULL; item;
	     item = item->next) {
		char room[4096];
		struct str text;

		if (item->type != TOML_STRING || item->text.len > sizeof room)
			continue; /* CRI-O would not have started with it */
		toml_string(item, room, &text);
		if (a && holds(a, text))
			continue;
		list_begin(list);
		toml_write_value(list->out, item);
	}
}

static void handler_write(const struct handler *handler, const struct crio_wish *wish, struct buf *out)
{
	const struct toml_node *node = handler->node ? handler->node : handler->ours;
	const struct toml_node *own = handler->node ? toml_get(handler->doc, handler->node, ALLOWED) : NULL;
	const struct toml_node *old = handler->ours ? toml_get(handler->our_doc, handler->ours, ALLOWED) : NULL;
	struct list list = { .out = out };

	buf_text(out, "\n[crio.runtime.runtimes.");
	toml_write_key(out, handler->name);
	buf_text(out, "]\n");
	for (const struct toml_node *key = node->first; key; key = key->next) {
		if (str_equal(key->key, ALLOWED))
			continue;
		toml_write_key(out, key->key);
		buf_text(out, " = ");
		toml_write_value(out, key);
		buf_byte(out, '\n');
	}
	buf_text(out, "allowed_annotations = [");
	items_write(&list, own, NULL);
	items_write(&list, old, own);
	for (size_t i = 0; i < wish->n; i++) {
		struct str text = str_of(wish->annotations[i]);

		if (holds(own, text) || holds(old, text) || is_repeated(wish, i))
			continue;
		list_begin(&list);
		toml_write_string(out, text);
	}
	buf_text(out, "]\n");
}

static bool handlers_write(const struct handlers *all, const struct crio_wish *wish, struct buf *out, struct buf *notes)
{
	bool any = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct handler *one = &all->item[i];

		if (!one->ours && (!wish->n || holds_all(toml_get(one->doc, one->node, ALLOWED), wish)))
			continue;
		any = true;
		handler_write(one, wish, out);
		buf_printf(notes, "handler %.*s: copied as it is in force, with the annotations\n", (int)one->name.len,
			   one->name.p);
	}
	return any;
}

/* --- the required plugin --- */

static const struct toml_node *validator_get(const struct conf_set *set, const char *key, bool ours)
{
	const char *const path[] = { "crio", "nri", "default_validator", key, NULL };
	const struct toml_node *node = NULL;

	if (!ours)
		return conf_set_last(set, path, &node) ? node : NULL;
	for (size_t i = 0; i < set->n && !node; i++)
		if (set->file[i].doc && set->file[i].ours)
			node = toml_find(set->file[i].doc, path);
	return node;
}

static bool validator_write(const struct conf_set *set, const struct crio_wish *wish, struct buf *out)
{
	const struct required_names *names = &required_in_crio;
	const struct toml_node *own = validator_get(set, names->list, false),
			       *old = validator_get(set, names->list, true);
	const struct toml_node *tolerated = validator_get(set, names->tolerate, true),
			       *others = validator_get(set, names->tolerate, false);
	struct list list = { .out = out };

	if (!wish->plugin && !old)
		return false;
	buf_printf(out, "\n[crio.nri.default_validator]\n%s = true\n%s = [", names->enable, names->list);
	items_write(&list, own, NULL);
	items_write(&list, old, own);
	if (wish->plugin && !holds(own, str_of(wish->plugin)) && !holds(old, str_of(wish->plugin))) {
		list_begin(&list);
		toml_write_string(out, str_of(wish->plugin));
	}
	buf_text(out, "]\n");
	if (tolerated) {
		buf_printf(out, "%s = ", names->tolerate);
		toml_write_value(out, tolerated);
		buf_byte(out, '\n');
	} else if (wish->tolerate && (!others || toml_is_string(others, STR("")))) {
		buf_printf(out, "%s = ", names->tolerate);
		toml_write_string(out, str_of(wish->tolerate));
		buf_byte(out, '\n');
	}
	return true;
}

int crio_drop_in(const struct conf_set *set, const struct crio_wish *wish, char **ret_text, size_t *ret_len,
		 struct buf *notes, struct error *err)
{
	auto_free struct handlers *all = calloc(1, sizeof *all);
	auto_free char *room = malloc(ROOM);
	struct buf out = buf_over(room, room ? ROOM : 0);
	auto_toml struct toml *check = NULL;
	bool any;
	int result;

	*ret_text = NULL;
	*ret_len = 0;
	if (!all || !room)
		return error_set(err, ENOMEM, "not enough memory for the drop-in");
	result = handlers_find(set, wish->in_force, all, err);
	if (result < 0)
		return result;
	if (wish->n && !all->n)
		return error_set(err, ENOENT,
				 "no file has a handler, [crio.runtime.runtimes.NAME], and what the built-in one holds "
				 "only CRI-O knows: --validate=BINARY asks it");
	buf_printf(&out, "%s Handlers are copied whole: CRI-O takes each from the last file that names it.\n",
		   crio_mark);
	any = handlers_write(all, wish, &out, notes);
	if (validator_write(set, wish, &out))
		any = true;
	if (!any)
		return 0;
	if (out.overflow)
		return error_set(err, E2BIG, "too much for a drop-in; edit the files themselves");
	result = toml_parse((struct str){ room, out.len }, &check, err);
	if (result < 0)
		return error_wrap(err, -EBADMSG, "the drop-in would not be TOML");
	*ret_len = out.len;
	*ret_text = take(room);
	return 0;
}

/* --- what is in force --- */

static int ineffective(const struct conf_file *file, const struct toml_node *node, const char *why, struct error *err)
{
	char text[PATH_MAX + 32];
	struct buf where = buf_over(text, sizeof text);

	conf_file_where(file, node, &where);
	return error_set(err, EPERM,
			 "the change would have no effect: %s, which CRI-O reads later, %s; change that file "
			 "(--config-file=%s), or name a drop-in that comes after it",
			 text, why, file->path);
}

static int handlers_fulfil(const struct conf_set *set, const struct crio_wish *wish, struct error *err)
{
	for (size_t i = set->n; wish->n && i--;) {
		const struct toml *doc = set->file[i].doc;
		const struct toml_node *table = doc ? toml_find(doc, handlers_path) : NULL;

		for (const struct toml_node *one = table && table->type == TOML_TABLE ? table->first : NULL; one;
		     one = one->next) {
			char name[256];
			struct buf out = buf_over(name, sizeof name);
			const char *const path[] = { "crio", "runtime", "runtimes", name, NULL };
			const struct toml_node *node;

			buf_str(&out, one->key);
			if (out.overflow || conf_set_last(set, path, &node) != &set->file[i])
				continue;
			if (!holds_all(toml_get(doc, one, ALLOWED), wish))
				return ineffective(&set->file[i], one,
						   "has a handler of its own without the annotations", err);
		}
	}
	return 0;
}

int crio_set_fulfils(const struct conf_set *set, const struct crio_wish *wish, struct error *err)
{
	const char *const list_path[] = { "crio", "nri", "default_validator", required_in_crio.list, NULL };
	const char *const enable_path[] = { "crio", "nri", "default_validator", required_in_crio.enable, NULL };
	const struct toml_node *node;
	const struct conf_file *file;
	int result = handlers_fulfil(set, wish, err);

	if (result < 0 || !wish->plugin)
		return result;
	file = conf_set_last(set, list_path, &node);
	if (file && !holds(node, str_of(wish->plugin)))
		return ineffective(file, node, "requires other plugins", err);
	file = conf_set_last(set, enable_path, &node);
	return file && node->type == TOML_BOOL && !toml_bool(node)
		       ? ineffective(file, node, "switches the validator off", err)
		       : 0;
}
