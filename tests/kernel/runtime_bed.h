/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/kernel/runtime_bed.h: plays the container runtime on the running kernel (cgroup, mount namespace, pivot_root,
 * exec), holds the sensor and prints TAP. All names it makes (cgroups "tg-*-<owner>", BPF folder, root file system in
 * /tmp) carry the owner's pid, so that bed_clean finds them even after the rows have crashed.
 */
#ifndef RUNTIME_BED_H
#define RUNTIME_BED_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sensor/hierarchy.h"
#include "sensor/sensor.h"

struct error;

struct bed {
	struct hierarchy hierarchy;
	struct sensor *sensor; /* of bed_sensor_open */
	pid_t owner;           /* who calls bed_clean */
	char bpf_dir[64];      /* below BED_BPFFS */
	char rootfs[128];      /* of all containers: bin, inner (a second root), cg, old */
	int rows, failed;
};
#define BED_BPFFS "/sys/fs/bpf"

/* Chooses the names; makes nothing. */
void bed_init(struct bed *bed, pid_t owner);
/* Makes the root file system with the programs of `programs`, and ourselves as /bin/gate_test. */
void bed_make(struct bed *bed, const char *programs);
/* Removes whatever carries the owner's pid, tasks in its cgroups too. Returns how many cgroups there were. */
int bed_clean(const struct bed *bed);

/* A row of TAP. Returns `ok`. */
bool row(struct bed *bed, bool ok, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Without it no further row makes sense: ends the process. `err` may be NULL: then errno is told. */
void must(bool ok, const char *what, const struct error *err);
/* snprintf that must fit. */
void text_put(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
void file_write(const char *path, const char *text);

/* --- sensor ------------------------------------------------------------------------------------------------------- */

/* Opens or adopts; sensor_close leaves the pins. `skip`: a program to leave out, or NULL. */
void bed_sensor_open(struct bed *bed, const char *skip, bool release_pins);
/* Closes, and opens again as the next agent does. */
void bed_sensor_reopen(struct bed *bed);
/* Path of a pinned map, and a descriptor of it (the caller closes it). */
void bed_map_path(const struct bed *bed, const char *name, char path[PATH_MAX]);
int bed_map(const struct bed *bed, const char *name);
/* What the kernel would write when it could not store a mark, or a child. */
void bed_losses_put(const struct bed *bed, uint64_t marks, uint64_t children);

/* --- containers --------------------------------------------------------------------------------------------------- */

struct container {
	char name[1024]; /* below the hierarchy's root, with '/' */
	char path[PATH_MAX + 1024];
	uint64_t id;
};

void container_new(const struct bed *bed, struct container *c, const char *name);
/* A cgroup below `parent`; nothing registers it. */
void container_child(const struct bed *bed, const struct container *parent, struct container *child, const char *name);
/* `selected`: SLOT's policy holds for it. */
void container_register(struct bed *bed, const struct container *c, bool selected);
void container_register_as(struct bed *bed, const struct container *c, bool selected, uint32_t flags);
/* sensor_container_mark_running */
int container_mark(struct bed *bed, const struct container *c, struct error *err);
int container_mark_within(struct bed *bed, const struct container *c, int64_t budget_ns, struct error *err);
/* With all cgroups below it; waits for tasks that are on their way out. Returns whether it is gone. */
bool container_remove(const struct container *c);
/* The container's entry in the kernel: 0 or -ENOENT. Collects until it is gone or time is up. */
int container_collected(struct bed *bed, uint64_t id);
void enter_cgroup(const char *path);

enum twist { PLAIN, CALL_BEFORE_PIVOT, EXEC_FAILS };

struct outcome {
	int status;        /* of wait */
	bool survived;     /* the container printed so */
	bool passed_setup; /* the runtime's part was not disturbed */
};

/* Runs a program to its end. `argv`: as seen inside, NULL-terminated. */
struct outcome container_run_args(const struct bed *bed, const struct container *c, char **argv, enum twist twist);
struct outcome container_run(const struct bed *bed, const struct container *c, const char *program, enum twist twist);
/* Ended by SIGKILL before it could print; prints what happened if not. */
bool killed(struct outcome outcome);

/* A container's program that goes on running: it says "ready", then makes the forbidden call for each byte it gets. */
struct guest {
	pid_t pid;
	int in, out;
};
void guest_start(const struct bed *bed, const struct container *c, char **argv, struct guest *ret_guest);
/* Gives it a byte. Whether it answers with `text`; false if it has ended. */
bool guest_calls(const struct guest *guest, const char *text);
/* Makes it call once. */
bool guest_survives(const struct guest *guest);
/* Kills it if it is still there; its wait status. */
int guest_end(struct guest *guest);

/* --- policies ----------------------------------------------------------------------------------------------------- */

#define SLOT 7
#define MARKER 0x7eb5 /* whence that nobody else uses: policies for the whole host must hit the test alone */

#define HEAD                                  \
	"apiVersion: cilium.io/v1alpha1\n"    \
	"kind: TracingPolicyNamespaced\n"     \
	"metadata: {name: t, namespace: a}\n" \
	"spec:\n"                             \
	"  kprobes:\n"
#define KILL "      matchActions:\n      - action: Sigkill\n"
#define LSEEK_HOOK(fd)                                                                     \
	"  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 0, type: int}\n" \
	"    selectors:\n    - matchArgs:\n      - {index: 0, operator: Equal, values: ['" fd "']}\n" KILL
#define OPEN_HOOK                                                                              \
	"  - call: sys_openat\n    syscall: true\n    args:\n    - {index: 1, type: string}\n" \
	"    selectors:\n    - matchArgs:\n      - {index: 1, operator: Equal, values: [/etc/forbidden]}\n" KILL
#define KILL_LSEEK HEAD LSEEK_HOOK("-1")
#define KILL_OPEN HEAD OPEN_HOOK

void policy_load_at(struct bed *bed, unsigned slot, const char *yaml);
void policy_unload_at(struct bed *bed, unsigned slot);
void policy_load(struct bed *bed, const char *yaml); /* under SLOT */
void policy_unload(struct bed *bed);
/* For every task of the host; policy_unload_at takes that back too. */
void policy_load_global(struct bed *bed, unsigned slot, const char *yaml);

#endif
