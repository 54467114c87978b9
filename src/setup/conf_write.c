/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/conf_backup.h"
#include "setup/file_swap.h"
#include "setup/runtime_restart.h"
#include "setup/text_diff.h"

int conf_show(const char *path, struct str before, struct str after, struct error *err)
{
	int result = text_diff_write(stdout, path, before, path, after, err);

	return result < 0 || !fflush(stdout) ? result : error_errno(err, errno, "cannot write to standard output");
}

/* One file: the lock that is held already, or one of its own; and what it held. */
struct target {
	struct file_swap own;
	struct file_swap *swap;
	char *before; /* NULL: it was not there */
	size_t before_len;
	bool written;
	/* undo */
	char *text;
	size_t len;
	bool restore;
};

/* Which of the `n` open ones (or else main) has the lock of the folder in which `path` lies. */
static const struct file_swap *holder_find(const char *path, const struct file_swap *main, const struct target *open,
					   size_t n)
{
	char dir[PATH_MAX];
	struct stat st, held;

	(void)snprintf(dir, sizeof dir, "%.*s", (int)str_find_last(str_of(path), '/'), path);
	for (size_t i = 0; i < n && !stat(dir, &st); i++)
		if (open[i].own.dir_fd >= 0 && !fstat(open[i].own.dir_fd, &held) && st.st_dev == held.st_dev &&
		    st.st_ino == held.st_ino)
			return &open[i].own;
	return main;
}

/* The next one behind the `n` that are open; path NULL: main itself. */
static int target_open(struct target *open, size_t n, const char *path, struct file_swap *main,
		       const struct conf_patch *patch, struct error *err)
{
	struct target *target = &open[n];
	int result = 0;

	*target = (struct target){ .own = FILE_SWAP_NONE, .swap = main };
	if (path && !conf_path_same(path, main->path)) {
		target->swap = &target->own;
		result = file_swap_begin(&target->own, path, holder_find(path, main, open, n), err);
	}
	if (result < 0)
		return result;
	if (patch->apart && target->swap->apart_fd < 0)
		file_swap_apart(target->swap, patch->apart);
	if (!target->swap->exists)
		return 0;
	return file_swap_read(target->swap, TOML_BYTES_MAX, &target->before, &target->before_len, err);
}

static void target_close(struct target *target)
{
	free(target->before);
	free(target->text);
	file_swap_end(&target->own);
}

static int target_put(struct target *target, const char *text, size_t len, struct error *err)
{
	int result = file_swap_write(target->swap, text, len, 0644, err);

	return result < 0 ? result : file_swap_commit(target->swap, err);
}

/* Whether the file still is what the plan was made on. */
static bool is_as_planned(const struct target *target, const struct conf_set *set, const char *path)
{
	const struct conf_file *file = conf_set_find(set, path);

	if (!file || !file->doc)
		return !target->before;
	return target->before && str_equal(file->doc->text, (struct str){ target->before, target->before_len });
}

static int change_write(struct setup_context *context, struct target *target, const struct conf_change *change,
			const struct conf_set *set, struct file_swap *main, struct error *err)
{
	const char *dir = context->conf.backup_dir;
	int result;

	if (!is_as_planned(target, set, change->path))
		return error_set(err, EAGAIN, "%s: somebody changed it just now; run this again", target->swap->path);
	result = conf_backup_save(dir, target->swap, (struct str){ target->before, target->before_len },
				  (struct str){ change->text, change->len }, err);

	if (result >= 0 && target->swap != main)
		result = conf_backup_note(dir, main, target->swap->path, err);
	if (result >= 0)
		result = target_put(target, change->text, change->len, err);
	if (result < 0)
		return result;
	target->written = true;
	(void)log_event(&context->log, LOG_INFO, "written output", "filename", target->swap->path, "backup-dir", dir,
			NULL); /* counted by the log */
	return 0;
}

static void take_back(struct target *target)
{
	if (!target->written)
		return;
	if (target->before)
		(void)target_put(target, target->before, target->before_len, NULL); /* the error before is told */
	else
		(void)file_swap_remove(target->swap, NULL); /* likewise */
}

int conf_write(struct setup_context *context, const struct conf_patch *patch, struct file_swap *main,
	       const struct conf_set *set, const struct conf_plan *plan, struct error *err)
{
	auto_free struct target *target = calloc(CONF_CHANGES_MAX, sizeof *target);
	size_t n = 0;
	int result = target ? 0 : error_set(err, ENOMEM, "not enough memory");

	while (result >= 0 && n < plan->n) {
		result = target_open(target, n, plan->change[n].path, main, patch, err);
		if (result >= 0)
			result = change_write(context, &target[n], &plan->change[n], set, main, err);
		n++;
	}
	for (size_t i = n; i--;) {
		if (result < 0)
			take_back(&target[i]);
		target_close(&target[i]);
	}
	return result < 0 ? result : 0;
}

/* --- undo --- */

/* What there is to take back: the paths of the files, the configuration's first. */
struct undo {
	struct target target[1 + CONF_BACKUP_OTHERS];
	char other[CONF_BACKUP_OTHERS][PATH_MAX];
	size_t n;
	size_t restore, same; /* how many are to be put back; are as they were */
};

static int target_find(struct setup_context *context, struct undo *undo, const char *path, struct file_swap *main,
		       const struct conf_patch *patch, struct error *err)
{
	struct target *target = &undo->target[undo->n];
	struct error first = { 0 };
	int result = target_open(undo->target, undo->n++, path, main, patch, err);

	if (result == -ENOENT && path) /* its folder is gone */
		return 0;
	if (result >= 0)
		result = conf_backup_find(context->conf.backup_dir, target->swap,
					  (struct str){ target->before, target->before_len }, &target->text,
					  &target->len, &first);
	undo->same += result == -EALREADY;
	if (result == -EALREADY || result == -ENOENT) {
		if (undo->n == 1 && err)
			*err = first; /* in case that there is nothing at all */
		return 0;
	}
	if (result < 0) {
		if (first.code && err)
			*err = first;
		return error_wrap(err, result, "nothing is undone");
	}
	target->restore = true;
	undo->restore++;
	return 0;
}

static int target_restore(struct setup_context *context, struct target *target, struct error *err)
{
	struct str before = { target->before, target->before_len }, after = { target->text, target->len };
	int result;

	if (!target->restore)
		return 0;
	if (context->conf.dry_run)
		return conf_show(target->swap->path, before, after, err);
	result = target->text ? target_put(target, target->text, target->len, err)
			      : file_swap_remove(target->swap, err);
	if (result < 0)
		return result;
	(void)log_event(&context->log, LOG_INFO, target->text ? "restored" : "removed", "filename", target->swap->path,
			NULL); /* counted by the log */
	return 0;
}

static int undo_all(struct setup_context *context, const struct conf_patch *patch, struct undo *undo,
		    struct file_swap *main, struct error *err)
{
	const char *dir = context->conf.backup_dir;
	size_t others = conf_backup_others(dir, main, undo->other);
	bool named = !patch->drop_in;
	int result = target_find(context, undo, NULL, main, patch, err);

	for (size_t i = 0; result >= 0 && i < others; i++) {
		named |= conf_path_same(undo->other[i], patch->drop_in ? patch->drop_in : "/");
		result = target_find(context, undo, undo->other[i], main, patch, err);
	}
	if (result >= 0 && !named && undo->n < sizeof undo->target / sizeof *undo->target)
		result = target_find(context, undo, patch->drop_in, main, patch, err);
	if (result < 0)
		return result;
	if (!undo->restore && undo->same) {
		(void)log_event(&context->log, LOG_INFO, "nothing to do", "reason", "all is as it was before", NULL);
		return 0;
	}
	if (!undo->restore)
		return error_wrap(err, -ENOENT, "nothing is undone");
	for (size_t i = 0; result >= 0 && i < undo->n; i++)
		result = target_restore(context, &undo->target[i], err);
	if (result < 0 || context->conf.dry_run)
		return result;
	for (size_t i = undo->n; i--;) /* the list of the others goes last */
		if (undo->target[i].swap->dir_fd >= 0)
			conf_backup_forget(dir, undo->target[i].swap);
	return runtime_restart(context, patch->judge->program, patch->root, err);
}

int conf_undo(struct setup_context *context, const struct conf_patch *patch, struct file_swap *main, struct error *err)
{
	auto_free struct undo *undo = calloc(1, sizeof *undo);
	int result = undo ? undo_all(context, patch, undo, main, err) : error_set(err, ENOMEM, "not enough memory");

	for (size_t i = 0; undo && i < undo->n; i++)
		target_close(&undo->target[i]);
	return result;
}
