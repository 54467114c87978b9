/* SPDX-License-Identifier: Apache-2.0 */
/* src/rpc/unix_listener.h: a listening unix socket in the file system, without a moment in which others can reach it.
 */
#ifndef RPC_UNIX_LISTENER_H
#define RPC_UNIX_LISTENER_H

#include <sys/types.h>

struct error;

struct unix_listener {
	int fd;     /* non-blocking, listening */
	int dir_fd; /* of the directory that holds it */
	char name[256];
	dev_t dev; /* of our socket file: another one of that name is not ours to remove */
	ino_t ino;
};

/*
 * Opens a stream socket at `path` (absolute), mode 0600. A socket that nobody serves is replaced; another kind of file
 * is not. -EADDRINUSE somebody answers there; -EEXIST no socket; -errno.
 */
int unix_listener_open(const char *path, int backlog, struct unix_listener *ret_listener, struct error *err);

/* Removes the file if it is still ours. Closes dir_fd; `fd` is the caller's. */
void unix_listener_remove(struct unix_listener *listener);

#endif
