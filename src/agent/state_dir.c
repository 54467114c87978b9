/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Makes and opens a folder that nobody but us can change. */
static int dir_at(int at_fd, const char *path, mode_t mode, struct error *err)
{
	auto_close int fd = -1;
	struct stat st;

	if (mkdirat(at_fd, path, mode) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot make the folder %s", path);
	fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot open the folder %s", path);
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return error_set(err, EPERM, "folder %s: others can write to it; remove it or mend its owner and mode",
				 path);
	return take_fd(&fd);
}

int state_dir_open(const char *base, const char *name, struct state_dir *ret_dir, struct error *err)
{
	auto_close int base_fd = dir_at(AT_FDCWD, base, 0755, err);
	auto_close int own_fd = base_fd < 0 ? base_fd : dir_at(base_fd, name, 0700, err);
	auto_close int policies_fd = own_fd < 0 ? own_fd : dir_at(own_fd, "policies", 0700, err);
	auto_close int lock_fd = -1;

	if (policies_fd < 0)
		return error_wrap(err, policies_fd, "state in %s/%s", base, name);
	lock_fd = openat(own_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		return error_errno(err, errno, "cannot open %s/%s/lock", base, name);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? error_set(
					 err, EBUSY,
					 "another agent holds %s/%s/lock; stop it, or give this one another --bpf-dir",
					 base, name)
			       : error_errno(err, errno, "cannot lock %s/%s/lock", base, name);
	ret_dir->public_fd = take_fd(strcmp(name, STATE_DIR_ORDINARY) != 0 ? &own_fd : &base_fd);
	ret_dir->lock_fd = take_fd(&lock_fd);
	ret_dir->policies_fd = take_fd(&policies_fd);
	return 0;
}

void state_dir_close(struct state_dir *dir)
{
	if (dir->policies_fd >= 0)
		(void)close(dir->policies_fd);
	if (dir->lock_fd >= 0)
		(void)close(dir->lock_fd);
	if (dir->public_fd >= 0)
		(void)close(dir->public_fd);
	dir->policies_fd = dir->lock_fd = dir->public_fd = -1;
}
