/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/nri_plugin.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/flags.h"
#include "setup/command_run.h"

#define ASK_LIMIT_NS (10 * NS_PER_S)
#define ARGS_MAX 256 /* the plugin takes 128 of the hook's at most */
#define TEXT_BYTES (256u << 10)
#define CANNOT_RUN 127

int nri_plugin_find(const struct nri_plugin_start *start, char *path, struct error *err)
{
	const char *const help[] = { "asked", "--help", NULL }; /* it must not merely repeat what it is called */
	auto_free char *said = NULL;
	size_t len;
	ssize_t n;
	int result;

	assert(path);
	if (*start->program) {
		(void)snprintf(path, PATH_MAX, "%s", start->program); /* longer ones are not found */
	} else {
		n = readlink("/proc/self/exe", path, PATH_MAX - sizeof NRI_PLUGIN_NAME - 1);
		if (n < 0)
			return error_errno(err, errno, "/proc/self/exe; name the plugin with --nri-hook.program");
		path[n] = '\0';
		(void)snprintf(strrchr(path, '/') + 1, sizeof NRI_PLUGIN_NAME, NRI_PLUGIN_NAME);
	}
	result = command_run_as(path, help, ASK_LIMIT_NS, &said, &len, err);
	if (result >= 0 && !strstr(said, NRI_PLUGIN_NAME))
		result = error_set(err, ENOEXEC, "%s: runs, but does not call itself " NRI_PLUGIN_NAME, path);
	return result < 0 ? error_wrap(err, result, "the NRI plugin (--nri-hook.program)") : 0;
}

struct argv {
	struct buf text;
	const char *item[ARGS_MAX + 1];
	size_t n;
	bool full;
};

/* Adds "FLAG VALUE"; in a list a comma is part of the value when a backslash precedes it. */
static void add(struct argv *argv, const char *flag, const char *value, bool list)
{
	const char *begin = argv->text.p + argv->text.len;

	buf_text(&argv->text, flag);
	for (const char *c = value; *c; c++) {
		if (list && *c == ',')
			buf_byte(&argv->text, '\\');
		buf_byte(&argv->text, *c);
	}
	buf_byte(&argv->text, '\0');
	if (argv->n == ARGS_MAX)
		argv->full = true;
	else
		argv->item[argv->n++] = begin;
}

static void argv_fill(struct argv *argv, const struct nri_plugin_start *start, const char *path)
{
	char duration[64];
	struct buf timeout = buf_over(duration, sizeof duration - 1);

	flags_print_duration(start->hook_timeout_ns, &timeout);
	duration[timeout.len] = '\0';
	add(argv, path, "", false);
	add(argv, "--mode=", "inject", false);
	add(argv, "--oci-hook-path=", start->hook, false);
	add(argv, "--nri-index=", start->index, false);
	add(argv, "--nri-name=", start->name, false);
	add(argv, "--nri-socket=", start->socket, false);
	add(argv, "--status-file=", start->status_file, false);
	add(argv, "--log-level=", start->log_level, false);
	add(argv, "--grpc-timeout=", duration, false);
	if (!start->hook_knows_identity)
		add(argv, "--hook-identity=", "false", false);
	add(argv, "--hook-args=--log-fname=", start->log, true);
	for (const char *const *arg = start->hook_args; arg && *arg; arg++)
		add(argv, "--hook-args=", *arg, true);
	argv->item[argv->n] = NULL;
}

static void child_become(const char *path, const struct argv *argv, const sigset_t *stop, pid_t parent)
{
	if (!prctl(PR_SET_PDEATHSIG, SIGTERM) && getppid() == parent && !sigprocmask(SIG_UNBLOCK, stop, NULL))
		(void)execv(path, (char *const *)(uintptr_t)argv->item);
	_exit(CANNOT_RUN);
}

static int plugin_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int nri_plugin_run(const struct nri_plugin_start *start, const char *path, const sigset_t *stop, struct error *err)
{
	auto_free char *room = malloc(TEXT_BYTES);
	struct argv argv = { .text = buf_over(room, room ? TEXT_BYTES : 0) };
	sigset_t wanted = *stop;
	pid_t parent = getpid(), pid;
	int status, number;

	if (!room)
		return error_set(err, ENOMEM, "not enough memory");
	argv_fill(&argv, start, path);
	if (argv.full || argv.text.overflow)
		return error_set(err, E2BIG, "hook-args: too many or too long for the NRI plugin");
	(void)sigaddset(&wanted, SIGCHLD); /* these cannot fail for signals that exist */
	(void)sigprocmask(SIG_BLOCK, &wanted, NULL);
	pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "cannot start %s", path);
	if (!pid)
		child_become(path, &argv, &wanted, parent);
	while (sigwait(&wanted, &number))
		;
	if (number != SIGCHLD) {
		(void)kill(pid, SIGTERM); /* our own child, not waited for yet */
		(void)plugin_wait(pid);
		return 0;
	}
	status = plugin_wait(pid);
	if (WIFSIGNALED(status))
		return error_set(err, ECHILD, "%s was ended by signal %d", path, WTERMSIG(status));
	return error_set(err, ECHILD, "%s ended by itself with status %d; its own message says why", path,
			 WEXITSTATUS(status));
}
