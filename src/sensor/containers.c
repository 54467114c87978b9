/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/containers.c: entries of containers and of the cgroups below them. The container's own entry is written
 * first: a cgroup that is made after that inherits in the kernel, one that was made before is found by the walk, so
 * there is no gap.
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
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "sensor/state.h"

#define WALK_DEPTH_MAX 32
#define WALK_CGROUPS_MAX 8192 /* below one container; a tenant may have made many before it was registered */
#define PROCS_BYTES_MAX (4 * 1024 * 1024)

typedef int walk_fn(void *context, int dir_fd, uint64_t id);

struct walk {
	walk_fn *each;
	void *context;
	unsigned left; /* cgroups that may still be visited */
};

/* Visits every cgroup below dir_fd (not itself), parents first. What vanishes meanwhile is skipped. Takes dir_fd. */
static int walk_below(struct walk *walk, int dir_fd, unsigned depth)
{
	DIR *dir = fdopendir(dir_fd);
	int r = 0;

	if (!dir) {
		(void)close(dir_fd); /* only read */
		return -errno;
	}
	for (struct dirent *entry; !r && (entry = readdir(dir));) {
		uint64_t id;
		int fd;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!walk->left || depth >= WALK_DEPTH_MAX) {
			(void)close(fd); /* only read */
			r = -E2BIG;
			break;
		}
		walk->left--;
		if (hierarchy_directory_id(fd, &id) == 0)
			r = walk->each(walk->context, fd, id);
		if (r)
			(void)close(fd); /* only read */
		else
			r = walk_below(walk, fd, depth + 1);
	}
	(void)closedir(dir); /* only read */
	return r;
}

static int walk_tree(const char *path, walk_fn *each, void *context)
{
	struct walk walk = { .each = each, .context = context, .left = WALK_CGROUPS_MAX };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : walk_below(&walk, fd, 0);
}

struct child_job {
	struct sensor *sensor;
	struct abi_cgroup entry;
	uint32_t added;
};

static int child_write(void *context, int dir_fd, uint64_t id)
{
	struct child_job *job = context;
	int map = job->sensor->map[MAP_CGROUP_POLICIES];

	(void)dir_fd; /* the id is all we need */
	if (bpf_map_update_elem(map, &id, &job->entry, BPF_NOEXIST) == 0) {
		job->added++;
		return 0;
	}
	if (errno != EEXIST)
		return -errno;
	return bpf_map_update_elem(map, &id, &job->entry, BPF_EXIST) && errno != ENOENT ? -errno : 0;
}

/* Adds to the kernel's count of children; it changes it too, so a lost step only moves the quota a little. */
static void children_count(struct sensor *sensor, uint64_t id, uint32_t added)
{
	struct abi_container_state state;

	if (!added || bpf_map_lookup_elem(sensor->map[MAP_CONTAINER_STATES], &id, &state))
		return;
	state.children += added;
	(void)bpf_map_update_elem(sensor->map[MAP_CONTAINER_STATES], &id, &state,
				  BPF_EXIST); /* gone: nothing to count */
}

int sensor_container_add(struct sensor *sensor, uint64_t cgroup_id, const char *path, uint32_t flags,
			 uint32_t runtime_mnt_ns, const struct abi_policy_set *policies,
			 const struct abi_container_info *info, struct error *err)
{
	struct child_job job = { .sensor = sensor,
				 .entry = { .container = cgroup_id,
					    .flags = flags,
					    .runtime_mnt_ns = runtime_mnt_ns,
					    .policies = *policies } };
	struct abi_container_state state = { 0 };
	int r;

	if (bpf_map_update_elem(sensor->map[MAP_CONTAINER_STATES], &cgroup_id, &state, BPF_NOEXIST) && errno != EEXIST)
		return error_errno(err, errno, "cannot register the container: BPF map 'container_states'");
	if (bpf_map_update_elem(sensor->map[MAP_CONTAINER_INFO], &cgroup_id, info, BPF_ANY) ||
	    bpf_map_update_elem(sensor->map[MAP_CGROUP_POLICIES], &cgroup_id, &job.entry, BPF_ANY)) {
		int code = errno;

		(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_INFO], &cgroup_id); /* half a container is none */
		(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_STATES], &cgroup_id);
		return error_errno(err, code, "cannot register the container: BPF map is full (%d cgroups)",
				   ABI_CGROUPS);
	}
	r = walk_tree(path, child_write, &job);
	children_count(sensor, cgroup_id, job.added);
	if (r < 0)
		return error_errno(err, -r, "cannot put all cgroups below %s under policy", path);
	return 0;
}

int sensor_container_policies(struct sensor *sensor, uint64_t cgroup_id, const struct abi_policy_set *policies,
			      struct error *err)
{
	int map = sensor->map[MAP_CGROUP_POLICIES];
	struct abi_cgroup entry;
	uint64_t key, next;
	bool have;

	if (bpf_map_lookup_elem(map, &cgroup_id, &entry))
		return error_set(err, ENOENT, "the container's cgroup is gone");
	entry.policies = *policies;
	if (bpf_map_update_elem(map, &cgroup_id, &entry, BPF_EXIST))
		return error_errno(err, errno, "cannot write the BPF map 'cgroup_policies'");
	have = bpf_map_get_next_key(map, NULL, &key) == 0;
	while (have) {
		have = bpf_map_get_next_key(map, &key, &next) == 0;
		if (key != cgroup_id && bpf_map_lookup_elem(map, &key, &entry) == 0 && entry.container == cgroup_id) {
			entry.policies = *policies;
			if (bpf_map_update_elem(map, &key, &entry, BPF_EXIST) && errno != ENOENT)
				return error_errno(err, errno, "cannot write the BPF map 'cgroup_policies'");
		}
		key = next;
	}
	return 0;
}

struct clear_job {
	unsigned slot;
};

/* Walks all entries, containers before the cgroups below them: what is made meanwhile inherits the new set. */
static int entries_change(struct sensor *sensor, sensor_select_fn *select, void *context, struct error *err)
{
	int map = sensor->map[MAP_CGROUP_POLICIES], changed = 0;
	struct abi_cgroup entry;
	uint64_t key, next;

	for (int own = 1; own >= 0; own--) {
		bool have = bpf_map_get_next_key(map, NULL, &key) == 0;

		while (have) {
			struct abi_policy_set set;

			have = bpf_map_get_next_key(map, &key, &next) == 0;
			if (bpf_map_lookup_elem(map, &key, &entry) == 0 && (entry.container == key) == own) {
				set = entry.policies;
				if (select(context, entry.container, &set) &&
				    memcmp(&set, &entry.policies, sizeof set)) {
					entry.policies = set;
					if (bpf_map_update_elem(map, &key, &entry, BPF_EXIST) == 0)
						changed++;
					else if (errno != ENOENT)
						return error_errno(err, errno,
								   "cannot write the BPF map 'cgroup_policies'");
				}
			}
			key = next;
		}
	}
	return changed;
}

int sensor_containers_refresh(struct sensor *sensor, sensor_select_fn *select, void *context, struct error *err)
{
	return entries_change(sensor, select, context, err);
}

static bool clear_select(void *context, uint64_t container, struct abi_policy_set *set)
{
	(void)container; /* every one */
	policy_set_put(set, ((const struct clear_job *)context)->slot, false);
	return true;
}

/* Announced containers lose the bit too. */
static void armed_clear_slot(struct sensor *sensor, unsigned slot)
{
	int map = sensor->map[MAP_ARMED];
	struct abi_armed_key key, next;
	struct abi_armed value;
	bool have;

	have = bpf_map_get_next_key(map, NULL, &key) == 0;
	while (have) {
		have = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &value) == 0 && policy_set_has(&value.entry.policies, slot)) {
			policy_set_put(&value.entry.policies, slot, false);
			(void)bpf_map_update_elem(map, &key, &value, BPF_EXIST); /* used meanwhile: cleared below */
		}
		key = next;
	}
}

int containers_clear_slot(struct sensor *sensor, unsigned slot, struct error *err)
{
	struct clear_job job = { slot };
	int r;

	armed_clear_slot(sensor, slot);
	r = entries_change(sensor, clear_select, &job, err);
	return r < 0 ? r : 0;
}

static int armed_key(const char *leaf, struct abi_armed_key *key)
{
	size_t len = strlen(leaf);

	if (!len || len >= sizeof key->name || strchr(leaf, '/'))
		return -EINVAL;
	memset(key, 0, sizeof *key);
	memcpy(key->name, leaf, len);
	return 0;
}

int sensor_arm(struct sensor *sensor, const char *leaf, int64_t ttl_ns, uint32_t flags, uint32_t runtime_mnt_ns,
	       const struct abi_policy_set *policies, struct error *err)
{
	struct abi_armed value = { .expires_ns = (uint64_t)(clock_now_ns(CLOCK_BOOTTIME) + ttl_ns),
				   .entry = {
					   .flags = flags, .runtime_mnt_ns = runtime_mnt_ns, .policies = *policies } };
	struct abi_armed_key key;

	if (armed_key(leaf, &key) < 0)
		return error_set(err, EINVAL, "'%s' is no name of a cgroup", leaf);
	if (bpf_map_update_elem(sensor->map[MAP_ARMED], &key, &value, BPF_ANY))
		return error_errno(err, errno, "cannot announce container cgroup '%s'", leaf);
	return 0;
}

int sensor_arm_policies(struct sensor *sensor, const char *leaf, const struct abi_policy_set *policies,
			struct error *err)
{
	struct abi_armed_key key;
	struct abi_armed value;

	if (armed_key(leaf, &key) < 0 || bpf_map_lookup_elem(sensor->map[MAP_ARMED], &key, &value))
		return 0;
	value.entry.policies = *policies;
	if (bpf_map_update_elem(sensor->map[MAP_ARMED], &key, &value, BPF_EXIST) && errno != ENOENT)
		return error_errno(err, errno, "cannot write the BPF map 'armed'");
	return 0;
}

int sensor_disarm(struct sensor *sensor, const char *leaf)
{
	struct abi_armed_key key;

	return armed_key(leaf, &key) == 0 && bpf_map_delete_elem(sensor->map[MAP_ARMED], &key) == 0;
}

int sensor_arm_expire(struct sensor *sensor)
{
	uint64_t now = (uint64_t)clock_now_ns(CLOCK_BOOTTIME);
	int map = sensor->map[MAP_ARMED], expired = 0;
	struct abi_armed_key key, next;
	struct abi_armed value;
	bool have;

	have = bpf_map_get_next_key(map, NULL, &key) == 0;
	while (have) {
		have = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &value) == 0 && value.expires_ns < now)
			expired += bpf_map_delete_elem(map, &key) == 0;
		key = next;
	}
	return expired;
}

int sensor_cgroup_get(struct sensor *sensor, uint64_t cgroup_id, struct abi_cgroup *ret_entry)
{
	return bpf_map_lookup_elem(sensor->map[MAP_CGROUP_POLICIES], &cgroup_id, ret_entry) ? -errno : 0;
}

int sensor_containers(struct sensor *sensor, sensor_container_fn *each, void *context)
{
	auto_free struct abi_container_info *info = calloc(1, sizeof *info);
	int map = sensor->map[MAP_CGROUP_POLICIES], r = 0;
	struct abi_cgroup entry;
	uint64_t key, next;
	bool have;

	if (!info)
		return -ENOMEM;
	have = bpf_map_get_next_key(map, NULL, &key) == 0;
	while (have && !r) {
		have = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &entry) == 0 && entry.container == key) {
			if (bpf_map_lookup_elem(sensor->map[MAP_CONTAINER_INFO], &key, info))
				memset(info, 0, sizeof *info);
			r = each(context, key, &entry, info);
		}
		key = next;
	}
	return r;
}

/* --- marking what runs already ------------------------------------------------------------------------------------ */

struct mark_job {
	struct sensor *sensor;
	uint64_t container;
	uint32_t flags, runtime_mnt_ns;
	int marked;
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
	*ret_ticks = strtoull(at, NULL, 10) * (uint64_t)(100 / sysconf(_SC_CLK_TCK));
	return 0;
}

/* The same question as task_left_runtime and task_runs_own_program of bpf/task.h, asked from outside. */
static bool runs_in_container(const struct mark_job *job, const char *procfs, int pid)
{
	char path[PATH_MAX], exe[PATH_MAX], inside[PATH_MAX + 512];
	struct stat ns, root, host_root, program, same;
	ssize_t n;

	(void)snprintf(path, sizeof path, "%s/%d/ns/mnt", procfs, pid); /* procfs is short, checked at start */
	if (stat(path, &ns))
		return false;
	if (job->flags & ABI_CG_EXEC_ANY)
		return true;
	if (ns.st_ino == (job->runtime_mnt_ns ? job->runtime_mnt_ns : job->sensor->host_mnt_ns))
		return false;
	(void)snprintf(path, sizeof path, "%s/%d/root", procfs, pid);
	(void)snprintf(inside, sizeof inside, "%s/1/root", procfs);
	if (stat(path, &root) || (stat(inside, &host_root) && stat("/", &host_root)))
		return false;
	if (!(job->flags & ABI_CG_SAME_ROOT) && root.st_dev == host_root.st_dev && root.st_ino == host_root.st_ino)
		return false;
	(void)snprintf(path, sizeof path, "%s/%d/exe", procfs, pid);
	n = readlink(path, exe, sizeof exe - 1);
	if (n <= 0 || stat(path, &program))
		return true; /* deleted or unreadable: the runtime's own is neither */
	exe[n] = '\0';
	if (!strncmp(exe, "/memfd:runc", 11))
		return false;
	(void)snprintf(inside, sizeof inside, "%s/%d/root%s", procfs, pid, exe);
	return stat(inside, &same) ? true : same.st_dev == program.st_dev && same.st_ino == program.st_ino;
}

static void mark_threads(struct mark_job *job, int pid)
{
	char path[PATH_MAX];
	DIR *dir;

	if (!runs_in_container(job, job->sensor->procfs, pid))
		return;
	(void)snprintf(path, sizeof path, "%s/%d/task", job->sensor->procfs, pid); /* as above */
	dir = opendir(path);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct abi_mark mark = { .container = job->container, .state = ABI_MARK_SET };
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (!tid)
			continue;
		(void)snprintf(path, sizeof path, "%s/%d/task/%u/stat", job->sensor->procfs, pid, tid);
		if (start_ticks(path, &mark.start_ticks) < 0)
			continue;
		if (bpf_map_update_elem(job->sensor->map[MAP_MARKS], &tid, &mark, BPF_ANY) == 0)
			job->marked++;
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
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct abi_cgroup entry;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "cannot open the cgroup %s", path);
	r = sensor_cgroup_get(sensor, cgroup_id, &entry);
	if (r < 0)
		return error_set(err, -r, "the container at %s is not registered", path);
	job.flags = entry.flags;
	job.runtime_mnt_ns = entry.runtime_mnt_ns;
	(void)mark_cgroup(&job, fd, cgroup_id); /* always 0 */
	r = walk_tree(path, mark_cgroup, &job);
	if (r < 0)
		return error_errno(err, -r, "cannot look at all cgroups below %s", path);
	return job.marked;
}

static int id_order(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* All containers whose directory is gone, sorted. Returns how many; *ret_ids is malloc'd. */
static size_t gone_list(int states, uint64_t **ret_ids)
{
	struct abi_container_state state;
	uint64_t id, next, *ids = NULL;
	size_t n = 0;
	bool have;

	have = bpf_map_get_next_key(states, NULL, &id) == 0;
	while (have) {
		have = bpf_map_get_next_key(states, &id, &next) == 0;
		if (bpf_map_lookup_elem(states, &id, &state) == 0 && state.gone) {
			uint64_t *more = realloc(ids, (n + 1) * sizeof *more);

			if (!more)
				break; /* the rest next time */
			ids = more;
			ids[n++] = id;
		}
		id = next;
	}
	if (n)
		qsort(ids, n, sizeof *ids, id_order);
	*ret_ids = ids;
	return n;
}

int sensor_collect(struct sensor *sensor)
{
	auto_free uint64_t *gone = NULL;
	size_t n = gone_list(sensor->map[MAP_CONTAINER_STATES], &gone);
	auto_free bool *used = n ? calloc(n, sizeof *used) : NULL;
	uint32_t tid, last;
	size_t steps = 2 * ABI_MARKS; /* a key that goes while we stand on it starts the walk again */
	int collected = 0;
	bool more;

	if (!used)
		return 0;
	more = bpf_map_get_next_key(sensor->map[MAP_MARKS], NULL, &tid) == 0;
	while (more) {
		struct abi_mark mark;
		const uint64_t *at;

		if (!steps--)
			return 0; /* not all seen: the next time */
		last = tid;
		more = bpf_map_get_next_key(sensor->map[MAP_MARKS], &last, &tid) == 0;
		if (bpf_map_lookup_elem(sensor->map[MAP_MARKS], &last, &mark))
			continue;
		at = bsearch(&mark.container, gone, n, sizeof *gone, id_order);
		if (at)
			used[at - gone] = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (used[i])
			continue;
		/* absent is what we want */
		(void)bpf_map_delete_elem(sensor->map[MAP_CGROUP_POLICIES], &gone[i]);
		(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_INFO], &gone[i]);
		(void)bpf_map_delete_elem(sensor->map[MAP_CONTAINER_STATES], &gone[i]);
		collected++;
	}
	return collected;
}
