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

/* --config-file, absolute. -EINVAL, as one of usage: no file's name. */
int conf_place_config(struct setup_context *context, char ret[PATH_MAX], struct error *err);

/* --require-plugin and --tolerate-annotation. -EINVAL, as one of usage. */
int conf_place_options(struct setup_context *context, struct error *err);

/* --drop-in, where given: patch->drop_in is `ret` then. -EINVAL, as one of usage; -ENOENT: no folder. */
int conf_place_drop_in(struct setup_context *context, struct conf_patch *patch, char ret[PATH_MAX], struct error *err);

/*
 * Adds the drop-in to the plan where it differs from what is there. Takes `text`. -EEXIST: what is there was not
 * written by this command (it does not begin with patch->mark), and says more than a version.
 */
int conf_place_plan(const struct conf_patch *patch, char *text, size_t len, struct conf_plan *plan, struct error *err);

#endif
