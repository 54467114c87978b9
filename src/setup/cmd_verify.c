/* SPDX-License-Identifier: Apache-2.0 */
/* verify: one line for each check: is the gate closed on this host? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "conf/toml.h"
#include "setup/command_run.h"
#include "setup/hook_binary.h"
#include "setup/hook_drop_in.h"
#include "setup/host_detect.h"
#include "setup/running.h"
#include "setup/setup_context.h"
#include "setup/verify.h"

#define REPORT_BYTES 65536
#define FOLDER_FILES_MAX 1024 /* looked at in one hooks folder */
#define DROP_IN_MAX (256u << 10)
#define CHECK_LIMIT_NS (10 * NS_PER_S)

void verify_tell(struct report *report, bool good, const char *check, const char *todo, const char *format, ...)
{
	char evidence[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(evidence, sizeof evidence, format, args); /* cut is fine */
	va_end(args);
	report->open |= !good;
	if (!report->json) {
		buf_printf(&report->out, "%s %-14s %s%s%s\n", good ? "\xe2\x9c\x93" : "\xe2\x9c\x97", check, evidence,
			   good ? "" : "; ", good ? "" : todo);
		return;
	}
	buf_printf(&report->out, "%s{\"check\":\"%s\",\"ok\":%s,\"evidence\":", report->checks++ ? "," : "", check,
		   good ? "true" : "false");
	json_write_string(&report->out, str_of(evidence));
	buf_text(&report->out, ",\"todo\":");
	json_write_string(&report->out, str_of(good ? "" : todo));
	buf_byte(&report->out, '}');
}

int verify_read(const struct verify *verify, const char *path, size_t limit, char **ret_text, size_t *ret_len,
		struct error *err)
{
	auto_close int fd = host_open(verify->root_fd, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, -fd, "%s", path);
	return file_read_fd(fd, limit, ret_text, ret_len, err);
}

static void selinux_check(struct verify *verify, int fd)
{
	char label[256] = "", proc[64];
	auto_free char *enforce = NULL;
	size_t len;
	ssize_t n;

	if (verify_read(verify, "/sys/fs/selinux/enforce", 16, &enforce, &len, NULL) < 0 || enforce[0] != '1')
		return;
	(void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	n = getxattr(proc, "security.selinux", label, sizeof label - 1);
	label[n > 0 ? n : 0] = '\0';
	verify_tell(
		verify->report,
		strstr(label, ":bin_t:") || strstr(label, ":container_runtime_exec_t:") || strstr(label, ":usr_t:"),
		"selinux",
		"the runtime may not run a file with this label: chcon -t bin_t, or restorecon where a rule for the "
		"folder exists",
		"enforcing, label %s", *label ? label : "unknown");
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

/* Byte for byte: no sum to keep, and it tells an old hook from a changed one as little. */
static void source_compare(struct verify *verify, struct str installed)
{
	const char *path = verify->conf->local_binary;
	auto_free char *content = NULL;
	struct error err = { 0 };
	size_t len;
	int result = file_read_at(AT_FDCWD, path, HOOK_BINARY_MAX, &content, &len, &err);

	if (result == -ENOENT && !verify->names_binary)
		return; /* nothing to compare with on this host */
	if (result < 0)
		verify_tell(verify->report, false, "hook content", "name the hook to compare with: --local-binary",
			    "%s", err.text);
	else
		verify_tell(verify->report, str_equal(installed, (struct str){ content, len }), "hook content",
			    "it is another version, or was changed: install it again",
			    "compared with %s, byte for byte", path);
}

static void binary_check(struct verify *verify)
{
	static const char *const again = "install it again: "
					 "tetragon-oci-hook-setup install";
	auto_close int fd = host_open(verify->root_fd, verify->hook, O_RDONLY | O_NONBLOCK);
	auto_free char *content = NULL;
	struct hook_binary told = { 0 };
	struct error err = { 0 };
	struct statvfs fs;
	struct stat st;
	size_t len;
	int result;

	if (fd < 0 || fstat(fd, &st)) {
		verify_tell(verify->report, false, "hook", again, "%s: %s", verify->hook,
			    strerror(fd < 0 ? -fd : errno));
		return;
	}
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
		verify_tell(verify->report, false, "hook", again, "%s: no executable file (mode %04o)", verify->hook,
			    st.st_mode & 07777u);
		return;
	}
	if (st.st_uid || (st.st_mode & 0022)) {
		verify_tell(verify->report, false, "hook",
			    "chown root:root and chmod 0755 it: the runtime runs it as root",
			    "%s: uid %u, mode %04o: others than root can change it", verify->hook, st.st_uid,
			    st.st_mode & 07777u);
		return;
	}
	if (!fstatvfs(fd, &fs) && (fs.f_flag & ST_NOEXEC)) {
		verify_tell(verify->report, false, "hook", "install it into another folder",
			    "%s: its file system is mounted noexec", verify->hook);
		return;
	}
	result = file_read_fd(fd, HOOK_BINARY_MAX, &content, &len, &err);
	if (result >= 0)
		result = hook_binary_inspect((struct str){ content, len }, &err);
	if (result >= 0 && verify->is_here)
		result = hook_binary_ask(verify->hook, &told, &err);
	verify_tell(verify->report, result >= 0, "hook", again, "%s%s%s%s", result < 0 ? "" : verify->hook,
		    *told.version ? ": " : "", told.version, result < 0 ? err.text : "");
	if (result >= 0)
		selinux_check(verify, fd);
	if (result >= 0)
		source_compare(verify, (struct str){ content, len });
	if (*told.version) /* the original has none, and no such check */
		options_check(verify);
}

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

/* OCI hooks: what CRI-O and podman read. */
static void folders_check(struct verify *verify)
{
	bool given = *verify->conf->hooks_dir != '\0';
	const char *first = given ? verify->conf->hooks_dir : verify->host ? verify->host->hooks[0] : NULL;
	auto_free char(*folder)[PATH_MAX] = NULL;

	if (!given && *verify->conf->config_file) /* containerd's: it reads no such folder */
		return;
	if (!given && verify->host && !strcmp(verify->host->runtime, "cri-o")) {
		size_t n;

		folder = calloc(VERIFY_FOLDERS, PATH_MAX);
		n = folder ? verify_crio_folders(verify, folder) : 0;
		first = n ? folder[0] : "(hooks_dir names no folder)";
		for (size_t i = 0; i < n; i++)
			folder_check(verify, folder[i]);
	} else if (first) {
		folder_check(verify, first);
		for (size_t i = 1; !given && i < HOST_HOOKS && verify->host->hooks[i]; i++)
			folder_check(verify, verify->host->hooks[i]);
	} else {
		return;
	}
	if (!verify->registered && verify_has_plugin(verify))
		verify_plugin(verify);
	if (!verify->registered)
		verify_tell(verify->report, false, "registered",
			    "tetragon-oci-hook-setup install registers it; with CRI-O hooks_dir must name the folder",
			    "no file in %s registers %s", first, verify->conf->binary_name);
}

/* Whether one of the runtimes of `plugin` starts containers from a spec that names the hook. */
static bool spec_has_hook(struct verify *verify, const struct toml *doc, const char *plugin)
{
	const char *const path[] = { "plugins", plugin, "containerd", "runtimes", NULL };
	const struct toml_node *runtimes = toml_find(doc, path);

	for (const struct toml_node *one = runtimes && runtimes->type == TOML_TABLE ? runtimes->first : NULL; one;
	     one = one->next) {
		const struct toml_node *spec = toml_get(doc, one, STR("base_runtime_spec"));
		auto_free char *text = NULL;
		char room[PATH_MAX], file[PATH_MAX];
		struct str name;
		size_t len;

		if (!spec || spec->type != TOML_STRING || spec->text.len >= sizeof room)
			continue;
		toml_string(spec, room, &name);
		(void)snprintf(file, sizeof file, "%.*s", (int)name.len, name.p);
		if (name.len && verify_read(verify, file, 4u << 20, &text, &len, NULL) >= 0 &&
		    memmem(text, len, verify->hook, strlen(verify->hook)))
			return true;
	}
	return false;
}

/* What is checked here is one configuration: of a second daemon nothing is known. */
static void daemons_check(struct verify *verify, const char *file)
{
	struct running running[RUNNING_MAX];
	size_t n = verify->is_here ? running_find("containerd", running) : 0;
	char all[ERROR_TEXT_MAX / 2];
	struct buf out = buf_over(all, sizeof all);

	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s%d (%s)", i ? ", " : "", (int)running[i].pid,
			   *running[i].config ? running[i].config : "/etc/containerd/config.toml"); /* cut is fine */
	if (n > 1)
		verify_tell(verify->report, false, "one daemon",
			    "stop those that serve no pods, or check each: its configuration, its NRI socket",
			    "several containerd run: %s; only %s is checked here", all, file);
	else if (n == 1 && *running[0].config && strcmp(running[0].config, file) != 0)
		verify_tell(verify->report, false, "one daemon", "name the configuration with --config-file",
			    "the containerd that runs reads %s, not %s", running[0].config, file);
}

static bool is_containerd(const struct verify *verify)
{
	const struct host *host = verify->host;

	return *verify->conf->config_file || (host && !strcmp(host->runtime, "containerd") &&
					      !*verify->conf->hooks_dir && (host->config || host->reads));
}

static void containerd_check(struct verify *verify)
{
	const char *given = verify->conf->config_file, *file = *given                ? given
							       : verify->host->reads ? verify->host->reads
										     : verify->host->config;
	const char *const dump[] = { verify->conf->validate, "--config", file, "config", "dump", NULL };
	auto_toml struct toml *doc = NULL;
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len;
	int result = *verify->conf->validate ? command_run(dump, CHECK_LIMIT_NS, &text, &len, &err)
					     : verify_read(verify, file, TOML_BYTES_MAX, &text, &len, &err);

	daemons_check(verify, file);
	if (result >= 0)
		result = toml_parse((struct str){ text, len }, &doc, &err);
	verify_tell(verify->report, result >= 0, "configuration", "correct the file", "%s%s%s", file,
		    result < 0 ? ": " : "", result < 0 ? err.text : "");
	if (result < 0)
		return;
	if (!spec_has_hook(verify, doc, "io.containerd.grpc.v1.cri") &&
	    !spec_has_hook(verify, doc, "io.containerd.cri.v1.runtime"))
		verify_containerd_nri(verify, doc);
	else
		verify_tell(verify->report, true, "registered", "", "a base spec of %s names %s", file, verify->hook);
}

static void agent_check(struct verify *verify)
{
	static const char *const todo = "start the agent: until then only exempt containers start";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	auto_close int file = host_open(verify->root_fd, verify->conf->socket, O_PATH);

	if (file < 0) {
		verify_tell(verify->report, false, "agent", todo, "%s: %s", verify->conf->socket, strerror(-file));
		return;
	}
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
		verify_tell(verify->report, false, "agent", todo, "%s: %s", verify->conf->socket, strerror(errno));
	else
		verify_tell(verify->report, true, "agent", "", "%s answers the door", verify->conf->socket);
}

static void log_check(struct verify *verify)
{
	auto_close int fd = host_open(verify->root_fd, verify->conf->host_install_dir, O_RDONLY | O_DIRECTORY);
	struct statvfs fs;

	if (fd < 0) /* told by the hook's own check */
		return;
	verify_tell(verify->report, fstatvfs(fd, &fs) || !(fs.f_flag & ST_RDONLY), "log",
		    "give the hook a --log-fname in a folder that can be written to", "%s/tetragon-oci-hook.log",
		    verify->conf->host_install_dir);
}

int setup_verify(struct setup_context *context, struct error *err)
{
	auto_free char *memory = malloc(REPORT_BYTES);
	struct report report = { .out = buf_over(memory, memory ? REPORT_BYTES : 0), .json = context->conf.json };
	auto_close int root_fd = open(context->conf.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct verify verify = { .conf = &context->conf,
				 .report = &report,
				 .root_fd = root_fd,
				 .is_here = !strcmp(context->conf.root, "/"),
				 .names_binary = setup_given(context, "local-binary") };
	struct host_found found;
	struct error unknown = { 0 };

	if (!memory)
		return error_set(err, ENOMEM, "not enough memory");
	if (root_fd < 0)
		return error_errno(err, errno, "cannot examine %s", context->conf.root);
	(void)snprintf(verify.hook, sizeof verify.hook, "%s/%s", context->conf.host_install_dir,
		       context->conf.binary_name);
	if (report.json)
		buf_byte(&report.out, '[');
	if (host_detect(context->conf.root, &found, &unknown) >= 0)
		verify.host = found.host;
	verify_tell(&report, verify.host != NULL, "host", "name the hooks folder with --hooks-dir", "%s",
		    verify.host ? verify.host->name : unknown.text);
	binary_check(&verify);
	folders_check(&verify);
	if (is_containerd(&verify))
		containerd_check(&verify);
	log_check(&verify);
	agent_check(&verify);
	if (report.json)
		buf_text(&report.out, "]\n");
	else
		buf_printf(&report.out, "the gate is %s\n", report.open ? "open" : "closed");
	if (report.out.overflow || fwrite(memory, 1, report.out.len, stdout) != report.out.len || fflush(stdout))
		return error_set(err, EIO, "cannot write to standard output");
	return report.open ? error_set(err, EPERM, "the gate is open") : 0;
}
