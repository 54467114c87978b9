/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_rotate.h: the log file is renamed when it is full and old files are removed, while other hooks do the
 * same. Names are those of the original: <name>-<UTC 2006-01-02T15-04-05.000><extension> beside the log.
 *   who may    the one that holds flock(2) on the full file; whoever does not get it at once appends as before
 *   a race     the file was renamed meanwhile: the name leads to another inode than the descriptor. Nothing is done
 * then but opening the name again. Lines of hooks that still hold the old file land in it, none is lost old files
 * looked for when the log is rotated and at the first line of a day Waits for nobody.
 */
#ifndef HOOK_HOOK_ROTATE_H
#define HOOK_HOOK_ROTATE_H

#include <stdint.h>

struct error;

#define HOOK_ROTATE_BYTES (50 * 1024 * 1024)
#define HOOK_ROTATE_KEEP 3 /* old files */
#define HOOK_ROTATE_DAYS 7 /* age of old files, by their names */

struct hook_rotate {
	const char *path;
	int64_t unix_ns;
	int64_t limit_bytes;
};

/*
 * `fd`: the log at rotate->path, open for appending. Returns the descriptor to write to: `fd`, or that of the new file,
 * and then `fd` is closed. Never fails: on trouble `fd` it is, and the error (empty before) has the reason.
 */
int hook_rotate(const struct hook_rotate *rotate, int fd, struct error *err);

#endif
