/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/host_table.h: what belongs to which kind of host, one row each, in the order in which they are looked for:
 * the first that matches wins. The table is facts; host_detect.h looks at a file tree with it.
 */
#ifndef SETUP_HOST_TABLE_H
#define SETUP_HOST_TABLE_H

#define HOST_MARKERS 6
#define HOST_HOOKS 3

enum host_action {
	HOST_EDIT,   /* the configuration may be edited where it lies */
	HOST_CHECK,  /* nothing has to be changed, or only elsewhere: `advice` */
	HOST_REFUSE, /* nothing may be changed here: `advice` tells the way */
};

struct host {
	const char *id; /* "k3s" */
	const char *name;
	const char *runtime; /* containerd, cri-o, podman, docker */
	/* One of them suffices. A marker is one or more conditions parted by '&': a path that exists, or KEY=VALUE of
	 * os-release. */
	const char *markers[HOST_MARKERS];
	const char *config;            /* what set-up would edit; NULL: nothing */
	const char *reads;             /* what the runtime reads, where that is another file; NULL: the same */
	const char *socket, *unit;     /* NULL: none */
	const char *hooks[HOST_HOOKS]; /* folders of OCI hooks, the one to write to first */
	const char *install_dir;       /* writable and executable */
	enum host_action action;
	const char *advice;
};

extern const struct host host_table[]; /* ends with a row whose id is NULL */

#endif
