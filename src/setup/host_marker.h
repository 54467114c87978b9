/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/host_marker.h: whether a marker of the table (host_table.h tells their form) holds in a file tree. */
#ifndef SETUP_HOST_MARKER_H
#define SETUP_HOST_MARKER_H

#include <limits.h>
#include <stdbool.h>

#include "base/str.h"

#define OS_RELEASE_MAX 16384
#define MARKER_FILE_MAX (1u << 20)

struct host_tree {
	int root_fd;
	char *os_text;           /* os-release; NULL: there is none */
	struct str os;           /* the same */
	char endpoint[PATH_MAX]; /* the kubelet's, "" where it is not told */
};

/* Reads what markers ask for often. `root_fd` is borrowed. */
void host_tree_init(struct host_tree *tree, int root_fd);
void host_tree_done(struct host_tree *tree);

/* The value of `key` in os-release, without quotes: a span of tree->os, or absent. */
struct str host_tree_os(const struct host_tree *tree, struct str key);

/* `from`, a folder, is taken as `to` where the marker's paths begin with it; both NULL: paths are as they stand. */
bool host_marker_holds(const struct host_tree *tree, const char *marker, const char *from, const char *to);

/* Whether systemd has a unit NAME.service, or OpenRC a script NAME. */
bool host_has_unit(int root_fd, const char *name);

/* Whether it is started at boot by systemd. */
bool host_enables_unit(int root_fd, const char *name);

/* Opens `path` (absolute) below root_fd, links resolved as if root_fd were '/'. A descriptor (O_CLOEXEC) or -errno. */
int host_open(int root_fd, const char *path, int flags);

#endif
