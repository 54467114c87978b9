/* SPDX-License-Identifier: Apache-2.0 */
/* verify, hook files: is the hook registered where CRI-O and podman look, and do they look there already? */
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
#include "setup/verify.h"

#define FOLDER_FILES_MAX 1024 /* looked at in one hooks folder */
#define DROP_IN_MAX (256u << 10)
#define CRIO_CONF "/etc/crio/crio.conf"

/* A registration file of ours: is it one that works? */
static void drop_in_check(struct verify *verify, const char *folder, const char *name, struct str text,
			  const char *path)
{
	auto_free char *config = NULL;
	char file[PATH_MAX];
	int64_t deadline;
	struct error err = { 0 };
	size_t len = 0;
	bool env = memmem(text.p, text.len, "\"env\"", 5) != NULL;
	const char *gap = hook_drop_in_gap(text);

	verify->registered = true;
	hook_drop_in_sum(text, verify->sum_noted);
	verify_tell(verify->report, !gap && !strcmp(path, verify->hook), "registered",
		    "install again, or name the folder with --host-install-dir", "%s/%s names %s%s%s", folder, name,
		    path, gap ? ", but " : "", gap ? gap : "");
	verify_tell(verify->report, env, "environment", "install again with this program",
		    env ? "the hook's environment is fixed in %s"
			: "%s has no env: the hook inherits the runtime's environment",
		    name);
	(void)snprintf(file, sizeof file, "%s/%s", verify->conf->host_install_dir, HOOK_CONFIG_NAME);
	if (verify_read(verify, file, DROP_IN_MAX, &config, &len, NULL) < 0)
		len = 0;
	if (hook_timeout_find(NULL, (struct str){ config, len }, &deadline, &err) < 0)
		verify_tell(verify->report, false, "hook config",
			    "correct the file: with it each container's start fails", "%s: %s", file, err.text);
}

static void folder_check(struct verify *verify, const char *folder)
{
	int fd = host_open(verify->root_fd, folder, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* nothing was done with it */
		return;
	}
	for (int n = 0; n < FOLDER_FILES_MAX && (entry = readdir(dir)); n++) {
		auto_free char *text = NULL;
		char path[PATH_MAX];
		size_t len;

		if (!str_ends(str_of(entry->d_name), STR(".json")) ||
		    file_read_at(fd, entry->d_name, DROP_IN_MAX, &text, &len, NULL) < 0)
			continue;
		if (hook_drop_in_is_ours((struct str){ text, len }, verify->conf->binary_name, path, sizeof path))
			drop_in_check(verify, folder, entry->d_name, (struct str){ text, len }, path);
	}
	(void)closedir(dir);
}

/* The folders that a runtime reads, by its configuration. Returns one for messages. */
static const char *folders_look(struct verify *verify, bool is_crio, char folder[HOOKS_FOLDERS_MAX][PATH_MAX])
{
	struct host_conf conf;
	const struct host_conf_file *decides;
	const char *found = NULL;
	struct error err = { 0 };
	size_t n;
	int result = is_crio ? host_conf_crio(verify->root_fd, *verify->found.reads ? verify->found.reads : CRIO_CONF,
					      &conf, &err)
			     : host_conf_podman(verify->root_fd, &conf, &err);

	if (result < 0)
		verify_tell(verify->report, false, "configuration", "correct it: the runtime does not start with it",
			    "%s", err.text);
	n = host_conf_hooks(&conf, is_crio ? host_conf_crio_hooks : host_conf_podman_hooks, HOOKS_PRESET, folder,
			    &decides);
	for (size_t i = 0; i < n; i++) {
		bool before = verify->registered;

		folder_check(verify, folder[i]);
		if (!found && !before && verify->registered)
			found = folder[i];
	}
	if (is_crio && found)
		verify_crio_watches(verify, found, decides);
	if (is_crio && !verify->registered && verify->plugin.is_there)
		verify_crio_nri(verify, &conf);
	host_conf_done(&conf);
	return found ? found : n ? folder[0] : "(hooks_dir names no folder)";
}

void verify_folders(struct verify *verify)
{
	const char *runtime = verify->is_known ? verify->found.host->runtime : "";
	bool is_crio = !strcmp(runtime, "cri-o");
	auto_free char(*folder)[PATH_MAX] = NULL;
	const char *looked;

	if (*verify->conf->hooks_dir) {
		looked = verify->conf->hooks_dir;
		folder_check(verify, looked);
	} else if (!*verify->conf->config_file && (is_crio || !strcmp(runtime, "podman"))) {
		folder = calloc(HOOKS_FOLDERS_MAX, PATH_MAX);
		if (!folder)
			return;
		if (is_crio) {
			(void)snprintf(verify->config, sizeof verify->config, "%s", verify->found.reads);
			verify_daemon_find(verify, "crio");
		}
		looked = folders_look(verify, is_crio, folder);
	} else { /* containerd's: it reads no such folder */
		return;
	}
	if (!verify->registered && verify->plugin.is_there)
		verify_plugin_tell(verify);
	if (!verify->registered)
		verify_tell(verify->report, false, "registered",
			    "tetragon-oci-hook-setup install registers it; with CRI-O hooks_dir must name the folder",
			    "no file in %s registers %s", looked, verify->conf->binary_name);
}
