/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/file_swap.h: a file's content is replaced at once or not at all, by temporary file, fsync, rename, fsync of
 * the folder. Whoever is killed in between leaves the old file or the new one. The temporary file has no name while it
 * is being written where the file system can do that (a runtime may read every file of a folder); then it is
 * ".NAME.setup-XXXXXXXXXXXXXXXX" for a moment. Links are followed: what a link names is replaced, the link stays.
 */
#ifndef SETUP_FILE_SWAP_H
#define SETUP_FILE_SWAP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

struct file_swap {
	int apart_fd;            /* folder of the temporary file, where that is another one; else -1 */
	int dir_fd;              /* locked (flock) from begin to end: two runs on one folder come one after the other */
	char path[PATH_MAX];     /* of the target, without links */
	char name[NAME_MAX + 1]; /* of the target in its folder */
	char temporary[NAME_MAX + 1]; /* "" while there is none */
	bool exists;                  /* the target is there: its owner, mode and SELinux label are kept */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const char *elsewhere; /* begins with "; ": what to do where the file system is read-only; NULL: see detect */
};

/*
 * Opens and locks the folder of `path`; a folder that `holder` (NULL: nobody) has locked already is ours too. Waits for
 * a lock up to 10 s. A leftover of a run that was killed is removed. Returns 0; -EISDIR, -EINVAL no regular file;
 * -ENOENT no folder; -EAGAIN another run has the lock; -errno.
 */
int file_swap_begin(struct file_swap *swap, const char *path, const struct file_swap *holder, struct error *err);

/* Reads what is there, at most limit_bytes (malloc'd, NUL-terminated, caller frees). As file_read_at; -ENOENT: no such
 * file. */
int file_swap_read(const struct file_swap *swap, size_t limit_bytes, char **ret_text, size_t *ret_len,
		   struct error *err);

/*
 * Has the temporary file lie in `dir`, for a target in a folder whose files all count whatever they are called. Only
 * where `dir` is on the same mount; else it stays in the target's folder.
 */
void file_swap_apart(struct file_swap *swap, const char *dir);

/*
 * Writes the new content under a temporary name; a target that does not exist yet gets `mode`. Returns 0 or -errno;
 * -EROFS, -EACCES and -ENOSPC tell what to do.
 */
int file_swap_write(struct file_swap *swap, const void *bytes, size_t n, mode_t mode, struct error *err);

/* Puts it in the target's place. 0 or -errno. */
int file_swap_commit(struct file_swap *swap, struct error *err);

/* Takes the target away. 0, or -errno; -ENOENT if it is not there. */
int file_swap_remove(struct file_swap *swap, struct error *err);

/* Unlocks; a temporary file that was not committed is removed. Takes a zeroed struct too. */
void file_swap_end(struct file_swap *swap);

#define auto_swap __attribute__((cleanup(file_swap_end)))
#define FILE_SWAP_NONE                       \
	{                                    \
		.apart_fd = -1, .dir_fd = -1 \
	}

/* All of it: begin, write, commit, end. */
int file_swap(const char *path, const void *bytes, size_t n, mode_t mode, const struct file_swap *holder,
	      struct error *err);

#endif
