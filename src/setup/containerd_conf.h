/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/containerd_conf.h: what set-up may change in containerd's configuration: text in, text out. Pure.
 * Source of the names: containerd 1.6 to 2.3, `config default` and plugin registration; which version reads what was
 * run.
 */
#ifndef SETUP_CONTAINERD_CONF_H
#define SETUP_CONTAINERD_CONF_H

#include "base/buf.h"

struct error;

#define CONTAINERD_NRI "io.containerd.nri.v1.nri"
#define CONTAINERD_VERSION_MAX 4 /* of the file; 2.3's */

/*
 * Common to the functions below. `text` is borrowed. *ret_text: malloc'd, caller frees; NULL when nothing has to
 * change. `notes` receives a line for each thing that is or is not done, for the log. Errors, all with line and column
 * where there is one: -EINVAL   not TOML, or a key of ours has the wrong type -ENOTSUP  TOML, but changing it could
 * change more than is asked for; the text tells the reason and the way out -ENOENT   nothing there that could be
 * changed -E2BIG, -ENOMEM; -EBADMSG an edit that failed its own proof (our mistake)
 */

/*
 * NRI on: its table with `disable = false`, its name out of disabled_plugins. A file without `version`, which
 * containerd 1.x reads as version 1 and in which it knows no table of this name, gets `version = 2` where that changes
 * nothing else.
 */
int containerd_enable_nri(struct str text, char **ret_text, size_t *ret_len, struct buf *notes, struct error *err);

/*
 * base_runtime_spec = `spec_path` for each runtime of type io.containerd.runc.v2 (or ${…}, a template's) that has none
 * or an empty one, under the names of containerd 1.x and 2.x. -ENOENT: no such runtime in this file.
 */
int containerd_add_oci_hook(struct str text, const char *spec_path, char **ret_text, size_t *ret_len, struct buf *notes,
			    struct error *err);

/*
 * A drop-in with NRI on for a root file `text`: its version as it stands there, the keys that its NRI table has
 * (containerd <= 1.7 replaces the whole table), `disable = false`. Fails where a drop-in cannot help: the name stands
 * in disabled_plugins (-ENOTSUP).
 */
int containerd_nri_drop_in(struct str text, char **ret_text, size_t *ret_len, struct error *err);

/*
 * A drop-in with base_runtime_spec for each runtime of type io.containerd.runc.v2 in the root file `text` that has
 * none. Only for versions 3 and 4 of the file (-ENOTSUP): containerd 2.x joins a drop-in key by key, 1.x replaces all
 * of CRI's table. -ENOENT: no such runtime.
 */
int containerd_hook_drop_in(struct str text, const char *spec_path, char **ret_text, size_t *ret_len,
			    struct error *err);

/*
 * Sees to it that the root file reads `path`: an `imports` pattern matches, or the path is added. Patterns are relative
 * to `root_dir`, the folder of the root file.
 */
int containerd_add_import(struct str text, const char *root_dir, const char *path, char **ret_text, size_t *ret_len,
			  struct buf *notes, struct error *err);

#endif
