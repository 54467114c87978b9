/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/base_spec.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "setup/command_run.h"
#include "setup/conf_write.h"
#include "setup/file_swap.h"
#include "setup/hook_drop_in.h"
#include "setup/setup_context.h"

#define CTR_LIMIT_NS (20 * NS_PER_S)
#define SPEC_MAX (4u << 20)
#define ROOM_MORE 65536 /* for the hook and its arguments */
#define BEGIN "\n    \"hooks\": {\"createRuntime\": ["

/* Where the reader finds things: offset behind the '{' that begins the document, and whether it has hooks at all, or
 * ours, or others'. */
struct found {
	size_t open;
	bool hooks, ours, any, others;
};

/* Walks the value of "hooks": ours is a "path" that is the hook's. */
static int hooks_look(struct json_reader *reader, const char *path, struct found *found, struct error *err)
{
	unsigned depth = reader->depth;
	bool is_path = false, is_ours;
	int event;

	found->hooks = true;
	while ((event = json_next(reader, err)) >= 0 && reader->depth >= depth) {
		if (event == JSON_STRING && is_path) {
			is_ours = json_string_is(reader->text, str_of(path));
			found->ours |= is_ours;
			found->others |= !is_ours;
		}
		is_path = event == JSON_KEY && json_string_is(reader->text, STR("path"));
		found->any |= is_path;
	}
	return event < 0 ? event : 0;
}

static int spec_look(struct str spec, const char *path, struct found *found, struct error *err)
{
	struct json_reader reader;
	int event;

	json_reader_init(&reader, spec);
	event = json_next(&reader, err);
	if (event != JSON_OBJECT_BEGIN)
		return event < 0 ? event : error_set(err, EINVAL, "want a JSON object");
	found->open = reader.at;
	while ((event = json_next(&reader, err)) == JSON_KEY) {
		bool hooks = json_string_is(reader.text, STR("hooks"));
		int result;

		event = json_next(&reader, err);
		if (event < 0)
			return event;
		result = hooks && event == JSON_OBJECT_BEGIN ? hooks_look(&reader, path, found, err)
							     : json_skip(&reader, (enum json_event)event, err);
		if (result < 0)
			return result;
		found->hooks |= hooks;
	}
	if (event != JSON_OBJECT_END)
		return event < 0 ? event : error_set(err, EINVAL, "want a JSON object");
	event = json_next(&reader, err);
	return event < 0 ? event : 0;
}

int base_spec_add_hook(struct str spec, const struct hook_drop_in *drop_in, struct buf *out, struct error *err)
{
	struct found found = { 0 };
	char memory[ROOM_MORE];
	struct buf hook = buf_over(memory, sizeof memory);
	const char *begin, *end;
	int result = spec_look(spec, drop_in->path, &found, err);

	if (result < 0)
		return error_wrap(err, result, "the base spec");
	if (found.ours) {
		buf_str(out, spec);
		return out->overflow ? error_set(err, E2BIG, "the base spec is too large") : 0;
	}
	if (found.hooks)
		return error_set(err, ENOTSUP, "the base spec has hooks already%s; add the hook to it by hand",
				 found.any ? ", of other programs" : "");
	/* The same object as in a drop-in file: from the brace behind "hook" to the one before "when". */
	hook_drop_in_write(drop_in, &hook);
	begin = strstr(memory, "\"hook\": ");
	end = strstr(memory, ",\n   \"when\"");
	if (hook.overflow || !begin || !end)
		return error_set(err, E2BIG, "the hook's arguments are too long");
	begin += strlen("\"hook\": ");
	buf_add(out, spec.p, found.open);
	buf_text(out, BEGIN);
	buf_add(out, begin, (size_t)(end - begin));
	buf_text(out, "]}");
	if (!str_starts(str_from(spec, found.open), STR("}")))
		buf_byte(out, ',');
	buf_str(out, str_from(spec, found.open));
	return out->overflow ? error_set(err, E2BIG, "the base spec is too large") : 1;
}

/* Whether this program wrote it: it begins as we begin one, and the hook is its only one. Else -EPERM. */
static int ours_check(struct str spec, const char *path, const char *hook, struct error *err)
{
	struct found found = { 0 };
	int result = spec_look(spec, hook, &found, err);

	if (result < 0)
		return result;
	if (found.ours && !found.others && str_starts(spec, STR("{" BEGIN)))
		return 0;
	return error_set(err, EPERM,
			 "%s: left as it is: this command did not write it, or %s is not its only hook (see --hook)",
			 path, hook);
}

/* Returns 1 if the file is a new one. */
static int spec_put(struct setup_context *context, struct str spec, struct error *err)
{
	const char *path = context->conf.runtime_spec;
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	auto_free char *old = NULL;
	size_t len = 0;
	int result = file_swap_begin(&swap, path, NULL, err);

	if (result >= 0 && swap.exists)
		result = file_swap_read(&swap, SPEC_MAX, &old, &len, err);
	if (result >= 0 && old && str_equal((struct str){ old, len }, spec))
		return 0; /* not written again: `verify` compares its time with the daemon's start */
	if (result >= 0 && old)
		result = ours_check((struct str){ old, len }, path, context->conf.hook, err);
	if (result < 0)
		return error_wrap(err, result,
				  "no base spec; name another file with --runtime-spec, or add the hook to that one by "
				  "hand and leave --write-runtime-spec out");
	if (context->conf.dry_run)
		return conf_show(path, (struct str){ old, len }, spec, err);
	result = file_swap_write(&swap, spec.p, spec.len, 0644, err);
	if (result >= 0)
		result = file_swap_commit(&swap, err);
	if (result < 0)
		return result;
	(void)log_event(&context->log, LOG_INFO, "written output", "filename", path, NULL); /* counted */
	return !old;
}

int base_spec_write(struct setup_context *context, struct error *err)
{
	const struct setup_conf *conf = &context->conf;
	const char *const argv[] = { conf->ctr, "oci", "spec", NULL };
	struct hook_drop_in drop_in = { .path = conf->hook,
					.args = context->hook_args,
					.runtime = hook_args_have(context->hook_args, "runtime") ? NULL
												 : "containerd" };
	auto_free char *spec = NULL, *room = NULL;
	struct buf out;
	size_t len;
	int result;

	if (*conf->hook != '/')
		return setup_usage_error(context, err, "--hook: want an absolute path, not '%.80s'", conf->hook);
	result = hook_timeout_find(context->hook_args, (struct str){ 0 }, &drop_in.hook_timeout_ns, err);
	if (result >= 0)
		result = command_run(argv, CTR_LIMIT_NS, &spec, &len, err);
	if (result < 0)
		return error_wrap(err, result, "no base spec");
	room = malloc(len + ROOM_MORE);
	out = buf_over(room, room ? len + ROOM_MORE : 0);
	result = room ? base_spec_add_hook((struct str){ spec, len }, &drop_in, &out, err)
		      : error_set(err, ENOMEM, "not enough memory for the base spec");
	return result < 0 ? result : spec_put(context, (struct str){ room, out.len }, err);
}

int base_spec_remove(struct setup_context *context, struct error *err)
{
	const char *path = context->conf.runtime_spec;
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	auto_free char *spec = NULL;
	size_t len;
	int result = file_swap_begin(&swap, path, NULL, err);

	if (result >= 0)
		result = file_swap_read(&swap, SPEC_MAX, &spec, &len, err);
	if (result == -ENOENT)
		return 0;
	if (result >= 0)
		result = ours_check((struct str){ spec, len }, path, context->conf.hook, err);
	if (result < 0)
		return error_wrap(err, result, "the base spec stays");
	if (context->conf.dry_run)
		return 0;
	result = file_swap_remove(&swap, err);
	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, "removed base spec", "filename", path, NULL); /* counted */
	return result;
}
