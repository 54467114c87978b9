/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/crio_conf_files.h: the files that CRI-O's configuration is made of: the one file, then every file below its
 * folder of drop-ins, of any name, sub-folders too, sorted by name folder by folder. A handler,
 * [crio.runtime.runtimes.NAME], counts whole from the last file that names it; lists are replaced; other keys count one
 * by one. Source: CRI-O 1.37, pkg/config, behaviour run.
 */
#ifndef SETUP_CRIO_CONF_FILES_H
#define SETUP_CRIO_CONF_FILES_H

#include "setup/conf_set.h"

struct conf_paper;

/*
 * The one file and the folder that belong to `config_file` (absolute), which may be either the one or lie in the other;
 * `config_dir` (absolute; "": unknown) names the folder.
 */
int crio_files_place(const char *config_file, const char *config_dir, char ret_root[PATH_MAX], char ret_dir[PATH_MAX],
		     struct error *err);

/* Whether `path` lies below `dir`; both absolute. */
bool crio_is_below(const char *path, const char *dir);

/* The set: `root`, where it is there, then what is below `dir`. 0; -EINVAL a file is no TOML; -E2BIG; -ENOMEM. */
int crio_set_read(const char *root, const char *dir, const struct conf_overlay *over, size_t n, struct conf_set *set,
		  struct error *err);

/* The same set on paper: the file and the folder to be named to CRI-O's program. */
int crio_set_lay_out(const struct conf_set *set, const char *root, struct conf_paper *paper, const char **ret_root,
		     const char **ret_dir, struct error *err);

#endif
