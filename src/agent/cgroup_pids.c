/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup_pids.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sensor/cgroup_walk.h"

struct pids {
	uint32_t *pid;
	size_t n, max;
};

/* Numbers that end with a line end; returns how many bytes they were: the rest is the beginning of one. */
static size_t numbers_add(struct pids *pids, const char *text, size_t len)
{
	const char *at = text, *end;

	while (pids->n < pids->max && (end = memchr(at, '\n', len - (size_t)(at - text)))) {
		long pid = strtol(at, NULL, 10); /* stops at the line end */

		if (pid > 0)
			pids->pid[pids->n++] = (uint32_t)pid;
		at = end + 1;
	}
	return (size_t)(at - text);
}

static int procs_read(void *context, int cgroup_fd, uint64_t id)
{
	auto_close int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct pids *pids = context;
	char text[4096];
	size_t have = 0;
	ssize_t n;

	(void)id; /* whose it is does not matter */
	while (fd >= 0 && pids->n < pids->max && (n = read(fd, text + have, sizeof text - have)) > 0) {
		size_t used;

		have += (size_t)n;
		used = numbers_add(pids, text, have);
		have -= used;
		memmove(text, text + used, have);
		if (have == sizeof text)
			break; /* no number is that long */
	}
	return pids->n == pids->max;
}

size_t cgroup_pids(int cgroup_fd, uint32_t *ret_pids, size_t max)
{
	struct pids pids = { .pid = ret_pids, .max = max };

	if (cgroup_fd >= 0 && !procs_read(&pids, cgroup_fd, 0))
		(void)cgroup_walk(cgroup_fd, procs_read, &pids); /* as far as it goes */
	return pids.n;
}
