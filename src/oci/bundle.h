/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/oci/bundle.h: a container's bundle directory and the config.json in it, read with the distrust that a root
 * process needs beside files that a tenant's image brings along. Only the directory that the runtime names (or the
 * current one) is looked at, never its parents: where the current directory is the container's root, the image's own
 * /config.json would win.
 */
#ifndef OCI_BUNDLE_H
#define OCI_BUNDLE_H

#include "base/arena.h"

struct error;

struct bundle {
	int dir_fd;        /* O_PATH; -1 when closed */
	struct str path;   /* as the runtime named it, or the current directory; in the arena or borrowed */
	struct str config; /* text of config.json, in the arena */
};

/*
 * Opens the bundle `path` ("": the current directory) and reads its config.json. Returns 0, and the caller ends with
 * bundle_done; on failure nothing is open and the result is
 *   -ENOENT  there is no config.json, or no such directory
 *   -EPERM   it is no regular file (a symbolic link included), not owned by root, or writable by others
 *   -EFBIG   more than SPEC_MAX_BYTES
 *   -ENOMEM  the arena is exhausted
 *   -errno   of the system call that failed
 * ret_bundle->path is set in any case.
 */
int bundle_read(struct str path, struct arena *arena, struct bundle *ret_bundle, struct error *err);

/*
 * The container's root directory as text: root_path if it is absolute, else below the bundle; "" if root_path is "".
 * Cleaned as text ("//", "/./", "x/.."), no symbolic link is followed. NULL p: -ENOMEM's case.
 */
struct str bundle_root_dir(const struct bundle *bundle, struct str root_path, struct arena *arena);

/*
 * Whether the bundle lies in the container's root (after links are resolved): then config.json is the tenant's. A root
 * that does not exist holds nothing. Returns 0 or -EPERM it does; -errno of the system call that failed.
 */
int bundle_check_outside(const struct bundle *bundle, struct str root_dir, struct error *err);

void bundle_done(struct bundle *bundle);

#endif
