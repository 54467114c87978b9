/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/socket_owner.h: which process listens at a unix socket's path. Two daemons can be told one path: the second
 * takes the name away from the first, which goes on listening where nobody comes any more. So the kernel is asked for
 * the socket behind the very file (sock_diag(7), of our own network namespace), and then who has it open. Connecting
 * would tell too, but a runtime takes each connection for a plugin.
 */
#ifndef SETUP_SOCKET_OWNER_H
#define SETUP_SOCKET_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/*
 * `fd`: the file, opened with O_PATH. `likely`: processes to try first. Returns the process id; 0: one listens, but
 * whose it is cannot be seen; -ECONNREFUSED: nobody listens; another negative errno: the kernel cannot be asked.
 */
int socket_owner_find(int fd, const pid_t *likely, size_t n, struct error *err);

/*
 * Looks through one datagram of answers for the socket whose file has this inode and device number (as the kernel packs
 * it). 1: *ret_inode is the socket's own; 0: not in this one; -ENODATA: neither, and it was the last; -EIO: the kernel
 * reports an error. Pure.
 */
int socket_owner_in(const void *bytes, size_t n, uint32_t file_inode, uint32_t device, uint32_t *ret_inode);

#endif
