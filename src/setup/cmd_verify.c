/* SPDX-License-Identifier: Apache-2.0 */
/* verify: one line for each check: is the gate closed on this host? */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "setup/setup_context.h"
#include "setup/verify.h"

#define REPORT_BYTES 65536

__attribute__((format(printf, 5, 0))) static void row_write(struct report *report, bool good, const char *check,
							    const char *todo, const char *format, va_list args)
{
	char evidence[ERROR_TEXT_MAX];

	(void)vsnprintf(evidence, sizeof evidence, format, args); /* cut is fine */
	for (char *c = evidence; *c; c++)
		if ((unsigned char)*c < ' ') /* what others wrote makes no line of its own */
			*c = ' ';
	report->open |= !good;
	if (!report->json) {
		buf_printf(&report->out, "%s %-14s %s%s%s\n", good ? "\xe2\x9c\x93" : "\xe2\x9c\x97", check, evidence,
			   *todo ? "; " : "", todo);
		return;
	}
	buf_printf(&report->out, "%s{\"check\":\"%s\",\"ok\":%s,\"evidence\":", report->checks++ ? "," : "", check,
		   good ? "true" : "false");
	json_write_string(&report->out, str_of(evidence));
	buf_text(&report->out, ",\"todo\":");
	json_write_string(&report->out, str_of(todo));
	buf_byte(&report->out, '}');
}

void verify_tell(struct report *report, bool good, const char *check, const char *todo, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	row_write(report, good, check, good ? "" : todo, format, args);
	va_end(args);
}

void verify_advise(struct report *report, const char *check, const char *todo, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	row_write(report, true, check, todo, format, args);
	va_end(args);
}

void verify_required_tell(struct report *report, const struct verify_required *required)
{
	static const char *const check = "nri required";

	if (required->is_named && !required->is_enabled)
		verify_tell(report, false, check, required->enable_todo,
			    "%s is named in %s, but the validator is not enabled", required->name, required->list);
	else if (required->is_named)
		verify_tell(report, true, check, "", "%s is required: no container is made while it is not connected",
			    required->name);
	else if (required->is_wanted)
		verify_tell(report, false, check, required->todo,
			    "%s is not required: while it is not connected, containers start without it",
			    required->name);
	else
		verify_advise(report, check, required->todo,
			      "%s is not required: while it is not connected, containers start without it",
			      required->name);
}

int verify_read(const struct verify *verify, const char *path, size_t limit, char **ret_text, size_t *ret_len,
		struct error *err)
{
	auto_close int fd = host_open(verify->root_fd, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, -fd, "%s", path);
	return file_read_fd(fd, limit, ret_text, ret_len, err);
}

bool verify_has(const struct verify *verify, const char *path)
{
	auto_close int fd = host_open(verify->root_fd, path, O_PATH);

	return fd >= 0;
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

static bool is_read_only(int fd)
{
	struct statvfs fs;

	return !fstatvfs(fd, &fs) && (fs.f_flag & ST_RDONLY);
}

static void log_check(struct verify *verify)
{
	auto_close int fd = host_open(verify->root_fd, verify->conf->host_install_dir, O_RDONLY | O_DIRECTORY);
	const char *dir = verify->conf->host_install_dir;

	if (fd < 0) /* told by the hook's own check */
		return;
	if (!is_read_only(fd))
		verify_tell(verify->report, true, "log", "", "%s/tetragon-oci-hook.log", dir);
	else if (!verify->is_here && is_read_only(verify->root_fd))
		verify_advise(verify->report, "log", "mount the host's tree so that it can be written to, to know",
			      "%s is read-only from here, as is all of %s", dir, verify->conf->root);
	else
		verify_tell(verify->report, false, "log",
			    "give the hook a --log-fname in a folder that can be written to", "%s: read-only", dir);
}

static void host_find(struct verify *verify, bool names_root)
{
	const struct setup_conf *conf = verify->conf;
	/* A runtime that is named is not looked for among those that run. */
	bool by_files = names_root || *conf->config_file || *conf->hooks_dir;
	struct error unknown = { 0 };

	verify->is_known = host_detect(by_files ? conf->root : NULL, NULL, &verify->found, &unknown) >= 0;
	if (verify->is_known)
		verify_tell(verify->report, true, "host", "", "%s, known by %s", verify->found.host->name,
			    verify->found.marker);
	else
		verify_tell(verify->report, false, "host",
			    "name the hooks folder with --hooks-dir, or containerd's "
			    "file with --config-file",
			    "%s", unknown.text);
}

static bool is_containerd(const struct verify *verify)
{
	if (*verify->conf->config_file)
		return true;
	return verify->is_known && !strcmp(verify->found.host->runtime, "containerd") && !*verify->conf->hooks_dir &&
	       *verify->found.reads;
}

int setup_verify(struct setup_context *context, struct error *err)
{
	auto_free char *memory = malloc(REPORT_BYTES);
	struct report report = { .out = buf_over(memory, memory ? REPORT_BYTES : 0), .json = context->conf.json };
	auto_close int root_fd = open(context->conf.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free struct verify *verify = calloc(1, sizeof *verify);
	bool names_root = setup_given(context, "root");

	if (!memory || !verify)
		return error_set(err, ENOMEM, "not enough memory");
	if (root_fd < 0)
		return error_errno(err, errno, "cannot examine %s", context->conf.root);
	verify->conf = &context->conf;
	verify->report = &report;
	verify->root_fd = root_fd;
	verify->is_here = !strcmp(context->conf.root, "/");
	verify->names_binary = setup_given(context, "local-binary");
	verify->names_socket = setup_given(context, "nri-hook.socket");
	(void)snprintf(verify->hook, sizeof verify->hook, "%s/%s", context->conf.host_install_dir,
		       context->conf.binary_name); /* cut: not found */
	if (report.json)
		buf_byte(&report.out, '[');
	host_find(verify, names_root);
	verify_plugin_read(verify);
	verify_hook(verify);
	verify_folders(verify);
	verify_hook_content(verify);
	if (is_containerd(verify))
		verify_containerd(verify);
	log_check(verify);
	agent_check(verify);
	if (report.json)
		buf_text(&report.out, "]\n");
	else
		buf_printf(&report.out, "the gate is %s\n", report.open ? "open" : "closed");
	if (report.out.overflow || fwrite(memory, 1, report.out.len, stdout) != report.out.len || fflush(stdout))
		return error_set(err, EIO, "cannot write to standard output");
	return report.open ? error_set(err, EPERM, "the gate is open") : 0;
}
