/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/host_detect.h: which row of the table a machine is. A file tree is told by its files alone, links within it
 * followed within it. On this machine a daemon that runs outranks the files: several distributions' files may lie
 * there, but one daemon starts the pods. Where several run, the kubelet's endpoint decides; where it does not, nobody
 * can but the administrator.
 */
#ifndef SETUP_HOST_DETECT_H
#define SETUP_HOST_DETECT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "setup/host_marker.h"
#include "setup/host_table.h"

struct error;

#define HOST_ADVICE_MAX 1024
#define HOST_MARKER_MAX (PATH_MAX + 256)

struct host_found {
	const struct host *host;
	char marker[HOST_MARKER_MAX]; /* what it is known by */
	char os[128];                 /* PRETTY_NAME of os-release, or "" */
	char config[PATH_MAX];        /* what set-up would edit; "": nothing */
	char reads[PATH_MAX];         /* what the runtime reads; "": unknown */
	const char *unit;             /* of the row's the one that is enabled, else there, else the first; NULL: none */
	char socket[PATH_MAX];        /* "": none */
	char advice[HOST_ADVICE_MAX];
	pid_t pid;          /* of the daemon that decided; 0: files did */
	char exe[PATH_MAX]; /* its program */
};

/*
 * Examines the tree below `root`; NULL: this machine, its processes first. `runtime` (as in the table; NULL: any): only
 * daemons of it count. 0; -ENOENT: no row matches; -EPERM: several daemons run and nothing tells which one is meant,
 * all are named; -errno: `root` cannot be opened.
 */
int host_detect(const char *root, const char *runtime, struct host_found *ret, struct error *err);

#endif
