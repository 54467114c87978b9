/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/runtime_restart.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "setup/command_run.h"
#include "setup/running.h"
#include "setup/setup_context.h"

#define SYSTEMD_LIMIT_NS (120 * NS_PER_S)
#define BACK_LIMIT_NS (60 * NS_PER_S) /* systemd's RestartSec and a slow start */
#define LOOK_NS (100 * NS_PER_MS)
#define SYSTEMD_IS_INIT "/run/systemd/system" /* sd_booted(3) */

int runtime_restart_check(struct setup_context *context, struct error *err)
{
	static const char *const known[] = { "never", "systemd", "signal", "auto" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(context->conf.restart, known[i]))
			return 0;
	return setup_usage_error(context, err, "--restart: want never, systemd, signal or auto, not '%.80s'",
				 context->conf.restart);
}

static int by_systemd(struct setup_context *context, struct error *err)
{
	const char *const argv[] = { "systemctl", "restart", context->conf.unit, NULL };
	int result = command_run(argv, SYSTEMD_LIMIT_NS, NULL, NULL, err);

	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, "restarted", "unit", context->conf.unit, NULL); /* counted */
	return result;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !strcmp(a, b) || (!stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* The process that reads this file, but not `other`; 0: none. */
static pid_t reader_find(const char *program, const char *config_file, pid_t other)
{
	bool is_containerd = !strcmp(program, "containerd");
	struct running running[RUNNING_MAX];
	size_t n = running_find(program, running);

	for (size_t i = 0; i < n; i++) {
		const char *config = *running[i].config ? running[i].config
				     : is_containerd    ? "/etc/containerd/config.toml"
							: config_file; /* crio reads a folder of them besides */

		if (running[i].pid != other && is_same_file(config, config_file))
			return running[i].pid;
	}
	return 0;
}

static int back_wait(const char *program, const char *config_file, pid_t old, struct error *err)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	int64_t deadline = clock_now_ns(CLOCK_MONOTONIC) + BACK_LIMIT_NS;

	while (clock_now_ns(CLOCK_MONOTONIC) < deadline) {
		if (reader_find(program, config_file, old))
			return 0;
		(void)nanosleep(&look, NULL); /* cut short is fine */
	}
	return error_set(err, ETIME, "%s was ended and nobody has started it again within %d s: start it now", program,
			 (int)(BACK_LIMIT_NS / NS_PER_S));
}

static int by_signal(struct setup_context *context, const char *program, const char *config_file, struct error *err)
{
	bool reloads = !strcmp(program, "crio");
	pid_t pid = reader_find(program, config_file, 0);
	char number[32];
	int result;

	if (!pid)
		return error_set(err, ESRCH, "no %s runs with %s; it reads the file when it is started", program,
				 config_file);
	if (kill(pid, reloads ? SIGHUP : SIGTERM))
		return error_errno(err, errno, "cannot signal %s, process %d", program, (int)pid);
	result = reloads ? 0 : back_wait(program, config_file, pid, err);
	(void)snprintf(number, sizeof number, "%d", (int)pid);
	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, reloads ? "told to read it again" : "restarted", "pid", number,
				NULL); /* counted by the log */
	return result;
}

int runtime_restart(struct setup_context *context, const char *program, const char *config_file, struct error *err)
{
	const char *how = context->conf.restart;
	int result;

	if (!strcmp(how, "never")) {
		(void)log_event(&context->log, LOG_INFO, "the runtime reads this when it is restarted", "unit",
				context->conf.unit, NULL); /* counted by the log */
		return 0;
	}
	if (!strcmp(how, "systemd") || (!strcmp(how, "auto") && !access(SYSTEMD_IS_INIT, F_OK)))
		result = by_systemd(context, err);
	else
		result = by_signal(context, program, config_file, err);
	return result < 0 ? error_wrap(err, result, "the configuration is written, but the runtime was not restarted")
			  : 0;
}
