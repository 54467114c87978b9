/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/flags_dir.h"
#include "flags_rows.h"
#include "temp_dir.h"

static struct temp_dir dir;
static struct bench bench;

static int set_up(void **state)
{
	(void)state;
	return temp_dir_make(&dir) || bench_init(&bench) ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return temp_dir_remove(&dir);
}

/* One file or variable and what comes of it. */
static const struct {
	const char *why, *name, *value, *flag;
	int want;
	const char *text; /* value, or a part of the error's text */
} settings[] = {
	{ "text", "log-fname", "/x", "log-fname", 0, "/x" },
	{ "white space around it", "log-fname", " \t/x y\n\n", "log-fname", 0, "/x y" },
	{ "duration", "grpc-timeout", "1m30s", "grpc-timeout", 0, "1m30s" },
	{ "bool", "disable-grpc", "t", "disable-grpc", 0, "true" },
	{ "size", "rb-size", "1M", "rb-size", 0, "1048576" },
	{ "list with commas", "fail-allow-namespaces", "a,b\\,c", "fail-allow-namespaces", 0, "a,b\\,c" },
	{ "list with white space", "fail-allow-namespaces", "a b\n c\t,d", "fail-allow-namespaces", 0, "a,b,c,d" },
	{ "bad bool", "disable-grpc", "maybe", NULL, -EINVAL, "--disable-grpc: 'maybe' is neither true nor false" },
	{ "bad number", "export-rate-limit", "12x", NULL, -EINVAL, "--export-rate-limit: '12x' is not a whole number" },
	{ "duration without a unit", "grpc-timeout", "30", NULL, -EINVAL,
	  "--grpc-timeout: '30' is a duration without a unit" },
	{ "unknown", "frobnicate", "x", NULL, -ENOKEY, "unknown setting" },
	{ "misspelt", "grpc-timeot", "1s", NULL, -ENOKEY, "did you mean that of --grpc-timeout?" },
};

static void variable_name(char *out, size_t size, const char *name)
{
	size_t n = (size_t)snprintf(out, size, "TETRAGON_%s", name);

	for (size_t i = 0; i < n; i++)
		out[i] = out[i] == '-' ? '_' : out[i] >= 'a' && out[i] <= 'z' ? (char)(out[i] - 32) : out[i];
}

static void files_and_variables_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		for (int environment = 0; environment < 2; environment++) {
			char name[128], variable[256];
			char other[] = "HOME=/root", *variables[] = { other, variable, NULL };
			const char *seen;
			int got;

			if (environment && strcmp(settings[i].why, "white space around it") == 0)
				continue; /* a variable is taken as it is */
			assert_int_equal(bench_init(&bench), 0);
			variable_name(name, sizeof name, settings[i].name);
			(void)snprintf(variable, sizeof variable, "%s=%s", name, settings[i].value);
			if (environment) {
				got = flags_env_read(&bench.parse, "TETRAGON_", variables, NULL, &bench.err);
			} else {
				assert_int_equal(temp_dir_write(&dir, settings[i].name, settings[i].value), 0);
				got = flags_dir_read(&bench.parse, dir.path, NULL, &bench.err);
				assert_int_equal(unlinkat(dir.fd, settings[i].name, 0), 0);
			}
			seen = got ? bench.err.text : bench_value(&bench, settings[i].flag);
			if (got != settings[i].want ||
			    (got ? !strstr(seen, settings[i].text) : strcmp(seen, settings[i].text) != 0))
				fail_msg("%s, %s: %d, %s", settings[i].why, environment ? "variable" : "file", got,
					 seen);
			if (got && !strstr(seen, environment ? name : settings[i].name))
				fail_msg("%s: the place is missing: %s", settings[i].why, seen);
		}
	(void)state;
}

/* As kubelet lays a ConfigMap out. */
static void a_mounted_config_map_works(void **state)
{
	assert_int_equal(mkdirat(dir.fd, "..2026_01_02", 0755), 0);
	assert_int_equal(symlinkat("..2026_01_02", dir.fd, "..data"), 0);
	assert_int_equal(temp_dir_write(&dir, "..2026_01_02/log-fname", "/x\n"), 0);
	assert_int_equal(temp_dir_write(&dir, "..2026_01_02/Disable-GRPC", "true"), 0);
	assert_int_equal(symlinkat("..data/log-fname", dir.fd, "log-fname"), 0);
	assert_int_equal(symlinkat("..data/Disable-GRPC", dir.fd, "Disable-GRPC"), 0);
	assert_int_equal(mkdirat(dir.fd, "rb-size", 0755), 0);  /* a directory is no setting */
	assert_int_equal(temp_dir_write(&dir, ".swp", "x"), 0); /* nor is what an editor left */
	if (flags_dir_read(&bench.parse, dir.path, NULL, &bench.err))
		fail_msg("%s", bench.err.text);
	assert_string_equal(bench_value(&bench, "log-fname"), "/x");
	assert_string_equal(bench_value(&bench, "disable-grpc"), "true");
	(void)state;
}

static void an_empty_file_resets_and_an_empty_variable_does_not(void **state)
{
	char variable[] = "TETRAGON_GRPC_TIMEOUT=", *variables[] = { variable, NULL };

	assert_int_equal(flags_env_read(&bench.parse, "TETRAGON_", variables, NULL, &bench.err), 0);
	assert_string_equal(bench_print(&bench), DEFAULTS);
	for (const struct flag *flag = rows; flag->name; flag++)
		assert_int_equal(temp_dir_write(&dir, flag->name, " \n"), 0);
	assert_int_equal(flags_dir_read(&bench.parse, dir.path, NULL, &bench.err), 0);
	assert_string_equal(bench_print(&bench),
			    "log-fname= grpc-address= grpc-timeout=0s export-rate-limit=0 rb-size=0 "
			    "disable-grpc=false fail-allow-namespaces=");
	(void)state;
}

static void the_directory_read_last_counts_and_the_environment_beats_it(void **state)
{
	char variable[] = "TETRAGON_LOG_FNAME=/env", *variables[] = { variable, NULL };

	assert_int_equal(mkdirat(dir.fd, "one", 0755), 0);
	assert_int_equal(temp_dir_write(&dir, "one/fail-allow-namespaces", "a b"), 0);
	assert_int_equal(temp_dir_write(&dir, "fail-allow-namespaces", "c"), 0);
	assert_int_equal(temp_dir_write(&dir, "log-fname", "/file"), 0);
	assert_int_equal(flags_env_read(&bench.parse, "TETRAGON_", variables, NULL, &bench.err), 0);
	{
		char path[96];

		(void)snprintf(path, sizeof path, "%s/one", dir.path);
		assert_int_equal(flags_dir_read(&bench.parse, path, NULL, &bench.err), 0);
	}
	assert_int_equal(unlinkat(dir.fd, "one/fail-allow-namespaces", 0) || unlinkat(dir.fd, "one", AT_REMOVEDIR), 0);
	assert_int_equal(flags_dir_read(&bench.parse, dir.path, NULL, &bench.err), 0);
	assert_string_equal(bench_value(&bench, "fail-allow-namespaces"), "c");
	assert_string_equal(bench_value(&bench, "log-fname"), "/env");
	(void)state;
}

static void what_cannot_be_read_is_told_with_its_path(void **state)
{
	static char large[FLAGS_DIR_VALUE_MAX + 2];
	static const struct {
		const char *why;
		int want;
	} cases[] = { { "none", -ENOENT },
		      { "pipe", -EINVAL },
		      { "large", -EFBIG },
		      { "twice", -EINVAL },
		      { "dangling", -ENOENT } };

	memset(large, 'x', sizeof large - 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[96];
		int got;

		(void)snprintf(path, sizeof path, "%s/%s", dir.path, cases[i].why);
		if (i) {
			struct temp_dir inner;

			assert_int_equal(mkdir(path, 0755), 0);
			inner.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (i == 1)
				assert_int_equal(mkfifoat(inner.fd, "log-fname", 0600), 0);
			else if (i == 4)
				assert_int_equal(symlinkat("gone", inner.fd, "log-fname"), 0);
			else
				assert_int_equal(temp_dir_write(&inner, "log-fname", i == 2 ? large : "x"), 0);
			if (i == 3)
				assert_int_equal(temp_dir_write(&inner, "LOG-FNAME", "y"), 0);
			(void)close(inner.fd);
		}
		got = flags_dir_read(&bench.parse, path, NULL, &bench.err);
		if (got != cases[i].want || !strstr(bench.err.text, path))
			fail_msg("%s: %d, %s", cases[i].why, got, bench.err.text);
	}
	(void)state;
}

static void service_links_are_no_misspelt_flags(void **state)
{
	static const struct {
		const char *name;
		int want;
	} cases[] = {
		{ "TETRAGON_SERVICE_HOST", 0 },
		{ "TETRAGON_SERVICE_PORT", 0 },
		{ "TETRAGON_SERVICE_PORT_METRICS", 0 },
		{ "TETRAGON_PORT", 0 },
		{ "TETRAGON_PORT_2112_TCP", 0 },
		{ "TETRAGON_PORT_2112_TCP_ADDR", 0 },
		{ "TETRAGON_OPERATOR_METRICS_SERVICE_HOST", 0 },
		{ "TETRAGON_OPERATOR_METRICS_PORT_2113_TCP_PROTO", 0 },
		{ "TETRAGON_EXPORT_PORT_NAME", -ENOKEY },
		{ "TETRAGON_REPORT", -ENOKEY },
		{ "TETRAGON_", -ENOKEY },
		{ "TETRAGONIST", 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char variable[128], *variables[] = { variable, NULL };
		int got;

		(void)snprintf(variable, sizeof variable, "%s=tcp://10.0.0.1:2112", cases[i].name);
		got = flags_env_read(&bench.parse, "TETRAGON_", variables, NULL, &bench.err);
		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].name, got);
	}
	(void)state;
}

static void count(void *user, struct str name, const struct flag *nearest)
{
	(void)name;
	(void)nearest;
	++*(int *)user;
}

static void unknown_names_are_reported_and_the_rest_is_set(void **state)
{
	char first[] = "TETRAGON_NONSENSE=1", second[] = "TETRAGON_RB_SIZE=1", *variables[] = { first, second, NULL };
	int seen = 0;
	struct flags_unknown unknown = { count, &seen };

	assert_int_equal(temp_dir_write(&dir, "nonsense", "x"), 0);
	assert_int_equal(temp_dir_write(&dir, "log-fname", "/x"), 0);
	assert_int_equal(flags_dir_read(&bench.parse, dir.path, &unknown, NULL), 0);
	assert_int_equal(flags_env_read(&bench.parse, "TETRAGON_", variables, &unknown, NULL), 0);
	assert_int_equal(seen, 2);
	assert_string_equal(bench_value(&bench, "log-fname"), "/x");
	assert_string_equal(bench_value(&bench, "rb-size"), "1");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_and_variables_follow_the_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_mounted_config_map_works, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_empty_file_resets_and_an_empty_variable_does_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_directory_read_last_counts_and_the_environment_beats_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_told_with_its_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(service_links_are_no_misspelt_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_names_are_reported_and_the_rest_is_set, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
