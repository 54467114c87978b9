/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "conf/toml.h"
#include "setup/command_run.h"
#include "setup/conf_paper.h"
#include "setup/conf_patch.h"
#include "setup/containerd_conf.h"
#include "setup/crio_conf_files.h"
#include "setup/required_plugin.h"

#define DUMP_LIMIT_NS (20 * NS_PER_S)
#define ARGUMENTS_MAX 8

/* Whether the node's path is `path`, or lies below it; "*" is any one key. */
static bool is_at(const struct toml_node *node, const char *const *path, size_t n)
{
	while (node && node->depth > n)
		node = node->parent;
	if (!node || node->depth != n)
		return false;
	for (; n; n--, node = node->parent)
		if (strcmp(path[n - 1], "*") != 0 && !str_is(node->key, path[n - 1]))
			return false;
	return true;
}

#define AT(node, ...) \
	is_at(node, (const char *const[]){ __VA_ARGS__ }, sizeof(const char *[]){ __VA_ARGS__ } / sizeof(char *))

static bool nri_may_differ(const struct toml_node *x, const struct toml_node *y)
{
	static const char *const keys[] = { "enable", "required_plugins", "tolerate_missing_plugins_annotation" };
	const struct toml_node *node = x ? x : y;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (AT(node, "plugins", CONTAINERD_NRI, "default_validator", keys[i]))
			return true;
	/* Run with the real ones: of a plugin in disabled_plugins only what the files say is printed, and its defaults
	 * come with it. 2.2 and newer bring the validator's too. */
	if (!x && AT(node, "plugins", CONTAINERD_NRI))
		return true;
	return AT(node, "plugins", CONTAINERD_NRI, "disable") || AT(node, "disabled_plugins") || AT(node, "imports");
}

static bool holds(const struct toml_node *list, const char *text)
{
	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
	     item = item->next)
		if (toml_is_string(item, str_of(text)))
			return true;
	return false;
}

static const char *nri_achieved(const struct setup_context *context, const struct toml *after)
{
	static const char *const path[] = { "plugins", CONTAINERD_NRI, "disable", NULL };
	static const char *const enable[] = { "plugins", CONTAINERD_NRI, "default_validator", "enable", NULL };
	static const char *const required[] = { "plugins", CONTAINERD_NRI, "default_validator", "required_plugins",
						NULL };
	const struct toml_node *disable = toml_find(after, path), *enabled;

	if (!disable)
		return "this containerd knows no NRI (1.6 and older do not); use add-oci-hook";
	if (disable->type != TOML_BOOL || toml_bool(disable))
		return "NRI would still be disabled: a file that is imported later says so";
	if (holds(toml_get(after, after->root, STR("disabled_plugins")), CONTAINERD_NRI))
		return "NRI would still be named in disabled_plugins: a file that is imported says so";
	if (!*context->conf.require_plugin)
		return NULL;
	enabled = toml_find(after, enable);
	if (!enabled)
		return "this containerd has no validator that could require a plugin (2.2 and newer have)";
	if (enabled->type != TOML_BOOL || !toml_bool(enabled) ||
	    !holds(toml_find(after, required), context->conf.require_plugin))
		return "the plugin would not be required: a file that is imported later says otherwise";
	return NULL;
}

static bool hook_may_differ(const struct toml_node *x, const struct toml_node *y)
{
	const struct toml_node *node = x ? x : y;

	/* 1.x lists the file itself among the imports, and the one that is judged has another name. */
	return AT(node, "imports") || AT(node, "plugins", "*", "containerd", "runtimes", "*", "base_runtime_spec") ||
	       AT(node, "plugins", "*", "containerd", "default_runtime", "base_runtime_spec");
}

/* Whether a runtime in force starts runc, and by which base spec. */
static bool runtime_look(const struct toml *doc, const struct toml_node *runtime, const struct toml_node **ret_spec)
{
	const struct toml_node *type = toml_get(doc, runtime, STR("runtime_type"));

	*ret_spec = toml_get(doc, runtime, STR("base_runtime_spec"));
	return type && toml_is_string(type, STR("io.containerd.runc.v2"));
}

static const struct toml_node *runtimes_first(const struct toml *doc, size_t plugin)
{
	static const char *const plugins[] = { "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime" };
	const char *const path[] = { "plugins", plugins[plugin], "containerd", "runtimes", NULL };
	const struct toml_node *table = toml_find(doc, path);

	return table && table->type == TOML_TABLE ? table->first : NULL;
}

static const char *hook_achieved(const struct setup_context *context, const struct toml *after)
{
	for (size_t plugin = 0; plugin < 2; plugin++)
		for (const struct toml_node *one = runtimes_first(after, plugin); one; one = one->next) {
			const struct toml_node *spec;

			(void)runtime_look(after, one, &spec);
			if (spec && toml_is_string(spec, str_of(context->conf.runtime_spec)))
				return NULL;
		}
	return "no runtime in force would have the base spec; this containerd does not read the tables of this file, "
	       "or "
	       "a file that is imported later says otherwise";
}

static void hook_remark(struct setup_context *context, const struct toml *after)
{
	for (size_t plugin = 0; plugin < 2; plugin++)
		for (const struct toml_node *one = runtimes_first(after, plugin); one; one = one->next) {
			const struct toml_node *spec;
			char name[128];

			if (!runtime_look(after, one, &spec) || (spec && !toml_is_string(spec, STR(""))))
				continue;
			(void)snprintf(name, sizeof name, "%.*s", (int)one->key.len, one->key.p);
			(void)log_event(&context->log, LOG_WARN,
					"this runtime has no base spec: its containers start without the hook",
					"runtime", name, "advice",
					"run this with --config-file=FILE for the file that has it",
					NULL); /* counted by the log */
		}
}

static bool crio_may_differ(const struct toml_node *x, const struct toml_node *y)
{
	const struct toml_node *node = x ? x : y;

	return AT(node, "crio", "runtime", "runtimes", "*", "allowed_annotations") ||
	       AT(node, "crio", "nri", "default_validator", required_in_crio.enable) ||
	       AT(node, "crio", "nri", "default_validator", required_in_crio.list) ||
	       AT(node, "crio", "nri", "default_validator", required_in_crio.tolerate) ||
	       (!x && node->type == TOML_TABLE && node->depth == 3 && AT(node, "crio", "nri", "default_validator"));
}

static void crio_remark(struct setup_context *context, const struct toml *after)
{
	static const char *const path[] = { "crio", "runtime", "runtimes", NULL };
	const struct flag_list *wanted = &context->conf.annotations;
	const struct toml_node *table = toml_find(after, path);

	for (const struct toml_node *one = table && table->type == TOML_TABLE ? table->first : NULL; one;
	     one = one->next) {
		const struct toml_node *list = toml_get(after, one, STR("allowed_annotations"));
		char name[128];
		size_t n = 0;

		while (n < wanted->n && holds(list, wanted->item[n]))
			n++;
		if (n == wanted->n)
			continue;
		(void)snprintf(name, sizeof name, "%.*s", (int)one->key.len, one->key.p);
		(void)log_event(&context->log, LOG_WARN, "this handler does not allow the annotations", "handler", name,
				"advice", "no file names it: --drop-in=FILE writes one that has it",
				NULL); /* counted */
	}
}

static const char *crio_achieved(const struct setup_context *context, const struct toml *after)
{
	static const char *const on[] = { "crio", "nri", "enable_nri", NULL },
				 *const enable[] = { "crio", "nri", "default_validator", "nri_enable_default_validator",
						     NULL },
				 *const required[] = { "crio", "nri", "default_validator",
						       "nri_validator_required_plugins", NULL };
	const struct toml_node *enabled = toml_find(after, enable), *nri = toml_find(after, on);

	if (!*context->conf.require_plugin)
		return NULL;
	if (!enabled)
		return "this CRI-O has no validator that could require a plugin";
	if (nri && (nri->type != TOML_BOOL || !toml_bool(nri))) /* left out: on, where there is a validator at all */
		return "NRI is off: set enable_nri = true in [crio.nri] first";
	if (enabled->type != TOML_BOOL || !toml_bool(enabled) ||
	    !holds(toml_find(after, required), context->conf.require_plugin))
		return "the plugin would not be required";
	return NULL;
}

static int containerd_arguments(const struct conf_set *set, const char *root, struct conf_paper *paper,
				const char **argv, struct error *err)
{
	int result = paper ? containerd_set_lay_out(set, paper, &root, err) : 0;

	argv[0] = "--config";
	argv[1] = root;
	argv[2] = "config";
	argv[3] = "dump";
	argv[4] = NULL;
	return result;
}

/* Always on paper: CRI-O fails without the one file if that is named, and does without it otherwise. */
static int crio_arguments(const struct conf_set *set, const char *root, struct conf_paper *paper, const char **argv,
			  struct error *err)
{
	const char *dir = NULL;
	int result = crio_set_lay_out(set, root, paper, &root, &dir, err);

	if (result < 0)
		return result;
	(void)snprintf(paper->option, sizeof paper->option, "--config-dir=%s", dir);
	argv[0] = paper->option;
	argv[1] = "--config";
	argv[2] = root;
	argv[3] = "config";
	argv[4] = NULL;
	return 0;
}

static const char *const crio_defaults[] = { "config", "--default", NULL };

const struct conf_judge conf_judge_nri = { "containerd", "containerd",   containerd_arguments, false,
					   NULL,         nri_may_differ, nri_achieved,         NULL };
const struct conf_judge conf_judge_hook = { "containerd", "containerd",    containerd_arguments, false,
					    NULL,         hook_may_differ, hook_achieved,        hook_remark };
const struct conf_judge conf_judge_crio = { "CRI-O",       "crio",          crio_arguments, true,
					    crio_defaults, crio_may_differ, crio_achieved,  crio_remark };

static int dump(struct setup_context *context, const struct conf_judge *judge, const struct conf_set *set,
		const char *root, bool on_paper, struct toml **ret, struct error *err)
{
	auto_paper struct conf_paper paper = { 0 };
	const char *argv[ARGUMENTS_MAX] = { context->conf.validate };
	auto_free char *text = NULL;
	size_t len;
	int result = judge->arguments(set, root, on_paper ? &paper : NULL, argv + 1, err);

	if (result >= 0)
		result = command_run(argv, DUMP_LIMIT_NS, &text, &len, err);
	if (result < 0)
		return result;
	result = toml_parse((struct str){ text, len }, ret, err);
	return result < 0 ? error_wrap(err, -EBADMSG, "what %s printed", context->conf.validate) : 0;
}

/* Plain imports (without '*') must exist, or the daemon exits though the dump was fine. */
static int imports_check(const struct conf_set *set, struct error *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (!set->file[i].doc && access(set->file[i].path, R_OK))
			return error_set(err, EBADMSG,
					 "it imports %s, which cannot be read: the runtime would not start",
					 set->file[i].path);
	return 0;
}

struct comparison {
	const struct conf_judge *judge;
	const struct toml *before, *after, *defaults;
	struct error *err;
};

/* What the defaults have where `node` stands; NULL: nothing. */
static const struct toml_node *default_find(const struct toml *defaults, const struct toml_node *node)
{
	const struct toml_node *table;

	if (!defaults || !node)
		return NULL;
	if (!node->parent)
		return defaults->root;
	table = default_find(defaults, node->parent);
	return table ? toml_get(defaults, table, node->key) : NULL;
}

static int difference_judge(void *user, const struct toml_node *x, const struct toml_node *y)
{
	const struct comparison *comparison = user;
	const struct toml_node *lone = !x ? y : !y ? x : NULL, *usual = default_find(comparison->defaults, lone);
	char path[256];
	struct buf out = buf_over(path, sizeof path);
	int result = 0;

	if (comparison->judge->may_differ(x, y))
		return 0;
	if (usual && toml_equal(comparison->defaults, usual, x ? comparison->before : comparison->after, lone))
		return 0; /* the other side has left it out */
	if (usual && lone->type == TOML_TABLE && lone->children) {
		for (const struct toml_node *child = lone->first; !result && child; child = child->next)
			result = difference_judge(user, x ? child : NULL, y ? child : NULL);
		return result;
	}
	if (usual)
		*(x ? &y : &x) = usual;
	if (usual && comparison->judge->may_differ(x, y))
		return 0;
	toml_path(x ? x : y, &out); /* cut is fine */
	return error_set(comparison->err, EBADMSG,
			 "in force it would also change %s (before: %.*s, after: %.*s), which nobody asked for", path,
			 x ? (int)(x->text.len < 100 ? x->text.len : 100) : 4, x && x->text.p ? x->text.p : "none",
			 y ? (int)(y->text.len < 100 ? y->text.len : 100) : 4, y && y->text.p ? y->text.p : "none");
}

/* One that cannot be asked has to tell all in what is in force. */
static struct toml *defaults_ask(struct setup_context *context, const struct conf_judge *judge)
{
	const char *argv[ARGUMENTS_MAX] = { context->conf.validate };
	auto_free char *text = NULL;
	struct toml *doc = NULL;
	size_t len, n = 1;

	for (const char *const *arg = judge->defaults; arg && *arg; arg++)
		argv[n++] = *arg;
	if (!judge->defaults || command_run(argv, DUMP_LIMIT_NS, &text, &len, NULL) < 0 ||
	    toml_parse((struct str){ text, len }, &doc, NULL) < 0)
		return NULL;
	return doc;
}

int conf_judge_before(struct setup_context *context, const struct conf_judge *judge, const struct conf_set *set,
		      const char *root, struct toml **ret_in_force, struct toml **ret_defaults, struct error *err)
{
	int result = dump(context, judge, set, root, judge->always_on_paper, ret_in_force, err);

	if (result >= 0)
		*ret_defaults = defaults_ask(context, judge);

	if (result == -EIO || result == -EBADMSG)
		return error_wrap(err, result, "%s does not accept the file as it is, so it is not touched",
				  judge->runtime);
	return result < 0 ? error_wrap(err, result, "--validate: the file is not touched") : 0;
}

int conf_judge_run(struct setup_context *context, const struct conf_judge *judge, const struct toml *before,
		   const struct toml *defaults, const struct conf_set *after, const char *root, struct error *err)
{
	struct comparison comparison = { judge, before, NULL, defaults, err };
	auto_toml struct toml *new = NULL;
	const char *wrong;
	int result = imports_check(after, err);

	if (result >= 0)
		result = dump(context, judge, after, root, true, &new, err);
	comparison.after = new;
	if (result >= 0)
		result = toml_diff(before, new, difference_judge, &comparison);
	if (result < 0)
		return error_wrap(err, result, "%s refuses the result, so nothing was changed", judge->runtime);
	wrong = judge->achieved(context, new);
	if (wrong)
		return error_set(err, EBADMSG, "the change would have no effect, so nothing was changed: %s", wrong);
	(void)log_event(&context->log, LOG_INFO, "validated", "by", context->conf.validate, NULL);
	if (judge->remark)
		judge->remark(context, new);
	return 0;
}
