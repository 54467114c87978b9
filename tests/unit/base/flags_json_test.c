/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/flags_json.h"
#include "flags_rows.h"
#include "guard_page.h"

/* A file and what comes of it: the flag's value, or a part of the error's text. */
static const struct {
	const char *why, *text, *flag;
	int want;
	const char *value;
} files[] = {
	{ "empty object", "{}", "grpc-timeout", 0, "10s" },
	{ "underscores", "{\"log_fname\":\"/x\"}", "log-fname", 0, "/x" },
	{ "camel case", "{\"logFname\":\"/x\"}", "log-fname", 0, "/x" },
	{ "camel case of three words", "{\"failAllowNamespaces\":[\"a\"]}", "fail-allow-namespaces", 0, "a" },
	{ "both: underscores win, first", "{\"log_fname\":\"/x\",\"logFname\":\"/y\"}", "log-fname", 0, "/x" },
	{ "both: underscores win, last", "{\"logFname\":\"/y\",\"log_fname\":\"/x\"}", "log-fname", 0, "/x" },
	{ "null is absent", "{\"log_fname\":null,\"logFname\":\"/y\"}", "log-fname", 0, "/y" },
	{ "null for a list", "{\"fail_allow_namespaces\":null}", "fail-allow-namespaces", 0, "kube-system" },
	{ "escapes in key and value", "{\"log\\u005ffname\":\"\\u002fx\"}", "log-fname", 0, "/x" },
	{ "an empty text", "{\"grpc_address\":\"\"}", "grpc-address", 0, "" },
	{ "bool", "{\"disable_grpc\":true}", "disable-grpc", 0, "true" },
	{ "bool as text", "{\"disable_grpc\":\"Yes\"}", "disable-grpc", 0, "true" },
	{ "duration as text", "{\"grpc_timeout\":\"1m30s\"}", "grpc-timeout", 0, "1m30s" },
	{ "duration in nanoseconds", "{\"grpc_timeout\":5000000000}", "grpc-timeout", 0, "5s" },
	{ "longest duration", "{\"grpc_timeout\":9223372036854775807}", "grpc-timeout", 0, "2562047h47m16.854775807s" },
	{ "number", "{\"export_rate_limit\":-7}", "export-rate-limit", 0, "-7" },
	{ "number as text", "{\"export_rate_limit\":\"12\"}", "export-rate-limit", 0, "12" },
	{ "size", "{\"rb_size\":4096}", "rb-size", 0, "4096" },
	{ "size as text", "{\"rb_size\":\"1M\"}", "rb-size", 0, "1048576" },
	{ "list", "{\"fail_allow_namespaces\":[\"a\",\"b\"]}", "fail-allow-namespaces", 0, "a,b" },
	{ "list, items as they are", "{\"fail_allow_namespaces\":[\"a{1,2}\"]}", "fail-allow-namespaces", 0,
	  "a{1\\,2}" },
	{ "list as text", "{\"fail_allow_namespaces\":\"a,b\\\\,c\"}", "fail-allow-namespaces", 0, "a,b\\,c" },
	{ "empty list", "{\"fail_allow_namespaces\":[]}", "fail-allow-namespaces", 0, "" },
	{ "values behind a list", "{\"fail_allow_namespaces\":[\"a\"],\"log_fname\":\"/x\"}", "log-fname", 0, "/x" },

	{ "empty file", "", NULL, -EINVAL, "malformed JSON: byte 0" },
	{ "cut", "{\"log_fname\":\"/x\",", NULL, -EINVAL, "malformed JSON: byte 18" },
	{ "no object", "[]", NULL, -EINVAL, "must be one JSON object" },
	{ "a text", "\"x\"", NULL, -EINVAL, "must be one JSON object" },
	{ "text behind it", "{} x", NULL, -EINVAL, "more text" },
	{ "a key twice", "{\"log_fname\":\"a\",\"log_fname\":\"b\"}", NULL, -EINVAL, "'log_fname' stands twice" },
	{ "duration without a unit", "{\"grpc_timeout\":\"5\"}", NULL, -EINVAL,
	  "--grpc-timeout: '5' is a duration without a unit" },
	{ "fraction of a nanosecond", "{\"grpc_timeout\":1.5}", NULL, -EINVAL,
	  "--grpc-timeout: 1.5 is not a whole number" },
	{ "duration with exponent", "{\"grpc_timeout\":1e9}", NULL, -EINVAL,
	  "--grpc-timeout: 1e9 is not a whole number" },
	{ "negative duration", "{\"grpc_timeout\":-1}", NULL, -EINVAL, "--grpc-timeout: it must not be negative" },
	{ "number out of range", "{\"export_rate_limit\":9223372036854775808}", NULL, -EINVAL,
	  "--export-rate-limit: " },
	{ "negative size", "{\"rb_size\":-1}", NULL, -EINVAL, "--rb-size: " },
	{ "number for a text", "{\"log_fname\":1}", NULL, -EINVAL, "--log-fname: a number is no value for it" },
	{ "number for a bool", "{\"disable_grpc\":1}", NULL, -EINVAL, "--disable-grpc: a number is no value for it" },
	{ "bool for a text", "{\"log_fname\":true}", NULL, -EINVAL, "--log-fname: a boolean is no value for it" },
	{ "list for a text", "{\"log_fname\":[\"a\"]}", NULL, -EINVAL, "--log-fname: an array is no value for it" },
	{ "object for a text", "{\"log_fname\":{}}", NULL, -EINVAL, "--log-fname: an object is no value for it" },
	{ "object for a list", "{\"fail_allow_namespaces\":{}}", NULL, -EINVAL, "--fail-allow-namespaces: an object" },
	{ "number in a list", "{\"fail_allow_namespaces\":[\"a\",1]}", NULL, -EINVAL,
	  "--fail-allow-namespaces: item 2 is not a string" },
	{ "list in a list", "{\"fail_allow_namespaces\":[[]]}", NULL, -EINVAL, "item 1 is not a string" },
	{ "NUL in a text", "{\"log_fname\":\"a\\u0000b\"}", NULL, -EINVAL, "--log-fname: the text holds a NUL" },
	{ "NUL in a list", "{\"fail_allow_namespaces\":[\"\\u0000\"]}", NULL, -EINVAL,
	  "--fail-allow-namespaces: item 1: " },
	{ "wrong text", "{\"disable_grpc\":\"maybe\"}", NULL, -EINVAL, "--disable-grpc: 'maybe'" },
	{ "unknown key", "{\"frobnicate\":[{\"a\":1}]}", NULL, -ENOENT, "unknown key 'frobnicate'" },
	{ "dashes are unknown", "{\"log-fname\":\"/x\"}", NULL, -ENOENT,
	  "unknown key 'log-fname'; did you mean 'log_fname'?" },
	{ "misspelt key", "{\"grpc_timeot\":\"1s\"}", NULL, -ENOENT, "did you mean 'grpc_timeout'?" },
	{ "camel case with a capital", "{\"LogFname\":\"/x\"}", NULL, -ENOENT, "unknown key 'LogFname'" },
	{ "NUL in a key", "{\"log_fname\\u0000\":\"/x\"}", NULL, -ENOENT, "unknown key" },
};

static void files_follow_the_table(void **state)
{
	static struct bench bench;
	struct guard_page guard;

	assert_int_equal(guard_page_make(&guard, 4096), 0);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		size_t len = strlen(files[i].text);
		const char *seen;
		int got;

		assert_int_equal(bench_init(&bench), 0);
		got = flags_json_read(&bench.parse, (struct str){ guard_page_lay(&guard, files[i].text, len), len },
				      NULL, &bench.err);
		seen = got ? bench.err.text : bench_value(&bench, files[i].flag);
		if (got != files[i].want || (got ? !strstr(seen, files[i].value) : strcmp(seen, files[i].value) != 0))
			fail_msg("%s: %d, %s", files[i].why, got, seen);
	}
	guard_page_done(&guard);
	(void)state;
}

static void what_is_not_json_sets_nothing(void **state)
{
	static const char text[] = "{\"log_fname\":\"/x\",\"grpc_timeout\":\"1s\",\"fail_allow_namespaces\":[\"a\"]}";
	static struct bench bench;

	for (size_t cut = 0; cut < sizeof text - 1; cut++) {
		assert_int_equal(bench_init(&bench), 0);
		assert_int_equal(flags_json_read(&bench.parse, (struct str){ text, cut }, NULL, &bench.err), -EINVAL);
		assert_string_equal(bench_print(&bench), DEFAULTS);
	}
	(void)state;
}

static void the_command_line_beats_the_file(void **state)
{
	static struct bench bench;

	assert_int_equal(bench_init(&bench), 0);
	assert_int_equal(flags_set(&bench.parse, FLAG_FROM_ARGV, STR("fail-allow-namespaces"), STR("mine"), NULL), 0);
	assert_int_equal(
		flags_json_read(&bench.parse, STR("{\"fail_allow_namespaces\":[\"a\"],\"rb_size\":1}"), NULL, NULL), 0);
	assert_string_equal(bench_value(&bench, "fail-allow-namespaces"), "mine");
	assert_string_equal(bench_value(&bench, "rb-size"), "1");
	(void)state;
}

static void remember(void *user, struct str name, const struct flag *nearest)
{
	struct buf *out = user;

	buf_str(out, name);
	buf_text(out, nearest ? " like " : ";");
	buf_text(out, nearest ? nearest->name : "");
	buf_text(out, nearest ? ";" : "");
}

static void unknown_keys_are_reported_and_the_rest_is_set(void **state)
{
	static struct bench bench;
	char text[256];
	struct buf out = buf_over(text, sizeof text);
	struct flags_unknown unknown = { remember, &out };

	assert_int_equal(bench_init(&bench), 0);
	assert_int_equal(flags_json_read(&bench.parse, STR("{\"x\":[{}],\"log-fname\":1,\"log_fname\":\"/x\"}"),
					 &unknown, NULL),
			 0);
	assert_string_equal(text, "x;log-fname like log-fname;");
	assert_string_equal(bench_value(&bench, "log-fname"), "/x");
	(void)state;
}

static void limits_are_told(void **state)
{
	static char text[FLAGS_JSON_LIST_MAX * 4 + 64];
	static struct bench bench;
	struct buf out = buf_over(text, sizeof text);

	buf_text(&out, "{\"fail_allow_namespaces\":[");
	for (size_t i = 0; i <= FLAGS_JSON_LIST_MAX; i++)
		buf_text(&out, i ? ",\"\"" : "\"\"");
	buf_text(&out, "]}");
	assert_false(out.overflow);
	assert_int_equal(bench_init(&bench), 0);
	assert_int_equal(flags_json_read(&bench.parse, (struct str){ text, out.len }, NULL, &bench.err), -E2BIG);
	(void)state;
}

/* With every size of memory: it suffices, or it is told that it does not. */
static void running_out_of_memory_is_told(void **state)
{
	static const struct str text =
		STR("{\"log_fname\":\"/var/log/x\",\"fail_allow_namespaces\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}");
	static struct bench bench;
	int got = -1;

	assert_int_equal(bench_init(&bench), 0);
	for (size_t size = bench.arena.used; got; size += 8) {
		assert_true(size < sizeof bench.memory);
		assert_int_equal(bench_init(&bench), 0);
		bench.arena.size = size;
		got = flags_json_read(&bench.parse, text, NULL, &bench.err);
		if (got && (got != -ENOMEM || !strstr(bench.err.text, "memory")))
			fail_msg("%zu bytes: %d, '%s'", size, got, bench.err.text);
	}
	assert_string_equal(bench_value(&bench, "fail-allow-namespaces"), "a,b,c,d,e");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_follow_the_table),
		cmocka_unit_test(what_is_not_json_sets_nothing),
		cmocka_unit_test(the_command_line_beats_the_file),
		cmocka_unit_test(unknown_keys_are_reported_and_the_rest_is_set),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(running_out_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
