/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/command_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define FIRST 65536

struct capture {
	char *text;
	size_t len, size;
	char complaint[COMMAND_COMPLAINT_MAX + 1];
	size_t complaint_len;
};

static char *const environment[] = { (char[]){ "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
				     (char[]){ "LC_ALL=C" }, NULL };

static int output_take(struct capture *capture, int fd)
{
	ssize_t n;

	if (capture->len + 1 >= capture->size) {
		size_t size = capture->size ? capture->size * 2 : FIRST;
		char *more = size <= 2 * (size_t)COMMAND_OUTPUT_MAX ? realloc(capture->text, size) : NULL;

		if (!more)
			return size > COMMAND_OUTPUT_MAX ? -EFBIG : -ENOMEM;
		capture->text = more;
		capture->size = size;
	}
	n = read(fd, capture->text + capture->len, capture->size - 1 - capture->len);
	if (n > 0)
		capture->len += (size_t)n;
	return n < 0 ? -errno : n > 0;
}

/* Keeps the end of what it complained about: the reason stands there. */
static int complaint_take(struct capture *capture, int fd)
{
	char more[COMMAND_COMPLAINT_MAX];
	ssize_t n = read(fd, more, sizeof more);
	size_t keep;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	keep = COMMAND_COMPLAINT_MAX - (size_t)n;
	if (capture->complaint_len > keep) {
		memmove(capture->complaint, capture->complaint + (capture->complaint_len - keep), keep);
		capture->complaint_len = keep;
	}
	memcpy(capture->complaint + capture->complaint_len, more, (size_t)n);
	capture->complaint_len += (size_t)n;
	return 1;
}

/* Reads both pipes to their ends. 0, -ETIME, or the error of a read. */
static int pipes_drain(struct capture *capture, int out, int complaints, int64_t deadline)
{
	struct pollfd fds[2] = { { .fd = out, .events = POLLIN }, { .fd = complaints, .events = POLLIN } };

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int64_t rest = (deadline - clock_now_ns(CLOCK_MONOTONIC)) / NS_PER_MS;
		int n = rest > 0 ? poll(fds, 2, rest < 60000 ? (int)rest : 60000) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n && rest <= 0)
			return -ETIME;
		for (int i = 0; i < 2; i++) {
			int result = 1;

			if (fds[i].fd >= 0 && fds[i].revents)
				result = i ? complaint_take(capture, fds[i].fd) : output_take(capture, fds[i].fd);
			if (result < 0 && result != -EINTR && result != -EAGAIN)
				return result;
			if (!result)
				fds[i].fd = -1;
		}
	}
	return 0;
}

static int started_wait(pid_t pid, struct capture *capture, int out, int complaints, int64_t deadline, int *ret_status)
{
	int result = pipes_drain(capture, out, complaints, deadline);

	if (result < 0)
		(void)kill(pid, SIGKILL); /* our own child; it may have ended by itself */
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return result;
}

static void complaint_clean(struct capture *capture)
{
	while (capture->complaint_len && strchr(" \r\n", capture->complaint[capture->complaint_len - 1]))
		capture->complaint_len--;
	capture->complaint[capture->complaint_len] = '\0';
	for (size_t i = 0; i < capture->complaint_len; i++)
		if ((unsigned char)capture->complaint[i] < ' ')
			capture->complaint[i] = ' ';
}

static int status_judge(const char *program, int status, const struct capture *capture, struct error *err)
{
	const char *why = capture->complaint_len ? capture->complaint : "it said nothing";

	if (WIFSIGNALED(status))
		return error_set(err, EIO, "%s: killed by signal %d: %s", program, WTERMSIG(status), why);
	if (WEXITSTATUS(status) == 127 && !capture->complaint_len)
		return error_set(err, EIO, "%s: cannot be run on this machine (exit status 127)", program);
	if (WEXITSTATUS(status))
		return error_set(err, EIO, "%s: exit status %d: %s", program, WEXITSTATUS(status), why);
	return 0;
}

static int start_failed(const char *program, int code, struct error *err)
{
	switch (code) {
	case ENOEXEC:
		return error_set(err, code, "%s: cannot be run: not a program for this machine, or cut short", program);
	case EACCES:
		return error_set(
			err, code,
			"%s: cannot be run: no permission; is it executable, and its file system not mounted noexec?",
			program);
	default:
		return error_errno(err, code, "%s: cannot be run", program);
	}
}

int command_run_as(const char *program, const char *const argv[], int64_t limit_ns, char **ret_output, size_t *ret_len,
		   struct error *err)
{
	int64_t deadline = clock_now_ns(CLOCK_MONOTONIC) + limit_ns;
	struct capture capture = { 0 };
	posix_spawn_file_actions_t actions;
	int out[2] = { -1, -1 }, complaints[2] = { -1, -1 }, status = 0, result;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return error_errno(err, errno, "%s: cannot be run", program);
	if (pipe2(complaints, O_CLOEXEC)) {
		result = errno;
		(void)close(out[0]);
		(void)close(out[1]);
		return error_errno(err, result, "%s: cannot be run", program);
	}
	result = posix_spawn_file_actions_init(&actions);
	if (!result) {
		result = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		if (!result)
			result = posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
		if (!result)
			result = posix_spawn_file_actions_adddup2(&actions, complaints[1], STDERR_FILENO);
		if (!result)
			result = posix_spawnp(&pid, program, &actions, NULL, (char *const *)(uintptr_t)argv,
					      environment);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)close(out[1]);
	(void)close(complaints[1]);
	if (result) {
		result = start_failed(program, result, err);
	} else {
		result = started_wait(pid, &capture, out[0], complaints[0], deadline, &status);
		complaint_clean(&capture);
		if (result == -ETIME)
			(void)error_set(err, ETIME, "%s: killed after %lld s without an end", program,
					(long long)(limit_ns / NS_PER_S));
		else if (result < 0)
			(void)error_errno(err, -result, "%s: its output", program);
		else
			result = status_judge(program, status, &capture, err);
	}
	(void)close(out[0]);
	(void)close(complaints[0]);
	if (!result && ret_output) {
		if (!capture.text)
			capture.text = calloc(1, 1);
		if (!capture.text)
			return error_set(err, ENOMEM, "%s: not enough memory", program);
		capture.text[capture.len] = '\0';
		*ret_output = take(capture.text);
		*ret_len = capture.len;
	}
	free(capture.text);
	return result;
}

int command_run(const char *const argv[], int64_t limit_ns, char **ret_output, size_t *ret_len, struct error *err)
{
	return command_run_as(argv[0], argv, limit_ns, ret_output, ret_len, err);
}
