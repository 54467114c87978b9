/* SPDX-License-Identifier: Apache-2.0 */
/* verify, hook files: is the hook registered where CRI-O and podman look, and do they look there already? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "conf/toml.h"
#include "setup/hook_drop_in.h"
#include "setup/host_conf.h"
#include "setup/verify.h"

#define FOLDER_FILES_MAX 1024 /* looked at in one hooks folder */
#define DROP_IN_MAX (256u << 10)
#define CRIO_CONF "/etc/crio/crio.conf"

/* As in linux/stat.h, which older musl does not bring. Source: statx(2). */
struct file_times {
	uint32_t mask, others_before[15];
	struct file_time {
		int64_t seconds;
		uint32_t ns;
		int32_t padding;
	} access, birth, change, modification;
	uint64_t others_behind[16];
};
_Static_assert(sizeof(struct file_times) == 256 && offsetof(struct file_times, birth) == 80, "as statx(2) fills it");
#define MASK_BIRTH 0x800u

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

	verify->registered = true;
	hook_drop_in_sum(text, verify->sum_noted);
	verify_tell(verify->report, !strcmp(path, verify->hook), "registered",
		    "install again, or name the folder with --host-install-dir", "%s/%s names %s", folder, name, path);
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

/* When the folder was made; 0: the file system does not say, or it is not there. */
static int64_t folder_birth_ns(const struct verify *verify, const char *folder)
{
	auto_close int fd = host_open(verify->root_fd, folder, O_PATH | O_DIRECTORY);
	struct file_times st = { 0 };

	if (fd < 0 || syscall(SYS_statx, fd, "", AT_EMPTY_PATH, MASK_BIRTH, &st) || !(st.mask & MASK_BIRTH))
		return 0;
	return st.birth.seconds * NS_PER_S + st.birth.ns;
}

/* CRI-O watches the folders of its list that were there when it started, and takes no new list without a restart. */
static void crio_watches(struct verify *verify, const char *folder, const struct host_conf_file *decides)
{
	static const char *const todo = "systemctl restart crio (containers keep running)";
	int64_t start = verify->daemon.start_ns + VERIFY_START_SLACK_NS;
	int pid = (int)verify->daemon.pid;

	if (!pid || !verify->daemon.start_ns)
		return;
	if (decides && decides->changed_ns > start)
		verify_tell(verify->report, false, "restarted", todo,
			    "%s, which names hooks_dir, was changed after CRI-O (process %d) had started",
			    decides->path, pid);
	else if (folder_birth_ns(verify, folder) > start)
		verify_tell(verify->report, false, "restarted", todo,
			    "%s was made after CRI-O (process %d) had started: it does not look there", folder, pid);
	else
		verify_tell(verify->report, true, "restarted", "", "CRI-O (process %d) knows its hooks folders", pid);
}

static void crio_required(struct verify *verify, const struct host_conf *conf)
{
	static const char *const list[] = { "crio", "nri", "default_validator", "nri_validator_required_plugins",
					    NULL };
	const char *wanted = verify->conf->require_plugin, *name = *wanted ? wanted : "tetragon";
	const struct toml_node *node = host_conf_last(conf, list, NULL);

	for (const struct toml_node *item = node && node->type == TOML_ARRAY ? node->first : NULL; item;
	     item = item->next)
		if (toml_is_string(item, str_of(name))) {
			verify_tell(verify->report, true, "nri required", "",
				    "%s is required: no container is made while it is not connected", name);
			return;
		}
	if (*wanted)
		verify_tell(verify->report, false, "nri required",
			    "patch-crio-conf enable-annotations --require-plugin=NAME --validate=BINARY --in-place",
			    "%s is not required: while it is not connected, containers start without it", name);
	else
		verify_advise(verify->report, "nri required",
			      "to close that: patch-crio-conf enable-annotations --require-plugin=NAME "
			      "--validate=BINARY --in-place",
			      "%s is not required: while it is not connected, containers start without it", name);
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
		crio_watches(verify, found, decides);
	if (is_crio && !verify->registered && verify->plugin.is_there)
		crio_required(verify, &conf);
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
