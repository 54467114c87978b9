/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/running.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#define CMDLINE_MAX (256u << 10)
#define STAT_MAX 4096
#define COMM_MAX 15
#define START_FIELD 22 /* of /proc/PID/stat; source: proc(5) */

enum role { SERVES_PODS, SERVES_DOCKER, SERVES_SYSTEM, IS_NO_DAEMON };

/* The value of an option in argv, in each of the ways in which containerd and CRI-O take it. */
static const struct option {
	const char *name;
	bool is_config, is_address;
} options[] = {
	{ "--config", true, false },     { "-config", true, false },  { "-c", true, false },
	{ "--address", false, true },    { "-address", false, true }, { "-a", false, true },
	{ "--log-level", false, false }, { "-l", false, false },      { "--root", false, false },
	{ "--state", false, false },
};

static void value_take(struct running *process, const struct option *option, const char *value)
{
	if (option->is_config)
		(void)snprintf(process->config, sizeof process->config, "%s",
			       value); /* too long: none is found there */
	else if (option->is_address)
		(void)snprintf(process->address, sizeof process->address, "%s", value);
}

static bool is_other_job(const char *word)
{
	static const char *const words[] = {
		"config", "publish", "oci-hook", "help", "--help", "-h", "--version", "-v"
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* A relative name is relative to where the process is, which is where it was started unless it went elsewhere. */
static void config_complete(struct running *process)
{
	char path[64], all[PATH_MAX];
	struct buf out = buf_over(all, sizeof all);
	ssize_t n;

	if (!*process->config || *process->config == '/')
		return;
	(void)snprintf(path, sizeof path, "/proc/%d/cwd", (int)process->pid);
	n = readlink(path, all, sizeof all - 1);
	if (n <= 0)
		return;
	out.len = (size_t)n;
	buf_printf(&out, "/%s", process->config);
	if (!out.overflow)
		memcpy(process->config, all, out.len + 1);
}

static enum role arguments_read(struct running *process)
{
	auto_free char *text = NULL;
	const struct option *wants = NULL;
	char path[64];
	size_t len, at = 0;

	(void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)process->pid);
	if (file_read_at(AT_FDCWD, path, CMDLINE_MAX, &text, &len, NULL) < 0)
		return IS_NO_DAEMON; /* it has ended */
	for (at = strnlen(text, len) + 1; at < len; at += strlen(text + at) + 1) {
		const char *word = text + at; /* NUL-terminated: the reader puts one behind the last byte */

		if (wants) {
			value_take(process, wants, word);
			wants = NULL;
			continue;
		}
		if (is_other_job(word))
			return IS_NO_DAEMON;
		for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
			size_t length = strlen(options[i].name);

			if (strncmp(word, options[i].name, length) != 0)
				continue;
			if (word[length] == '=')
				value_take(process, &options[i], word + length + 1);
			else if (!word[length])
				wants = &options[i];
		}
	}
	config_complete(process);
	if (strstr(process->config, "/docker/") || strstr(process->address, "/docker/"))
		return SERVES_DOCKER;
	if (strstr(process->config, "host-containerd") || !strncmp(process->address, "/system/run/", 12))
		return SERVES_SYSTEM;
	return SERVES_PODS;
}

void running_exe(pid_t pid, char exe[PATH_MAX])
{
	char path[64];
	struct str file;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, PATH_MAX - 1);
	file = (struct str){ exe, n > 0 ? (size_t)n : 0 };
	if (str_ends(file, STR(" (deleted)"))) /* replaced by an upgrade, still running */
		file.len -= sizeof " (deleted)" - 1;
	exe[file.len] = '\0';
}

static struct str base_name(const char *path)
{
	struct str file = str_of(path);

	return str_from(file, (size_t)(str_find_last(file, '/') + 1));
}

/* k3s is one program with many names: its containerd is a link to it. Source: k3s' scripts/build. */
static bool is_called(pid_t pid, const char *name)
{
	auto_free char *text = NULL;
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	return file_read_at(AT_FDCWD, path, CMDLINE_MAX, &text, &len, NULL) >= 0 && str_is(base_name(text), name);
}

static bool is_program(struct running *process, const char *name)
{
	running_exe(process->pid, process->exe);
	return str_is(base_name(process->exe), name) ||
	       (str_is(base_name(process->exe), "k3s") && is_called(process->pid, name));
}

/* A user's own, or in another process namespace; where that cannot be read it is taken for ours. */
static bool is_foreign(pid_t pid)
{
	char path[64], ours[64] = "", theirs[64] = "";
	struct stat st;

	(void)snprintf(path, sizeof path, "/proc/%d", (int)pid);
	if (!stat(path, &st) && st.st_uid)
		return true;
	(void)snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
	return readlink("/proc/self/ns/pid", ours, sizeof ours - 1) > 0 &&
	       readlink(path, theirs, sizeof theirs - 1) > 0 && strcmp(ours, theirs) != 0;
}

static int64_t start_read(pid_t pid)
{
	auto_free char *text = NULL;
	char path[64];
	const char *at;
	size_t len;
	int64_t ticks, per_second = sysconf(_SC_CLK_TCK);

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (per_second <= 0 || file_read_at(AT_FDCWD, path, STAT_MAX, &text, &len, NULL) < 0)
		return 0;
	at = strrchr(text, ')'); /* field 2 may hold anything, this too */
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	ticks = at ? strtoll(at, NULL, 10) : 0;
	if (ticks <= 0)
		return 0;
	return clock_now_ns(CLOCK_REALTIME) - clock_now_ns(CLOCK_BOOTTIME) + ticks * (NS_PER_S / per_second);
}

/* Walks /proc; `each` returns true to end it. */
static bool processes_walk(bool (*each)(void *user, pid_t pid), void *user)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			found = each(user, (pid_t)atoi(entry->d_name));
	if (dir)
		(void)closedir(dir);
	return found;
}

struct search {
	const char *name;
	struct running *ret;
	size_t n;
};

static bool daemon_look(void *user, pid_t pid)
{
	struct search *search = user;
	struct running *process = &search->ret[search->n];

	*process = (struct running){ .pid = pid };
	if (!is_program(process, search->name) || is_foreign(pid) || arguments_read(process) != SERVES_PODS)
		return false;
	process->start_ns = start_read(pid);
	return ++search->n == RUNNING_MAX;
}

size_t running_find(const char *name, struct running ret[RUNNING_MAX])
{
	struct search search = { name, ret, 0 };

	(void)processes_walk(daemon_look, &search); /* whether it ended early does not matter */
	return search.n;
}

struct command_line {
	const char *name;
	char *text;
};

static bool command_line_look(void *user, pid_t pid)
{
	struct command_line *line = user;
	struct running process = { .pid = pid };
	char path[64];
	size_t len;

	if (!is_program(&process, line->name) || is_foreign(pid))
		return false;
	(void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	if (file_read_at(AT_FDCWD, path, CMDLINE_MAX, &line->text, &len, NULL) < 0)
		return false;
	for (size_t i = 0; i + 1 < len; i++)
		if (!line->text[i])
			line->text[i] = ' ';
	return true;
}

char *running_arguments(const char *name)
{
	struct command_line line = { .name = name };

	(void)processes_walk(command_line_look, &line); /* tells by line.text */
	return line.text;
}

static bool docker_look(void *user, pid_t pid)
{
	struct running process = { .pid = pid };

	(void)user;
	if (is_foreign(pid))
		return false;
	return is_program(&process, "dockerd") ||
	       (is_program(&process, "containerd") && arguments_read(&process) == SERVES_DOCKER);
}

bool running_has_docker(void)
{
	return processes_walk(docker_look, NULL);
}

static bool comm_look(void *user, pid_t pid)
{
	auto_free char *comm = NULL;
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	if (file_read_at(AT_FDCWD, path, 64, &comm, &len, NULL) < 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return !strncmp(comm, user, COMM_MAX);
}

bool running_has(const char *name)
{
	return processes_walk(comm_look, (void *)(uintptr_t)name);
}

struct owner {
	char wanted[64]; /* "socket:[12345]" */
	pid_t pid;
};

static bool owner_look(void *user, pid_t pid)
{
	struct owner *owner = user;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !owner->pid && (entry = readdir(dir))) {
		char target[64] = "";

		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1) > 0 &&
		    !strcmp(target, owner->wanted))
			owner->pid = pid;
	}
	if (dir)
		(void)closedir(dir);
	return owner->pid != 0;
}

pid_t running_socket_owner(unsigned long inode, const pid_t *likely, size_t n)
{
	struct owner owner = { 0 };

	(void)snprintf(owner.wanted, sizeof owner.wanted, "socket:[%lu]", inode);
	for (size_t i = 0; i < n && !owner.pid; i++)
		(void)owner_look(&owner, likely[i]); /* tells by owner.pid */
	if (!owner.pid)
		(void)processes_walk(owner_look, &owner);
	return owner.pid;
}
