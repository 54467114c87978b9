/* SPDX-License-Identifier: Apache-2.0 */
/* patch-crio-conf: which of CRI-O's files decides, which edit, which judge. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/conf_judge.h"
#include "setup/conf_patch.h"
#include "setup/conf_place.h"
#include "setup/crio_conf.h"
#include "setup/crio_conf_files.h"
#include "setup/required_plugin.h"
#include "setup/setup_context.h"

static int set_read(const struct conf_patch *patch, const struct conf_overlay *over, size_t n, struct conf_set *set,
		    struct error *err)
{
	return crio_set_read(patch->root, patch->config_dir, over, n, set, err);
}

/* Where the handlers in force are found: left out, they are the default's. */
static const struct toml *handlers_in_force(const struct conf_facts *facts)
{
	static const char *const path[] = { "crio", "runtime", "runtimes", NULL };

	return facts->in_force && !toml_find(facts->in_force, path) ? facts->defaults : facts->in_force;
}

static struct crio_wish wish_of(const struct setup_context *context, const struct toml *in_force)
{
	const struct setup_conf *conf = &context->conf;

	return (struct crio_wish){ .annotations = conf->annotations.item,
				   .n = conf->annotations.n,
				   .plugin = *conf->require_plugin ? conf->require_plugin : NULL,
				   .tolerate = *conf->tolerate ? conf->tolerate : NULL,
				   .in_force = in_force };
}

/* --- in place: each handler in the file that decides it --- */

struct scope {
	const struct conf_set *set;
	const struct conf_file *file;
	const struct conf_file *other; /* the last that decides a handler which this file has too; NULL: none */
	size_t counts;
};

static bool handler_counts(void *user, struct str handler)
{
	struct scope *scope = user;
	char name[256];
	struct buf out = buf_over(name, sizeof name);
	const char *const path[] = { "crio", "runtime", "runtimes", name, NULL };
	const struct toml_node *node;
	const struct conf_file *decides;

	buf_str(&out, handler);
	decides = out.overflow ? scope->file : conf_set_last(scope->set, path, &node);
	if (decides == scope->file)
		scope->counts++;
	else
		scope->other = decides;
	return decides == scope->file;
}

static int other_decides(const struct scope *scope, struct error *err)
{
	return error_set(
		err, EPERM,
		"a change here would have no effect: %s, which CRI-O reads later, has a handler of the same name "
		"and decides it whole; change that file: --config-file=%s, or write a drop-in: --drop-in=FILE",
		scope->other->path, scope->other->path);
}

static bool has_handlers(const struct toml *doc)
{
	static const char *const path[] = { "crio", "runtime", "runtimes", NULL };
	const struct toml_node *table = toml_find(doc, path);

	return table && (table->type != TOML_TABLE || table->children);
}

/* `named`: the file was chosen by the administrator, and nothing else is to be changed. */
static int file_plan(struct setup_context *context, const struct conf_set *set, const struct conf_file *file,
		     bool named, struct conf_plan *plan, struct buf *notes, struct error *err)
{
	struct scope scope = { .set = set, .file = file };
	const struct crio_scope counts = { handler_counts, &scope };
	const struct flag_list *annotations = &context->conf.annotations;
	char *text = NULL;
	size_t len, before = notes->len;
	int result;

	if (!named && !has_handlers(file->doc))
		return 0;
	result =
		crio_enable_annotations(file->doc, annotations->item, annotations->n, &counts, &text, &len, notes, err);
	if (result >= 0 && scope.other && named) {
		free(text);
		return other_decides(&scope, err);
	}
	if (result >= 0 && notes->len > before && set->n > 1)
		buf_printf(notes, "(in %s)\n", file->path);
	return result < 0 ? error_wrap(err, result, "%s", file->path) : conf_plan_add(plan, file->path, text, len, err);
}

static int annotations_plan(struct setup_context *context, const struct conf_patch *patch, const struct conf_set *set,
			    struct conf_plan *plan, struct buf *notes, struct error *err)
{
	const struct conf_file *named = conf_set_find(set, patch->config_file);
	bool any = false;
	int result = 0;

	if (!conf_path_same(patch->config_file, patch->root))
		return named ? file_plan(context, set, named, true, plan, notes, err)
			     : error_set(err, ENOENT, "CRI-O does not read this file");
	for (size_t i = 0; i < set->n; i++)
		any |= set->file[i].doc && has_handlers(set->file[i].doc);
	if (!any && named) /* for the error that it gives */
		return file_plan(context, set, named, true, plan, notes, err);
	if (!any)
		return error_set(err, ENOENT,
				 "no file has a handler, [crio.runtime.runtimes.NAME]: CRI-O has its built-in one in "
				 "force; --drop-in=FILE with --validate=BINARY writes it down with the annotations");
	for (size_t i = 0; result >= 0 && i < set->n; i++)
		if (set->file[i].doc)
			result = file_plan(context, set, &set->file[i], false, plan, notes, err);
	return result;
}

/* --- the required plugin --- */

static bool has_validator(const struct conf_file *file)
{
	const char *const keys[] = { required_in_crio.enable, required_in_crio.list, required_in_crio.tolerate };

	for (size_t i = 0; file->doc && i < 3; i++) {
		const char *const path[] = { "crio", "nri", "default_validator", keys[i], NULL };

		if (toml_find(file->doc, path))
			return true;
	}
	return false;
}

/* The last file that has any of the keys decides; where none has, the configuration file. */
static const struct conf_file *validator_file(const struct conf_patch *patch, const struct conf_set *set)
{
	for (size_t i = set->n; i--;)
		if (has_validator(&set->file[i]) || conf_path_same(set->file[i].path, patch->config_file))
			return &set->file[i];
	return set->n ? &set->file[set->n - 1] : NULL; /* there is no configuration file */
}

static struct conf_change *plan_find(struct conf_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n; i++)
		if (!strcmp(plan->change[i].path, path))
			return &plan->change[i];
	return NULL;
}

static int plugin_plan(struct setup_context *context, const struct conf_patch *patch, const struct conf_set *set,
		       struct conf_plan *plan, struct buf *notes, struct error *err)
{
	const char *const list_path[] = { "crio", "nri", "default_validator", required_in_crio.list, NULL };
	const struct conf_file *file = validator_file(patch, set);
	const struct crio_wish wish = wish_of(context, NULL);
	const struct toml_node *list = NULL;
	struct conf_change *change;
	char *text = NULL;
	size_t len;
	int result;

	if (!file || !file->doc)
		return error_set(err, ENOENT, "CRI-O has no file yet; --drop-in=FILE writes one");
	if (!conf_path_same(patch->config_file, patch->root) && !conf_path_same(patch->config_file, file->path))
		return error_set(err, EPERM,
				 "a change here would have no effect: %s, which CRI-O reads later, has the validator's "
				 "keys; change that file: --config-file=%s",
				 file->path, file->path);
	(void)conf_set_last(set, list_path, &list);
	change = plan_find(plan, file->path);
	result = required_plugin_add(change ? (struct str){ change->text, change->len } : file->doc->text,
				     &required_in_crio, wish.plugin, wish.tolerate, list, &text, &len, notes, err);
	if (result < 0)
		return error_wrap(err, result, "%s", file->path);
	if (!change)
		return conf_plan_add(plan, file->path, text, len, err);
	if (text) {
		free(change->text);
		change->text = text;
		change->len = len;
	}
	return 0;
}

static int crio_plan(struct setup_context *context, const struct conf_patch *patch, const struct conf_facts *facts,
		     struct conf_plan *plan, struct buf *notes, struct error *err)
{
	const struct crio_wish wish = wish_of(context, handlers_in_force(facts));
	char *text = NULL;
	size_t len;
	int result = 0;

	if (patch->drop_in) {
		result = crio_drop_in(facts->set, &wish, &text, &len, notes, err);
		return result < 0 || !text ? result : conf_place_plan(patch, text, len, plan, err);
	}
	if (wish.n)
		result = annotations_plan(context, patch, facts->set, plan, notes, err);
	if (result >= 0 && wish.plugin)
		result = plugin_plan(context, patch, facts->set, plan, notes, err);
	return result;
}

static int crio_check(struct setup_context *context, const struct conf_patch *patch, const struct conf_facts *before,
		      const struct conf_set *after, struct error *err)
{
	const struct crio_wish wish = wish_of(context, NULL);

	(void)before;
	if (!patch->drop_in && !conf_path_same(patch->config_file, patch->root))
		return 0; /* that one file was checked; handlers of others are others' */
	return crio_set_fulfils(after, &wish, err);
}

int setup_enable_annotations(struct setup_context *context, struct error *err)
{
	char config_file[PATH_MAX], drop_in[PATH_MAX], root[PATH_MAX], config_dir[PATH_MAX], apart[PATH_MAX];
	struct conf_patch patch = {
		.config_file = config_file,
		.root = root,
		.config_dir = config_dir,
		.apart = apart,
		.output_pattern = "crio",
		.output_end = ".conf",
		.mark = crio_mark,
		.root_optional = true,
		.judge = &conf_judge_crio,
		.read = set_read,
		.plan = crio_plan,
		.check = crio_check,
	};
	char named_dir[PATH_MAX] = "";
	int result = conf_place_find(context, "cri-o", err);

	if (result >= 0 && !context->conf.annotations.n && !*context->conf.require_plugin && !context->conf.undo)
		return setup_usage_error(context, err, "--annotations is required, or --require-plugin");
	if (result >= 0)
		result = conf_place_options(context, err);
	if (result >= 0)
		result = conf_place_config(context, config_file, err);
	if (result >= 0 && *context->conf.config_dir)
		result = conf_path_absolute(context->conf.config_dir, named_dir, err);
	if (result >= 0)
		result = crio_files_place(config_file, named_dir, root, config_dir, err);
	if (result >= 0)
		result = conf_place_drop_in(context, &patch, drop_in, err);
	if (result < 0)
		return result;
	if (conf_path_absolute(context->conf.backup_dir, named_dir, NULL) >= 0 &&
	    (crio_is_below(named_dir, config_dir) || !strcmp(named_dir, config_dir)))
		return setup_usage_error(context, err, "--backup-dir: CRI-O would read the backups in %s", config_dir);
	(void)snprintf(apart, sizeof apart, "%.*s", (int)(strrchr(config_dir, '/') - config_dir), config_dir);
	if (!*apart)
		(void)snprintf(apart, sizeof apart, "/");
	if (patch.drop_in && !crio_is_below(patch.drop_in, config_dir))
		return setup_usage_error(
			context, err, "--drop-in: CRI-O reads only what lies below %s (see --config-dir)", config_dir);
	return conf_patch_run(context, &patch, err);
}
