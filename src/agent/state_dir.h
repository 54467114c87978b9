/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/state_dir.h: the folder of an agent's state, for root alone, and the lock that keeps a second agent out. */
#ifndef AGENT_STATE_DIR_H
#define AGENT_STATE_DIR_H

struct error;

#define STATE_DIR_ORDINARY "tetragon"

struct state_dir {
	int lock_fd;     /* locked as long as it is open */
	int policies_fd; /* the folder of policy records */
	int public_fd;   /* where others look for an agent of that name: <base> for STATE_DIR_ORDINARY, else its own */
};

/*
 * Makes <base>/<name> and <base>/<name>/policies (0700) where they are missing, and takes <base>/<name>/lock. -EBUSY:
 * another agent of that name runs; -EPERM a folder is not root's alone; -errno.
 */
int state_dir_open(const char *base, const char *name, struct state_dir *ret_dir, struct error *err);
void state_dir_close(struct state_dir *dir);

#endif
