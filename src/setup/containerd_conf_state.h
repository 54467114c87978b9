/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/containerd_conf_state.h: what the edits of containerd's configuration share. */
#ifndef SETUP_CONTAINERD_CONF_STATE_H
#define SETUP_CONTAINERD_CONF_STATE_H

#include "conf/toml_edit.h"
#include "setup/containerd_conf.h"

#define CONTAINERD_RUNC "io.containerd.runc.v2"
#define CONTAINERD_CRI_SHORT "cri" /* in a file of version 1, or of none */
#define CONTAINERD_CRI_1 "io.containerd.grpc.v1.cri"
#define CONTAINERD_CRI_2 "io.containerd.cri.v1.runtime"

/* "line L, column C: PATH: why"; returns -code. */
int containerd_refuse(const struct toml *doc, const struct toml_node *node, int code, const char *why,
		      struct error *err);
int containerd_wrong_type(const struct toml *doc, const struct toml_node *node, const char *want, struct error *err);

/* The file's version; 0 where it says none. -EINVAL, -ENOTSUP: no whole number, or none that is known. */
int containerd_version_read(const struct toml *doc, int *ret_version, struct error *err);

/* The value of a key that must be a list of strings; *ret_list is NULL where the key is absent. -EINVAL. */
int containerd_list_read(const struct toml *doc, const struct toml_node *table, const char *key,
			 const struct toml_node **ret_list, struct error *err);

/*
 * Makes a file of version 1, or of none, one of version 2. -ENOTSUP where something in it would change its meaning or
 * wake; `what` is missing in such a file (for the message).
 */
int containerd_version_raise(struct toml_edit *edit, const char *what, struct buf *notes, struct error *err);

/* The end of every edit: the new text, or none where nothing is to be done. */
int containerd_finish(struct toml_edit *edit, int result, char **ret_text, size_t *ret_len, struct error *err);

#endif
