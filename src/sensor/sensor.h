/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/sensor.h: the kernel side: loads, attaches and pins the BPF programs, and writes their maps. One sensor
 * per BPF directory. All calls from one thread (the agent's loop). State lives in the pins below <bpffs>/<dir> and
 * outlives the process; sensor_open adopts what it finds there if it is of this build's ABI, else replaces it.
 */
#ifndef SENSOR_SENSOR_H
#define SENSOR_SENSOR_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct error;
struct hierarchy;
struct policy;
struct sensor;

struct sensor_options {
	const char *bpffs;                 /* mount point, mounted where absent: "/sys/fs/bpf" */
	const char *dir;                   /* name below it: "tetragon" */
	const struct hierarchy *hierarchy; /* borrowed for the sensor's life: whose cgroup ids count */
	bool release_pins;                 /* remove what an earlier agent left instead of adopting it: opens a gap */
	bool keep_on_close;                /* leave programs and maps pinned */
	const char *procfs;                /* the host's: "/proc" */
	const char *
		skip_program; /* tests: leave this program out ("cgroup_inherit") to see that it matters; NULL = none */
};

/* What a hook entry of a policy got, for ListTracingPolicies and the log. */
struct sensor_guarantee {
	const char *mechanism; /* "raw_tracepoint" */
	const char *effect;    /* "SIGKILL before the call returns; the call's own effect may happen" */
	char bypass[128];      /* "io_uring", "i386 socketcall(2)" …, comma separated; "" = nothing known */
	bool racy;             /* a string is judged that user space can change after the check */
};

/* Opens or adopts. -EPERM, -ENOSYS …: text says which step and what to do. */
int sensor_open(const struct sensor_options *options, struct sensor **ret_sensor, struct error *err);
void sensor_close(struct sensor *sensor);
bool sensor_adopted(const struct sensor *sensor); /* pins of an earlier agent were taken over */
/*
 * True if there were pins that could not be taken over (another ABI, layout or hierarchy): they go on judging beside
 * ours until sensor_settle, but what only they know is lost then.
 */
bool sensor_has_gap(const struct sensor *sensor);
/* All policies and containers are in: an earlier agent's pins that were not taken over go. */
void sensor_settle(struct sensor *sensor);

/*
 * Writes the policy's rows under `slot` and makes its points watch it. No container is under it until its bit is set:
 * sensor_container_policies, or sensor_global for a cluster-wide one. All or nothing. -ENOSPC no points left; -E2BIG.
 */
int sensor_policy_add(struct sensor *sensor, unsigned slot, uint32_t generation, const struct policy *policy,
		      struct error *err);
/* Clears the slot's bit everywhere (containers, global, points), then its rows. The slot can be given out again after
 * it. */
int sensor_policy_remove(struct sensor *sensor, unsigned slot, struct error *err);
/* Whoever is under the policy in slot `from`, or is announced to be, is under that in `to`, too. */
void sensor_policy_follow(struct sensor *sensor, unsigned from, unsigned to);
void sensor_policy_guarantee(const struct sensor *sensor, const struct policy *policy, size_t hook,
			     struct sensor_guarantee *ret_guarantee);

/* Sets or clears one policy for every task of the host. */
int sensor_global(struct sensor *sensor, unsigned slot, bool on, struct error *err);

/*
 * Puts a container under `policies`: its own cgroup first, then those that exist below it. `dir_fd`: its directory,
 * open for reading (borrowed). `info` is what a restarted agent will know. `flags`: ABI_CG_*, where ABI_CG_MARKS_DUE
 * stays until all is marked; runtime_mnt_ns: inode number, 0 = that of pid 1. -ENOSPC no slot left; -ENOENT cgroup
 * vanished.
 */
int sensor_container_add(struct sensor *sensor, uint64_t cgroup_id, int dir_fd, uint32_t flags, uint32_t runtime_mnt_ns,
			 const struct abi_policy_set *policies, const struct abi_container_info *info,
			 struct error *err);
/* The policies that a registered container is under: 0, or -ENOENT and nothing is written. */
int sensor_container_policies_get(struct sensor *sensor, uint64_t cgroup_id, struct abi_policy_set *ret_policies);
/* Replaces the policies of a container, all cgroups below it included. -ENOENT: it is gone. */
int sensor_container_policies(struct sensor *sensor, uint64_t cgroup_id, const struct abi_policy_set *policies,
			      struct error *err);
/*
 * The same for all containers, without a system call. `select` writes the set that `container`
 * (cgroup id) should have and returns true, or false to leave it alone. Returns how many containers changed.
 */
typedef bool sensor_select_fn(void *context, uint64_t container, struct abi_policy_set *ret_set);
int sensor_containers_refresh(struct sensor *sensor, sensor_select_fn *select, void *context, struct error *err);

/*
 * Announces a container whose cgroup is not there yet: the first cgroup named `leaf` ("cri-containerd-<id>.scope"; less
 * than ABI_LEAF_MAX bytes) that is made within ttl_ns gets `policies` before any task can be in it, and a record
 * ABI_REC_CGROUP_ARMED tells its id. Announcing again replaces. -ENOSPC ABI_ARMED are waiting; -EINVAL bad name.
 */
int sensor_arm(struct sensor *sensor, const char *leaf, int64_t ttl_ns, uint32_t flags, uint32_t runtime_mnt_ns,
	       const struct abi_policy_set *policies, struct error *err);
/* New policies for one that is still waiting. 1: it was; 0: it is not (used, expired, never was), nothing changed. */
int sensor_arm_policies(struct sensor *sensor, const char *leaf, const struct abi_policy_set *policies,
			struct error *err);
/* Takes an announcement back. 1: it was still waiting; 0: it was used, has expired, or never was. */
int sensor_disarm(struct sensor *sensor, const char *leaf);
/* Removes announcements that have expired, and frees their slots a call later. Returns how many. Call now and then. */
int sensor_arm_expire(struct sensor *sensor);

/* Entry of a cgroup id: 0, or -ENOENT. */
int sensor_cgroup_get(struct sensor *sensor, uint64_t cgroup_id, struct abi_cgroup *ret_entry);
/*
 * Marks all threads that are in the container now (unseen containers, lost marks), for at most `budget_ns` (0: whatever
 * it takes). Returns how many were not marked before. On success the container's ABI_CG_MARKS_DUE is taken away; until
 * then the kernel marks a task of it at its next system call. -ENOENT not registered; -EBUSY there was no time for all,
 * or its tasks fork faster than they are found; -ENOSPC, -errno: not all could be marked.
 */
int sensor_container_mark_running(struct sensor *sensor, uint64_t cgroup_id, int dir_fd, int64_t budget_ns,
				  struct error *err);
/* Containers whose marks are due, from slot *at on, at most n; *at is then where to go on, 0 at the end. How many. */
size_t sensor_marks_due(const struct sensor *sensor, uint32_t *at, uint64_t *ret_containers, size_t n);
bool sensor_container_marks_due(struct sensor *sensor, uint64_t cgroup_id);
/*
 * Containers whose cgroup is gone: `each` (may be NULL) is told of them, every time until no marked task is left and
 * they are removed here. `noted`: looks at what the kernel has noted, which costs some milliseconds with many
 * containers. `verify`: of that many slots, round and round, looks whether the container's cgroup is still there.
 * Returns how many were removed.
 */
typedef void sensor_gone_fn(void *context, uint64_t container);
int sensor_collect(struct sensor *sensor, bool noted, uint32_t verify, sensor_gone_fn *each, void *context);

/*
 * What the kernel could not store. While `marks` is not 0, unmarked tasks in any container's cgroup count as marked, a
 * runtime's init too; mark all containers (sensor_container_mark_running), then tell with what was read before.
 */
int sensor_losses(struct sensor *sensor, struct abi_losses *ret_losses);
void sensor_losses_mended(struct sensor *sensor, const struct abi_losses *before);

/* Walks what is registered in the kernel (after adoption). `each` returns 0 to go on. */
typedef int sensor_container_fn(void *context, uint64_t cgroup_id, const struct abi_container_set *set,
				const struct abi_container_info *info);
int sensor_containers(struct sensor *sensor, sensor_container_fn *each, void *context);

/* Slots whose policies the kernel holds as a whole after adoption; the agent gives them back or removes them. */
int sensor_slots(struct sensor *sensor, struct abi_policy_set *ret_slots);

/*
 * Ring buffer: a descriptor to poll for reading, and the reader, which takes at most SENSOR_RECORDS_MAX records a call:
 * a tenant that makes events in a loop must not keep the caller here (the descriptor stays readable). `record` is valid
 * during the call. Returns records read.
 */
#define SENSOR_RECORDS_MAX 64
typedef int sensor_record_fn(void *context, const struct abi_header *record, size_t size);
int sensor_events_fd(const struct sensor *sensor);
int sensor_events_read(struct sensor *sensor, sensor_record_fn *each, void *context);

/* Sums over all CPUs; ABI_COUNTERS values. */
int sensor_counters(struct sensor *sensor, uint64_t ret_counter[ABI_COUNTERS]);
/* Of ABI_CONTAINERS slots, those in use: containers, announced ones, and what waits to be free again. */
unsigned sensor_slots_in_use(const struct sensor *sensor);
/* Runs of our programs that the kernel left out (recursion, since 5.12); each may be a call that was not judged. */
uint64_t sensor_missed_runs(const struct sensor *sensor);

#endif
