/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/marking.c: marks what runs in a container already: at the agent's start, for containers that started
 * unseen, and again after the kernel could not store a mark. In doubt a task is marked: a runtime's init that is caught
 * between pivot_root and exec at that moment may be judged, a tenant never gets away. What can't be looked at now is
 * not passed over in silence: the container's marks stay due.
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

#define PROCS_BYTES_MAX (64 * 1024 * 1024) /* 4,194,304 pids, as many as a kernel can have, take half of it */
#define PASSES_MAX 8                       /* a task may fork while we look */

struct mark_job {
	struct sensor *sensor;
	uint64_t container;
	uint32_t slot, flags, runtime_mnt_ns;
	struct stat host_root; /* inode 0: not known */
	int marked, failed;    /* threads; the latter could not be looked at or written */
	int64_t end_ns;        /* CLOCK_MONOTONIC; 0: none */
};

static bool is_over(int code)
{
	return code == ENOENT || code == ESRCH;
}

/*
 * Field 22 of /proc/<pid>/task/<tid>/stat: start time in clock ticks (proc(5)); the name before it may hold anything.
 * -ESRCH: the thread is over; -errno.
 */
static int start_ticks(int task_fd, const char *tid, __u64 *ret_ticks)
{
	char path[NAME_MAX + sizeof "/stat"], text[2048], *at, *save = NULL;
	auto_close int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "%s/stat", tid); /* a name and five bytes */
	fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return is_over(errno) ? -ESRCH : -errno;
	text[n] = '\0';
	at = strrchr(text, ')');
	at = at ? strtok_r(at + 1, " ", &save) : NULL; /* field 3 */
	for (int field = 3; at && field < 22; field++)
		at = strtok_r(NULL, " ", &save);
	if (!at)
		return -ESRCH;
	*ret_ticks = strtoull(at, NULL, 10) * (uint64_t)(NS_PER_S / ABI_TICK_NS) / (uint64_t)sysconf(_SC_CLK_TCK);
	return 0;
}

/*
 * The same question as task_left_runtime of bpf/task.h, asked from outside. Of each thread: a process whose first
 * thread has ended shows no namespaces of its own.
 */
static bool has_left_runtime(const struct mark_job *job, int task_fd, const char *tid)
{
	char path[NAME_MAX + sizeof "/ns/mnt"];
	struct stat ns, root;

	if (job->flags & ABI_CG_EXEC_ANY)
		return true;
	(void)snprintf(path, sizeof path, "%s/ns/mnt", tid); /* a name and seven bytes */
	if (fstatat(task_fd, path, &ns, 0))
		return !is_over(errno);
	if (ns.st_ino == (job->runtime_mnt_ns ? job->runtime_mnt_ns : job->sensor->host_mnt_ns))
		return false;
	(void)snprintf(path, sizeof path, "%s/root", tid);
	if (job->flags & ABI_CG_SAME_ROOT || !job->host_root.st_ino || fstatat(task_fd, path, &root, 0))
		return true;
	return root.st_dev != job->host_root.st_dev || root.st_ino != job->host_root.st_ino;
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

static void mark_thread(struct mark_job *job, int task_fd, const char *name)
{
	struct abi_mark mark = { .container = job->container, .slot = job->slot, .state = ABI_MARK_SET };
	uint32_t tid = (uint32_t)strtoul(name, NULL, 10);
	int r;

	if (!tid || !has_left_runtime(job, task_fd, name))
		return;
	r = start_ticks(task_fd, name, &mark.start_ticks);
	if (r == 0)
		mark_write(job, tid, &mark);
	else
		job->failed += r != -ESRCH;
}

static void mark_threads(struct mark_job *job, int pid)
{
	char path[PATH_MAX];
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/%d/task", job->sensor->procfs,
		       pid); /* procfs is short, checked at start */
	dir = opendir(path);
	if (!dir) {
		job->failed += !is_over(errno);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));)
		mark_thread(job, dirfd(dir), entry->d_name);
	(void)closedir(dir); /* only read */
}

/* cgroup.procs of a cgroup that is gone, or of a threaded one, whose process is listed above it. */
static bool lists_nothing(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP;
}

static int mark_cgroup(void *context, int dir_fd, uint64_t id)
{
	struct mark_job *job = context;
	auto_free char *text = NULL;
	char *save = NULL;
	size_t len;
	int r = file_read_at(dir_fd, "cgroup.procs", PROCS_BYTES_MAX, &text, &len, NULL);

	(void)id; /* the container's is the mark */
	if (r < 0)
		return lists_nothing(r) ? 0 : r;
	for (char *word = strtok_r(text, "\n", &save); word; word = strtok_r(NULL, "\n", &save)) {
		int pid = atoi(word);

		if (job->end_ns && clock_now_ns(CLOCK_MONOTONIC) > job->end_ns)
			return -EBUSY;
		if (pid > 0)
			mark_threads(job, pid);
	}
	return 0;
}

static int mark_all(struct mark_job *job, int dir_fd, struct error *err)
{
	int before = -1, r = 0;

	for (int pass = 0; pass < PASSES_MAX && r >= 0 && job->marked != before; pass++) {
		before = job->marked;
		job->failed = 0; /* the last look counts */
		r = mark_cgroup(job, dir_fd, job->container);
		if (r >= 0)
			r = cgroup_walk(dir_fd, mark_cgroup, job);
	}
	if (r == -EBUSY)
		return error_set(err, EBUSY, "the container has more tasks than there is time for now");
	if (r < 0)
		return error_errno(err, -r, "cannot look at all of the container's cgroups");
	if (job->failed)
		return error_set(err, ENOSPC, "%d of the container's threads could not be marked", job->failed);
	if (job->marked != before)
		return error_set(err, EBUSY, "the container's tasks fork faster than they are found");
	return job->marked;
}

int sensor_container_mark_running(struct sensor *sensor, uint64_t cgroup_id, int dir_fd, int64_t budget_ns,
				  struct error *err)
{
	struct mark_job job = { .sensor = sensor, .container = cgroup_id };
	struct abi_container_set *set;
	struct abi_cgroup entry;
	char host[PATH_MAX];
	int r;

	if (sensor_cgroup_get(sensor, cgroup_id, &entry) < 0 || entry.container != cgroup_id ||
	    entry.slot >= ABI_CONTAINERS)
		return error_set(err, ENOENT, "the container of cgroup id %llu is not registered",
				 (unsigned long long)cgroup_id);
	set = &sensor->sets.set[entry.slot];
	job.slot = entry.slot;
	job.flags = set->flags;
	job.runtime_mnt_ns = set->runtime_mnt_ns;
	job.end_ns = budget_ns ? clock_now_ns(CLOCK_MONOTONIC) + budget_ns : 0;
	(void)snprintf(host, sizeof host, "%s/1/root", sensor->procfs); /* procfs is short */
	if (stat(host, &job.host_root) && stat("/", &job.host_root))
		job.host_root.st_ino = 0;
	r = mark_all(&job, dir_fd, err);
	if (r >= 0)
		(void)__atomic_and_fetch(&set->flags, ~(__u32)ABI_CG_MARKS_DUE, __ATOMIC_RELAXED);
	return r;
}

static bool is_due(const struct abi_container_set *set)
{
	return set->container && set->flags & ABI_CG_MARKS_DUE;
}

size_t sensor_marks_due(const struct sensor *sensor, uint32_t *at, uint64_t *ret_containers, size_t n)
{
	size_t found = 0;

	for (; *at < ABI_CONTAINERS && found < n; (*at)++)
		if (is_due(&sensor->sets.set[*at]))
			ret_containers[found++] = sensor->sets.set[*at].container;
	if (*at >= ABI_CONTAINERS)
		*at = 0;
	return found;
}

bool sensor_container_marks_due(struct sensor *sensor, uint64_t cgroup_id)
{
	struct abi_cgroup entry;

	return sensor_cgroup_get(sensor, cgroup_id, &entry) == 0 && entry.container == cgroup_id &&
	       entry.slot < ABI_CONTAINERS && is_due(&sensor->sets.set[entry.slot]);
}

int sensor_losses(struct sensor *sensor, struct abi_losses *ret_losses)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(sensor->map[MAP_LOSSES], &zero, ret_losses) ? -errno : 0;
}

int losses_change(struct sensor *sensor, losses_change_fn *change, const void *context)
{
	uint64_t before[ABI_COUNTERS], after[ABI_COUNTERS];
	struct abi_losses losses;
	uint32_t zero = 0;
	int r = sensor_counters(sensor, before);

	if (r >= 0)
		r = sensor_losses(sensor, &losses);
	if (r < 0 || !change(&losses, context))
		return r;
	if (bpf_map_update_elem(sensor->map[MAP_LOSSES], &zero, &losses, BPF_ANY))
		return -errno;
	if (sensor_counters(sensor, after) >= 0 && after[ABI_CNT_MARKS_LOST] == before[ABI_CNT_MARKS_LOST])
		return 0;
	losses.marks++; /* the kernel has lost one meanwhile, and we may have written over it */
	return bpf_map_update_elem(sensor->map[MAP_LOSSES], &zero, &losses, BPF_ANY) ? -errno : 0;
}

/* False: another one was lost meanwhile; the next time. */
static bool marks_mend(struct abi_losses *losses, const void *context)
{
	const struct abi_losses *before = context;

	if (losses->marks != before->marks)
		return false;
	losses->marks = 0;
	return true;
}

void sensor_losses_mended(struct sensor *sensor, const struct abi_losses *before)
{
	(void)losses_change(sensor, marks_mend, before); /* stays strict if it fails */
}
