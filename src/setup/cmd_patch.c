/* SPDX-License-Identifier: Apache-2.0 */
/* The three patch commands: which file, which edit, which judge. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/base_spec.h"
#include "setup/conf_judge.h"
#include "setup/conf_patch.h"
#include "setup/containerd_conf.h"
#include "setup/containerd_imports.h"
#include "setup/crio_conf.h"
#include "setup/host_detect.h"
#include "setup/required_plugin.h"
#include "setup/running.h"
#include "setup/setup_context.h"

/* A second edit, of what the first one made. */
static int plugin_edit(struct setup_context *context, const struct required_names *names, struct str text,
		       char **text_io, size_t *len_io, struct buf *notes, struct error *err)
{
	struct str now = *text_io ? (struct str){ *text_io, *len_io } : text;
	char *more = NULL;
	size_t len;
	int result = required_plugin_add(now, names, context->conf.require_plugin,
					 *context->conf.tolerate ? context->conf.tolerate : NULL, &more, &len, notes,
					 err);

	if (result < 0 || !more)
		return result;
	free(*text_io);
	*text_io = more;
	*len_io = len;
	return 0;
}

static int nri_edit(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len, struct buf *notes,
		    struct error *err)
{
	auto_free char *out = NULL;
	size_t len = 0;
	int result = containerd_enable_nri(text, &out, &len, notes, err);

	if (result >= 0 && *context->conf.require_plugin)
		result = plugin_edit(context, &required_in_containerd, text, &out, &len, notes, err);
	if (result < 0)
		return result;
	*ret_text = take(out);
	*ret_len = len;
	return 0;
}

static int nri_check(struct setup_context *context, const char *config_file, struct str text, struct error *err)
{
	(void)context;
	return containerd_imports_allow_nri(config_file, text, err);
}

/* With --drop-in the file itself only gets the import. */
static int import_edit(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len,
		       struct buf *notes, struct error *err)
{
	char dir[PATH_MAX], real[PATH_MAX];
	struct buf out = buf_over(dir, sizeof dir);
	const char *file = realpath(context->conf.config_file, real) ? real : context->conf.config_file;
	ptrdiff_t slash = str_find_last(str_of(file), '/');

	buf_add(&out, file, slash > 0 ? (size_t)slash : 0);
	return containerd_add_import(text, dir, context->conf.drop_in, ret_text, ret_len, notes, err);
}

static int hook_edit(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len,
		     struct buf *notes, struct error *err)
{
	return containerd_add_oci_hook(text, context->conf.runtime_spec, ret_text, ret_len, notes, err);
}

static int crio_edit(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len,
		     struct buf *notes, struct error *err)
{
	const struct flag_list *annotations = &context->conf.annotations;
	auto_free char *out = NULL;
	size_t len = 0;
	int result = 0;

	if (annotations->n)
		result = crio_enable_annotations(text, annotations->item, annotations->n, &out, &len, notes, err);
	if (result >= 0 && *context->conf.require_plugin)
		result = plugin_edit(context, &required_in_crio, text, &out, &len, notes, err);
	if (result < 0)
		return result;
	*ret_text = take(out);
	*ret_len = len;
	return 0;
}

/* A daemon that runs outranks what lies on the disk; two that differ leave the choice to the administrator. */
static int running_config_find(struct setup_context *context, struct error *err)
{
	struct running running[RUNNING_MAX];
	size_t n = running_find("containerd", running);

	for (size_t i = 0; i < n; i++)
		if (!*running[i].config)
			(void)snprintf(running[i].config, sizeof running[i].config, "%s", context->conf.config_file);
	for (size_t i = 1; i < n; i++)
		if (strcmp(running[i].config, running[0].config) != 0)
			return error_set(
				err, EPERM,
				"several containerd run here: %d reads %s, %d reads %s; choose with --config-file",
				(int)running[0].pid, running[0].config, (int)running[i].pid, running[i].config);
	if (n && strcmp(running[0].config, context->conf.config_file) != 0) {
		(void)snprintf(context->running_config, sizeof context->running_config, "%s", running[0].config);
		context->conf.config_file = context->running_config;
	}
	return 0;
}

/* Without --config-file: the file that this host's runtime is configured by, if it is ours to change. */
static int config_find(struct setup_context *context, const char *runtime, struct error *err)
{
	struct host_found found;
	int result;

	if (setup_given(context, "config-file"))
		return 0;
	result = host_detect("/", &found, err);
	if (result == -ENOENT) /* then the option's default is as good a guess as any */
		return 0;
	if (result < 0)
		return result;
	if (strcmp(found.host->runtime, runtime) != 0)
		return 0;
	if (!found.host->config)
		return error_set(err, EPERM, "this is %s: %s", found.host->name, found.host->advice);
	context->conf.config_file = found.host->config;
	return strcmp(runtime, "containerd") != 0 || found.host->reads ? 0 : running_config_find(context, err);
}

static int nri_drop_in(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len,
		       struct error *err)
{
	(void)context;
	return containerd_nri_drop_in(text, ret_text, ret_len, err);
}

static int hook_drop_in(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len,
			struct error *err)
{
	return containerd_hook_drop_in(text, context->conf.runtime_spec, ret_text, ret_len, err);
}

/* The change goes into a file of its own, the configuration only gets the import of it. */
static int drop_in_use(struct setup_context *context, struct conf_patch *patch,
		       int (*text)(struct setup_context *, struct str, char **, size_t *, struct error *),
		       struct error *err)
{
	if (*context->conf.drop_in != '/')
		return setup_usage_error(context, err, "--drop-in: want an absolute path, not '%.80s'",
					 context->conf.drop_in);
	patch->drop_in = context->conf.drop_in;
	patch->drop_in_text = text;
	patch->edit = import_edit;
	patch->check = NULL; /* the drop-in may be that very file; what is imported behind it the judge sees */
	return 0;
}

static int plugin_options_check(struct setup_context *context, struct error *err)
{
	if (*context->conf.tolerate && !*context->conf.require_plugin)
		return setup_usage_error(context, err, "--tolerate-annotation: only with --require-plugin");
	if (*context->conf.require_plugin && !*context->conf.validate && !context->conf.undo)
		return setup_usage_error(
			context, err,
			"--require-plugin needs --validate=BINARY: older versions of the runtime ignore it in silence");
	return 0;
}

int setup_enable_nri(struct setup_context *context, struct error *err)
{
	int result = config_find(context, "containerd", err);
	struct conf_patch patch = {
		.config_file = context->conf.config_file, /* as config_find left it */
		.output_pattern = "containerd",
		.output_end = ".toml",
		.edit = nri_edit,
		.judge = &conf_judge_nri,
		.check = nri_check,
	};

	if (result < 0)
		return result;
	result = plugin_options_check(context, err);
	if (result < 0)
		return result;
	if (*context->conf.drop_in) {
		if (*context->conf.require_plugin)
			return setup_usage_error(context, err, "--require-plugin and --drop-in exclude each other");
		result = drop_in_use(context, &patch, nri_drop_in, err);
		if (result < 0)
			return result;
	}
	return conf_patch_run(context, &patch, err);
}

int setup_add_oci_hook(struct setup_context *context, struct error *err)
{
	int result = config_find(context, "containerd", err);
	struct conf_patch patch = {
		.config_file = context->conf.config_file,
		.output_pattern = "containerd",
		.output_end = ".toml",
		.edit = hook_edit,
		.judge = &conf_judge_hook,
	};

	if (result < 0)
		return result;
	if (*context->conf.runtime_spec != '/')
		return setup_usage_error(context, err, "--runtime-spec: want an absolute path, not '%.80s'",
					 context->conf.runtime_spec);
	if (*context->conf.drop_in)
		result = drop_in_use(context, &patch, hook_drop_in, err);
	if (result < 0)
		return result;
	if (context->conf.write_spec && !context->conf.undo) { /* before a configuration names it */
		result = base_spec_write(context, err);
		if (result < 0)
			return result;
	}
	result = conf_patch_run(context, &patch, err);
	/* After the configuration that names it. */
	return result >= 0 && context->conf.undo && context->conf.write_spec ? base_spec_remove(context, err) : result;
}

int setup_enable_annotations(struct setup_context *context, struct error *err)
{
	int result = config_find(context, "cri-o", err);
	const struct conf_patch patch = {
		.config_file = context->conf.config_file,
		.output_pattern = "crio",
		.output_end = ".conf",
		.edit = crio_edit,
		.judge = &conf_judge_crio,
	};

	if (result < 0)
		return result;
	if (!context->conf.annotations.n && !*context->conf.require_plugin && !context->conf.undo)
		return setup_usage_error(context, err, "--annotations is required, or --require-plugin");
	result = plugin_options_check(context, err);
	if (result < 0)
		return result;
	return conf_patch_run(context, &patch, err);
}
