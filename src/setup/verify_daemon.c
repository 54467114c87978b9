/* SPDX-License-Identifier: Apache-2.0 */
/* verify, the daemon that runs: which one reads the files that are checked, and does it know what they say? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "setup/host_conf.h"
#include "setup/socket_owner.h"
#include "setup/verify.h"

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !strcmp(a, b) || (!stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static const char *config_of(const struct running *process, const char *program)
{
	if (*process->config)
		return process->config;
	return !strcmp(program, "crio") ? "/etc/crio/crio.conf" : "/etc/containerd/config.toml";
}

/* What is checked here is one configuration: of a second daemon nothing is known. */
void verify_daemon_find(struct verify *verify, const char *program)
{
	auto_free struct running *running = verify->is_here ? malloc(RUNNING_MAX * sizeof *running) : NULL;
	size_t n = running ? running_find(program, running) : 0, ours = n;
	char all[ERROR_TEXT_MAX / 2];
	struct buf out = buf_over(all, sizeof all);

	verify->daemon.pid = 0;
	for (size_t i = 0; i < n; i++) {
		const char *config = config_of(&running[i], program);

		if (ours == n && is_same_file(config, verify->config))
			ours = i;
		buf_printf(&out, "%s%d (%s)", i ? ", " : "", (int)running[i].pid, config); /* cut is fine */
	}
	if (ours < n)
		verify->daemon = running[ours];
	if (n > 1)
		verify_tell(verify->report, false, "one daemon",
			    "stop those that serve no pods, or check each: its configuration, its NRI socket",
			    "several %s run: %s; only %s is checked here", program, all, verify->config);
	else if (n == 1 && ours == n)
		verify_tell(verify->report, false, "one daemon", "name the configuration with --config-file",
			    "the %s that runs reads %s, not %s", program, config_of(&running[0], program),
			    verify->config);
}

static int64_t changed_ns(const struct verify *verify, const char *path)
{
	auto_close int fd = host_open(verify->root_fd, path, O_PATH);
	struct stat st;
	int64_t content, all;

	if (fd < 0 || fstat(fd, &st))
		return 0;
	content = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	all = st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec;
	return content > all ? content : all;
}

void verify_daemon_restarted(struct verify *verify, const struct host_conf *conf, const char *const specs[])
{
	const struct running *daemon = &verify->daemon;
	int64_t latest = 0;
	const char *which = "";
	char todo[256];

	if (!daemon->pid || !daemon->start_ns || (!conf->n && !*specs))
		return;
	for (size_t i = 0; i < conf->n; i++)
		if (conf->file[i].changed_ns > latest) {
			latest = conf->file[i].changed_ns;
			which = conf->file[i].path;
		}
	for (; *specs; specs++)
		if (changed_ns(verify, *specs) > latest) {
			latest = changed_ns(verify, *specs);
			which = *specs;
		}
	(void)snprintf(todo, sizeof todo, "systemctl restart %.100s (containers keep running)",
		       verify->is_known && verify->found.unit ? verify->found.unit : "containerd");
	verify_tell(verify->report, latest <= daemon->start_ns + VERIFY_START_SLACK_NS, "restarted", todo,
		    latest <= daemon->start_ns + VERIFY_START_SLACK_NS
			    ? "%s is what containerd (process %d) was started with"
			    : "%s was changed after containerd (process %d) had started: it does not know of it",
		    *which ? which : verify->config, (int)daemon->pid);
}

/* The process that listens where our daemon ought to. */
static void owner_tell(struct verify *verify, const char *path, pid_t owner)
{
	static const char *const todo = "two runtimes on one path: give one of them another socket_path (CRI-O: "
					"nri_listen), and restart both, ours last";
	const struct running *daemon = &verify->daemon;
	char exe[PATH_MAX];

	running_exe(owner, exe);
	if (daemon->pid && owner != daemon->pid)
		verify_tell(verify->report, false, "nri socket", todo,
			    "%s belongs to process %d (%s), not to process %d that reads %s", path, (int)owner, exe,
			    (int)daemon->pid, verify->config);
	else
		verify_tell(verify->report, true, "nri socket", "", "%s is there, process %d (%s) listens", path,
			    (int)owner, exe);
}

void verify_socket(struct verify *verify, const char *path)
{
	static const char *const todo = "restart the runtime; containerd 1.7 needs enable-nri first";
	auto_close int fd = host_open(verify->root_fd, path, O_PATH);
	struct error err = { 0 };
	int owner;

	if (fd < 0) {
		verify_tell(verify->report, false, "nri socket", todo,
			    "%s is not there: NRI is off in the runtime that runs", path);
		return;
	}
	owner = verify->is_here ? socket_owner_find(fd, &verify->daemon.pid, verify->daemon.pid ? 1 : 0, &err) : 0;
	if (owner == -ECONNREFUSED)
		verify_tell(verify->report, false, "nri socket", todo, "%s: %s: left by a runtime that has ended", path,
			    err.text);
	else if (owner > 0)
		owner_tell(verify, path, owner);
	else
		verify_tell(verify->report, true, "nri socket", "", "%s is there%s%s", path, owner ? "; " : "",
			    owner ? err.text : "");
}
