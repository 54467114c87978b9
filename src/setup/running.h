/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/running.h: processes of this machine by the name of their program, read from /proc. */
#ifndef SETUP_RUNNING_H
#define SETUP_RUNNING_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define RUNNING_MAX 8 /* daemons of one name that are told apart */

struct running {
	pid_t pid;
	char config[PATH_MAX]; /* behind --config or -c; "" where it was started without */
};

/*
 * Daemons whose program file is called `name`, at most RUNNING_MAX. Those that docker runs for itself are left out:
 * they serve no pods. Returns how many; 0 where /proc cannot be read.
 */
size_t running_find(const char *name, struct running ret[RUNNING_MAX]);

/* Whether a process has this program name: of `name` the kernel keeps 15 bytes. */
bool running_has(const char *name);

#endif
