/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "setup/host_conf.h"
#include "setup/host_detect.h"
#include "setup/setup_context.h"

#define REPORT_BYTES 65536

static const char *const actions[] = { [HOST_EDIT] = "edit", [HOST_CHECK] = "check", [HOST_REFUSE] = "refuse" };

static void text_row(struct buf *out, const char *key, const char *value)
{
	if (value && *value)
		buf_printf(out, "%-14s %s\n", key, value);
}

/* The folders of hook files: those that the runtime's configuration names, else those of the table. */
struct folders {
	char room[HOOKS_FOLDERS_MAX][PATH_MAX];
	const char *path[HOOKS_FOLDERS_MAX];
	size_t n;
};

static void folders_find(const struct host_found *found, const char *root, struct folders *folders)
{
	auto_close int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is_configured = false,
	     reads_some = !strcmp(found->host->runtime, "cri-o") || !strcmp(found->host->runtime, "podman");
	int n = root_fd >= 0 && reads_some ? host_conf_runtime_hooks(root_fd, found->host->runtime, found->reads,
								     folders->room, &is_configured, NULL)
					   : -1;

	folders->n = 0;
	for (int i = 0; is_configured && i < n; i++)
		folders->path[folders->n++] = folders->room[i];
	for (size_t i = 0; !is_configured && i < HOST_HOOKS && found->host->hooks[i]; i++)
		folders->path[folders->n++] = found->host->hooks[i];
}

static void text_write(struct buf *out, const struct host_found *found, const struct folders *folders)
{
	const struct host *host = found->host;

	buf_printf(out, "%-14s %s%s%s%s\n", "host", host->name, *found->os ? " (" : "", found->os,
		   *found->os ? ")" : "");
	text_row(out, "known by", found->marker);
	text_row(out, "runtime", host->runtime);
	text_row(out, "configuration", *found->config ? found->config : found->reads);
	if (*found->config && strcmp(found->config, found->reads) != 0)
		text_row(out, "made into", found->reads);
	text_row(out, "socket", found->socket);
	text_row(out, "unit", found->unit);
	for (size_t i = 0; i < folders->n; i++)
		text_row(out, i ? "" : "hooks folder", folders->path[i]);
	text_row(out, "install into", host->install_dir);
	text_row(out, "set-up may",
		 host->action == HOST_EDIT    ? "edit the configuration"
		 : host->action == HOST_CHECK ? "install and check, no configuration is changed"
					      : "not change the configuration");
	text_row(out, "what to do", found->advice);
}

static void json_row(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", key);
	if (value && *value)
		json_write_string(out, str_of(value));
	else
		buf_text(out, "null");
}

static void json_write(struct buf *out, const struct host_found *found, const struct folders *folders)
{
	const struct host *host = found->host;

	buf_byte(out, '{');
	json_row(out, "host", host->id);
	json_row(out, "name", host->name);
	json_row(out, "os", found->os);
	json_row(out, "marker", found->marker);
	json_row(out, "runtime", host->runtime);
	json_row(out, "config", found->config);
	json_row(out, "reads", found->reads);
	json_row(out, "socket", found->socket);
	json_row(out, "unit", found->unit);
	buf_text(out, ",\"hooks\":[");
	for (size_t i = 0; i < folders->n; i++) {
		if (i)
			buf_byte(out, ',');
		json_write_string(out, str_of(folders->path[i]));
	}
	buf_byte(out, ']');
	json_row(out, "installDir", host->install_dir);
	json_row(out, "action", actions[host->action]);
	json_row(out, "advice", found->advice);
	json_row(out, "program", found->exe);
	buf_printf(out, ",\"pid\":%d}\n", (int)found->pid);
}

int setup_detect(struct setup_context *context, struct error *err)
{
	auto_free struct folders *folders = malloc(sizeof *folders);
	char memory[REPORT_BYTES];
	struct buf out = buf_over(memory, sizeof memory);
	struct host_found found;
	int result = host_detect(setup_given(context, "root") ? context->conf.root : NULL, NULL, &found, err);

	if (result < 0)
		return result;
	if (!folders)
		return error_set(err, ENOMEM, "not enough memory");
	folders_find(&found, context->conf.root, folders);
	if (context->conf.json)
		json_write(&out, &found, folders);
	else
		text_write(&out, &found, folders);
	if (out.overflow || fwrite(memory, 1, out.len, stdout) != out.len || fflush(stdout))
		return error_set(err, EIO, "cannot write to standard output");
	if (found.host->action == HOST_REFUSE)
		return error_set(err, EPERM, "the configuration of %s is not to be changed by this program",
				 found.host->name);
	return 0;
}
