/* SPDX-License-Identifier: Apache-2.0 */
/* src/base/file.h: read and write whole small files with limits. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

struct error;

/*
 * Reads from `fd` (at its offset) to the end, at most limit_bytes. *ret_text is malloc'd, NUL-terminated (caller
 * frees). Returns 0; -EFBIG more than the limit; -errno of read; -ENOMEM.
 */
int file_read_fd(int fd, size_t limit_bytes, char **ret_text, size_t *ret_len, struct error *err);

/* The same for `name` relative to dir_fd (AT_FDCWD: cwd): must be a regular file; -EINVAL otherwise. */
int file_read_at(int dir_fd, const char *name, size_t limit_bytes, char **ret_text, size_t *ret_len, struct error *err);

/* Replaces `name` atomically (temporary file in the same directory, fsync, rename). Returns 0 or -errno. */
int file_replace_at(int dir_fd, const char *name, const void *bytes, size_t n, unsigned mode, struct error *err);

#endif
