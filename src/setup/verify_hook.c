/* SPDX-License-Identifier: Apache-2.0 */
/* verify, the hook's program: is it there, can this machine run it, may the runtime, is it the one? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/command_run.h"
#include "setup/hook_binary.h"
#include "setup/verify.h"

#define CHECK_LIMIT_NS (10 * NS_PER_S)
#define AGAIN "install it again: tetragon-oci-hook-setup install"

/* The type in a label "user:role:type:level". */
static struct str label_type(const char *label)
{
	struct str rest = str_of(label);

	for (int i = 0; i < 2; i++)
		rest = str_from(rest, (size_t)(str_find(rest, ':') + 1));
	return (struct str){ rest.p, str_find(rest, ':') >= 0 ? (size_t)str_find(rest, ':') : rest.len };
}

/*
 * What container-selinux lets its container_runtime_t execute: all of exec_type, and its own libraries and images.
 * usr_t, as /opt has it, works where container_runtime_t is unconfined, which is up to the distribution.
 */
static void selinux_check(struct verify *verify, int fd)
{
	static const char *const todo = "the runtime may not run a file with this label: chcon -t bin_t, or restorecon "
					"where a rule for the folder exists";
	char label[256] = "", proc[64];
	auto_free char *enforce = NULL;
	bool own_policy = verify->is_known &&
			  (!strcmp(verify->found.host->id, "bottlerocket") || !strcmp(verify->found.host->id, "talos"));
	struct str type;
	size_t len;
	ssize_t n;

	if (verify_read(verify, "/sys/fs/selinux/enforce", 16, &enforce, &len, NULL) < 0 || enforce[0] != '1')
		return;
	(void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	n = getxattr(proc, "security.selinux", label, sizeof label - 1);
	label[n > 0 ? n : 0] = '\0';
	type = label_type(label);
	if (str_is(type, "bin_t") || str_ends(type, STR("_exec_t")) || str_is(type, "container_var_lib_t") ||
	    str_is(type, "container_share_t") || str_is(type, "container_ro_file_t"))
		verify_tell(verify->report, true, "selinux", "", "enforcing, label %s", label);
	else if (str_is(type, "usr_t") || own_policy)
		verify_advise(verify->report, "selinux",
			      "if starts fail with 'permission denied': chcon -t bin_t, or restorecon",
			      "enforcing, label %s: most policies let the runtime run it", *label ? label : "unknown");
	else
		verify_tell(verify->report, false, "selinux", todo, "enforcing, label %s", *label ? label : "unknown");
}

/* The hook itself judges its options. */
static void options_check(struct verify *verify)
{
	const char *const argv[] = { verify->hook, "--check-config", NULL };
	struct error err = { 0 };
	int result = command_run(argv, CHECK_LIMIT_NS, NULL, NULL, &err);

	verify_tell(verify->report, result >= 0, "hook config", "correct it: with it each container's start fails",
		    "%s", result < 0 ? err.text : "the hook accepts its configuration");
}

/* Whether it can be opened and looks right from outside; tells what does not. */
static bool file_check(struct verify *verify, int fd, struct statvfs *fs)
{
	struct stat st;

	if (fd == -ENOENT) {
		const char *dir = verify->is_known ? verify->found.host->install_dir : NULL;
		char todo[256];

		(void)snprintf(
			todo, sizeof todo,
			"install it: tetragon-oci-hook-setup install; if it is elsewhere, --host-install-dir names "
			"the folder%s%.80s",
			dir ? ", here usually " : "", dir ? dir : "");
		verify_tell(verify->report, false, "hook", todo, "%s: it is not there", verify->hook);
		return false;
	}
	if (fd < 0 || fstat(fd, &st)) {
		verify_tell(verify->report, false, "hook", AGAIN, "%s: %s", verify->hook,
			    strerror(fd < 0 ? -fd : errno));
		return false;
	}
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
		verify_tell(verify->report, false, "hook", AGAIN, "%s: no executable file (mode %04o)", verify->hook,
			    st.st_mode & 07777u);
		return false;
	}
	if (st.st_uid || (st.st_mode & 0022)) {
		verify_tell(verify->report, false, "hook",
			    "chown root:root and chmod 0755 it: the runtime runs it as root",
			    "%s: uid %u, mode %04o: others than root can change it", verify->hook, st.st_uid,
			    st.st_mode & 07777u);
		return false;
	}
	if (!fstatvfs(fd, fs) && (fs->f_flag & ST_NOEXEC)) {
		verify_tell(verify->report, false, "hook",
			    "install it into another folder: --local-install-dir and --host-install-dir, of the chart "
			    "rthooks.installDir",
			    "%s: its file system is mounted noexec", verify->hook);
		return false;
	}
	return true;
}

void verify_hook(struct verify *verify)
{
	auto_close int fd = host_open(verify->root_fd, verify->hook, O_RDONLY | O_NONBLOCK);
	auto_free char *content = NULL;
	struct hook_binary told = { 0 };
	struct error err = { 0 };
	struct statvfs fs = { 0 };
	size_t len;
	int result;

	if (fd == -ENOENT && verify_is_direct(verify)) {
		verify_tell(verify->report, true, "hook", "",
			    "not installed: the NRI plugin asks the agent itself, mode direct");
		return;
	}
	if (!file_check(verify, fd, &fs))
		return;
	result = file_read_fd(fd, HOOK_BINARY_MAX, &content, &len, &err);
	if (result >= 0)
		sha256_text((struct str){ content, len }, verify->sum);
	if (result >= 0)
		result = hook_binary_inspect((struct str){ content, len }, &err);
	if (result >= 0 && verify->is_here)
		result = hook_binary_ask(verify->hook, &told, &err);
	if (result < 0)
		verify_tell(verify->report, false, "hook", AGAIN, "%s: %s", verify->hook, err.text);
	else
		verify_tell(verify->report, true, "hook", "", "%s%s%s%s", verify->hook, *told.version ? ": " : "",
			    told.version,
			    (fs.f_flag & ST_NOSUID)
				    ? ", on a file system mounted nosuid, which root's hook does not mind"
				    : "");
	if (result >= 0)
		selinux_check(verify, fd);
	if (*told.version) /* the original has none, and no such check */
		options_check(verify);
}

/* Byte for byte where there is something to compare with, else by the sum that install left in the registration. */
void verify_hook_content(struct verify *verify)
{
	const char *path = verify->conf->local_binary;
	auto_free char *content = NULL;
	char sum[SHA256_TEXT];
	struct error err = { 0 };
	size_t len;
	int result;

	if (!*verify->sum)
		return;
	result = file_read_at(AT_FDCWD, path, HOOK_BINARY_MAX, &content, &len, &err);
	if (result >= 0) {
		sha256_text((struct str){ content, len }, sum);
		verify_tell(verify->report, !strcmp(sum, verify->sum), "hook content",
			    "it is another version, or was changed: install it again", "compared with %s, SHA-256 %s",
			    path, verify->sum);
	} else if (result != -ENOENT || verify->names_binary) {
		verify_tell(verify->report, false, "hook content", "name the hook to compare with: --local-binary",
			    "%s", err.text);
	} else if (*verify->sum_noted) {
		verify_tell(verify->report, !strcmp(verify->sum_noted, verify->sum), "hook content",
			    "it was changed or replaced since: install it again",
			    "compared with what its registration was made for, SHA-256 %s", verify->sum);
	} else {
		verify_advise(verify->report, "hook content", "name the hook to compare with: --local-binary",
			      "nothing to compare it with here, SHA-256 %s", verify->sum);
	}
}
