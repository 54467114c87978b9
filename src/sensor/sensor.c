/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "sensor/state.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* bpftool's code, not ours */
#include "tetragon.skel.h"
#pragma GCC diagnostic pop

const char *const sensor_map_names[MAPS_N] = {
	[MAP_CGROUP_POLICIES] = "cgroup_policies",
	[MAP_CONTAINER_INFO] = "container_info",
	[MAP_CONTAINER_STATES] = "container_states",
	[MAP_CONTAINER_SETS] = "container_sets",
	[MAP_ARMED] = "armed",
	[MAP_POLICIES] = "policies",
	[MAP_MARKS] = "marks",
	[MAP_PENDING] = "pending",
	[MAP_SYSCALL_POINTS] = "syscall_points",
	[MAP_POINTS] = "points",
	[MAP_RULES] = "rules",
	[MAP_RULE_FIRST] = "rule_first",
	[MAP_STRING_EQUAL] = "string_equal",
	[MAP_STRING_PREFIX] = "string_prefix",
	[MAP_STRING_POSTFIX] = "string_postfix",
	[MAP_SETTINGS] = "settings",
	[MAP_LOSSES] = "losses",
	[MAP_COUNTERS] = "counters",
	[MAP_EVENTS] = "events",
};

/* clang-format off */
const char *const sensor_program_names[PROGRAMS_N] = {
	[PROGRAM_CGROUP_INHERIT] = "cgroup_inherit",
	[PROGRAM_CGROUP_GONE] = "cgroup_gone",
	[PROGRAM_PROCESS_EXEC] = "process_exec",
	[PROGRAM_PROCESS_FORK] = "process_fork",
	[PROGRAM_PROCESS_EXIT] = "process_exit",
	[PROGRAM_SYSCALL_ENTER] = "syscall_enter",
	[PROGRAM_SYSCALL_EXIT] = "syscall_exit",
	[PROGRAM_SYSCALL_EXEC] = "syscall_exec",
};
/* clang-format on */

#define MOUNTINFO_MAX (4 * 1024 * 1024)
#define ATTACH_TRIES 200
#define ATTACH_PAUSE_US 5000

/* Looked at only while some rule reads a string or a return value: they cost every system call of the host. */
static bool is_on_demand(enum program_id program)
{
	return program == PROGRAM_SYSCALL_EXIT || program == PROGRAM_SYSCALL_EXEC;
}

/* Over the object file: tells one build of the programs from another. */
static uint64_t build_hash(void)
{
	size_t n;
	const void *bytes = tetragon_bpf__elf_bytes(&n);

	return hash_bytes(HASH_BEGIN, bytes, n);
}

/* libbpf prints; its first complaint names the program and the reason. */
static __thread char libbpf_first[512];

__attribute__((format(printf, 2, 0))) static int libbpf_note(enum libbpf_print_level level, const char *format,
							     va_list args)
{
	if (level == LIBBPF_WARN && !*libbpf_first)
		(void)vsnprintf(libbpf_first, sizeof libbpf_first, format, args); /* cut is fine */
	return 0;
}

static const char *libbpf_reason(void)
{
	size_t n = strlen(libbpf_first);

	while (n && libbpf_first[n - 1] == '\n')
		libbpf_first[--n] = '\0';
	return *libbpf_first ? libbpf_first : "no reason given";
}

static int settings_read(int fd, struct abi_settings *ret_settings)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(fd, &zero, ret_settings) ? -errno : 0;
}

static int settings_write(struct sensor *sensor, const struct abi_settings *settings, struct error *err)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(sensor->map[MAP_SETTINGS], &zero, settings, BPF_ANY))
		return error_errno(err, errno, "cannot write the BPF map 'settings'");
	return 0;
}

static void close_all(int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			(void)close(take_fd(&fd[i])); /* pins keep what must stay */
}

/* True if a pinned map is what this build's programs would make. */
static bool map_fits(const struct tetragon_bpf *skel, const char *name, int fd)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, name);
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof info;

	return map && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) && info.map_flags == bpf_map__map_flags(map);
}

enum found { FOUND_NOTHING, FOUND_MAPS, FOUND_MISFIT };

/*
 * Opens the maps that an earlier agent left (fds in sensor->map; one that did not exist then stays -1 and is made
 * anew). FOUND_MISFIT: of another ABI, layout or hierarchy; none is open.
 */
static enum found maps_find(struct sensor *sensor, const struct tetragon_bpf *skel, uint64_t *ret_build)
{
	struct abi_settings settings;
	enum found found = FOUND_NOTHING;

	for (size_t i = 0; i < MAPS_N; i++) {
		sensor->map[i] = pins_get(&sensor->pins, PIN_MAP, sensor_map_names[i]);
		if (sensor->map[i] < 0) {
			sensor->map[i] = -1;
			continue;
		}
		if (found == FOUND_NOTHING)
			found = FOUND_MAPS;
		if (!map_fits(skel, sensor_map_names[i], sensor->map[i]))
			found = FOUND_MISFIT;
	}
	if (found == FOUND_MAPS &&
	    (sensor->map[MAP_SETTINGS] < 0 || settings_read(sensor->map[MAP_SETTINGS], &settings) < 0 ||
	     settings.abi_version != ABI_VERSION || sensor->map[MAP_CGROUP_POLICIES] < 0 ||
	     settings.hierarchy_is_v1 != (sensor->hierarchy.kind == HIERARCHY_V1) ||
	     settings.hierarchy_subsys != sensor->hierarchy.subsys_index))
		found = FOUND_MISFIT;
	if (found == FOUND_MISFIT)
		close_all(sensor->map, MAPS_N);
	if (found == FOUND_MAPS)
		*ret_build = settings.build;
	return found;
}

/* Takes over programs and links of the same build. Returns 1 if all that must be attached is. */
static int programs_adopt(struct sensor *sensor)
{
	for (int i = 0; i < PROGRAMS_N; i++) {
		sensor->program[i] = pins_get(&sensor->pins, PIN_PROGRAM, sensor_program_names[i]);
		sensor->link[i] = pins_get(&sensor->pins, PIN_LINK, sensor_program_names[i]);
		if (sensor->link[i] < 0)
			sensor->link[i] = -1;
		if (sensor->program[i] < 0 || (sensor->link[i] < 0 && !is_on_demand((enum program_id)i))) {
			close_all(sensor->program, PROGRAMS_N);
			close_all(sensor->link, PROGRAMS_N);
			return 0;
		}
	}
	return 1;
}

int sensor_attach(struct sensor *sensor, enum program_id program, struct error *err)
{
	const char *name = sensor_program_names[program];
	int fd;

	if (sensor->link[program] >= 0 || !strcmp(sensor->skip_program, name))
		return 0;
	/* the kernel lets a link whose pin was just removed go only after a grace period; until then the place is taken
	 */
	for (int i = 0; (fd = bpf_raw_tracepoint_open(NULL, sensor->program[program])) < 0 && errno == EEXIST; i++) {
		if (i == ATTACH_TRIES)
			break;
		(void)usleep(ATTACH_PAUSE_US); /* shorter is fine too */
	}
	if (fd < 0)
		return error_errno(err, errno, "cannot attach the BPF program '%s'", name);
	if (pins_put(&sensor->pins, PIN_LINK, name, fd, err) < 0) {
		(void)close(fd); /* the pin's error is the one that counts */
		return -EIO;
	}
	sensor->link[program] = fd;
	return 0;
}

void sensor_detach(struct sensor *sensor, enum program_id program)
{
	pins_drop(&sensor->pins, PIN_LINK, sensor_program_names[program]);
	if (sensor->link[program] >= 0)
		(void)close(take_fd(&sensor->link[program])); /* the last reference: the kernel detaches */
}

/*
 * Loads this build's programs, with the maps that were found. New links are there before old ones go: for a moment both
 * judge, which can only kill or report twice.
 */
static int programs_load(struct sensor *sensor, struct tetragon_bpf *skel, struct error *err)
{
	bool was_attached[PROGRAMS_N] = { false };
	int r = 0;

	skel->rodata->hierarchy_is_v1 = sensor->hierarchy.kind == HIERARCHY_V1;
	skel->rodata->hierarchy_id = sensor->hierarchy.hierarchy_id;
	skel->rodata->hierarchy_subsys = sensor->hierarchy.subsys_index;
	for (size_t i = 0; i < MAPS_N && !r; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, sensor_map_names[i]);

		if (!map || (sensor->map[i] >= 0 && bpf_map__reuse_fd(map, sensor->map[i])))
			r = error_set(err, EINVAL, "cannot take over the BPF map '%s'", sensor_map_names[i]);
	}
	if (!r && tetragon_bpf__load(skel))
		r = error_errno(err, errno,
				"cannot load the BPF programs: %s; needs root with CAP_BPF and CAP_PERFMON, kernel >= "
				"5.10 with BTF",
				libbpf_reason());
	for (size_t i = 0; i < MAPS_N && !r; i++) {
		if (sensor->map[i] >= 0)
			continue;
		sensor->map[i] = dup(bpf_map__fd(bpf_object__find_map_by_name(skel->obj, sensor_map_names[i])));
		r = sensor->map[i] < 0 ? error_errno(err, errno, "BPF map '%s'", sensor_map_names[i])
				       : pins_put(&sensor->pins, PIN_MAP, sensor_map_names[i], sensor->map[i], err);
	}
	for (int i = 0; i < PROGRAMS_N && !r; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(skel->obj, sensor_program_names[i]);
		int old = pins_get(&sensor->pins, PIN_LINK, sensor_program_names[i]);

		was_attached[i] = old >= 0;
		if (old >= 0)
			(void)close(old); /* its pin holds it until the new one replaces it */
		sensor->program[i] = program ? dup(bpf_program__fd(program)) : -1;
		if (sensor->program[i] < 0)
			r = error_set(err, EINVAL, "BPF program '%s' is not in the object", sensor_program_names[i]);
		else
			r = pins_put(&sensor->pins, PIN_PROGRAM, sensor_program_names[i], sensor->program[i], err);
	}
	for (int i = 0; i < PROGRAMS_N && !r; i++)
		if (!is_on_demand((enum program_id)i) || was_attached[i])
			r = sensor_attach(sensor, (enum program_id)i, err);
	return r;
}

static int ring_record(void *context, void *data, size_t size)
{
	struct sensor *sensor = context;
	int r = sensor->each(sensor->each_context, data, size);

	return r < 0 ? r : --sensor->records_left > 0 ? 0 : -EAGAIN; /* this record is taken all the same */
}

static int mountinfo_read(const char *procfs, const char *pid, char **ret_text)
{
	char path[PATH_MAX];
	size_t len;

	(void)snprintf(path, sizeof path, "%s/%s/mountinfo", procfs, pid); /* a cut path does not exist */
	return file_read_at(AT_FDCWD, path, MOUNTINFO_MAX, ret_text, &len, NULL);
}

/*
 * True if pid 1 has one of our mounts. Ids of mounts are the kernel's own, one for each mount of the machine
 * (proc_pid_mountinfo(5), field 1), and a mount is in one namespace: who shares one shares the namespace, in a chroot
 * too.
 */
static bool same_mounts(const char *procfs)
{
	auto_free char *host = NULL, *own = NULL;
	char *save = NULL;
	long id;

	if (mountinfo_read(procfs, "1", &host) < 0 || mountinfo_read("/proc", "self", &own) < 0 ||
	    sscanf(own, "%ld", &id) != 1)
		return false;
	for (char *line = strtok_r(host, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strtol(line, NULL, 10) == id)
			return true;
	return false;
}

/*
 * Pid 1 may be closed even to root (no CAP_SYS_PTRACE). If it sees the same mounts, our own namespace is the host's;
 * else nobody knows, and every runtime's init would be taken for its container.
 */
static int mnt_ns_of_host(const char *procfs, uint32_t *ret_inum, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/1/ns/mnt", procfs); /* a cut path does not exist */
	if (stat(path, &st)) {
		int code = errno;

		if (code != EACCES || !same_mounts(procfs) || stat("/proc/self/ns/mnt", &st))
			return error_errno(
				err, code,
				"cannot read the host's mount namespace from %s (CAP_SYS_PTRACE, hostPID and the "
				"host's procfs are needed)",
				path);
	}
	*ret_inum = (uint32_t)st.st_ino;
	return 0;
}

static int settings_update(struct sensor *sensor, struct error *err)
{
	struct abi_settings settings = { 0 };

	if (settings_read(sensor->map[MAP_SETTINGS], &settings) < 0)
		return error_set(err, EIO, "cannot read the BPF map 'settings'");
	settings.host_mnt_ns = sensor->host_mnt_ns;
	settings.abi_version = ABI_VERSION;
	settings.build = build_hash();
	settings.hierarchy_is_v1 = sensor->hierarchy.kind == HIERARCHY_V1;
	settings.hierarchy_subsys = sensor->hierarchy.subsys_index;
	sensor->next_rule = settings.next_rule ? settings.next_rule : 1;
	sensor->next_set = settings.next_set ? settings.next_set : 1;
	return settings_write(sensor, &settings, err);
}

int sensor_ids_note(struct sensor *sensor, struct error *err)
{
	struct abi_settings settings;

	if (settings_read(sensor->map[MAP_SETTINGS], &settings) < 0)
		return error_set(err, EIO, "cannot read the BPF map 'settings'");
	settings.next_rule = sensor->next_rule;
	settings.next_set = sensor->next_set;
	return settings_write(sensor, &settings, err);
}

/* Programs and maps: taken over, replaced, or made. */
static int kernel_open(struct sensor *sensor, struct tetragon_bpf *skel, struct error *err)
{
	uint64_t build = 0;
	bool is_complete = true;
	enum found found = maps_find(sensor, skel, &build);
	int r = 0;

	if (found == FOUND_MISFIT) {
		sensor->has_gap = true;
		r = pins_set_aside(&sensor->pins, &sensor->aside, err);
		if (r < 0)
			return r;
	}
	sensor->adopted = found == FOUND_MAPS;
	for (size_t i = 0; i < MAPS_N; i++)
		is_complete &= sensor->map[i] >= 0;
	if (!sensor->adopted || !is_complete || build != build_hash() || !programs_adopt(sensor))
		r = programs_load(sensor, skel, err);
	if (!sensor->has_gap)
		sensor->has_gap = pins_has_aside(&sensor->pins, &sensor->aside); /* an earlier start ended early */
	if (!sensor->has_gap)
		sensor->aside.dir[0] = '\0';
	return r;
}

static int open_steps(struct sensor *sensor, const struct sensor_options *options, struct error *err)
{
	struct tetragon_bpf *skel;
	int r;

	r = mnt_ns_of_host(sensor->procfs, &sensor->host_mnt_ns, err);
	if (r >= 0)
		r = pins_open(&sensor->pins, options->bpffs, options->dir, err);
	if (r >= 0 && options->release_pins) {
		pins_remove(&sensor->pins);
		r = pins_open(&sensor->pins, options->bpffs, options->dir, err);
	}
	if (r < 0)
		return r;
	libbpf_first[0] = '\0';
	skel = tetragon_bpf__open();
	if (!skel)
		return error_errno(err, errno, "cannot open the BPF object: %s", libbpf_reason());
	r = kernel_open(sensor, skel, err);
	tetragon_bpf__destroy(skel);
	if (r >= 0)
		r = settings_update(sensor, err);
	if (r >= 0)
		r = sets_init(sensor, err);
	if (r >= 0)
		r = rows_init(sensor, err);
	if (r < 0)
		return r;
	sensor->ring = ring_buffer__new(sensor->map[MAP_EVENTS], ring_record, sensor, NULL);
	if (!sensor->ring)
		return error_errno(err, errno, "cannot map the BPF ring buffer");
	return 0;
}

int sensor_open(const struct sensor_options *options, struct sensor **ret_sensor, struct error *err)
{
	struct sensor *sensor = calloc(1, sizeof *sensor);
	int r;

	if (!sensor)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < MAPS_N; i++)
		sensor->map[i] = -1;
	for (size_t i = 0; i < PROGRAMS_N; i++)
		sensor->program[i] = sensor->link[i] = -1;
	sensor->hierarchy = *options->hierarchy;
	sensor->keep_on_close = options->keep_on_close;
	if ((size_t)snprintf(sensor->procfs, sizeof sensor->procfs, "%s",
			     options->procfs ? options->procfs : "/proc") >= sizeof sensor->procfs) {
		free(sensor);
		return error_set(err, ENAMETOOLONG, "--procfs is longer than %zu bytes", sizeof sensor->procfs - 1);
	}
	(void)snprintf(sensor->skip_program, sizeof sensor->skip_program, "%s",
		       options->skip_program ? options->skip_program : "");
	(void)libbpf_set_print(libbpf_note);
	r = open_steps(sensor, options, err);
	if (r < 0) {
		sensor->keep_on_close = true; /* a failed start must not take an earlier agent's protection away */
		sensor_close(sensor);
		return error_wrap(err, r, "cannot set up the kernel side");
	}
	*ret_sensor = sensor;
	return 0;
}

void sensor_close(struct sensor *sensor)
{
	if (!sensor)
		return;
	ring_buffer__free(sensor->ring);
	sets_done(sensor);
	close_all(sensor->link, PROGRAMS_N);
	close_all(sensor->program, PROGRAMS_N);
	close_all(sensor->map, MAPS_N);
	if (!sensor->keep_on_close)
		pins_remove(&sensor->pins);
	free(sensor);
}

bool sensor_adopted(const struct sensor *sensor)
{
	return sensor->adopted;
}

bool sensor_has_gap(const struct sensor *sensor)
{
	return sensor->has_gap;
}

void sensor_settle(struct sensor *sensor)
{
	if (*sensor->aside.dir)
		pins_remove(&sensor->aside);
	sensor->aside.dir[0] = '\0';
}

int sensor_global(struct sensor *sensor, unsigned slot, bool on, struct error *err)
{
	struct abi_settings settings;

	if (settings_read(sensor->map[MAP_SETTINGS], &settings) < 0)
		return error_set(err, EIO, "cannot read the BPF map 'settings'");
	policy_set_put(&settings.global, slot, on);
	return settings_write(sensor, &settings, err);
}

int sensor_policy_add(struct sensor *sensor, unsigned slot, uint32_t generation, const struct policy *policy,
		      struct error *err)
{
	int r = rows_add(sensor, slot, generation, policy, err);

	if (r < 0)
		(void)rows_remove(sensor, slot, NULL); /* the first error is the one to tell */
	return r;
}

int sensor_policy_remove(struct sensor *sensor, unsigned slot, struct error *err)
{
	int r = sensor_global(sensor, slot, false, err);

	if (r < 0)
		return r;
	containers_clear_slot(sensor, slot);
	return rows_remove(sensor, slot, err);
}

int sensor_events_fd(const struct sensor *sensor)
{
	return ring_buffer__epoll_fd(sensor->ring);
}

int sensor_events_read(struct sensor *sensor, sensor_record_fn *each, void *context)
{
	sensor->each = each;
	sensor->each_context = context;
	sensor->records_left = SENSOR_RECORDS_MAX;
	(void)ring_buffer__consume(sensor->ring); /* -EAGAIN: there is more */
	return SENSOR_RECORDS_MAX - sensor->records_left;
}

uint64_t sensor_missed_runs(const struct sensor *sensor)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < PROGRAMS_N; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof info;

		if (sensor->program[i] >= 0 && bpf_obj_get_info_by_fd(sensor->program[i], &info, &size) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

int sensor_counters(struct sensor *sensor, uint64_t ret_counter[ABI_COUNTERS])
{
	int cpus = libbpf_num_possible_cpus();
	auto_free uint64_t *value = cpus > 0 ? calloc((size_t)cpus, sizeof *value) : NULL;

	if (!value)
		return -ENOMEM;
	for (uint32_t i = 0; i < ABI_COUNTERS; i++) {
		ret_counter[i] = 0;
		if (bpf_map_lookup_elem(sensor->map[MAP_COUNTERS], &i, value))
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++)
			ret_counter[i] += value[cpu];
	}
	return 0;
}
