/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_backup.h: what a configuration was before we changed it, and what we made of it. Both are kept, so
 * that undo knows whether somebody else changed the file since. In a folder that no runtime reads (CRI-O takes every
 * file below crio.conf.d for configuration): DIR/%2Fetc%2Fcontainerd%2Fconfig.toml.before (or .none: there was no file)
 * and ….after; ….others names the files that were changed together with this one. Mode 0600: they may hold secrets.
 */
#ifndef SETUP_CONF_BACKUP_H
#define SETUP_CONF_BACKUP_H

#include <limits.h>
#include <stdbool.h>

#include "base/str.h"

struct error;
struct file_swap;

#define CONF_BACKUP_OTHERS 32

/*
 * Keeps `before` (p NULL: there was no file) and `after` of the file that `swap` holds. Where `before` is what we made
 * of it last time, the older backup stays: undo goes back to what the administrator wrote. Makes `dir` (0700) with its
 * parents. 0 or -errno.
 */
int conf_backup_save(const char *dir, const struct file_swap *swap, struct str before, struct str after,
		     struct error *err);

/*
 * The content to put back (malloc'd, caller frees; NULL: the file is to be removed) where the file holds `now` (p NULL:
 * it is not there). -ENOENT: there is no backup; -EALREADY: the file is as it was before; -ESTALE: it is not what we
 * made of it.
 */
int conf_backup_find(const char *dir, const struct file_swap *swap, struct str now, char **ret_text, size_t *ret_len,
		     struct error *err);

/* Notes that `other` was changed together with the file of `swap`. 0 or -errno. */
int conf_backup_note(const char *dir, const struct file_swap *swap, const char *other, struct error *err);

/* What was noted: at most CONF_BACKUP_OTHERS paths; returns how many. */
size_t conf_backup_others(const char *dir, const struct file_swap *swap, char ret[CONF_BACKUP_OTHERS][PATH_MAX]);

/* Removes all of it, after an undo. Errors are not worth telling: the next save replaces them. */
void conf_backup_forget(const char *dir, const struct file_swap *swap);

#endif
