/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/containerd_imports.h: the files that a containerd configuration imports, in the order in which they take
 * effect: level by level, in the order listed, matches of a pattern sorted by name, each file once; later ones win.
 * Relative names are relative to the file that imports; only '*' makes a pattern. What a later file does to a plugin's
 * table differs: containerd 1.x replaces it whole, 2.x joins it key by key. Source: containerd 1.6 to 2.3, behaviour
 * run.
 */
#ifndef SETUP_CONTAINERD_IMPORTS_H
#define SETUP_CONTAINERD_IMPORTS_H

#include "setup/conf_set.h"

struct conf_paper;
struct log;

/* Which containerd reads the files, where that is known. */
enum containerd_kind { CONTAINERD_ANY, CONTAINERD_1, CONTAINERD_2 };

/* By what `config dump` prints: 1.x migrates to version 2 of the file, 2.x to 3 and 4. NULL: any. */
enum containerd_kind containerd_kind_of(const struct toml *in_force);

/*
 * The configuration that begins at `root` (absolute), which is the set's first file. Files that cannot be read have no
 * document: seen from a container they may lie elsewhere. 0; -EINVAL a file is no TOML; -E2BIG; -ENOMEM.
 */
int containerd_set_read(const char *root, const struct conf_overlay *over, size_t n, struct conf_set *set,
			struct error *err);

/*
 * Whether NRI is on in the end, and `plugin` (NULL: none) required. 0; -EPERM: a file that is read later decides
 * otherwise, the text names it and the line.
 */
int containerd_set_allows_nri(const struct conf_set *set, enum containerd_kind kind, const char *plugin,
			      struct error *err);

/*
 * Whether what add-oci-hook wrote into the root, or into a drop-in, counts: no file that is read later takes CRI's
 * settings over (containerd 1.x) or empties base_runtime_spec. Runtimes of other files that have no base spec are
 * logged. 0; -EPERM: the text names the file and the line.
 */
int containerd_set_allows_hook(const struct conf_set *set, enum containerd_kind kind, const char *spec_path,
			       struct log *log, struct error *err);

/*
 * The same set on paper: a root that imports all others, in their order, while they import nothing. `*ret_root`: its
 * name.
 */
int containerd_set_lay_out(const struct conf_set *set, struct conf_paper *paper, const char **ret_root,
			   struct error *err);

#endif
