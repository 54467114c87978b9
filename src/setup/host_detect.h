/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/host_detect.h: which row of the table a file tree is. Links within the tree are followed within the tree.
 */
#ifndef SETUP_HOST_DETECT_H
#define SETUP_HOST_DETECT_H

#include <stdbool.h>
#include <stddef.h>

#include "setup/host_table.h"

struct error;

#define OS_RELEASE_MAX 16384

struct host_found {
	const struct host *host;
	const char *marker; /* that matched */
	char os[128];       /* PRETTY_NAME of os-release, or "" */
};

/* Examines the tree below `root`. 0; -ENOENT: no row matches; -errno: `root` cannot be opened. */
int host_detect(const char *root, struct host_found *ret, struct error *err);

/* Opens `path` (absolute) below root_fd, links resolved as if root_fd were '/'. A descriptor (O_PATH) or -errno. */
int host_open(int root_fd, const char *path, int flags);

#endif
