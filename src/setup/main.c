/* SPDX-License-Identifier: Apache-2.0 */
/* tetragon-oci-hook-setup: see setup_options.c for its commands. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/utf8.h"
#include "setup/setup_context.h"

#define PROGRAM "tetragon-oci-hook-setup"
#define ARENA_BYTES ((size_t)1 << 20) /* of the options: more than a command line can hold in useful ones */
#define HELP_BYTES 32768
#define EXIT_USAGE 80

static char arena_memory[ARENA_BYTES];

static int print(FILE *file, const struct buf *text)
{
	return fwrite(text->p, 1, text->len, file) == text->len && !fflush(file) ? 0 : 1;
}

static int usage_error(const char *text)
{
	(void)fprintf(stderr, PROGRAM ": error: %s\n", text); /* nobody is left to tell */
	return EXIT_USAGE;
}

/* The first words of all commands, or the second ones behind `first`, as rows in which flags_nearest can look. */
static void words_list(const char *first, struct flag rows[SETUP_COMMANDS + 1], struct buf *all)
{
	size_t n = 0;

	memset(rows, 0, (SETUP_COMMANDS + 1) * sizeof *rows);
	for (size_t i = 0; i < SETUP_COMMANDS; i++) {
		const struct setup_command *command = &setup_commands[i];

		if (first && (!command->sub || strcmp(command->name, first) != 0))
			continue;
		rows[n].name = first ? command->sub : command->name;
		buf_printf(all, "%s%s", n ? ", " : "", rows[n].name);
		n++;
	}
}

/* `word` is none of them. */
static int unknown_word(const char *first, const char *word)
{
	struct flag rows[SETUP_COMMANDS + 1];
	const struct flag_set set = { "", NULL, rows };
	const struct flag *nearest = NULL;
	char memory[512], listed[256];
	struct buf text = buf_over(memory, sizeof memory), all = buf_over(listed, sizeof listed);

	words_list(first, rows, &all);
	if (word)
		nearest = flags_nearest(&set, str_of(word));
	if (!word)
		buf_printf(&text, "%s needs a second word: %s", first, listed);
	else if (first)
		buf_printf(&text, "%s: unknown second word '%.80s'; ", first, word);
	else
		buf_printf(&text, "unknown command '%.80s'; ", word);
	if (nearest)
		buf_printf(&text, "did you mean %s?", nearest->name);
	else if (word && first)
		buf_printf(&text, "there is %s", listed);
	else if (word)
		buf_text(&text, "--help lists them");
	return usage_error(memory);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "-h") || !strcmp(word, "--help") || !strcmp(word, "help");
}

/* Nothing, or something else, stands where a command is wanted. */
static int no_command(int argc, char *const argv[])
{
	char memory[HELP_BYTES];
	struct buf text = buf_over(memory, sizeof memory);

	if (argc < 2)
		return usage_error("a command is missing; --help lists them");
	if (!strcmp(argv[1], "--version")) {
		buf_text(&text, PROGRAM " " PROJECT_VERSION "\n");
		return print(stdout, &text);
	}
	setup_help(&text);
	if (is_help(argv[1]))
		return print(stdout, &text);
	for (size_t i = 0; i < SETUP_COMMANDS; i++) {
		if (strcmp(argv[1], setup_commands[i].name) != 0)
			continue;
		for (int a = 2; a < argc; a++)
			if (is_help(argv[a]))
				return print(stdout, &text);
		return unknown_word(argv[1], argc > 2 && argv[2][0] != '-' ? argv[2] : NULL);
	}
	return unknown_word(NULL, argv[1]);
}

/* Index of the word hook-args in argv, or argc. */
static int hook_args_find(const struct setup_command *command, int argc, char *const argv[], int from)
{
	for (int i = from; command->takes_hook_args && i < argc; i++)
		if (!strcmp(argv[i], "hook-args"))
			return i;
	return argc;
}

/* JSON and TOML hold nothing else: a path or an argument would get there as another one. Index of the first, or argc.
 */
static int no_text_find(int argc, char *const argv[])
{
	for (int i = 1; i < argc; i++) {
		struct str rest = str_of(argv[i]);

		while (rest.len) {
			unsigned n = utf8_length(rest, NULL);

			if (!n)
				return i;
			rest = str_from(rest, n);
		}
	}
	return argc;
}

static int run(const struct setup_command *command, struct setup_context *context)
{
	struct error err = { 0 };
	enum log_level level;
	int result;

	if (log_level_parse(str_of(context->conf.log_level), &level) < 0) {
		(void)fprintf(stderr,
			      PROGRAM ": error: --log-level: '%.80s' is none; want debug, info, warn or error\n",
			      context->conf.log_level);
		return 1;
	}
	context->log = (struct log){ .fd = STDERR_FILENO, .level = level, .format = LOG_TEXT_TS };
	result = command->run(context, &err);
	if (result >= 0)
		return 0;
	if (context->usage)
		return usage_error(err.text);
	(void)fprintf(stderr, PROGRAM ": error: %s\n", err.text); /* nobody is left to tell */
	return 1;
}

int main(int argc, char *argv[])
{
	struct arena arena = arena_over(arena_memory, sizeof arena_memory);
	struct setup_context context = { 0 };
	struct error err = { 0 };
	char memory[HELP_BYTES];
	struct buf text = buf_over(memory, sizeof memory);
	int words = 0, end, result;
	const struct setup_command *command = setup_command_find(argc, argv, &words);

	if (!command)
		return no_command(argc, argv);
	if (no_text_find(argc, argv) < argc) {
		(void)error_set(&err, EINVAL, "argument %d is no UTF-8: no runtime's file can hold it",
				no_text_find(argc, argv));
		return usage_error(err.text);
	}
	end = hook_args_find(command, argc, argv, words + 1);
	context.hook_args = (const char *const *)(argv + (end < argc ? end + 1 : argc));
	result = flags_init(&context.parse, &command->set, &context.conf, &arena, &err);
	if (result >= 0)
		result = flags_parse_argv(&context.parse, end - words, argv + words, &err);
	if (result < 0)
		return usage_error(err.text);
	if (context.parse.help) {
		flags_help(&command->set, &text);
		return print(stdout, &text);
	}
	if (context.parse.version) {
		buf_text(&text, PROGRAM " " PROJECT_VERSION "\n");
		return print(stdout, &text);
	}
	if (context.parse.arguments) {
		(void)error_set(&err, EINVAL, "unexpected argument '%.80s'", context.parse.argument[0]);
		return usage_error(err.text);
	}
	return run(command, &context);
}
