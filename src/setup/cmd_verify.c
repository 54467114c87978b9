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
#include "setup/containerd_conf.h"
#include "setup/hook_binary.h"
#include "setup/hook_drop_in.h"
#include "setup/host_detect.h"
#include "setup/setup_context.h"

#define REPORT_BYTES 65536
#define FOLDER_FILES_MAX 1024 /* looked at in one hooks folder */
#define DROP_IN_MAX (256u << 10)
#define CHECK_LIMIT_NS (10 * NS_PER_S)
#define NRI_SOCKET "/var/run/nri/nri.sock"

struct report {
	struct buf out;
	bool json, open; /* open: a check failed */
	size_t checks;
};

struct verify {
	const struct setup_conf *conf;
	struct report *report;
	int root_fd;
	const struct host *host; /* NULL: unknown */
	char hook[PATH_MAX];     /* as the host sees it */
	bool registered;
};

/* One line. `todo`: what to do where it failed. */
static void tell(struct report *report, bool good, const char *check, const char *todo, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void tell(struct report *report, bool good, const char *check, const char *todo, const char *format, ...)
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

static int host_read(int root_fd, const char *path, size_t limit, char **ret_text, size_t *ret_len, struct error *err)
{
	auto_close int fd = host_open(root_fd, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, -fd, "%s", path);
	return file_read_fd(fd, limit, ret_text, ret_len, err);
}

static bool host_has(int root_fd, const char *path)
{
	auto_close int fd = host_open(root_fd, path, O_PATH);

	return fd >= 0;
}

static void selinux_check(struct verify *verify, int fd)
{
	char label[256] = "", proc[64];
	auto_free char *enforce = NULL;
	size_t len;
	ssize_t n;

	if (host_read(verify->root_fd, "/sys/fs/selinux/enforce", 16, &enforce, &len, NULL) < 0 || enforce[0] != '1')
		return;
	(void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	n = getxattr(proc, "security.selinux", label, sizeof label - 1);
	label[n > 0 ? n : 0] = '\0';
	tell(verify->report,
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

	tell(verify->report, result >= 0, "hook config", "correct it: with it each container's start fails", "%s",
	     result < 0 ? err.text : "the hook accepts its configuration");
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
		tell(verify->report, false, "hook", again, "%s: %s", verify->hook, strerror(fd < 0 ? -fd : errno));
		return;
	}
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
		tell(verify->report, false, "hook", again, "%s: no executable file (mode %04o)", verify->hook,
		     st.st_mode & 07777u);
		return;
	}
	if (st.st_uid || (st.st_mode & 0022)) {
		tell(verify->report, false, "hook", "chown root:root and chmod 0755 it: the runtime runs it as root",
		     "%s: uid %u, mode %04o: others than root can change it", verify->hook, st.st_uid,
		     st.st_mode & 07777u);
		return;
	}
	if (!fstatvfs(fd, &fs) && (fs.f_flag & ST_NOEXEC)) {
		tell(verify->report, false, "hook", "install it into another folder",
		     "%s: its file system is mounted noexec", verify->hook);
		return;
	}
	result = file_read_fd(fd, HOOK_BINARY_MAX, &content, &len, &err);
	if (result >= 0)
		result = hook_binary_inspect((struct str){ content, len }, &err);
	if (result >= 0 && !strcmp(verify->conf->root, "/"))
		result = hook_binary_ask(verify->hook, &told, &err);
	tell(verify->report, result >= 0, "hook", again, "%s%s%s%s", result < 0 ? "" : verify->hook,
	     *told.version ? ": " : "", told.version, result < 0 ? err.text : "");
	if (result >= 0)
		selinux_check(verify, fd);
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
	tell(verify->report, !strcmp(path, verify->hook), "registered",
	     "install again, or name the folder with --host-install-dir", "%s/%s names %s", folder, name, path);
	tell(verify->report, env, "environment", "install again with this program",
	     env ? "the hook's environment is fixed in %s"
		 : "%s has no env: the hook inherits the runtime's environment",
	     name);
	(void)snprintf(file, sizeof file, "%s/%s", verify->conf->host_install_dir, HOOK_CONFIG_NAME);
	if (host_read(verify->root_fd, file, DROP_IN_MAX, &config, &len, NULL) < 0)
		len = 0;
	if (hook_timeout_find(NULL, (struct str){ config, len }, &deadline, &err) < 0)
		tell(verify->report, false, "hook config", "correct the file: with it each container's start fails",
		     "%s: %s", file, err.text);
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

	if (!first)
		return;
	folder_check(verify, first);
	for (size_t i = 1; !given && i < HOST_HOOKS && verify->host->hooks[i]; i++)
		folder_check(verify, verify->host->hooks[i]);
	if (!verify->registered)
		tell(verify->report, false, "registered", "tetragon-oci-hook-setup install registers it",
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
		if (name.len && host_read(verify->root_fd, file, 4u << 20, &text, &len, NULL) >= 0 &&
		    memmem(text, len, verify->hook, strlen(verify->hook)))
			return true;
	}
	return false;
}

static void nri_check(struct verify *verify, const struct toml *doc)
{
	static const char *const path[] = { "plugins", CONTAINERD_NRI, "disable", NULL };
	static const char *const reject[] = { "plugins", CONTAINERD_NRI, "default_validator",
					      "reject_oci_hook_adjustment", NULL };
	const struct toml_node *disable = toml_find(doc, path), *rejected = toml_find(doc, reject);
	bool off = disable && disable->type == TOML_BOOL && toml_bool(disable);
	bool socket = host_has(verify->root_fd, NRI_SOCKET);

	tell(verify->report, !off, "nri config",
	     "tetragon-oci-hook-setup patch-containerd-conf enable-nri --in-place, then restart", "%s",
	     off       ? "NRI is disabled"
	     : disable ? "NRI is enabled"
		       : "the file does not say whether NRI is on");
	tell(verify->report, socket, "nri socket", "restart the runtime; containerd 1.7 needs enable-nri first",
	     "%s %s", NRI_SOCKET, socket ? "is there" : "is not there: NRI is off in the runtime that runs");
	if (rejected && rejected->type == TOML_BOOL && toml_bool(rejected))
		tell(verify->report, false, "nri validator",
		     "take reject_oci_hook_adjustment out, or use the plugin's direct mode",
		     "the validator refuses injected hooks: every container would fail");
	/* That a plugin is registered can be seen only by asking it: that is the plugin's part. */
	tell(verify->report, false, "registered", "run the NRI plugin, or use add-oci-hook",
	     "no runtime of this configuration starts containers from a base spec with the hook");
}

static void containerd_check(struct verify *verify)
{
	const char *file = verify->host->reads ? verify->host->reads : verify->host->config;
	auto_toml struct toml *doc = NULL;
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len;
	int result = host_read(verify->root_fd, file, TOML_BYTES_MAX, &text, &len, &err);

	if (result >= 0)
		result = toml_parse((struct str){ text, len }, &doc, &err);
	tell(verify->report, result >= 0, "configuration", "correct the file", "%s%s%s", file, result < 0 ? ": " : "",
	     result < 0 ? err.text : "");
	if (result < 0)
		return;
	if (!spec_has_hook(verify, doc, "io.containerd.grpc.v1.cri") &&
	    !spec_has_hook(verify, doc, "io.containerd.cri.v1.runtime"))
		nri_check(verify, doc);
	else
		tell(verify->report, true, "registered", "", "a base spec of %s names %s", file, verify->hook);
}

static void agent_check(struct verify *verify)
{
	static const char *const todo = "start the agent: until then only exempt containers start";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	auto_close int file = host_open(verify->root_fd, verify->conf->socket, O_PATH);

	if (file < 0) {
		tell(verify->report, false, "agent", todo, "%s: %s", verify->conf->socket, strerror(-file));
		return;
	}
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
		tell(verify->report, false, "agent", todo, "%s: %s", verify->conf->socket, strerror(errno));
	else
		tell(verify->report, true, "agent", "", "%s answers the door", verify->conf->socket);
}

static void log_check(struct verify *verify)
{
	auto_close int fd = host_open(verify->root_fd, verify->conf->host_install_dir, O_RDONLY | O_DIRECTORY);
	struct statvfs fs;

	if (fd < 0) /* told by the hook's own check */
		return;
	tell(verify->report, fstatvfs(fd, &fs) || !(fs.f_flag & ST_RDONLY), "log",
	     "give the hook a --log-fname in a folder that can be written to", "%s/tetragon-oci-hook.log",
	     verify->conf->host_install_dir);
}

int setup_verify(struct setup_context *context, struct error *err)
{
	auto_free char *memory = malloc(REPORT_BYTES);
	struct report report = { .out = buf_over(memory, memory ? REPORT_BYTES : 0), .json = context->conf.json };
	auto_close int root_fd = open(context->conf.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct verify verify = { .conf = &context->conf, .report = &report, .root_fd = root_fd };
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
	tell(&report, verify.host != NULL, "host", "name the hooks folder with --hooks-dir", "%s",
	     verify.host ? verify.host->name : unknown.text);
	binary_check(&verify);
	folders_check(&verify);
	if (verify.host && !strcmp(verify.host->runtime, "containerd") && !*context->conf.hooks_dir &&
	    (verify.host->config || verify.host->reads))
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
