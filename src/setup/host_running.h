/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/host_running.h: what the daemons that run on this machine say about its kind, after its files were asked.
 */
#ifndef SETUP_HOST_RUNNING_H
#define SETUP_HOST_RUNNING_H

#include "setup/host_detect.h"

/*
 * `found` is what the files tell, if `is_known`. A daemon that runs and agrees with it is noted there; one that does
 * not replaces it. 0; -ENOENT: no daemon runs, and the files did not tell either (`err` is left as it is); -EPERM:
 * several run, see host_detect.
 */
int host_running_look(const struct host_tree *tree, const char *runtime, bool is_known, struct host_found *found,
		      struct error *err);

/* All members but marker, os, pid and exe from a row; data_dir: where its data folder is, NULL: in its place. */
void host_found_fill(const struct host_tree *tree, struct host_found *found, const struct host *host,
		     const char *data_dir);

#endif
