/* SPDX-License-Identifier: Apache-2.0 */
#include "process/proc_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "process/arguments.h"
#include "process/slow_read.h"

#define TASK_IS_KERNEL 0x00200000 /* PF_KTHREAD in the flags of stat; include/linux/sched.h, same since 2.6.27 */

#define COMMAND_LINE_MS 100 /* it is a matter of microseconds, or of a lock that somebody holds for good */

struct start {
	uint64_t ticks;
	uint32_t pid;
};

/* What PID/stat tells. */
struct stat_line {
	char comm[64];
	char state;
	uint32_t ppid;
	uint32_t flags;
	uint64_t start_ticks;
};

/* Up to size - 1 bytes of `name`, NUL-terminated. Returns their number, or -1. */
static ssize_t read_text(int dir_fd, const char *name, char *memory, size_t size)
{
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t n = 0;

	if (fd < 0)
		return -1;
	while (n < size - 1) {
		ssize_t r = read(fd, memory + n, size - 1 - n);

		if (r < 0)
			return -1;
		if (!r)
			break;
		n += (size_t)r;
	}
	memory[n] = '\0';
	return (ssize_t)n;
}

/* Fields are numbered as in proc(5); the name in parentheses may hold anything, parentheses too. */
static bool stat_parse(const char *text, struct stat_line *ret_line)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start = 0;
	unsigned ppid = 0, flags = 0;
	char state = 0;

	if (!open || !close || close < open)
		return false;
	if (sscanf(close + 1, " %c %u %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state,
		   &ppid, &flags, &start) != 4)
		return false;
	*ret_line = (struct stat_line){ .state = state, .ppid = ppid, .flags = flags, .start_ticks = start };
	(void)snprintf(ret_line->comm, sizeof ret_line->comm, "[%.*s]", (int)(close - open - 1), open + 1);
	return true;
}

static bool stat_read(int pid_fd, struct stat_line *ret_line)
{
	char text[1024];

	return read_text(pid_fd, "stat", text, sizeof text) > 0 && stat_parse(text, ret_line);
}

/* A number of decimal digits only, above 0; else 0. */
static uint32_t pid_of_name(const char *name)
{
	uint64_t pid = 0;

	for (; *name; name++) {
		if (*name < '0' || *name > '9' || pid > INT32_MAX / 10)
			return 0;
		pid = pid * 10 + (uint64_t)(*name - '0');
	}
	return pid <= INT32_MAX ? (uint32_t)pid : 0;
}

static int start_order(const void *a, const void *b)
{
	const struct start *x = a, *y = b;

	if (x->ticks != y->ticks)
		return x->ticks < y->ticks ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

struct starts {
	struct start *start;
	size_t n, room;
};

/* 0, whatever became of it, or -ENOMEM. */
static int start_add(struct starts *starts, int proc_fd, const char *name, uint32_t pid)
{
	auto_close int pid_fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat_line line;

	if (pid_fd < 0 || !stat_read(pid_fd, &line))
		return 0;
	if (starts->n == starts->room) {
		size_t room = starts->room ? 2 * starts->room : 256;
		struct start *more = reallocarray(starts->start, room, sizeof *more);

		if (!more)
			return -ENOMEM;
		starts->start = more;
		starts->room = room;
	}
	starts->start[starts->n++] = (struct start){ line.start_ticks, pid };
	return 0;
}

static int starts_list(const struct proc_scan_options *options, DIR *dir, struct starts *starts)
{
	struct dirent *entry;
	int r = 0;

	for (size_t i = 0; i < options->pids && !r; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "%u", options->pid[i]);
		r = start_add(starts, dirfd(dir), name, options->pid[i]);
	}
	while (!options->pid && !r && starts->n < PROC_SCAN_MAX && (entry = readdir(dir))) {
		uint32_t pid = pid_of_name(entry->d_name);

		if (pid)
			r = start_add(starts, dirfd(dir), entry->d_name, pid);
	}
	if (starts->n)
		qsort(starts->start, starts->n, sizeof *starts->start, start_order);
	return r;
}

/* Members of PID/status that are wanted: where each number goes. */
static void status_line(const char *line, struct process_found *found)
{
	struct abi_creds *c = &found->creds;
	unsigned long long set;
	unsigned pid;
	int at = 0;

	if (sscanf(line, "Uid: %u %u %u %u", &c->uid, &c->euid, &c->suid, &c->fsuid) == 4 ||
	    sscanf(line, "Gid: %u %u %u %u", &c->gid, &c->egid, &c->sgid, &c->fsgid) == 4)
		return;
	if (sscanf(line, "CapInh: %llx", &set) == 1)
		c->cap_inheritable = set;
	else if (sscanf(line, "CapPrm: %llx", &set) == 1)
		c->cap_permitted = set;
	else if (sscanf(line, "CapEff: %llx", &set) == 1)
		c->cap_effective = set;
	else if (!strncmp(line, "NSpid:", 6))
		for (line += 6; sscanf(line, " %u%n", &pid, &at) == 1; line += at)
			found->nspid = pid; /* the last one is the innermost */
}

static void status_read(int pid_fd, struct process_found *found)
{
	char text[8192], *line = text, *end;

	if (read_text(pid_fd, "status", text, sizeof text) <= 0)
		return;
	for (; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (!*end)
			break; /* the last line may be cut */
		*end = '\0';
		status_line(line, found);
	}
}

/* Path of the line for `controller`: "5:cpu,memory:/x" or "0::/x". Cut at `text`'s end; "" if there is none. */
static const char *cgroup_path(char *text, const char *controller)
{
	for (char *line = text, *end; *line; line = end + 1) {
		char *names = strchr(line, ':');
		char *path = names ? strchr(names + 1, ':') : NULL;
		size_t want = strlen(controller);

		end = strchrnul(line, '\n');
		if (!*end)
			break;
		*end = '\0';
		if (!path || path > end)
			continue;
		*path = '\0';
		for (char *name = names + 1;; name++) {
			size_t len = strcspn(name, ",");

			if (len == want && !strncmp(name, controller, len) && path[1] == '/')
				return path + 1;
			name += len;
			if (!*name)
				break;
		}
	}
	return "";
}

static bool link_read(int pid_fd, const char *name, char *memory, size_t size)
{
	ssize_t n = readlinkat(pid_fd, name, memory, size - 1);

	memory[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* As read_text. */
static ssize_t command_line_read(struct slow_reader *reader, int pid_fd, char *memory, size_t size)
{
	ssize_t n;
	int fd;

	if (!reader)
		return read_text(pid_fd, "cmdline", memory, size);
	fd = openat(pid_fd, "cmdline", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	n = fd < 0 ? -1 : slow_read(reader, fd, memory, size - 1, COMMAND_LINE_MS);
	memory[n > 0 ? n : 0] = '\0';
	return n < 0 ? -1 : n;
}

/* Everything about one process, in one place: too much for the stack of a caller that has buffers of its own. */
struct scratch {
	char argv[ABI_EXEC_ARGS_MAX + 2];
	char arguments[2 * ABI_EXEC_ARGS_MAX + 8];
	char cwd[PATH_MAX + 1];
	char exe[PATH_MAX + 1];
	char cgroup[16384];
	char loginuid[16];
};

static int process_tell(const struct proc_scan_options *options, int proc_fd, const struct start *start,
			struct scratch *s, proc_scan_fn *each, void *context)
{
	struct process_found found = { .pid = start->pid };
	struct buf arguments = buf_over(s->arguments, sizeof s->arguments);
	auto_close int pid_fd = -1;
	struct stat_line line;
	bool is_kernel_thread;
	char name[16];
	ssize_t n;

	(void)snprintf(name, sizeof name, "%u", start->pid);
	pid_fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pid_fd < 0 || !stat_read(pid_fd, &line) || line.start_ticks != start->ticks)
		return 0; /* gone, or another process by now */
	if (line.state == 'Z' || line.state == 'X')
		return 0;
	is_kernel_thread = line.flags & TASK_IS_KERNEL;
	found.ppid = line.ppid;
	found.ktime_ns = (uint64_t)((unsigned __int128)line.start_ticks * 1000000000u / (uint64_t)options->clock_ticks);
	found.binary = line.comm;
	found.cwd = "";
	if (!is_kernel_thread) {
		if (link_read(pid_fd, "exe", s->exe, sizeof s->exe)) {
			struct str exe = str_of(s->exe);

			if (str_ends(exe, STR(" (deleted)")))
				s->exe[exe.len - (sizeof " (deleted)" - 1)] = '\0';
			found.binary = s->exe;
		} else {
			found.flags |= PROCESS_PATH_ERROR;
		}
		if (link_read(pid_fd, "cwd", s->cwd, sizeof s->cwd))
			found.cwd = s->cwd;
		else
			found.flags |= PROCESS_CWD_ERROR;
		if (!strcmp(found.cwd, "/"))
			found.flags |= PROCESS_ROOT_CWD;
		n = command_line_read(options->reader, pid_fd, s->argv, sizeof s->argv);
		if (n < 0) {
			found.flags |= PROCESS_ARGS_ERROR;
		} else {
			if (n > ABI_EXEC_ARGS_MAX) {
				n = ABI_EXEC_ARGS_MAX;
				found.flags |= PROCESS_ARGS_CUT;
			}
			arguments_write(&arguments, (struct str){ s->argv, (size_t)n });
		}
	}
	found.arguments = s->arguments;
	found.creds.auid = UINT32_MAX;
	if (read_text(pid_fd, "loginuid", s->loginuid, sizeof s->loginuid) > 0)
		found.creds.auid = (uint32_t)strtoul(s->loginuid, NULL, 10);
	status_read(pid_fd, &found);
	if (read_text(pid_fd, "cgroup", s->cgroup, sizeof s->cgroup) < 0)
		s->cgroup[0] = '\0';
	return each(context, &found, is_kernel_thread,
		    cgroup_path(s->cgroup, options->controller ? options->controller : ""));
}

static void dir_close(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* nothing was written */
}

int proc_scan(const struct proc_scan_options *options, proc_scan_fn *each, void *context, struct error *err)
{
	__attribute__((cleanup(dir_close))) DIR *dir = opendir(options->procfs);
	auto_free struct scratch *scratch = malloc(sizeof *scratch);
	struct starts starts = { 0 };
	int r;

	if (!dir)
		return error_errno(err, errno, "cannot list the processes: %s", options->procfs);
	r = scratch ? starts_list(options, dir, &starts) : -ENOMEM;
	if (r < 0)
		(void)error_errno(err, -r, "cannot list the processes: %s", options->procfs);
	for (size_t i = 0; i < starts.n && !r; i++)
		r = process_tell(options, dirfd(dir), &starts.start[i], scratch, each, context);
	free(starts.start);
	return r;
}
