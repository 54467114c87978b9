/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/error.h"
#include "hook/hook_options.h"

static char memory[65536];

static int parse(struct hook_conf *conf, struct flag_parse *flags, char *const argv[], struct error *err)
{
	static struct arena arena;
	int argc = 0, r;

	while (argv[argc])
		argc++;
	arena = arena_over(memory, sizeof memory);
	*flags = (struct flag_parse){ 0 };
	r = flags_init(flags, &hook_options, conf, &arena, err);
	return r < 0 ? r : flags_parse_argv(flags, argc, argv, err);
}

static void defaults_are_the_documented_ones(void **state)
{
	char name[] = "hook", hook[] = "createRuntime";
	char *argv[] = { name, hook, NULL };
	struct flag_parse flags;
	struct hook_conf conf;

	assert_int_equal(parse(&conf, &flags, argv, NULL), 0);
	assert_string_equal(conf.log_fname, "");
	assert_string_equal(conf.log_level, "info");
	assert_string_equal(conf.agent, "unix:///var/run/tetragon/tetragon.sock");
	assert_int_equal(conf.timeout_ns, 10000000000);
	assert_false(conf.disable_grpc);
	assert_int_equal(conf.namespace_keys.n, 0);
	assert_int_equal(conf.allow_namespaces.n, 1);
	assert_string_equal(conf.allow_namespaces.item[0], "kube-system");
	assert_string_equal(conf.runtime, "auto");
	assert_string_equal(conf.unseen_dir, "/run/tetragon/unseen");
	assert_int_equal(flags.arguments, 1);
	(void)state;
}

static void flags_stand_before_and_after_the_hook(void **state)
{
	char name[] = "hook", hook[] = "createRuntime", a[] = "--grpc-timeout", b[] = "1m30s",
	     c[] = "--fail-allow-namespaces=a,b";
	char *argv[] = { name, a, b, hook, c, NULL };
	struct flag_parse flags;
	struct hook_conf conf;

	assert_int_equal(parse(&conf, &flags, argv, NULL), 0);
	assert_int_equal(conf.timeout_ns, 90000000000);
	assert_int_equal(conf.allow_namespaces.n, 2);
	assert_string_equal(flags.argument[0], "createRuntime");
	(void)state;
}

static void hook_names_are_exact_and_others_get_a_hint(void **state)
{
	static const struct {
		const char *name;
		int want;
		const char *error;
	} rows[] = {
		{ "createRuntime", 0, "" },
		{ "createContainer", 0, "" },
		{ "poststop", 0, "" },
		{ "createruntime", -EINVAL, "did you mean 'createRuntime'?" },
		{ "create-runtime", -EINVAL, "did you mean 'createRuntime'?" },
		{ "postStop", -EINVAL, "did you mean 'poststop'?" },
		{ "startContainer", -EINVAL, "want createRuntime, createContainer, poststop or server-version" },
		{ "", -EINVAL, "unknown hook ''" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error err = { 0 };
		enum hook_name name;
		int r = hook_name_parse(str_of(rows[i].name), &name, &err);

		if (r != rows[i].want || !strstr(err.text, rows[i].error))
			fail_msg("%s: %d, %s", rows[i].name, r, err.text);
	}
	(void)state;
}

static void help_names_every_flag_and_fits_the_screen(void **state)
{
	static char text[8192];
	struct buf out = buf_over(text, sizeof text);

	flags_help(&hook_options, &out);
	assert_false(out.overflow);
	for (const struct flag *flag = hook_options.flags; flag->name; flag++)
		if (!strstr(text, flag->name))
			fail_msg("--%s", flag->name);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 100)
			fail_msg("%.*s", (int)strcspn(line, "\n"), line);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(flags_stand_before_and_after_the_hook),
		cmocka_unit_test(hook_names_are_exact_and_others_get_a_hint),
		cmocka_unit_test(help_names_every_flag_and_fits_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
