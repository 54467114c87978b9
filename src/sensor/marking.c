/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/marking.c: marks what runs in a container already: at the agent's start, for containers that started
 * unseen, and again after the kernel could not store a mark. In doubt a task is marked: a runtime's init that is caught
 * between pivot_root and exec at that moment may be judged, a tenant never gets away.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/clock.h"
#include "base/file.h"
#include "sensor/cgroup_walk.h"
#include "sensor/state.h"

#define PROCS_BYTES_MAX (4 * 1024 * 1024)
#define PASSES_MAX 4 /* a task may fork while we look */

struct mark_job {
	struct sensor *sensor;
	uint64_t container;
	uint32_t slot, flags, runtime_mnt_ns;
	int marked, failed; /* threads; the latter could not be written */
};

/* Field 22 of /proc/<pid>/task/<tid>/stat: start time in clock ticks (proc(5)); the name before it may hold anything.
 */
static int start_ticks(const char *stat_path, __u64 *ret_ticks)
{
	auto_free char *text = NULL;
	char *at, *save = NULL;
	size_t len;

	if (file_read_at(AT_FDCWD, stat_path, 4096, &text, &len, NULL) < 0 || !(at = strrchr(text, ')')))
		return -ESRCH;
	at = strtok_r(at + 1, " ", &save); /* field 3 */
	for (int field = 3; at && field < 22; field++)
		at = strtok_r(NULL, " ", &save);
	if (!at)
		return -ESRCH;
	*ret_ticks = strtoull(at, NULL, 10) * (uint64_t)(NS_PER_S / ABI_TICK_NS) / (uint64_t)sysconf(_SC_CLK_TCK);
	return 0;
}

/* The same question as task_left_runtime of bpf/task.h, asked from outside. */
static bool has_left_runtime(const struct mark_job *job, int pid)
{
	const char *procfs = job->sensor->procfs;
	struct stat ns, root, host_root;
	char path[PATH_MAX], host[PATH_MAX];

	if (job->flags & ABI_CG_EXEC_ANY)
		return true;
	(void)snprintf(path, sizeof path, "%s/%d/ns/mnt", procfs, pid); /* procfs is short, checked at start */
	if (stat(path, &ns))
		return errno != ENOENT;
	if (ns.st_ino == (job->runtime_mnt_ns ? job->runtime_mnt_ns : job->sensor->host_mnt_ns))
		return false;
	(void)snprintf(path, sizeof path, "%s/%d/root", procfs, pid);
	(void)snprintf(host, sizeof host, "%s/1/root", procfs);
	if (stat(path, &root) || (stat(host, &host_root) && stat("/", &host_root)))
		return true;
	return job->flags & ABI_CG_SAME_ROOT || root.st_dev != host_root.st_dev || root.st_ino != host_root.st_ino;
}

/* A task that has a mark keeps it: it came from a container that it must not get rid of by being found here. */
static void mark_write(struct mark_job *job, uint32_t tid, const struct abi_mark *mark)
{
	int map = job->sensor->map[MAP_MARKS];
	struct abi_mark old;

	if (bpf_map_update_elem(map, &tid, mark, BPF_NOEXIST) == 0) {
		job->marked++;
		return;
	}
	if (errno == EEXIST && (bpf_map_lookup_elem(map, &tid, &old) || old.start_ticks == mark->start_ticks))
		return;
	if (bpf_map_update_elem(map, &tid, mark, BPF_ANY) == 0) /* of an earlier task with the same id */
		job->marked++;
	else
		job->failed++;
}

static void mark_threads(struct mark_job *job, int pid)
{
	char path[PATH_MAX];
	DIR *dir;

	if (!has_left_runtime(job, pid))
		return;
	(void)snprintf(path, sizeof path, "%s/%d/task", job->sensor->procfs, pid); /* as above */
	dir = opendir(path);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct abi_mark mark = { .container = job->container, .slot = job->slot, .state = ABI_MARK_SET };
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (!tid)
			continue;
		(void)snprintf(path, sizeof path, "%s/%d/task/%u/stat", job->sensor->procfs, pid, tid);
		if (start_ticks(path, &mark.start_ticks) == 0)
			mark_write(job, tid, &mark);
	}
	(void)closedir(dir); /* only read */
}

static int mark_cgroup(void *context, int dir_fd, uint64_t id)
{
	struct mark_job *job = context;
	auto_free char *text = NULL;
	char *save = NULL;
	size_t len;

	(void)id; /* the container's is the mark */
	if (file_read_at(dir_fd, "cgroup.procs", PROCS_BYTES_MAX, &text, &len, NULL) < 0)
		return 0; /* gone, or a threaded cgroup: its process is listed above it */
	for (char *word = strtok_r(text, "\n", &save); word; word = strtok_r(NULL, "\n", &save)) {
		int pid = atoi(word);

		if (pid > 0)
			mark_threads(job, pid);
	}
	return 0;
}

int sensor_container_mark_running(struct sensor *sensor, uint64_t cgroup_id, const char *path, struct error *err)
{
	struct mark_job job = { .sensor = sensor, .container = cgroup_id };
	struct abi_cgroup entry;
	int before, r = 0;

	if (sensor_cgroup_get(sensor, cgroup_id, &entry) < 0 || entry.container != cgroup_id ||
	    entry.slot >= ABI_CONTAINERS)
		return error_set(err, ENOENT, "the container at %s is not registered", path);
	job.slot = entry.slot;
	job.flags = sensor->sets.set[entry.slot].flags;
	job.runtime_mnt_ns = sensor->sets.set[entry.slot].runtime_mnt_ns;
	for (int pass = 0; pass < PASSES_MAX && r >= 0; pass++) {
		auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return error_errno(err, errno, "cannot open the cgroup %s", path);
		before = job.marked;
		(void)mark_cgroup(&job, fd, cgroup_id); /* always 0 */
		r = cgroup_walk(path, mark_cgroup, &job);
		if (job.marked == before)
			break;
	}
	if (r < 0)
		return error_errno(err, -r, "cannot look at all cgroups below %s", path);
	if (job.failed)
		return error_set(err, ENOSPC, "%d threads below %s could not be marked", job.failed, path);
	return job.marked;
}

int sensor_losses(struct sensor *sensor, struct abi_losses *ret_losses)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(sensor->map[MAP_LOSSES], &zero, ret_losses) ? -errno : 0;
}

void sensor_losses_mended(struct sensor *sensor, const struct abi_losses *before)
{
	struct abi_losses now;
	uint32_t zero = 0;

	if (sensor_losses(sensor, &now) < 0 || now.marks != before->marks)
		return; /* another one was lost meanwhile: the next time */
	now.marks = 0;
	(void)bpf_map_update_elem(sensor->map[MAP_LOSSES], &zero, &now, BPF_ANY); /* stays strict if it fails */
}
