/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/setup_context.h: what a command of set-up works with. A command returns 0, or a negative errno with a text;
 * it logs what it does, main logs the error, once.
 */
#ifndef SETUP_SETUP_CONTEXT_H
#define SETUP_SETUP_CONTEXT_H

#include <limits.h>

#include "base/flags.h"
#include "base/log.h"
#include "setup/setup_options.h"

struct setup_context {
	struct setup_conf conf;
	struct flag_parse parse;
	struct log log;
	const char *const *hook_args;  /* NULL-terminated, may be empty; valid as long as argv */
	char running_config[PATH_MAX]; /* the configuration that a running daemon names */
	bool usage;                    /* the error that is returned is one of usage */
};

/* A wrong use of the command's options: sets the text and context->usage, returns -EINVAL. */
int setup_usage_error(struct setup_context *context, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the option was given, not left at its default. */
bool setup_given(const struct setup_context *context, const char *name);

/* One line for each line of `notes`: INFO, or WARN where it begins with this. */
#define SETUP_NOTE_WARNS '!'
void setup_notes_log(struct setup_context *context, const struct buf *notes);

int setup_install(struct setup_context *context, struct error *err);
int setup_uninstall(struct setup_context *context, struct error *err);
int setup_print_config(struct setup_context *context, struct error *err);
int setup_enable_nri(struct setup_context *context, struct error *err);
int setup_add_oci_hook(struct setup_context *context, struct error *err);
int setup_enable_annotations(struct setup_context *context, struct error *err);
int setup_detect(struct setup_context *context, struct error *err);
int setup_verify(struct setup_context *context, struct error *err);

#endif
