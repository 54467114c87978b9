/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/conf_write.h: a plan's changes reach the disk, each at once or not at all, and are taken back. */
#ifndef SETUP_CONF_WRITE_H
#define SETUP_CONF_WRITE_H

#include "setup/conf_patch.h"

struct file_swap;

/*
 * Writes the changes in their order, a backup of each first; what was written is taken back when a later one fails.
 * `main`: the configuration file's, whose lock is held; `set`: what the plan was made on. 0 or -errno; -EAGAIN: a file
 * was changed meanwhile.
 */
int conf_write(struct setup_context *context, const struct conf_patch *patch, struct file_swap *main,
	       const struct conf_set *set, const struct conf_plan *plan, struct error *err);

/*
 * Takes back what was changed for this configuration file, its drop-ins too: all of it or, where one of the files was
 * changed by somebody since, nothing. The configuration file goes first: it may import the others.
 */
int conf_undo(struct setup_context *context, const struct conf_patch *patch, struct file_swap *main, struct error *err);

/* A difference on standard output. */
int conf_show(const char *path, struct str before, struct str after, struct error *err);

#endif
