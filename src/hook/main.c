/* SPDX-License-Identifier: Apache-2.0 */
/* tetragon-oci-hook: see hook_options.c for its usage. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/flags_json.h"
#include "hook/hook_create.h"
#include "hook/hook_eval.h"
#include "hook/hook_inspect.h"
#include "ask/ask_log.h"
#include "hook/hook_options.h"
#include "hook/hook_rotate.h"
#include "hook/hook_self.h"
#include "hook/hook_stop.h"
#include "hook/hook_version.h"

#define ARENA_BYTES (16 * 1024 * 1024) /* pages that nobody touches cost nothing */
#define CHECK_ARENA_BYTES (8 * 1024 * 1024)
#define PRINT_BYTES (256 * 1024) /* of the configuration: a file of 64 KiB, and the command line */
#define EXIT_USAGE 80
#define LOG_NAME "/tetragon-oci-hook.log"

/* All the memory that there is: limits of the inputs (1 MiB state, 4 MiB spec) and of the call fit in. */
static char arena_memory[ARENA_BYTES], check_memory[CHECK_ARENA_BYTES];

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
	struct buf text = buf_over(check_memory, PRINT_BYTES); /* nobody else's now */

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
		log->fd = ask_log_open(name, &err);
	if (log->fd >= 0) {
		const struct hook_rotate rotate = { name, clock_now_ns(CLOCK_REALTIME), HOOK_ROTATE_BYTES };

		log->fd = hook_rotate(&rotate, log->fd, &err);
	} else {
		log->fd = -1;
	}
	if (err.code)
		log_trouble(err.text);
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

static int version_print(const struct hook_create *create, struct error *err)
{
	char memory[HOOK_VERSION_MAX + 2];
	struct buf text = buf_over(memory, HOOK_VERSION_MAX);
	int r = hook_version_run(create, &text, err);

	if (r < 0)
		return r;
	text.size = sizeof memory;
	buf_byte(&text, '\n');
	print(STDOUT_FILENO, &text);
	return 0;
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
	case HOOK_SERVER_VERSION:
		r = version_print(create, &err);
		break;
	}
	if (create->log->dropped)
		log_trouble(strerror(create->log->last_errno));
	if (r >= 0)
		return 0;
	if (name == HOOK_SERVER_VERSION)
		return usage_error(1, &err);
	fail_container(&err, log_file);
	return 1;
}

static int config_print(const struct hook_conf *conf)
{
	struct buf text = buf_over(check_memory, PRINT_BYTES); /* nobody else's now */

	flags_json_write(&hook_options, conf, hook_questions, &text);
	print(STDOUT_FILENO, &text);
	return 0;
}

static void finding_print(void *user, bool is_mistake, const char *what)
{
	char memory[ERROR_TEXT_MAX + 64];
	struct buf text = buf_over(memory, sizeof memory);

	(void)user;
	buf_text(&text, is_mistake ? "tetragon-oci-hook: error: " : "tetragon-oci-hook: warning: ");
	buf_text(&text, what);
	buf_byte(&text, '\n');
	print(STDERR_FILENO, &text);
}

static int config_check(const struct hook_conf *conf, enum runtime runtime, struct arena *scratch, unsigned mistakes)
{
	const struct hook_inspect inspect = {
		.conf = conf, .runtime = runtime, .arena = scratch, .report = finding_print
	};
	struct buf text;
	char memory[64];

	mistakes += hook_inspect(&inspect);
	if (mistakes)
		return 1;
	text = buf_over(memory, sizeof memory);
	buf_text(&text, "the configuration is good\n");
	print(STDOUT_FILENO, &text);
	return 0;
}

static int expression_try(const struct hook_conf *conf, enum runtime runtime, struct arena *arena)
{
	struct buf text = buf_over(check_memory, PRINT_BYTES); /* nobody else's now */
	struct error err = { 0 };
	const char *meaning;
	char memory[128];
	struct buf note = buf_over(memory, sizeof memory);

	if (hook_eval(conf, runtime, arena, &text, &meaning, &err) < 0) {
		finding_print(NULL, true, err.text);
		return 1;
	}
	text.size = sizeof check_memory;
	buf_byte(&text, '\n');
	print(STDOUT_FILENO, &text);
	buf_text(&note, meaning);
	buf_byte(&note, '\n');
	print(STDERR_FILENO, &note);
	return 0;
}

/* What the configuration file says that no option is. */
struct unknown_keys {
	bool is_told; /* a check is on; else they are ignored: a newer program's must not stop containers */
	unsigned count;
};

static void unknown_note(void *user, struct str name, const struct flag *nearest)
{
	struct unknown_keys *keys = user;
	struct error err;

	keys->count++;
	if (!keys->is_told)
		return;
	(void)error_set(&err, EINVAL, HOOK_CONFIG_NAME ": unknown key '%.*s'", (int)(name.len < 80 ? name.len : 80),
			name.p);
	if (nearest) {
		char snake[64];
		struct buf out = buf_over(snake, sizeof snake);

		for (const char *c = nearest->name; *c; c++)
			buf_byte(&out, *c == '-' ? '_' : *c);
		(void)error_set(&err, EINVAL, HOOK_CONFIG_NAME ": unknown key '%.*s'; did you mean '%s'?",
				(int)(name.len < 80 ? name.len : 80), name.p, snake);
	}
	finding_print(NULL, true, err.text);
}

/* A value on the command line is wrong usage, one in the file a wrong configuration. */
static int status_of(const struct flag_parse *parse, const char *flag)
{
	return hook_option_is_from(parse, flag, FLAG_FROM_CONFIG) ? 1 : EXIT_USAGE;
}

/* Everything about the call of the program, then the hook. */
static int program_run(int argc, char *argv[], struct hook_conf *conf, struct hook_create *create)
{
	struct flag_parse parse = { 0 };
	struct error err = { 0 };
	struct unknown_keys keys = { 0 };
	const struct flags_unknown unknown = { unknown_note, &keys };
	enum log_level level;
	enum hook_name name;
	struct str dir;
	bool is_known;

	if (flags_init(&parse, &hook_options, conf, create->arena, &err) < 0 ||
	    flags_parse_argv(&parse, argc, argv, &err) < 0)
		return usage_error(EXIT_USAGE, &err);
	if (parse.help || parse.version)
		return answer_question(&parse);
	dir = hook_self_dir(create->arena);
	keys.is_told = conf->check_config;
	if (hook_self_config(dir, &unknown, &parse, &err) < 0)
		return usage_error(1, &err);
	conf->log_fname = log_name(conf, dir, create->arena);
	if (conf->just_print_config)
		return config_print(conf);
	if (runtime_parse(str_of(conf->runtime), &create->runtime, &err) < 0) {
		(void)error_wrap(&err, -EINVAL, "--runtime");
		return usage_error(conf->check_config ? 1 : status_of(&parse, "runtime"), &err);
	}
	if (conf->check_config)
		return config_check(conf, create->runtime, create->check_arena, keys.count);
	if (hook_option_is_from(&parse, "eval-cel", FLAG_FROM_ARGV))
		return expression_try(conf, create->runtime, create->arena);
	if (parse.arguments != 1) {
		(void)error_set(&err, EINVAL,
				"%s; want one of createRuntime, createContainer, poststop, server-version",
				parse.arguments ? "more than one hook name" : "no hook name");
		return usage_error(EXIT_USAGE, &err);
	}
	is_known = hook_name_parse(str_of(parse.argument[0]), &name, &err) >= 0;
	if (is_known && name == HOOK_POSTSTOP && log_level_parse(str_of(conf->log_level), &level) >= 0)
		return 0; /* nothing to do, nothing to say: not even a log to open */
	log_start(create->log, conf, conf->log_fname);
	if (!is_known) {
		(void)log_event(create->log, LOG_WARN, "hook called with unknown hook", "hook", parse.argument[0],
				NULL); /* counted */
		return usage_error(EXIT_USAGE, &err);
	}
	return hook_run(create, name, conf->log_fname);
}

/* Apart from main(): its frame must not be on the stack before the limit of the stack is raised. */
__attribute__((noinline)) static int start(int argc, char *argv[])
{
	struct arena arena = arena_over(arena_memory, sizeof arena_memory);
	struct arena check_arena = arena_over(check_memory, sizeof check_memory);
	struct hook_stop stop;
	struct hook_conf conf;
	struct log log;
	struct hook_create create = { .conf = &conf,
				      .log = &log,
				      .arena = &arena,
				      .check_arena = &check_arena,
				      .stop = &stop,
				      .stdin_fd = STDIN_FILENO };

	create.start_ns = clock_now_ns(CLOCK_MONOTONIC);
	hook_stop_init(&stop);
	return program_run(argc, argv, &conf, &create);
}

int main(int argc, char *argv[])
{
	hook_self_seal();
	return start(argc, argv);
}
