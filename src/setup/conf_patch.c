/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_patch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "conf/toml.h"
#include "setup/conf_judge.h"
#include "setup/conf_write.h"
#include "setup/file_swap.h"
#include "setup/runtime_restart.h"

#define NOTES_BYTES 65536

int conf_plan_add(struct conf_plan *plan, const char *path, char *text, size_t len, struct error *err)
{
	struct conf_change *change = &plan->change[plan->n];
	struct buf out;

	if (!text)
		return 0;
	if (plan->n == CONF_CHANGES_MAX) {
		free(text);
		return error_set(err, E2BIG, "more than %d files would have to be changed", CONF_CHANGES_MAX);
	}
	out = buf_over(change->path, sizeof change->path);
	buf_text(&out, path);
	change->text = text;
	change->len = len;
	plan->n++;
	return 0;
}

void conf_plan_done(struct conf_plan *plan)
{
	while (plan->n)
		free(plan->change[--plan->n].text);
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

static bool writes_in_place(const struct setup_context *context, const struct conf_patch *patch)
{
	return context->conf.in_place || patch->drop_in ||
	       (*context->conf.output && conf_path_same(context->conf.output, patch->config_file));
}

/* Elsewhere than in place, only the configuration file itself can be written. */
static int write_elsewhere(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
			   const struct conf_plan *plan, struct error *err)
{
	const struct conf_change *change = &plan->change[plan->n - 1];
	const char *output = context->conf.output;
	int result;

	if (plan->n > 1 || !conf_path_same(change->path, swap->path))
		return error_set(err, EPERM,
				 "a change of this file alone would have no effect: %s decides; change that with "
				 "--config-file=%s, or with --in-place every file that decides",
				 plan->change[0].path, plan->change[0].path);
	if (!*output)
		return write_temporary(context, patch, (struct str){ change->text, change->len }, err);
	result = file_swap(output, change->text, change->len, 0644, swap, err);
	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, "written output", "filename", output, NULL);
	return result;
}

static int options_check(struct setup_context *context, const struct conf_patch *patch, struct error *err)
{
	const struct setup_conf *conf = &context->conf;
	const char *output = flags_find(context->parse.set, STR("output")) ? "output" : "output-file";

	if (runtime_restart_check(context, err) < 0)
		return -EINVAL;
	if (conf->in_place && *conf->output)
		return setup_usage_error(context, err, "--in-place and --%s exclude each other", output);
	if (patch->drop_in && *conf->output)
		return setup_usage_error(context, err, "--drop-in and --%s exclude each other", output);
	if (!strcmp(conf->output, "-"))
		return setup_usage_error(context, err, "--%s: want a file; --dry-run prints the change", output);
	if (conf->undo && *conf->output)
		return setup_usage_error(context, err, "--undo and --%s exclude each other", output);
	if (strcmp(conf->restart, "never") != 0 && !writes_in_place(context, patch) && !conf->undo)
		return setup_usage_error(
			context, err,
			"--restart: only with --in-place, --drop-in or --undo; another file changes nothing");
	return 0;
}

static int plan_show(const struct conf_plan *plan, struct error *err)
{
	int result = 0;

	for (size_t i = 0; result >= 0 && i < plan->n; i++) {
		const struct conf_change *change = &plan->change[i];
		auto_free char *before = NULL;
		size_t len = 0;

		(void)file_read_at(AT_FDCWD, change->path, TOML_BYTES_MAX, &before, &len,
				   NULL); /* not there: all is new */
		result = conf_show(change->path, (struct str){ before, len }, (struct str){ change->text, change->len },
				   err);
	}
	return result;
}

/* The plan is judged: show it or write it. */
static int plan_use(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
		    const struct conf_set *set, const struct conf_plan *plan, struct error *err)
{
	int result;

	if (!plan->n) {
		(void)log_event(&context->log, LOG_INFO, "nothing to do", NULL);
		return 0;
	}
	if (context->conf.dry_run)
		return plan_show(plan, err);
	if (!writes_in_place(context, patch))
		return write_elsewhere(context, patch, swap, plan, err);
	result = conf_write(context, patch, swap, set, plan, err);
	return result < 0 ? result : runtime_restart(context, patch->judge->program, patch->root, err);
}

/* Whether the files would say what was wanted, and the runtime's program agrees. */
static int plan_judge(struct setup_context *context, const struct conf_patch *patch, const struct conf_facts *facts,
		      const struct conf_plan *plan, struct error *err)
{
	auto_conf_set struct conf_set after = { 0 };
	struct conf_overlay over[CONF_CHANGES_MAX];
	int result;

	/* A lone file: the edit has proved itself, and nothing is read after it. */
	if (facts->set->n == 1 && !facts->in_force &&
	    (!plan->n || (plan->n == 1 && conf_path_same(plan->change[0].path, facts->set->file[0].path))))
		return 0;
	for (size_t i = 0; i < plan->n; i++)
		over[i] = (struct conf_overlay){ plan->change[i].path, { plan->change[i].text, plan->change[i].len } };
	result = patch->read(patch, over, plan->n, &after, err);
	if (result >= 0)
		result = patch->check(context, patch, facts, &after, err);
	if (result >= 0 && plan->n && facts->in_force)
		result = conf_judge_run(context, patch->judge, facts->in_force, facts->defaults, &after, patch->root,
					err);
	return result;
}

/* A file that is there, but cannot be read or is too large, is no file that is not there. */
static int root_check(const struct file_swap *swap, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;

	return swap->exists ? file_swap_read(swap, TOML_BYTES_MAX, &text, &len, err) : 0;
}

/* The drop-in as it is belongs to the facts even while nothing imports it. */
static int drop_in_mark(const struct conf_patch *patch, struct conf_set *set, struct error *err)
{
	struct conf_file *there = conf_set_find(set, patch->drop_in);
	int result = there ? 0 : conf_set_add(set, patch->drop_in, err);

	if (result > 0)
		result = conf_set_load(set, set->n - 1, NULL, 0, err);
	if (result < 0)
		return result;
	if (!there && !set->file[set->n - 1].doc)
		free(set->file[--set->n].path); /* there is none yet */
	else
		(there ? there : &set->file[set->n - 1])->ours = true;
	return 0;
}

static int patch_run(struct setup_context *context, const struct conf_patch *patch, struct file_swap *swap,
		     struct error *err)
{
	auto_conf_set struct conf_set set = { 0 };
	auto_toml struct toml *in_force = NULL, *defaults = NULL;
	auto_free char *memory = malloc(NOTES_BYTES);
	auto_free struct conf_plan *plan = calloc(1, sizeof *plan);
	struct buf notes = buf_over(memory, memory ? NOTES_BYTES : 0);
	struct conf_facts facts = { .root = patch->root, .set = &set };
	int result;

	if (!memory || !plan)
		return error_set(err, ENOMEM, "not enough memory");
	result = root_check(swap, err);
	if (result >= 0)
		result = patch->read(patch, NULL, 0, &set, err);
	if (result < 0)
		return error_wrap(err, result, "%s", patch->root);
	result = patch->drop_in ? drop_in_mark(patch, &set, err) : 0;
	if (result < 0)
		return error_wrap(err, result, "the drop-in %s", patch->drop_in);
	if (*context->conf.validate)
		result = conf_judge_before(context, patch->judge, &set, patch->root, &in_force, &defaults, err);
	facts.in_force = in_force;
	facts.defaults = defaults;
	if (result >= 0) {
		result = patch->plan(context, patch, &facts, plan, &notes, err);
		if (result >= 0)
			setup_notes_log(context, &notes);
		if (result >= 0)
			result = plan_judge(context, patch, &facts, plan, err);
		if (result < 0)
			(void)error_wrap(err, result, "%s", patch->config_file);
	}
	if (result >= 0)
		result = plan_use(context, patch, swap, &set, plan, err);
	conf_plan_done(plan);
	return result < 0 ? result : 0;
}

int conf_patch_run(struct setup_context *context, const struct conf_patch *patch, struct error *err)
{
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	int result = options_check(context, patch, err);

	if (result >= 0)
		result = file_swap_begin(&swap, patch->config_file, NULL, err);
	if (result >= 0 && context->conf.undo)
		return conf_undo(context, patch, &swap, err);
	if (result >= 0 && !swap.exists && !patch->root_optional)
		return error_set(
			err, ENOENT,
			"%s: no such file, so the runtime has its defaults in force (in containerd 2.x NRI is on). If "
			"they have to be changed, write one first: `%s > %s`",
			patch->config_file,
			!strcmp(patch->judge->program, "crio") ? "crio config" : "containerd config default",
			patch->config_file);
	return result < 0 ? result : patch_run(context, patch, &swap, err);
}
