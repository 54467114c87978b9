/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/containerd_conf.h: what set-up may change in containerd's configuration: a document in, text out. Pure.
 * Source of the names: containerd 1.6 to 2.3, `config default` and plugin registration; which version reads what was
 * run.
 */
#ifndef SETUP_CONTAINERD_CONF_H
#define SETUP_CONTAINERD_CONF_H

#include "base/buf.h"
#include "conf/toml_edit.h"
#include "setup/conf_set.h"
#include "setup/containerd_imports.h"

struct error;

#define CONTAINERD_NRI "io.containerd.nri.v1.nri"
#define CONTAINERD_VERSION_MAX 4 /* of the file; 2.3's */

/* NRI's table as it is written where there is none; the first one is "disable". */
#define CONTAINERD_NRI_KEYS 7
extern const struct toml_pair containerd_nri_keys[CONTAINERD_NRI_KEYS];

/* Beginnings of the first line of our drop-ins. */
extern const char containerd_nri_mark[], containerd_hook_mark[];

/* The file's version; 0 where it says none, or nothing that could be one. */
int containerd_file_version(const struct toml *doc);

/* Whether a runtime's table is one of runc's type: says so, or is a template's ${…}, or says nothing and is called
 * runc.
 */
bool containerd_is_runc(const struct toml *doc, const struct toml_node *runtime);

/* Whether the file has tables of CRI under the names of containerd 2.x, which 1.x does not know. The file's version
 * says nothing about that. */
bool containerd_has_names_of_2(const struct toml *doc);

/*
 * Common to the functions below. `doc` is the file as it is (borrowed). *ret_text: malloc'd, caller frees; NULL when
 * nothing has to change. `notes` receives a line for each thing that is or is not done, for the log. Errors, all with
 * line and column where there is one: -EINVAL   a key of ours has the wrong type -ENOTSUP  changing it could change
 * more than is asked for; the text tells the reason and the way out -ENOENT   nothing there that could be changed
 * -E2BIG, -ENOMEM; -EBADMSG an edit that failed its own proof (our mistake)
 */

/*
 * NRI on: its table with `disable = false`, its name out of disabled_plugins. A file of version 1, or without
 * `version`, which containerd 1.x reads as version 1 and in which it knows no table of this name, gets version 2 where
 * that changes nothing else.
 */
int containerd_enable_nri(const struct toml *doc, char **ret_text, size_t *ret_len, struct buf *notes,
			  struct error *err);

struct containerd_hook {
	const char *spec_path;
	const struct toml *in_force; /* what containerd's `config dump` printed; NULL: not known */
	bool builtin_elsewhere;      /* another file gives the built-in runtime, runc, its base spec */
};

/*
 * base_runtime_spec for each runtime of runc's type that has none or an empty one, under the names of containerd 1.x
 * and 2.x, and in a file of version 1 or none under the short one. Where no runtime is called runc, and containerd has
 * its built-in one in force, a table of it is added that changes nothing but this key. -ENOENT: no such runtime, and
 * whether the built-in one is in force cannot be told; -ENOTSUP: CRI is switched off.
 */
int containerd_add_oci_hook(const struct toml *doc, const struct containerd_hook *hook, char **ret_text,
			    size_t *ret_len, struct buf *notes, struct error *err);

/*
 * Drop-ins. `set` is what the root file (its first) imports; what is marked `ours` is the drop-in as it was, and is
 * carried over. Both have the root's version as it stands there; a root of version 1 or none is refused (-ENOTSUP).
 *
 * NRI on, with all keys that its table has by the other files (containerd 1.x replaces the whole table). `plugin`
 * (NULL: none) is required besides what is required already; `tolerate`: as in required_plugin.h. Fails where a drop-in
 * cannot help: the name stands in disabled_plugins (-ENOTSUP).
 */
int containerd_nri_drop_in(const struct conf_set *set, enum containerd_kind kind, const char *plugin,
			   const char *tolerate, char **ret_text, size_t *ret_len, struct error *err);

/*
 * base_runtime_spec for each runtime of runc's type, of whichever file, that has none. -ENOTSUP where containerd 1.x
 * may read it, which would replace all of CRI's table: version 2 with 1.x's names, unless `kind` is 2.x.
 */
int containerd_hook_drop_in(const struct conf_set *set, enum containerd_kind kind, const char *spec_path,
			    char **ret_text, size_t *ret_len, struct error *err);

/* Sees to it that the root file imports `path`, absolute. */
int containerd_add_import(const struct toml *doc, const char *path, char **ret_text, size_t *ret_len, struct buf *notes,
			  struct error *err);

#endif
