/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/crio_conf.h: what set-up may change in CRI-O's configuration: text in, text out. Pure.
 * Source: CRI-O 1.37, `crio config --default`, table crio.runtime.runtimes.
 */
#ifndef SETUP_CRIO_CONF_H
#define SETUP_CRIO_CONF_H

#include "base/buf.h"

struct error;

/*
 * Adds those of the `n` annotations that are not there yet to allowed_annotations of every handler,
 * [crio.runtime.runtimes.NAME]. Results, notes and errors as in containerd_conf.h; -ENOENT: the file holds no handler
 * (a drop-in may).
 */
int crio_enable_annotations(struct str text, const char *const *annotations, size_t n, char **ret_text, size_t *ret_len,
			    struct buf *notes, struct error *err);

#endif
