/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/conf_place.h: which files the patch commands are about, by their options and by what is on this host. */
#ifndef SETUP_CONF_PLACE_H
#define SETUP_CONF_PLACE_H

#include "setup/conf_patch.h"

/*
 * Without --config-file: the file that this host's runtime ("containerd", "cri-o") is configured by, if it is ours to
 * change; of a containerd that runs, the one that it was started with. -EPERM: it is not ours, the text tells the way;
 * or several that differ run.
 */
int conf_place_find(struct setup_context *context, const char *runtime, struct error *err);

/* --require-plugin and --tolerate-annotation. -EINVAL, as one of usage. */
int plugin_options_check(struct setup_context *context, struct error *err);

/* --drop-in, where given: patch->drop_in is `ret` then. -EINVAL, as one of usage. */
int drop_in_place(struct setup_context *context, struct conf_patch *patch, char ret[PATH_MAX], struct error *err);

/*
 * Adds the drop-in to the plan where it differs from what is there. Takes `text`. -EEXIST: what is there was not
 * written by this command (it does not begin with patch->mark), and says more than a version.
 */
int drop_in_plan(const struct conf_patch *patch, char *text, size_t len, struct conf_plan *plan, struct error *err);

#endif
