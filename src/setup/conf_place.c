/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/host_detect.h"

int conf_place_find(struct setup_context *context, const char *runtime, struct error *err)
{
	auto_free struct host_found *found = malloc(sizeof *found);
	int result;

	if (!found)
		return error_set(err, ENOMEM, "not enough memory");
	if (setup_given(context, "config-file")) { /* whose it is, if it is this host's */
		if (host_detect(NULL, runtime, found, NULL) >= 0 && found->unit && *found->reads &&
		    !setup_given(context, "unit") && conf_path_same(found->reads, context->conf.config_file))
			context->conf.unit = found->unit; /* a string of the table: it stays */
		return 0;
	}
	result = host_detect(NULL, runtime, found, err);
	if (result == -ENOENT) /* then the option's default is as good a guess as any */
		return 0;
	if (result < 0)
		return result;
	if (strcmp(found->host->runtime, runtime) != 0)
		return 0;
	if (!*found->config)
		return error_set(err, EPERM, "this is %s: %s", found->host->name, found->advice);
	if (found->unit && !setup_given(context, "unit")) /* a string of the table: it stays */
		context->conf.unit = found->unit;
	(void)snprintf(context->running_config, sizeof context->running_config, "%s", found->config);
	context->conf.config_file = context->running_config;
	return 0;
}

int conf_place_options(struct setup_context *context, struct error *err)
{
	if (*context->conf.tolerate && !*context->conf.require_plugin)
		return setup_usage_error(context, err, "--tolerate-annotation: only with --require-plugin");
	if (*context->conf.require_plugin && !*context->conf.validate && !context->conf.undo)
		return setup_usage_error(
			context, err,
			"--require-plugin needs --validate=BINARY: older versions of the runtime ignore it in silence");
	return 0;
}

static int folder_check(const char *path, struct error *err)
{
	char dir[PATH_MAX];
	struct stat st;

	(void)snprintf(dir, sizeof dir, "%.*s", (int)str_find_last(str_of(path), '/'), path);
	if (*dir && (stat(dir, &st) || !S_ISDIR(st.st_mode)))
		return error_set(err, ENOENT, "--drop-in: there is no folder %s; make it first", dir);
	return 0;
}

int conf_place_drop_in(struct setup_context *context, struct conf_patch *patch, char ret[PATH_MAX], struct error *err)
{
	const char *drop_in = context->conf.drop_in;
	int result;

	if (!*drop_in)
		return 0;
	if (*drop_in != '/')
		return setup_usage_error(context, err, "--drop-in: want an absolute path, not '%.80s'", drop_in);
	for (const char *p = drop_in; *p; p++)
		if (strchr("*?[\\", *p) || (unsigned char)*p < ' ' || *p == 0x7f)
			return setup_usage_error(context, err,
						 "--drop-in: want a path without control characters and * ? [ \\");
	if (drop_in[strlen(drop_in) - 1] == '/')
		return setup_usage_error(context, err, "--drop-in: want a file, not the folder %.80s", drop_in);
	result = conf_path_absolute(drop_in, ret, err);
	patch->drop_in = ret;
	if (result >= 0 && !context->conf.undo)
		result = folder_check(ret, err);
	return result;
}

int conf_place_config(struct setup_context *context, char ret[PATH_MAX], struct error *err)
{
	const char *path = context->conf.config_file;

	if (!*path || path[strlen(path) - 1] == '/')
		return setup_usage_error(context, err, "--config-file: want a file, not '%.80s'", path);
	return conf_path_absolute(path, ret, err);
}

/* Whether all that the file says is a version. */
static bool is_bare(const struct toml *doc)
{
	return doc->root->children == (toml_get(doc, doc->root, STR("version")) ? 1U : 0U);
}

int conf_place_plan(const struct conf_patch *patch, char *text, size_t len, struct conf_plan *plan, struct error *err)
{
	auto_toml struct toml *doc = NULL, *new = NULL;
	auto_free char *old = NULL;
	size_t old_len = 0;
	int result = file_read_at(AT_FDCWD, patch->drop_in, TOML_BYTES_MAX, &old, &old_len, err);

	if (result == -ENOENT)
		return conf_plan_add(plan, patch->drop_in, text, len, err);
	if (result >= 0)
		result = toml_parse((struct str){ old, old_len }, &doc, err);
	if (result >= 0 && !is_bare(doc) && !str_starts((struct str){ old, old_len }, str_of(patch->mark)))
		result = error_set(
			err, EEXIST,
			"it holds settings that this command did not write; name another file, or change that "
			"one with --config-file");
	if (result < 0) {
		free(text);
		return error_wrap(err, result, "the drop-in %s", patch->drop_in);
	}
	result = toml_parse((struct str){ text, len }, &new, err);
	if (result < 0 || toml_equal(doc, doc->root, new, new->root)) {
		free(text); /* it says the same already */
		return result < 0 ? result : 0;
	}
	return conf_plan_add(plan, patch->drop_in, text, len, err);
}
