/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_patch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "conf/toml.h"
#include "setup/conf_backup.h"
#include "setup/conf_judge.h"
#include "setup/file_swap.h"
#include "setup/runtime_restart.h"
#include "setup/text_diff.h"

#define NOTES_BYTES 65536

static int undo(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap, struct str now,
		struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int result = conf_backup_find(context->conf.backup_dir, swap, now, &text, &len, err);

	if (result == -EALREADY) {
		(void)log_event(&context->log, LOG_INFO, "nothing to do", "reason", err->text, NULL);
		return 0;
	}
	if (result < 0)
		return error_wrap(err, result, "nothing is undone");
	if (context->conf.dry_run) {
		result = text_diff_write(stdout, swap->path, now, swap->path, (struct str){ text, len }, err);
		return result < 0 || !fflush(stdout) ? result
						     : error_errno(err, errno, "cannot write to standard output");
	}
	result = file_swap_write(swap, text, len, 0644, err);
	if (result >= 0)
		result = file_swap_commit(swap, err);
	if (result < 0)
		return result;
	conf_backup_forget(context->conf.backup_dir, swap);
	(void)log_event(&context->log, LOG_INFO, "restored", "filename", swap->path, NULL);
	return runtime_restart(context, patch->judge->program, swap->path, err);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int write_in_place(struct setup_context *context, struct file_swap *swap, struct str before, struct str after,
			  struct error *err)
{
	int result = conf_backup_save(context->conf.backup_dir, swap, before, after, err);

	if (result >= 0 && !swap->temporary[0])
		result = file_swap_write(swap, after.p, after.len, 0644, err);
	if (result >= 0)
		result = file_swap_commit(swap, err);
	if (result < 0)
		return result;
	(void)log_event(&context->log, LOG_INFO, "written output", "filename", swap->path, "backup-dir",
			context->conf.backup_dir, NULL);
	return 0;
}

/* A new file in the temporary folder, whose name only the log tells: as the original does. */
static int write_temporary(struct setup_context *context, const struct conf_patch *patch, struct str text,
			   struct error *err)
{
	char path[PATH_MAX];
	struct buf out = buf_over(path, sizeof path);
	FILE *file;
	int fd;

	buf_printf(&out, "/tmp/%s.XXXXXX%s", patch->output_pattern, patch->output_end);
	fd = mkostemps(path, (int)strlen(patch->output_end), O_CLOEXEC);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file) {
		int code = errno;

		if (fd >= 0)
			(void)close(fd);
		return error_errno(err, code, "cannot write %s", path);
	}
	if (fwrite(text.p, 1, text.len, file) != text.len || fflush(file)) {
		int code = errno;

		(void)fclose(file);
		(void)unlink(path);
		return error_errno(err, code, "cannot write %s", path);
	}
	(void)fclose(file); /* flushed */
	(void)log_event(&context->log, LOG_INFO, "written output", "filename", path, NULL);
	return 0;
}

static int write_output(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
			struct str before, struct str after, struct error *err)
{
	const char *output = context->conf.output;
	int result;

	if (context->conf.in_place || (*output && is_same_file(output, swap->path))) {
		result = write_in_place(context, swap, before, after, err);
		return result < 0 ? result : runtime_restart(context, patch->judge->program, swap->path, err);
	}
	if (!*output)
		return write_temporary(context, patch, after, err);
	result = file_swap(output, after.p, after.len, 0644, swap, err);
	if (result < 0)
		return result;
	(void)log_event(&context->log, LOG_INFO, "written output", "filename", output, NULL);
	return 0;
}

static int options_check(struct setup_context *context, const struct conf_patch *patch, struct error *err)
{
	const struct setup_conf *conf = &context->conf;
	bool in_place = conf->in_place || patch->drop_in;

	if (runtime_restart_check(context, err) < 0)
		return -EINVAL;
	if (conf->in_place && *conf->output)
		return setup_usage_error(context, err, "--in-place and --%s exclude each other",
					 flags_find(context->parse.set, STR("output")) ? "output" : "output-file");
	if (patch->drop_in && *conf->output)
		return setup_usage_error(context, err, "--drop-in and --output exclude each other");
	if (strcmp(conf->restart, "never") != 0 && !in_place && !conf->undo &&
	    !is_same_file(conf->output, patch->config_file))
		return setup_usage_error(
			context, err,
			"--restart: only with --in-place, --drop-in or --undo; another file changes nothing");
	return 0;
}

static int show(const char *path, struct str before, struct str after, struct error *err)
{
	int result = text_diff_write(stdout, path, before, path, after, err);

	return result < 0 || !fflush(stdout) ? result : error_errno(err, errno, "cannot write to standard output");
}

static int drop_in_write(struct setup_context *context, const struct conf_patch *patch, const struct file_swap *swap,
			 struct str root, bool *ret_changed, struct error *err)
{
	auto_free char *text = NULL, *old = NULL;
	size_t len, old_len = 0;
	int result = patch->drop_in_text(context, root, &text, &len, err);

	if (result < 0)
		return result;
	result = file_read_at(AT_FDCWD, patch->drop_in, TOML_BYTES_MAX, &old, &old_len, err);
	if (result < 0 && result != -ENOENT)
		return error_wrap(err, result, "the drop-in");
	*ret_changed = result < 0 || !str_equal((struct str){ old, old_len }, (struct str){ text, len });
	if (!*ret_changed)
		return 0;
	if (context->conf.dry_run)
		return show(patch->drop_in, (struct str){ old, old_len }, (struct str){ text, len }, err);
	result = file_swap(patch->drop_in, text, len, 0644, swap, err);
	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, "written output", "filename", patch->drop_in, NULL);
	return result;
}

/* The edit's result is there: judge it, show it, write it. */
static int result_use(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
		      struct str before, struct str after, struct error *err)
{
	int result = 0;

	if (*context->conf.validate)
		result = conf_judge_run(context, patch->judge, swap, after, err);
	if (result < 0)
		return result;
	if (context->conf.dry_run)
		return show(swap->path, before, after, err);
	return write_output(context, patch, swap, before, after, err);
}

/* Puts back what the drop-in was: a folder that is imported as a whole would have it read at the next start. */
static void drop_in_restore(const struct conf_patch *patch, const struct file_swap *swap, const char *old, size_t len)
{
	struct error err = { 0 };

	if (old)
		(void)file_swap(patch->drop_in, old, len, 0644, swap, &err); /* the error that led here is told */
	else
		(void)unlink(patch->drop_in); /* likewise */
}

/* The drop-in is written: judge it, and write the file that imports it, if that changes. */
static int drop_in_finish(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
			  struct str before, struct str after, struct error *err)
{
	int result = 0;

	if (*context->conf.validate && (after.p || !context->conf.dry_run))
		result = conf_judge_run(context, patch->judge, swap, after.p ? after : before, err);
	if (result < 0 || !after.p)
		return result;
	return context->conf.dry_run ? show(swap->path, before, after, err)
				     : write_in_place(context, swap, before, after, err);
}

static int drop_in_run(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
		       struct str before, struct str after, struct error *err)
{
	auto_free char *old = NULL;
	bool changed = false, dry = context->conf.dry_run;
	size_t len = 0;
	int result = file_read_at(AT_FDCWD, patch->drop_in, TOML_BYTES_MAX, &old, &len, err);

	if (result < 0 && result != -ENOENT)
		return error_wrap(err, result, "the drop-in");
	context->conf.in_place = true;
	/* The drop-in first: an import of a file that is not there stops the runtime. */
	result = drop_in_write(context, patch, swap, before, &changed, err);
	if (result < 0)
		return error_wrap(err, result, "%s", swap->path);
	if (!after.p && !changed) {
		(void)log_event(&context->log, LOG_INFO, "nothing to do", NULL); /* counted by the log */
		return 0;
	}
	result = drop_in_finish(context, patch, swap, before, after, err);
	if (result < 0 && changed && !dry)
		drop_in_restore(patch, swap, old, len);
	if (result < 0 || dry)
		return result;
	return runtime_restart(context, patch->judge->program, swap->path, err);
}

static int patch_run(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
		     struct error *err)
{
	auto_free char *before = NULL, *after = NULL, *memory = malloc(NOTES_BYTES);
	struct buf notes = buf_over(memory, memory ? NOTES_BYTES : 0);
	size_t before_len, after_len = 0;
	int result;

	if (!memory)
		return error_set(err, ENOMEM, "not enough memory");
	result = file_swap_read(swap, TOML_BYTES_MAX, &before, &before_len, err);
	if (result < 0)
		return result;
	if (context->conf.undo)
		return undo(context, patch, swap, (struct str){ before, before_len }, err);
	if (patch->check) {
		result = patch->check(context, swap->path, (struct str){ before, before_len }, err);
		if (result < 0)
			return error_wrap(err, result, "%s", swap->path);
	}
	result = patch->edit(context, (struct str){ before, before_len }, &after, &after_len, &notes, err);
	if (result < 0)
		return error_wrap(err, result, "%s", swap->path);
	setup_notes_log(context, &notes);
	if (patch->drop_in)
		return drop_in_run(context, patch, swap, (struct str){ before, before_len },
				   (struct str){ after, after_len }, err);
	if (!after) {
		(void)log_event(&context->log, LOG_INFO, "nothing to do", NULL);
		return 0;
	}
	return result_use(context, patch, swap, (struct str){ before, before_len }, (struct str){ after, after_len },
			  err);
}

int conf_patch_run(struct setup_context *context, const struct conf_patch *patch, struct error *err)
{
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	int result = options_check(context, patch, err);

	if (result >= 0)
		result = file_swap_begin(&swap, patch->config_file, NULL, err);
	if (result >= 0 && !swap.exists)
		return error_set(err, ENOENT,
				 "%s: no such file. Without a file the runtime uses its defaults; let the runtime's "
				 "own program write "
				 "one (containerd config default, crio config) if they have to be changed",
				 patch->config_file);
	return result < 0 ? result : patch_run(context, patch, &swap, err);
}
