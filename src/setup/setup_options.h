/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/setup_options.h: the commands of tetragon-oci-hook-setup, and the options of each, a row each. */
#ifndef SETUP_SETUP_OPTIONS_H
#define SETUP_SETUP_OPTIONS_H

#include "base/flags.h"

/* The options of all commands; each has its own table over some of these. */
struct setup_conf {
	const char *log_level;
	/* install, uninstall, print-config */
	const char *interface;
	const char *local_binary, *binary, *binary_name;
	const char *local_install_dir, *host_install_dir;
	const char *hooks_dir;
	const char *runtime;
	const char *on_exit;
	const char *nri_index, *nri_name, *nri_program, *nri_socket, *nri_status;
	struct flag_list args;
	bool daemonize;
	/* patch-… */
	const char *config_file, *config_dir, *output, *backup_dir, *validate, *drop_in, *runtime_spec, *ctr, *hook;
	const char *restart, *unit, *require_plugin, *tolerate;
	struct flag_list annotations;
	bool dry_run, in_place, undo, write_spec;
	/* detect, verify */
	const char *root, *socket, *hook_dir;
	bool json;
};

struct setup_context;

struct setup_command {
	const char *name, *sub; /* "patch-containerd-conf", "enable-nri"; sub is NULL where there is none */
	const char *help;       /* a phrase for the list of commands */
	struct flag_set set;
	int (*run)(struct setup_context *context, struct error *err);
	bool takes_hook_args; /* what follows the word hook-args is the hook's */
};

#define SETUP_COMMANDS 8
extern const struct setup_command setup_commands[SETUP_COMMANDS];

/* The command that argv[1] (and argv[2]) name, or NULL; *ret_words: how many of them. */
const struct setup_command *setup_command_find(int argc, char *const argv[], int *ret_words);

/* --help of the program itself. */
void setup_help(struct buf *out);

#endif
