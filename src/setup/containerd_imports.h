/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/containerd_imports.h: the files that a containerd configuration imports, in the order in which they take
 * effect: level by level, in the order listed, matches of a pattern sorted, each file once; later ones win. Relative
 * names are relative to the file that imports; only '*' makes a pattern. Source: containerd 1.6 to 2.3, behaviour run.
 */
#ifndef SETUP_CONTAINERD_IMPORTS_H
#define SETUP_CONTAINERD_IMPORTS_H

#include "base/str.h"

struct error;

#define CONTAINERD_IMPORTS_MAX 64

/*
 * Whether a file that the one at `path` (its content: `text`) imports switches NRI off after it. Files that cannot be
 * read are passed over: seen from a container they may lie elsewhere, and the runtime's own judgement is --validate's.
 * Returns 0; -EPERM, the text names the file and the line; -EINVAL an import is no TOML; -E2BIG; -ENOMEM.
 */
int containerd_imports_allow_nri(const char *path, struct str text, struct error *err);

#endif
