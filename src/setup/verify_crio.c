/* SPDX-License-Identifier: Apache-2.0 */
/* verify, CRI-O: does the daemon that runs look into the hooks folder, and what does its configuration say of NRI? */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/toml.h"
#include "setup/host_conf.h"
#include "setup/verify.h"

#define VALIDATOR "crio", "nri", "default_validator"

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
void verify_crio_watches(struct verify *verify, const char *folder, const struct host_conf_file *decides)
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

static bool is_set(const struct host_conf *conf, const char *const key[], bool value)
{
	const struct toml_node *node = host_conf_last(conf, key, NULL);

	return node && node->type == TOML_BOOL && toml_bool(node) == value;
}

static bool requires(const struct host_conf *conf, const char *name)
{
	static const char *const key[] = { VALIDATOR, "nri_validator_required_plugins", NULL };
	const struct toml_node *node = host_conf_last(conf, key, NULL);

	for (const struct toml_node *item = node && node->type == TOML_ARRAY ? node->first : NULL; item;
	     item = item->next)
		if (toml_is_string(item, str_of(name)))
			return true;
	return false;
}

static void required_check(struct verify *verify, const struct host_conf *conf)
{
	static const char *const enable[] = { VALIDATOR, "nri_enable_default_validator", NULL };
	static const char *const todo = "to close that: patch-crio-conf enable-annotations --require-plugin=NAME "
					"--validate=BINARY --in-place";
	const char *wanted = verify->conf->require_plugin, *name = *wanted ? wanted : "tetragon";
	bool named = requires(conf, name);

	verify_required_tell(verify->report,
			     &(struct verify_required){ .list = "nri_validator_required_plugins",
							.enable_todo = "set nri_enable_default_validator = true",
							.todo = todo,
							.name = name,
							.is_named = named,
							.is_enabled = is_set(conf, enable, true),
							.is_wanted = *wanted });
}

void verify_crio_nri(struct verify *verify, const struct host_conf *conf)
{
	static const char *const on[] = { "crio", "nri", "enable_nri", NULL },
				 *const listen[] = { "crio", "nri", "nri_listen", NULL },
				 *const reject[] = { VALIDATOR, "nri_validator_reject_oci_hook_adjustment", NULL };
	const struct toml_node *node = host_conf_last(conf, listen, NULL);
	char room[PATH_MAX], socket[PATH_MAX];
	struct str value = str_of(verify->conf->nri_socket);

	verify_tell(verify->report, !is_set(conf, on, false), "nri config",
		    "set enable_nri = true in [crio.nri], and restart CRI-O", "%s",
		    is_set(conf, on, false)  ? "NRI is disabled"
		    : is_set(conf, on, true) ? "NRI is enabled"
					     : "no file says whether NRI is on: it is from CRI-O 1.30 on");
	if (!verify->names_socket && node && node->type == TOML_STRING && node->text.len < sizeof room)
		toml_string(node, room, &value);
	(void)snprintf(socket, sizeof socket, "%.*s", (int)value.len, value.p);
	verify_socket(verify, socket);
	if (is_set(conf, reject, true) && !verify_is_direct(verify))
		verify_tell(verify->report, false, "nri validator",
			    "take nri_validator_reject_oci_hook_adjustment out, or use the plugin's direct mode",
			    "the validator refuses injected hooks: every container would fail");
	required_check(verify, conf);
}
