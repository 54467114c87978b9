/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/hooks_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/hook_drop_in.h"
#include "setup/host_conf.h"
#include "setup/host_detect.h"
#include "setup/setup_context.h"

#define CRIO_CONF "/etc/crio/crio.conf"
#define FOLDER_FILES_MAX 1024
#define DROP_IN_MAX (256u << 10)

static int folders_read(const char *runtime, const char *config, char folder[HOOKS_FOLDERS_MAX][PATH_MAX],
			struct error *err)
{
	auto_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is_configured;

	if (root_fd < 0)
		return error_errno(err, errno, "/");
	return host_conf_runtime_hooks(root_fd, runtime, config, folder, &is_configured, err);
}

int hooks_place_find(const char *runtime, char dir[PATH_MAX], struct error *err)
{
	auto_free struct host_found *found = malloc(sizeof *found);
	auto_free char(*folder)[PATH_MAX] = calloc(HOOKS_FOLDERS_MAX, PATH_MAX);
	bool is_named = !strcmp(runtime, "cri-o") || !strcmp(runtime, "podman");
	const char *config = CRIO_CONF;
	int result;

	if (!found || !folder)
		return error_set(err, ENOMEM, "not enough memory");
	result = host_detect(NULL, is_named ? runtime : NULL, found, err);
	if (result < 0 && !is_named)
		return result;
	if (result >= 0 && !is_named) {
		runtime = found->host->runtime;
		if (strcmp(runtime, "cri-o") != 0 && strcmp(runtime, "podman") != 0)
			return error_set(
				err, ENOENT,
				"this host is %s: %s reads no folder of hook files; use --interface=nri-hook, or "
				"name the runtime that does with --runtime, or the folder with "
				"--oci-hooks.local-dir",
				found->host->name, runtime);
	}
	if (result >= 0 && !strcmp(found->host->runtime, "cri-o") && *found->reads)
		config = found->reads;
	result = folders_read(runtime, config, folder, err);
	if (result < 0)
		return result;
	if (!result)
		return error_set(err, ENOENT, "the configuration of %s names no folder in hooks_dir", runtime);
	for (int i = result; i--;)
		if (!i || !access(folder[i], W_OK)) {
			(void)snprintf(dir, PATH_MAX, "%s", folder[i]);
			break;
		}
	return 0;
}

int hooks_place_option(struct setup_context *context, char dir[PATH_MAX], struct error *err)
{
	int result;

	if (setup_given(context, "oci-hooks.local-dir") || !access(context->conf.hooks_dir, F_OK))
		return 0;
	result = hooks_place_find(context->conf.runtime ? context->conf.runtime : "auto", dir, err);
	if (result >= 0)
		context->conf.hooks_dir = dir;
	return result;
}

static bool is_same_path(const char *a, const char *b)
{
	char x[PATH_MAX], y[PATH_MAX];

	return !strcmp(realpath(a, x) ? x : a, realpath(b, y) ? y : b);
}

static bool folder_registers(const char *folder, const char *binary, const char *except, char file[PATH_MAX])
{
	struct str name = str_of(binary);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool found = false;

	name = str_from(name, (size_t)(str_find_last(name, '/') + 1));
	for (int n = 0; dir && !found && n < FOLDER_FILES_MAX && (entry = readdir(dir)); n++) {
		auto_free char *text = NULL;
		char path[PATH_MAX];
		size_t len;

		if (!str_ends(str_of(entry->d_name), STR(".json")) ||
		    snprintf(file, PATH_MAX, "%s/%s", folder, entry->d_name) >= PATH_MAX ||
		    is_same_path(file, except) || file_read_at(AT_FDCWD, file, DROP_IN_MAX, &text, &len, NULL) < 0)
			continue;
		found = hook_drop_in_is_ours((struct str){ text, len }, name.p, path, sizeof path) &&
			is_same_path(path, binary);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

bool hooks_place_registers(const char *binary, const char *except, char file[PATH_MAX])
{
	static const char *const folders[] = { HOOKS_PRESET, "/etc/containers/oci/hooks.d",
					       "/run/containers/oci/hooks.d" };
	static const char *const runtimes[] = { "podman", "cri-o" };
	auto_free char(*folder)[PATH_MAX] = calloc(HOOKS_FOLDERS_MAX, PATH_MAX);
	auto_free struct host_found *crio = calloc(1, sizeof *crio);

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		if (folder_registers(folders[i], binary, except, file))
			return true;
	if (!folder || !crio)
		return false;
	if (host_detect(NULL, "cri-o", crio, NULL) < 0 || strcmp(crio->host->runtime, "cri-o") != 0)
		crio->reads[0] = '\0';
	for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
		int n = folders_read(runtimes[i], *crio->reads ? crio->reads : CRIO_CONF, folder, NULL);

		for (int k = 0; k < n; k++)
			if (folder_registers(folder[k], binary, except, file))
				return true;
	}
	return false;
}
