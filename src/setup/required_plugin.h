/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/required_plugin.h: an NRI plugin declared required, in the default validator: no container is created while
 * it is not connected. Text in, text out; pure. Source of the names: containerd 2.3 `config default`, CRI-O 1.37 `crio
 * config --default`; older ones ignore them.
 */
#ifndef SETUP_REQUIRED_PLUGIN_H
#define SETUP_REQUIRED_PLUGIN_H

#include "base/buf.h"

struct error;
struct toml_node;

/* Where one runtime keeps it. */
struct required_names {
	const char *runtime;     /* for messages */
	const char *const *path; /* of the validator's table */
	const char *enable, *list, *tolerate;
};

extern const struct required_names required_in_containerd, required_in_crio;

/*
 * `tolerate` (NULL: none): the pod annotation with which a pod is let off. What is required already stays so; `carried`
 * (may be NULL): the list that another file has, which one of this file will replace. Results, notes and errors as in
 * containerd_conf.h.
 */
int required_plugin_add(struct str text, const struct required_names *names, const char *plugin, const char *tolerate,
			const struct toml_node *carried, char **ret_text, size_t *ret_len, struct buf *notes,
			struct error *err);

#endif
