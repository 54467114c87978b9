/* SPDX-License-Identifier: Apache-2.0 */
/* tetragon-oci-hook: see hook_options.c for its usage. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "hook/hook_create.h"
#include "hook/hook_log.h"
#include "hook/hook_options.h"
#include "hook/hook_self.h"
#include "hook/hook_stop.h"

#define ARENA_BYTES (16 * 1024 * 1024) /* pages that nobody touches cost nothing */
#define EXIT_USAGE 80
#define LOG_NAME "/tetragon-oci-hook.log"

/* All the memory that there is: limits of the inputs (1 MiB state, 4 MiB spec) and of the call fit in. */
static char arena_memory[ARENA_BYTES];

static void print(int fd, struct buf *text)
{
	(void)!write(fd, text->p, text->len); /* nobody is left to tell */
}

static int usage_error(int status, const struct error *err)
{
	char memory[ERROR_TEXT_MAX + 64];
	struct buf text = buf_over(memory, sizeof memory);

	buf_text(&text, "tetragon-oci-hook: error: ");
	buf_text(&text, err->text);
	buf_byte(&text, '\n');
	print(STDERR_FILENO, &text);
	return status;
}

static int answer_question(const struct flag_parse *parse)
{
	char memory[8192];
	struct buf text = buf_over(memory, sizeof memory);

	if (parse->help)
		flags_help(&hook_options, &text);
	else
		buf_text(&text, "tetragon-oci-hook " PROJECT_VERSION "\n");
	print(STDOUT_FILENO, &text);
	return 0;
}

static void log_trouble(const char *what)
{
	char memory[ERROR_TEXT_MAX + 64];
	struct buf text = buf_over(memory, sizeof memory);

	buf_text(&text, "error writing to logger: ");
	buf_text(&text, what);
	buf_byte(&text, '\n');
	print(STDERR_FILENO, &text);
}

/* The log file's name: as given, else beside the program; "" if there is no such place. */
static const char *log_name(const struct hook_conf *conf, struct str dir, struct arena *arena)
{
	size_t size = dir.len + sizeof LOG_NAME;
	char *memory;
	struct buf name;

	if (conf->log_fname[0] || !dir.len)
		return conf->log_fname;
	memory = arena_alloc(arena, size);
	if (!memory)
		return "";
	name = buf_over(memory, size);
	buf_str(&name, dir);
	buf_text(&name, LOG_NAME);
	return memory;
}

static void log_start(struct log *log, const struct hook_conf *conf, const char *name)
{
	enum log_level level;
	struct error err = { 0 };

	*log = (struct log){ .fd = -1, .level = LOG_INFO, .format = LOG_JSON };
	if (!name[0])
		(void)error_set(&err, ENOENT, "no log file: the program's folder is unknown; give --log-fname");
	else
		log->fd = hook_log_open(name, &err);
	if (log->fd < 0) {
		log->fd = -1;
		log_trouble(err.text);
	}
	if (log_level_parse(str_of(conf->log_level), &level) >= 0)
		log->level = level;
	else
		(void)log_event(log, LOG_WARN, "was not able to parse logLevel, using default", "arg", conf->log_level,
				"default", "info", NULL); /* counted by the log */
}

static void fail_container(const struct error *err, const char *log_file)
{
	char memory[ERROR_TEXT_MAX + 4096 + 128];
	struct buf text = buf_over(memory, sizeof memory);

	buf_text(&text, "failing container: ");
	buf_text(&text, err->text);
	buf_text(&text, ". Check logs (");
	buf_text(&text, log_file);
	buf_text(&text, ") for additional info");
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			text.p[i] = ' '; /* foreign text goes to terminals and into events */
	print(STDERR_FILENO, &text);
}

static int hook_run(struct hook_create *create, enum hook_name name, const char *log_file)
{
	struct error err = { 0 };
	int r = 0;

	switch (name) {
	case HOOK_CREATE_RUNTIME:
		r = hook_create_run(create, &err);
		break;
	case HOOK_CREATE_CONTAINER:
		(void)log_event(create->log, LOG_INFO, "nothing to do", "hook", "createContainer", NULL); /* counted */
		break;
	case HOOK_POSTSTOP:
		break;
	}
	if (create->log->dropped)
		log_trouble(strerror(create->log->last_errno));
	if (r < 0)
		fail_container(&err, log_file);
	return r < 0 ? 1 : 0;
}

int main(int argc, char *argv[])
{
	int64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
	struct arena arena = arena_over(arena_memory, sizeof arena_memory);
	struct hook_conf conf;
	struct flag_parse parse = { 0 };
	struct error err = { 0 };
	struct hook_stop stop;
	struct hook_create create = { .conf = &conf, .arena = &arena, .start_ns = start_ns, .stdin_fd = STDIN_FILENO };
	struct log log;
	const char *log_file;
	enum hook_name name;
	struct str dir;

	hook_self_seal();
	if (flags_init(&parse, &hook_options, &conf, &arena, &err) < 0 ||
	    flags_parse_argv(&parse, argc, argv, &err) < 0)
		return usage_error(EXIT_USAGE, &err);
	if (parse.help || parse.version)
		return answer_question(&parse);
	if (parse.arguments != 1) {
		(void)error_set(&err, EINVAL, "%s; want one of createRuntime, createContainer, poststop",
				parse.arguments ? "more than one hook name" : "no hook name");
		return usage_error(EXIT_USAGE, &err);
	}
	dir = hook_self_dir(&arena);
	if (hook_self_config(dir, &parse, &err) < 0)
		return usage_error(1, &err);
	if (runtime_parse(str_of(conf.runtime), &create.runtime, &err) < 0) {
		(void)error_wrap(&err, -EINVAL, "--runtime");
		return usage_error(EXIT_USAGE, &err);
	}
	log_file = log_name(&conf, dir, &arena);
	log_start(&log, &conf, log_file);
	create.log = &log;
	if (hook_name_parse(str_of(parse.argument[0]), &name, &err) < 0) {
		(void)log_event(&log, LOG_WARN, "hook called with unknown hook", "hook", parse.argument[0],
				NULL); /* counted */
		return usage_error(EXIT_USAGE, &err);
	}
	hook_stop_init(&stop);
	create.stop = &stop;
	return hook_run(&create, name, log_file);
}
