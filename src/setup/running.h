/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/running.h: processes of this machine by the name of their program, read from /proc. Only root's in our own
 * process namespace count: what runs in a container (kind, docker in docker) reads that container's files, and a daemon
 * of a user's own starts no pods.
 */
#ifndef SETUP_RUNNING_H
#define SETUP_RUNNING_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RUNNING_MAX 8 /* daemons of one name that are told apart */

struct running {
	pid_t pid;
	char exe[PATH_MAX];     /* its program file */
	char config[PATH_MAX];  /* behind --config or -c, made absolute; "" where it was started without */
	char address[PATH_MAX]; /* behind --address or -a; "" as above */
	int64_t start_ns;       /* CLOCK_REALTIME, exact to some 10 ms as long as nobody set the clock; 0: unknown */
};

/*
 * Daemons whose program file is called `name`, at most RUNNING_MAX. Left out are those that serve no pods (docker's own
 * containerd, the system's own of Talos and Bottlerocket), and processes that only print or convert something (`config
 * dump`, `publish`, …). Returns how many; 0 where /proc cannot be read.
 */
size_t running_find(const char *name, struct running ret[RUNNING_MAX]);

/*
 * The command line of the first process whose program file is called `name`, words parted by a blank; malloc'd, caller
 * frees. NULL: none runs, or it cannot be read.
 */
char *running_arguments(const char *name);

/* Docker's own containerd, or dockerd: whether one runs. */
bool running_has_docker(void);

/* Whether a process has this program name: of `name` the kernel keeps 15 bytes. */
bool running_has(const char *name);

/* The process that has the socket of this inode number open, tried first among `likely` (n of them); 0: none, or it
 * cannot be told. */
pid_t running_socket_owner(unsigned long inode, const pid_t *likely, size_t n);

/* The program file of a process; "" if it cannot be told. */
void running_exe(pid_t pid, char exe[PATH_MAX]);

#endif
