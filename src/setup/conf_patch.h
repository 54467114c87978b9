/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_patch.h: what the three patch commands have in common: read, edit, show or check, write, keep a
 * backup, restart. The folder of the configuration is locked from the first read to the last write.
 */
#ifndef SETUP_CONF_PATCH_H
#define SETUP_CONF_PATCH_H

#include "base/buf.h"
#include "setup/setup_context.h"

struct toml;
struct toml_node;

/* Which runtime's program judges the result, and how. */
struct conf_judge {
	const char *runtime;                      /* for messages */
	const char *program;                      /* of the daemon: "containerd", "crio" */
	const char *const *before, *const *after; /* arguments before and behind the file's name, NULL-terminated */
	/* Whether our edit is meant to change this key of what is in force (x before, y after; one may be NULL). */
	bool (*may_differ)(const struct toml_node *x, const struct toml_node *y);
	/* Whether what we wanted is in force. Returns NULL or what is wrong. May be NULL. */
	const char *(*achieved)(const struct setup_context *context, const struct toml *after);
};

struct conf_patch {
	const char *config_file;
	const char *output_pattern; /* "containerd." and ".toml" for a new file's name */
	const char *output_end;
	/* The edit: as containerd_conf.h says. */
	int (*edit)(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len, struct buf *notes,
		    struct error *err);
	const struct conf_judge *judge;
	/* Before the new text counts, even without judge; may be NULL. */
	int (*check)(struct setup_context *context, const char *config_file, struct str text, struct error *err);
	const char
		*drop_in; /* NULL, or where the change goes instead: then `edit` is for the import in the file itself */
	int (*drop_in_text)(struct setup_context *context, struct str text, char **ret_text, size_t *ret_len,
			    struct error *err);
};

/* Runs the command by its options: --undo, --dry-run, --output, --in-place, --validate, --restart. 0 or a negative
 * errno. */
int conf_patch_run(struct setup_context *context, const struct conf_patch *patch, struct error *err);

#endif
