/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/socket_owner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/running.h"

/* As in linux/netlink.h, linux/sock_diag.h and linux/unix_diag.h, which musl's headers do not bring. */
struct header {
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, port;
};
struct request {
	struct header header;
	uint8_t family, protocol;
	uint16_t padding;
	uint32_t states, inode, show, cookie[2];
};
struct answer {
	uint8_t family, type, state, padding;
	uint32_t inode, cookie[2];
};
struct attribute {
	uint16_t length, type;
};
struct file_of {
	uint32_t inode, device;
};
#define NETLINK_SOCK_DIAG 4
#define SOCK_DIAG_BY_FAMILY 20
#define REQUEST_DUMP 0x301 /* NLM_F_REQUEST | NLM_F_DUMP */
#define MESSAGE_ERROR 2
#define MESSAGE_DONE 3
#define STATE_LISTEN 10
#define SHOW_VFS 2
#define ATTRIBUTE_VFS 1
#define ALIGNED(n) (((n) + 3) & ~(size_t)3)
#define DATAGRAM_MAX 32768
#define ANSWER_LIMIT_S 2

/* What unix_diag_req and its fellows look like is fixed by the kernel. */
_Static_assert(sizeof(struct request) == 40 && sizeof(struct answer) == 16, "as in linux/unix_diag.h");

static bool is_file(const unsigned char *at, size_t n, uint32_t inode, uint32_t device)
{
	struct attribute attribute;
	struct file_of file;

	while (n >= sizeof attribute) {
		memcpy(&attribute, at, sizeof attribute);
		if (attribute.length < sizeof attribute || attribute.length > n)
			return false;
		if (attribute.type == ATTRIBUTE_VFS && attribute.length >= sizeof attribute + sizeof file) {
			memcpy(&file, at + sizeof attribute, sizeof file);
			return file.inode == inode && file.device == device;
		}
		if (ALIGNED(attribute.length) >= n)
			return false;
		at += ALIGNED(attribute.length);
		n -= ALIGNED(attribute.length);
	}
	return false;
}

int socket_owner_in(const void *bytes, size_t n, uint32_t file_inode, uint32_t device, uint32_t *ret_inode)
{
	const unsigned char *at = bytes;
	struct header header;

	while (n >= sizeof header) {
		memcpy(&header, at, sizeof header);
		if (header.length < sizeof header || header.length > n)
			break;
		if (header.type == MESSAGE_DONE || header.type == MESSAGE_ERROR)
			return header.type == MESSAGE_DONE ? -ENODATA : -EIO;
		if (header.type == SOCK_DIAG_BY_FAMILY && header.length >= sizeof header + sizeof(struct answer)) {
			struct answer answer;

			memcpy(&answer, at + sizeof header, sizeof answer);
			if (is_file(at + sizeof header + sizeof answer, header.length - sizeof header - sizeof answer,
				    file_inode, device)) {
				*ret_inode = answer.inode;
				return 1;
			}
		}
		if (ALIGNED(header.length) >= n)
			break;
		at += ALIGNED(header.length);
		n -= ALIGNED(header.length);
	}
	return 0;
}

/* 1: *ret_inode is the listening socket's; 0: none listens at that file; or a negative errno. */
static int listener_find(const struct stat *st, uint32_t *ret_inode)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct request request = { .header = { sizeof request, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0 },
				   .family = AF_UNIX,
				   .states = 1u << STATE_LISTEN,
				   .show = SHOW_VFS };
	const struct timeval limit = { .tv_sec = ANSWER_LIMIT_S };
	/* A device number within the kernel has its minor part in the lower 20 bits. */
	uint32_t device = major(st->st_dev) << 20 | minor(st->st_dev);
	auto_free unsigned char *room = malloc(DATAGRAM_MAX);
	int result = 0;

	if (fd < 0)
		return -errno;
	if (!room)
		return -ENOMEM;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit); /* the kernel answers at once */
	if (send(fd, &request, sizeof request, 0) != (ssize_t)sizeof request)
		return -errno;
	while (!result) {
		ssize_t n = recv(fd, room, DATAGRAM_MAX, 0);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		result = socket_owner_in(room, (size_t)n, (uint32_t)st->st_ino, device, ret_inode);
	}
	return result == -ENODATA ? 0 : result;
}

int socket_owner_find(int fd, const pid_t *likely, size_t n, struct error *err)
{
	struct stat st;
	uint32_t inode;
	int result;

	if (fstat(fd, &st))
		return error_errno(err, errno, "the socket's file");
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ECONNREFUSED, "it is no socket");
	result = listener_find(&st, &inode);
	if (result < 0)
		return error_errno(err, -result, "the kernel does not tell who listens");
	if (!result)
		return error_set(err, ECONNREFUSED, "nobody listens there");
	return (int)running_socket_owner(inode, likely, n);
}
