/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_set.h: the files that make up a runtime's configuration, in the order in which they take effect, as
 * they lie on the disk or as they would be after a change (overlays). Who reads which files is told in
 * containerd_imports.h and crio_files.h.
 */
#ifndef SETUP_CONF_SET_H
#define SETUP_CONF_SET_H

#include <limits.h>
#include <stdbool.h>

#include "conf/toml.h"

struct error;

#define CONF_SET_MAX 64 /* files of one configuration */

struct conf_file {
	char *path;       /* absolute, as the runtime names it: links are not resolved */
	struct toml *doc; /* NULL: it is named, but cannot be read */
	bool ours;        /* the drop-in that is about to be written, as it was before */
};

struct conf_set {
	struct conf_file file[CONF_SET_MAX];
	size_t n;
};

/* What a file would hold. */
struct conf_overlay {
	const char *path;
	struct str text;
};

/* `path` without links resolved, but absolute and without ".", ".." and doubled '/'. 0; -ENAMETOOLONG; -errno of
 * getcwd. */
int conf_path_absolute(const char *path, char ret[PATH_MAX], struct error *err);

/* Whether both name one file, which need not be there yet. */
bool conf_path_same(const char *a, const char *b);

/* Adds a file by its name, each once: 1 added, 0 it is there already, -E2BIG, -ENOMEM. */
int conf_set_add(struct conf_set *set, const char *path, struct error *err);

/*
 * Reads the file at `index`, from an overlay of its name or from the disk. A file that cannot be read keeps doc NULL
 * and is no error. 0; -EINVAL it is no TOML, the text names line and column; -ENOMEM.
 */
int conf_set_load(struct conf_set *set, size_t index, const struct conf_overlay *over, size_t n, struct error *err);

/* The file of that name, or NULL. */
struct conf_file *conf_set_find(const struct conf_set *set, const char *path);

void conf_set_done(struct conf_set *set);
#define auto_conf_set __attribute__((cleanup(conf_set_done)))

/* The last file, ours left out, that has a node at `path` (NULL-terminated); *ret_node gets it. NULL: none has. */
const struct conf_file *conf_set_last(const struct conf_set *set, const char *const path[],
				      const struct toml_node **ret_node);

/* "FILE, line N" of a node, for messages. */
struct buf;
void conf_file_where(const struct conf_file *file, const struct toml_node *node, struct buf *out);

#endif
