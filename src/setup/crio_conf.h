/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/crio_conf.h: what set-up may change in CRI-O's configuration: a document in, text out. Pure.
 * Source: CRI-O 1.37, `crio config --default`, table crio.runtime.runtimes.
 */
#ifndef SETUP_CRIO_CONF_H
#define SETUP_CRIO_CONF_H

#include "base/buf.h"
#include "setup/conf_set.h"

struct error;

/* Beginning of the first line of our drop-in. */
extern const char crio_mark[];

/* Which handlers of a file are meant: those of which counts() says so. */
struct crio_scope {
	bool (*counts)(void *user, struct str handler);
	void *user;
};

/*
 * Adds those of the `n` annotations that are not there yet to allowed_annotations of every handler,
 * [crio.runtime.runtimes.NAME], in `scope` (NULL: all). Results, notes and errors as in containerd_conf.h; -ENOENT: the
 * file holds no handler (a drop-in may).
 */
int crio_enable_annotations(const struct toml *doc, const char *const *annotations, size_t n,
			    const struct crio_scope *scope, char **ret_text, size_t *ret_len, struct buf *notes,
			    struct error *err);

/* What a drop-in is to bring about. */
struct crio_wish {
	const char *const *annotations;
	size_t n;
	const char *plugin, *tolerate; /* NULL: none */
	const struct toml *in_force; /* what `crio config` printed: the handlers that no file names; NULL: not known */
};

/*
 * A drop-in for the files of `set`: every handler that lacks one of the annotations, complete as it is in force, since
 * CRI-O takes a handler whole from the last file; the required plugin, with those that are required already. What is
 * marked `ours` is the drop-in as it was: its annotations and plugins stay. *ret_text is NULL where nothing is missing.
 * -ENOENT: no handler is known.
 */
int crio_drop_in(const struct conf_set *set, const struct crio_wish *wish, char **ret_text, size_t *ret_len,
		 struct buf *notes, struct error *err);

/* Whether a set has what is wished in force. 0; -EPERM: the text names the file that decides otherwise. */
int crio_set_fulfils(const struct conf_set *set, const struct crio_wish *wish, struct error *err);

#endif
