/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/proc_scan.h: what runs already, from /proc. Threads and zombies are left out. Parents come before
 * children (order of start time). Text from /proc is tenant input: arguments and names are taken as bytes with limits.
 */
#ifndef PROCESS_PROC_SCAN_H
#define PROCESS_PROC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/cache.h"

struct error;
struct slow_reader;

#define PROC_SCAN_MAX 262144 /* processes; more are left out */

struct proc_scan_options {
	const char *procfs;     /* "/proc", or a folder that looks like it */
	const char *controller; /* v1 controller whose line of PID/cgroup counts; "" or NULL: the v2 line "0::…" */
	int64_t clock_ticks;    /* per second, of the start times: sysconf(_SC_CLK_TCK); > 0 */
	const uint32_t *pid;    /* `pids` of them: only these; NULL: all that there are */
	size_t pids;
	struct slow_reader *reader; /* for what may never come (process/slow_read.h); NULL: it is waited for */
};

/*
 * Told of each process. `found` lacks cgroup and container: `cgroup_path` ("" = not told) leads to them; the texts live
 * until it returns. Non-zero ends the scan, which returns it.
 */
typedef int proc_scan_fn(void *context, struct process_found *found, bool is_kernel_thread, const char *cgroup_path);

/* Returns 0; what `each` returned; -errno when procfs cannot be listed; -ENOMEM. A process that vanishes is skipped. */
int proc_scan(const struct proc_scan_options *options, proc_scan_fn *each, void *context, struct error *err);

#endif
