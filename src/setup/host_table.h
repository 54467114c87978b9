/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/host_table.h: what belongs to which kind of host, one row each, in the order in which they are looked for:
 * the first that matches wins. The table is facts, host_detect.h looks at a machine with it. A kind of host may have
 * several rows of one id, the more special first, where what may be done depends on what lies there.
 *
 * A marker is one or more conditions parted by '&', all of which must hold:
 *   /PATH              is there
 *   /PATH~TEXT         is a file in which TEXT stands (looked for in its first MARKER_FILE_MAX bytes)
 *   unit:NAME          systemd has a unit NAME.service, or OpenRC a script NAME
 *   unit-conf:NAME~TEXT  a drop-in that the administrator gave systemd's unit NAME says TEXT
 *   cri:TEXT           the kubelet is told a runtime endpoint in which TEXT stands (kubelet_endpoint.h)
 *   KEY=VALUE          of os-release
 *   !CONDITION         it does not hold
 */
#ifndef SETUP_HOST_TABLE_H
#define SETUP_HOST_TABLE_H

#define HOST_MARKERS 8
#define HOST_HOOKS 4
#define HOST_PROCESSES 3
#define HOST_UNITS 2

enum host_action {
	HOST_EDIT,   /* the configuration may be edited where it lies */
	HOST_CHECK,  /* nothing has to be changed, or only elsewhere: `advice` */
	HOST_REFUSE, /* nothing may be changed here: `advice` tells the way */
};

struct host {
	const char *id; /* "k3s" */
	const char *name;
	const char *runtime;               /* containerd, cri-o, podman, docker */
	const char *markers[HOST_MARKERS]; /* one of them suffices */
	/* fnmatch(3) patterns for the program or the configuration of a daemon that runs: one suffices */
	const char *processes[HOST_PROCESSES];
	const char *config;            /* what set-up would edit; NULL: nothing */
	const char *reads;             /* what the runtime reads, where that is another file; NULL: the same */
	const char *socket;            /* NULL: none */
	const char *units[HOST_UNITS]; /* systemd's or OpenRC's, of one kind of node or the other */
	const char *hooks[HOST_HOOKS]; /* folders of OCI hooks, the one to write to first */
	const char *install_dir;       /* writable and executable */
	/*
	 * Where all of it lies, and the YAML file whose `data-dir` moves it: then markers, `reads` and `advice` are
	 * taken with the other folder. NULL: it does not move.
	 */
	const char *data_dir, *data_dir_file;
	enum host_action action;
	const char *advice;
};

extern const struct host host_table[]; /* ends with a row whose id is NULL */

#endif
