/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_judge.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "conf/toml.h"
#include "setup/command_run.h"
#include "setup/conf_patch.h"
#include "setup/containerd_conf.h"
#include "setup/file_swap.h"

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
	const struct toml_node *node = x ? x : y;

	return AT(node, "plugins", CONTAINERD_NRI) || AT(node, "disabled_plugins") || AT(node, "imports");
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

static bool crio_may_differ(const struct toml_node *x, const struct toml_node *y)
{
	const struct toml_node *node = x ? x : y;

	return AT(node, "crio", "runtime", "runtimes", "*", "allowed_annotations") ||
	       AT(node, "crio", "nri", "default_validator");
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
	if (!nri || nri->type != TOML_BOOL || !toml_bool(nri))
		return "NRI is off: set enable_nri = true in [crio.nri] first";
	if (enabled->type != TOML_BOOL || !toml_bool(enabled) ||
	    !holds(toml_find(after, required), context->conf.require_plugin))
		return "the plugin would not be required";
	return NULL;
}

static const char *const containerd_before[] = { "--config", NULL }, *const containerd_after[] = { "config", "dump",
												   NULL };
/* An empty folder of drop-ins: the file is judged alone, before and after. */
static const char *const crio_before[] = { "--config-dir=", "--config", NULL }, *const crio_after[] = { "config",
													NULL };

const struct conf_judge conf_judge_nri = { "containerd",     "containerd",   containerd_before,
					   containerd_after, nri_may_differ, nri_achieved };
const struct conf_judge conf_judge_hook = { "containerd",     "containerd",    containerd_before,
					    containerd_after, hook_may_differ, NULL };
const struct conf_judge conf_judge_crio = { "CRI-O", "crio", crio_before, crio_after, crio_may_differ, crio_achieved };

static int dump(struct setup_context *context, const struct conf_judge *judge, const char *path, struct toml **ret,
		struct error *err)
{
	const char *argv[ARGUMENTS_MAX] = { context->conf.validate };
	auto_free char *text = NULL;
	size_t n = 1, len;
	int result;

	for (const char *const *arg = judge->before; *arg; arg++)
		argv[n++] = *arg;
	argv[n++] = path;
	for (const char *const *arg = judge->after; *arg; arg++)
		argv[n++] = *arg;
	result = command_run(argv, DUMP_LIMIT_NS, &text, &len, err);
	if (result < 0)
		return result;
	result = toml_parse((struct str){ text, len }, ret, err);
	return result < 0 ? error_wrap(err, -EBADMSG, "what %s printed", context->conf.validate) : 0;
}

/* Plain imports (without '*') of the new text must exist, or the daemon exits though the dump was fine. */
static int imports_check(const struct toml *doc, const char *dir, struct error *err)
{
	const struct toml_node *list = toml_get(doc, doc->root, STR("imports"));

	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
	     item = item->next) {
		char value[PATH_MAX], path[PATH_MAX * 2];
		struct buf out = buf_over(path, sizeof path);
		struct str name;

		if (item->type != TOML_STRING || item->text.len >= sizeof value)
			continue;
		toml_string(item, value, &name);
		if (!name.len || str_find(name, '*') >= 0)
			continue;
		if (name.p[0] != '/') {
			buf_text(&out, dir);
			buf_byte(&out, '/');
		}
		buf_str(&out, name);
		if (access(path, R_OK))
			return error_set(err, EBADMSG,
					 "it imports %s, which cannot be read: the runtime would not start", path);
	}
	return 0;
}

struct comparison {
	const struct conf_judge *judge;
	struct error *err;
};

static int difference_judge(void *user, const struct toml_node *x, const struct toml_node *y)
{
	const struct comparison *comparison = user;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	if (comparison->judge->may_differ(x, y))
		return 0;
	toml_path(x ? x : y, &out); /* cut is fine */
	return error_set(comparison->err, EBADMSG,
			 "in force it would also change %s (before: %.*s, after: %.*s), which nobody asked for", path,
			 x ? (int)(x->text.len < 100 ? x->text.len : 100) : 4, x && x->text.p ? x->text.p : "none",
			 y ? (int)(y->text.len < 100 ? y->text.len : 100) : 4, y && y->text.p ? y->text.p : "none");
}

int conf_judge_run(struct setup_context *context, const struct conf_judge *judge, struct file_swap *swap,
		   struct str after, struct error *err)
{
	auto_toml struct toml *old = NULL, *new = NULL, *text = NULL;
	struct comparison comparison = { judge, err };
	char path[PATH_MAX], dir[PATH_MAX];
	const char *wrong;
	int result = dump(context, judge, swap->path, &old, err);

	if (result < 0)
		return error_wrap(err, result, "%s does not accept the file as it is, so it is not touched",
				  judge->runtime);
	result = file_swap_write(swap, after.p, after.len, 0644, err);
	if (result >= 0)
		result = toml_parse(after, &text, err);
	if (result < 0)
		return result;
	(void)snprintf(dir, sizeof dir, "%.*s", (int)str_find_last(str_of(swap->path), '/'), swap->path);
	(void)snprintf(path, sizeof path, "%.*s/%s", (int)sizeof dir - NAME_MAX - 2, dir, swap->temporary);
	result = imports_check(text, dir, err);
	if (result >= 0)
		result = dump(context, judge, path, &new, err);
	if (result >= 0)
		result = toml_diff(old, new, difference_judge, &comparison);
	if (result < 0)
		return error_wrap(err, result, "%s refuses the result, so nothing was changed", judge->runtime);
	wrong = judge->achieved ? judge->achieved(context, new) : NULL;
	if (wrong)
		return error_set(err, EBADMSG, "the change would have no effect, so nothing was changed: %s", wrong);
	(void)log_event(&context->log, LOG_INFO, "validated", "by", context->conf.validate, NULL);
	return 0;
}
