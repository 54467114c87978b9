/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/nri_plugin.h: tetragon-nri-hook, run as a child of `install --interface=nri-hook --daemonize`. The plugin
 * is a program of its own (src/nri): set-up tells it where the hook is, and takes signals on its behalf.
 */
#ifndef SETUP_NRI_PLUGIN_H
#define SETUP_NRI_PLUGIN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

#define NRI_PLUGIN_NAME "tetragon-nri-hook"
#define NRI_PLUGIN_INSIDE "tetragon"                        /* the agent, which has the plugin inside with --nri */
#define NRI_PLUGIN_STATUS "/var/run/tetragon/nri-hook.json" /* src/nri/status.h tells what is in it */

struct nri_plugin_start {
	const char *program; /* "": the one beside this program */
	const char *index, *name, *socket, *status_file, *log_level;
	const char *hook, *log;       /* as the host sees them */
	const char *const *hook_args; /* NULL-terminated */
	int64_t hook_timeout_ns;
	bool hook_knows_identity; /* the hook at hand takes flags that say who the container is */
};

/* The plugin's program into `path` (PATH_MAX bytes), and whether it runs here. 0, or a negative errno with a text. */
int nri_plugin_find(const struct nri_plugin_start *start, char *path, struct error *err);

/*
 * Runs `path` until one of `stop` arrives (they are blocked already), which ends the plugin too: 0. The plugin ended by
 * itself: -ECHILD. Should this process be killed, the plugin gets SIGTERM.
 */
int nri_plugin_run(const struct nri_plugin_start *start, const char *path, const sigset_t *stop, struct error *err);

#endif
