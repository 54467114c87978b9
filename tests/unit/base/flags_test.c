/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "flags_rows.h"

#define ARGUMENTS_MAX 8

/* A command line and what comes of it: the flag's value, or the text of the error. */
static const struct {
	const char *why;
	const char *argv[ARGUMENTS_MAX];
	const char *flag;       /* NULL: refused */
	const char *text;       /* value, or a part of the error's text */
	const char *positional; /* all of them, joined by blanks */
} lines[] = {
	{ "nothing given", { NULL }, "grpc-timeout", "10s", "" },
	{ "value as next argument",
	  { "--grpc-timeout", "5s", "createRuntime" },
	  "grpc-timeout",
	  "5s",
	  "createRuntime" },
	{ "value behind '='", { "--grpc-timeout=1m30s", "createRuntime" }, "grpc-timeout", "1m30s", "createRuntime" },
	{ "flag behind the argument", { "createRuntime", "--grpc-timeout=1s" }, "grpc-timeout", "1s", "createRuntime" },
	{ "last of two counts", { "--grpc-timeout=1s", "--grpc-timeout=2s" }, "grpc-timeout", "2s", "" },
	{ "empty value", { "--grpc-address=" }, "grpc-address", "", "" },
	{ "empty next argument", { "--grpc-address", "", "x" }, "grpc-address", "", "x" },
	{ "an '=' in the value", { "--grpc-address=a=b" }, "grpc-address", "a=b", "" },
	{ "value with a minus", { "--export-rate-limit=-5" }, "export-rate-limit", "-5", "" },
	{ "a dash is a value", { "--log-fname", "-" }, "log-fname", "-", "" },
	{ "a dash is an argument", { "-", "--log-fname=x" }, "log-fname", "x", "-" },
	{ "bare bool takes no argument", { "--disable-grpc", "false" }, "disable-grpc", "true", "false" },
	{ "bool with a value", { "--disable-grpc=YES" }, "disable-grpc", "true", "" },
	{ "bool switched off again", { "--disable-grpc", "--disable-grpc=no" }, "disable-grpc", "false", "" },
	{ "list", { "--fail-allow-namespaces=a,b" }, "fail-allow-namespaces", "a,b", "" },
	{ "list, accumulated",
	  { "--fail-allow-namespaces=a", "--fail-allow-namespaces", "b,c" },
	  "fail-allow-namespaces",
	  "a,b,c",
	  "" },
	{ "list, many",
	  { "--fail-allow-namespaces=a,b,c,d,e", "--fail-allow-namespaces=f,g,h", "--fail-allow-namespaces=i" },
	  "fail-allow-namespaces",
	  "a,b,c,d,e,f,g,h,i",
	  "" },
	{ "list, comma kept", { "--fail-allow-namespaces=a{1\\,2},b" }, "fail-allow-namespaces", "a{1\\,2},b", "" },
	{ "list, other backslashes stay",
	  { "--fail-allow-namespaces=\\d\\.,\\\\" },
	  "fail-allow-namespaces",
	  "\\d\\.,\\\\",
	  "" },
	{ "list, backslash at the end", { "--fail-allow-namespaces=a\\" }, "fail-allow-namespaces", "a\\", "" },
	{ "list, empty items", { "--fail-allow-namespaces=,a,,b," }, "fail-allow-namespaces", "a,b", "" },
	{ "list, emptied", { "--fail-allow-namespaces=" }, "fail-allow-namespaces", "", "" },
	{ "list, blanks belong to items", { "--fail-allow-namespaces=a, b" }, "fail-allow-namespaces", "a, b", "" },
	{ "end of flags", { "--", "--grpc-timeout=1s" }, "grpc-timeout", "10s", "--grpc-timeout=1s" },

	{ "misspelt", { "--grpc-timeot=1s" }, NULL, "unknown flag --grpc-timeot; did you mean --grpc-timeout?", "" },
	{ "underscores", { "--grpc_timeout=1s" }, NULL, "did you mean --grpc-timeout?", "" },
	{ "capitals", { "--GRPC-Timeout=1s" }, NULL, "did you mean --grpc-timeout?", "" },
	{ "a letter too many", { "--rb-sizes=1" }, NULL, "did you mean --rb-size?", "" },
	{ "like none", { "--frobnicate" }, NULL, "unknown flag --frobnicate; --help lists the flags", "" },
	{ "an empty name", { "--=x" }, NULL, "unknown flag --", "" },
	{ "one dash", { "-grpc-timeout=1s" }, NULL, "unknown flag -grpc-timeout=1s; flags begin with two dashes", "" },
	{ "no value", { "--grpc-timeout" }, NULL, "--grpc-timeout: needs a value", "" },
	{ "a flag in place of the value",
	  { "--grpc-address", "--disable-grpc" },
	  NULL,
	  "--grpc-address: needs a value; one that begins with '-' is written --grpc-address=--disable-grpc",
	  "" },
	{ "bad duration", { "--grpc-timeout=fast" }, NULL, "--grpc-timeout: 'fast' is not a duration", "" },
	{ "too long a duration",
	  { "--grpc-timeout=9999999999h" },
	  NULL,
	  "--grpc-timeout: '9999999999h' is too long",
	  "" },
	{ "bad bool", { "--disable-grpc=maybe" }, NULL, "--disable-grpc: 'maybe' is neither true nor false", "" },
	{ "bad number", { "--export-rate-limit=many" }, NULL, "--export-rate-limit: 'many' is not a whole number", "" },
	{ "bad size", { "--rb-size=1X" }, NULL, "--rb-size: '1X' is not a size", "" },
	{ "empty number", { "--export-rate-limit=" }, NULL, "--export-rate-limit: '' is not a whole number", "" },
};

static int line_parse(struct bench *bench, const char *const *arguments)
{
	static char copies[ARGUMENTS_MAX][256], program[] = "program";
	char *argv[ARGUMENTS_MAX + 2] = { program };
	int argc = 1;

	for (; argc <= ARGUMENTS_MAX && arguments[argc - 1]; argc++) {
		(void)snprintf(copies[argc - 1], sizeof copies[0], "%s", arguments[argc - 1]);
		argv[argc] = copies[argc - 1];
	}
	return flags_parse_argv(&bench->parse, argc, argv, &bench->err);
}

static void command_lines_follow_the_table(void **state)
{
	static struct bench bench;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char positional[256];
		struct buf out = buf_over(positional, sizeof positional);
		int got;

		assert_int_equal(bench_init(&bench), 0);
		got = line_parse(&bench, lines[i].argv);
		if (!lines[i].flag) {
			if (got != -EINVAL || bench.err.code != EINVAL || !strstr(bench.err.text, lines[i].text))
				fail_msg("%s: %d, '%s'", lines[i].why, got, bench.err.text);
			continue;
		}
		if (got || strcmp(bench_value(&bench, lines[i].flag), lines[i].text) != 0)
			fail_msg("%s: %d, '%s', %s", lines[i].why, got, bench.err.text,
				 bench_value(&bench, lines[i].flag));
		for (size_t j = 0; j < bench.parse.arguments; j++) {
			buf_text(&out, j ? " " : "");
			buf_text(&out, bench.parse.argument[j]);
		}
		if (strcmp(positional, lines[i].positional) != 0 || bench.parse.argument[bench.parse.arguments])
			fail_msg("%s: arguments '%s'", lines[i].why, positional);
	}
	(void)state;
}

static void defaults_are_in_force_at_first(void **state)
{
	static struct bench bench;

	assert_int_equal(bench_init(&bench), 0);
	assert_string_equal(bench_print(&bench), DEFAULTS);
	(void)state;
}

static void asking_for_help_beats_everything(void **state)
{
	static const struct {
		const char *argv[ARGUMENTS_MAX];
		bool help, version;
	} asked[] = {
		{ { "-h" }, true, false },
		{ { "--help" }, true, false },
		{ { "--nonsense", "createRuntime", "--help" }, true, false },
		{ { "--grpc-timeout", "-h" }, true, false },
		{ { "--version" }, false, true },
		{ { "--nonsense", "--version" }, false, true },
		{ { "--", "--help" }, false, false },
	};
	static struct bench bench;

	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		assert_int_equal(bench_init(&bench), 0);
		assert_int_equal(line_parse(&bench, asked[i].argv), 0);
		assert_int_equal(bench.parse.help, asked[i].help);
		assert_int_equal(bench.parse.version, asked[i].version);
	}
	(void)state;
}

/* Each source beats those below it, in whichever order they come. */
static void the_higher_source_is_in_force(void **state)
{
	static const char *const names[] = { "grpc-timeout", "fail-allow-namespaces", "log-fname" };
	static const char *const values[][5] = { { "", "10s", "1s", "2s", "3s" },
						 { "", "kube-system", "a,b", "c", "d,e" },
						 { "", "", "x", "y", "z" } };
	static struct bench bench;

	for (size_t n = 0; n < 3; n++)
		for (enum flag_source first = FLAG_FROM_CONFIG; first <= FLAG_FROM_ARGV; first++)
			for (enum flag_source second = FLAG_FROM_CONFIG; second <= FLAG_FROM_ARGV; second++) {
				enum flag_source higher = first > second ? first : second;

				if (first == second)
					continue;
				assert_int_equal(bench_init(&bench), 0);
				assert_int_equal(flags_set(&bench.parse, first, str_of(names[n]),
							   str_of(values[n][first]), NULL),
						 0);
				assert_int_equal(flags_set(&bench.parse, second, str_of(names[n]),
							   str_of(values[n][second]), NULL),
						 0);
				if (strcmp(bench_value(&bench, names[n]), values[n][higher]) != 0)
					fail_msg("%s, %d then %d: %s", names[n], first, second,
						 bench_value(&bench, names[n]));
			}
	(void)state;
}

static void only_the_command_lines_lists_accumulate(void **state)
{
	static struct bench bench;
	const struct str name = STR("fail-allow-namespaces"), items[] = { STR("a,b"), STR(""), STR("c\\") };

	assert_int_equal(bench_init(&bench), 0);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_CONFIG, name, STR("a,b"), NULL), 0);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_CONFIG, name, STR("c"), NULL), 0);
	assert_string_equal(bench_value(&bench, name.p), "c");
	assert_int_equal(flags_set_items(&bench.parse, FLAG_FROM_CONFIG, name, items, 3, NULL), 0);
	assert_int_equal(bench.conf.namespaces.n, 2);
	assert_string_equal(bench.conf.namespaces.item[0], "a,b");
	assert_string_equal(bench.conf.namespaces.item[1], "c\\");
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, name, STR("d"), NULL), 0);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, name, STR("e"), NULL), 0);
	assert_string_equal(bench_value(&bench, name.p), "d,e");
	assert_int_equal(flags_set_items(&bench.parse, FLAG_FROM_CONFIG, name, items, 3, NULL), 0);
	assert_string_equal(bench_value(&bench, name.p), "d,e");
	assert_int_equal(flags_set_items(&bench.parse, FLAG_FROM_ARGV, STR("log-fname"), items, 3, &bench.err),
			 -EINVAL);
	(void)state;
}

static void a_wrong_value_changes_nothing(void **state)
{
	static struct bench bench;

	assert_int_equal(bench_init(&bench), 0);
	for (const struct flag *flag = rows; flag->name; flag++)
		if (flag->type != FLAG_STRING && flag->type != FLAG_LIST)
			assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, str_of(flag->name), STR("?"),
						   &bench.err),
					 -EINVAL);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, STR("log-fname"), STR("a\0b"), &bench.err), -EINVAL);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, STR("no-such"), STR("x"), &bench.err), -ENOENT);
	assert_string_equal(bench_print(&bench), DEFAULTS);
	/* The syntax is checked even where the value would not be in force. */
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, STR("grpc-timeout"), STR("1s"), NULL), 0);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_CONFIG, STR("grpc-timeout"), STR("?"), NULL), -EINVAL);
	(void)state;
}

/* With every size of memory: it suffices, or it is told that it does not; what is in force is never half set. */
static void running_out_of_memory_is_told(void **state)
{
	static const char *const arguments[] = { "--fail-allow-namespaces=a,b,c,d,e", "--log-fname=/var/log/x", "hook",
						 NULL };
	static struct bench bench;
	bool enough = false;

	for (size_t size = 0; !enough; size += 8) {
		int got;

		assert_true(size < sizeof bench.memory);
		bench.arena = arena_over(bench.memory, size);
		got = flags_init(&bench.parse, &set, &bench.conf, &bench.arena, &bench.err);
		if (got == -ENOMEM)
			continue;
		assert_int_equal(got, 0);
		got = line_parse(&bench, arguments);
		enough = got == 0;
		if (got && (got != -ENOMEM || !strstr(bench.err.text, "memory")))
			fail_msg("%zu bytes: %d, '%s'", size, got, bench.err.text);
		if (bench.conf.namespaces.n != 1 && bench.conf.namespaces.n != 5)
			fail_msg("%zu bytes: a list of %zu", size, bench.conf.namespaces.n);
	}
	assert_string_equal(bench_value(&bench, "fail-allow-namespaces"), "a,b,c,d,e");
	assert_string_equal(bench_value(&bench, "log-fname"), "/var/log/x");
	(void)state;
}

static void a_wrong_default_is_found(void **state)
{
	static const struct flag wrong[] = { { "number", FLAG_INT, 0, "x", "N", "a number" }, { 0 } };
	static const struct flag typeless[] = { { "number", 0, 0, "x", "N", "a number" }, { 0 } };
	static struct flag many[FLAGS_MAX + 2];
	const struct flag *const tables[] = { wrong, typeless, many };
	static struct bench bench;

	for (size_t i = 0; i <= FLAGS_MAX; i++)
		many[i] = (struct flag){ "truth", FLAG_BOOL, 0, "false", NULL, "a bool" };
	bench.arena = arena_over(bench.memory, sizeof bench.memory);
	for (size_t i = 0; i < 3; i++) {
		struct flag_set broken = { "x", NULL, tables[i] };

		assert_int_equal(flags_init(&bench.parse, &broken, &bench.conf, &bench.arena, &bench.err), -EINVAL);
	}
	(void)state;
}

/* "[=WORD]": alone it is "true", and never takes the next argument. */
static void a_value_may_be_left_out_where_the_row_says_so(void **state)
{
	static const struct flag optional[] = { { "switch", FLAG_STRING, 0, "", "[=FILE]", "on, at FILE" }, { 0 } };
	static const struct flag_set switches = { "program", NULL, optional };
	static const struct {
		const char *argument, *want;
	} cases[] = { { "--switch", "true" }, { "--switch=/x", "/x" }, { "--switch=", "" } };
	char text[1024], program[] = "program", next[] = "next";
	struct buf out = buf_over(text, sizeof text);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char argument[32], memory[256];
		char *argv[] = { program, argument, next, NULL };
		struct arena arena = arena_over(memory, sizeof memory);
		struct flag_parse parse = { 0 };
		const char *value = NULL;

		(void)snprintf(argument, sizeof argument, "%s", cases[i].argument);
		assert_int_equal(flags_init(&parse, &switches, &value, &arena, NULL), 0);
		assert_int_equal(flags_parse_argv(&parse, 3, argv, NULL), 0);
		assert_string_equal(value, cases[i].want);
		assert_int_equal(parse.arguments, 1);
	}
	flags_help(&switches, &out);
	assert_non_null(strstr(text, "\n  --switch[=FILE]  on, at FILE\n"));
	(void)state;
}

static void help_names_every_flag_in_100_columns(void **state)
{
	static const struct flag awkward[] = {
		{ "a", FLAG_STRING, 0, "", "X", "short" },
		{ "a-flag-with-a-name-that-leaves-no-room-for-its-help-on-the-line", FLAG_STRING, 0, "y", "VALUE",
		  "below" },
		{ "long-help", FLAG_STRING, 0, "z", "X",
		  "a text that goes on and on, far beyond the hundredth column, so that it must be broken between two "
		  "of its "
		  "words, and more than once at that, as nobody reads lines that are so long" },
		{ "long-word", FLAG_STRING, 0,
		  "unix:///a/path/without/any/blank/that/is/longer/than/a/whole/line/of/the/terminal/in/which/somebody/"
		  "reads/"
		  "it/and/longer/and/longer",
		  "X", "agent" },
		{ 0 },
	};
	static const struct flag_set sets[] = { { "program [flags] HOOK", "Does nothing.", rows },
						{ "program", NULL, awkward } };

	for (size_t s = 0; s < 2; s++) {
		char text[8192];
		struct buf out = buf_over(text, sizeof text);

		flags_help(&sets[s], &out);
		assert_false(out.overflow);
		for (const char *line = text, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			assert_non_null(end);
			if (end - line > 100 || (end > line && end[-1] == ' '))
				fail_msg("set %zu: %.*s", s, (int)(end - line), line);
		}
		for (const struct flag *flag = sets[s].flags; flag->name; flag++)
			if (!strstr(text, flag->name))
				fail_msg("--%s is missing", flag->name);
		assert_non_null(strstr(text, "\n  -h, --help "));
		assert_non_null(strstr(text, "\n  --version "));
		for (size_t size = 0; size <= out.len; size += 37) {
			char small[8192];
			struct buf cut = buf_over(small, size);

			flags_help(&sets[s], &cut);
			assert_true(cut.overflow);
		}
	}
	(void)state;
}

static void help_reads_so(void **state)
{
	char text[8192];
	struct buf out = buf_over(text, sizeof text);

	flags_help(&set, &out);
	assert_string_equal(
		text, "Usage: program [flags] HOOK\n"
		      "\n"
		      "Does nothing.\n"
		      "\n"
		      "Flags:\n"
		      "  --log-fname FILE         log file\n"
		      "  --grpc-address TARGET    agent to ask (default unix:///run/a.sock)\n"
		      "  --grpc-timeout DURATION  limit of the call, retries included (default 10s)\n"
		      "  --export-rate-limit N    events a minute; -1: no limit (default -1)\n"
		      "  --rb-size SIZE           ring buffer (default 64K)\n"
		      "  --disable-grpc           never ask the agent\n"
		      "  --fail-allow-namespaces NAME,...\n"
		      "                           start containers here even without agent (default kube-system)\n"
		      "  -h, --help               print this text\n"
		      "  --version                print the version\n");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_follow_the_table),
		cmocka_unit_test(defaults_are_in_force_at_first),
		cmocka_unit_test(asking_for_help_beats_everything),
		cmocka_unit_test(the_higher_source_is_in_force),
		cmocka_unit_test(only_the_command_lines_lists_accumulate),
		cmocka_unit_test(a_wrong_value_changes_nothing),
		cmocka_unit_test(running_out_of_memory_is_told),
		cmocka_unit_test(a_wrong_default_is_found),
		cmocka_unit_test(a_value_may_be_left_out_where_the_row_says_so),
		cmocka_unit_test(help_names_every_flag_in_100_columns),
		cmocka_unit_test(help_reads_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
