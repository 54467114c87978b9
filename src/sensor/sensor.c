/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sensor/state.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* bpftool's code, not ours */
#include "tetragon.skel.h"
#pragma GCC diagnostic pop

const char *const sensor_map_names[MAPS_N] = {
	[MAP_CGROUP_POLICIES] = "cgroup_policies",
	[MAP_CONTAINER_INFO] = "container_info",
	[MAP_CONTAINER_STATES] = "container_states",
	[MAP_ARMED] = "armed",
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

const char *const sensor_program_names[PROGRAMS_N] = {
	[PROGRAM_CGROUP_INHERIT] = "cgroup_inherit", [PROGRAM_CGROUP_GONE] = "cgroup_gone",
	[PROGRAM_CGROUP_MOVE] = "cgroup_move",       [PROGRAM_PROCESS_EXEC] = "process_exec",
	[PROGRAM_PROCESS_FORK] = "process_fork",     [PROGRAM_PROCESS_EXIT] = "process_exit",
	[PROGRAM_SYSCALL_ENTER] = "syscall_enter",   [PROGRAM_SYSCALL_EXIT] = "syscall_exit",
	[PROGRAM_SYSCALL_EXEC] = "syscall_exec",
};

#define ATTACH_TRIES 200
#define ATTACH_PAUSE_US 5000

/* Looked at only while some rule reads a string or a return value: they cost every system call of the host. */
static bool is_on_demand(enum program_id program)
{
	return program == PROGRAM_SYSCALL_EXIT || program == PROGRAM_SYSCALL_EXEC;
}

/* FNV-1a over the object file: tells one build of the programs from another. */
static uint64_t build_hash(void)
{
	uint64_t hash = 0xcbf29ce484222325u;
	const unsigned char *bytes;
	size_t n;

	bytes = (const unsigned char *)tetragon_bpf__elf_bytes(&n);
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
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

/*
 * Opens the maps that an earlier agent left. Returns 1 if they are there and of this ABI and hierarchy (fds in
 * sensor->map), 0 if there is nothing that can be used.
 */
static int maps_adopt(struct sensor *sensor, uint64_t *ret_build)
{
	struct abi_settings settings;

	for (size_t i = 0; i < MAPS_N; i++) {
		sensor->map[i] = pins_get(&sensor->pins, PIN_MAP, sensor_map_names[i]);
		if (sensor->map[i] < 0)
			goto unusable;
	}
	if (settings_read(sensor->map[MAP_SETTINGS], &settings) < 0 || settings.abi_version != ABI_VERSION ||
	    settings.hierarchy_is_v1 != (sensor->hierarchy.kind == HIERARCHY_V1) ||
	    settings.hierarchy_subsys != sensor->hierarchy.subsys_index)
		goto unusable;
	*ret_build = settings.build;
	return 1;
unusable:
	close_all(sensor->map, MAPS_N);
	return 0;
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
 * Loads this build's programs, with the adopted maps where there are some. New links are there before old ones go: for
 * a moment both judge, which can only kill or report twice.
 */
static int programs_load(struct sensor *sensor, bool adopted_maps, struct error *err)
{
	struct tetragon_bpf *skel;
	bool was_attached[PROGRAMS_N];
	int r = 0;

	libbpf_first[0] = '\0';
	skel = tetragon_bpf__open();
	if (!skel)
		return error_errno(err, errno, "cannot open the BPF object: %s", libbpf_reason());
	skel->rodata->hierarchy_is_v1 = sensor->hierarchy.kind == HIERARCHY_V1;
	skel->rodata->hierarchy_id = sensor->hierarchy.hierarchy_id;
	skel->rodata->hierarchy_subsys = sensor->hierarchy.subsys_index;
	for (size_t i = 0; i < MAPS_N && adopted_maps && !r; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, sensor_map_names[i]);

		if (!map || bpf_map__reuse_fd(map, sensor->map[i]))
			r = error_set(err, EINVAL, "cannot take over the BPF map '%s'", sensor_map_names[i]);
	}
	if (!r && tetragon_bpf__load(skel))
		r = error_errno(err, errno,
				"cannot load the BPF programs: %s; needs root with CAP_BPF and CAP_PERFMON, kernel >= "
				"5.10 with BTF",
				libbpf_reason());
	for (size_t i = 0; i < MAPS_N && !adopted_maps && !r; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, sensor_map_names[i]);

		sensor->map[i] = map ? dup(bpf_map__fd(map)) : -1;
		if (sensor->map[i] < 0)
			r = error_set(err, EINVAL, "BPF map '%s' is not in the object", sensor_map_names[i]);
		else
			r = pins_put(&sensor->pins, PIN_MAP, sensor_map_names[i], sensor->map[i], err);
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
	tetragon_bpf__destroy(skel);
	for (int i = 0; i < PROGRAMS_N && !r; i++)
		if (!is_on_demand((enum program_id)i) || was_attached[i])
			r = sensor_attach(sensor, (enum program_id)i, err);
	return r;
}

static int ring_record(void *context, void *data, size_t size)
{
	struct sensor *sensor = context;

	return sensor->each(sensor->each_context, data, size);
}

/* Pid 1 may be closed even to root (no CAP_SYS_PTRACE): then our own namespace stands for the host's. */
static int mnt_ns_of_host(const char *procfs, uint32_t *ret_inum, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/1/ns/mnt", procfs); /* a cut path does not exist */
	if (stat(path, &st) && (errno != EACCES || stat("/proc/self/ns/mnt", &st)))
		return error_errno(err, errno, "cannot read the host's mount namespace from %s", path);
	*ret_inum = (uint32_t)st.st_ino;
	return 0;
}

static int open_steps(struct sensor *sensor, const struct sensor_options *options, struct error *err)
{
	struct abi_settings settings = { 0 };
	uint64_t build = 0, own = build_hash();
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
	sensor->adopted = maps_adopt(sensor, &build);
	if (!sensor->adopted || build != own || !programs_adopt(sensor))
		r = programs_load(sensor, sensor->adopted, err);
	if (r >= 0)
		r = settings_read(sensor->map[MAP_SETTINGS], &settings);
	if (r < 0)
		return r;
	settings.host_mnt_ns = sensor->host_mnt_ns;
	settings.abi_version = ABI_VERSION;
	settings.build = own;
	settings.hierarchy_is_v1 = sensor->hierarchy.kind == HIERARCHY_V1;
	settings.hierarchy_subsys = sensor->hierarchy.subsys_index;
	r = settings_write(sensor, &settings, err);
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

	if (r >= 0)
		r = containers_clear_slot(sensor, slot, err);
	if (r >= 0)
		r = rows_remove(sensor, slot, err);
	return r;
}

int sensor_events_fd(const struct sensor *sensor)
{
	return ring_buffer__epoll_fd(sensor->ring);
}

int sensor_events_read(struct sensor *sensor, sensor_record_fn *each, void *context)
{
	sensor->each = each;
	sensor->each_context = context;
	return ring_buffer__consume(sensor->ring);
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
