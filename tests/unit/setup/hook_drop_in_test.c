/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "setup/base_spec.h"
#include "setup/hook_drop_in.h"

#define S INT64_C(1000000000)

static void timeouts_follow_the_table(void **state)
{
	static const struct {
		const char *why, *args[4], *config;
		int64_t want; /* ns; negative: the error */
	} cases[] = {
		{ "default", { NULL }, "", 10 * S },
		{ "argument", { "--grpc-timeout=3s", NULL }, "", 3 * S },
		{ "argument in two words", { "--grpc-timeout", "1m", NULL }, "", 60 * S },
		{ "the last counts", { "--grpc-timeout=3s", "--x", "--grpc-timeout=4s", NULL }, "", 4 * S },
		{ "file", { NULL }, "{\"grpc_timeout\": \"5s\", \"other\": [1]}", 5 * S },
		{ "file, camel case, nanoseconds", { NULL }, "{\"grpcTimeout\": 2000000000}", 2 * S },
		{ "argument before file", { "--grpc-timeout=3s", NULL }, "{\"grpc_timeout\": \"5s\"}", 3 * S },
		{ "wrong argument", { "--grpc-timeout=soon", NULL }, "", -EINVAL },
		{ "wrong file", { NULL }, "{", -EINVAL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = { 0 };
		int64_t ns = 0;
		int result = hook_timeout_find(cases[i].args, str_of(cases[i].config), &ns, &err);

		if (cases[i].want < 0 ? result != cases[i].want || !*err.text : result < 0 || ns != cases[i].want)
			fail_msg("%s: %d %lld %s", cases[i].why, result, (long long)ns, err.text);
	}
	(void)state;
}

static void ours_is_what_we_write(void **state)
{
	static const char *const args[] = { "--log-level=debug", "a \"b\"\n", NULL };
	const struct hook_drop_in drop_in = { .path = "/opt/x/hook",
					      .log = "/opt/x/log",
					      .runtime = "podman",
					      .args = args,
					      .hook_timeout_ns = 1500000000 };
	static const struct {
		const char *why, *text;
		bool ours;
	} cases[] = {
		{ "the original's",
		  "{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/a/hook\",\"args\":[\"/a/hook\",\"createRuntime\"]},"
		  "\"when\":{\"always\":true},\"stages\":[\"createRuntime\"]}",
		  true },
		{ "another program", "{\"hook\":{\"path\":\"/a/other\",\"args\":[\"x\",\"createRuntime\"]}}", false },
		{ "another stage", "{\"hook\":{\"path\":\"/a/hook\",\"args\":[\"x\",\"poststop\"]}}", false },
		{ "no arguments", "{\"hook\":{\"path\":\"/a/hook\"}}", false },
		{ "not JSON", "{\"hook\":{\"path\":\"/a/hook\",\"args\":[\"x\",\"createRuntime\"]}", false },
		{ "not an object", "[]", false },
		{ "empty", "", false },
	};
	char memory[4096], path[PATH_MAX];
	struct buf out = buf_over(memory, sizeof memory);

	hook_drop_in_write(&drop_in, &out);
	assert_non_null(strstr(memory, "\"timeout\": 4\n"));
	assert_non_null(strstr(
		memory, "\"--runtime=podman\",\n         \"--log-level=debug\",\n         \"a \\\"b\\\"\\n\"\n"));
	assert_true(hook_drop_in_is_ours((struct str){ memory, out.len }, "hook", path, sizeof path));
	assert_string_equal(path, "/opt/x/hook");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (hook_drop_in_is_ours(str_of(cases[i].text), "hook", NULL, 0) != cases[i].ours)
			fail_msg("%s", cases[i].why);
	(void)state;
}

static void base_specs_follow_the_table(void **state)
{
	const struct hook_drop_in drop_in = { .path = "/opt/x/hook", .hook_timeout_ns = S };
	static const struct {
		const char *why, *spec;
		int want;
		const char *text; /* within the result, or the error */
	} cases[] = {
		{ "no hooks", "{\"ociVersion\": \"1.1.0\"}", 1, "]},\"ociVersion\": \"1.1.0\"}" },
		{ "empty object", "{}", 1, "]}}" },
		{ "ours is there", "{\"hooks\":{\"createRuntime\":[{\"path\":\"/opt/x/hook\"}]}}", 0, "{\"hooks\"" },
		{ "others are there", "{\"hooks\":{\"prestart\":[{\"path\":\"/other\"}]}}", -ENOTSUP,
		  "of other programs" },
		{ "hooks is null", "{\"hooks\":null}", -ENOTSUP, "has hooks already" },
		{ "no object", "[1]", -EINVAL, "want a JSON object" },
		{ "cut", "{\"a\":", -EINVAL, "the base spec" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char memory[4096];
		struct buf out = buf_over(memory, sizeof memory);
		struct error err = { 0 };
		int result = base_spec_add_hook(str_of(cases[i].spec), &drop_in, &out, &err);

		if (result != cases[i].want || !strstr(result < 0 ? err.text : memory, cases[i].text))
			fail_msg("%s: %d %s %s", cases[i].why, result, err.text, memory);
	}
	(void)state;
}

static void sums_come_back(void **state)
{
	static const char sum[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	const struct hook_drop_in drop_in = { .path = "/opt/x/hook", .sum = sum };
	static const struct {
		const char *why, *text;
	} none[] = {
		{ "nothing", "" },
		{ "no sum", "\"TETRAGON_HOOK_SHA256=\"" },
		{ "a digit short",
		  "\"TETRAGON_HOOK_SHA256=123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"" },
		{ "a digit more",
		  "\"TETRAGON_HOOK_SHA256=00123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"" },
		{ "no digits",
		  "\"TETRAGON_HOOK_SHA256=g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"" },
		{ "another name",
		  "\"X_TETRAGON_HOOK_SHA256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"" },
	};
	char room[4096], got[SHA256_TEXT];
	struct buf out = buf_over(room, sizeof room);

	hook_drop_in_write(&drop_in, &out);
	hook_drop_in_sum((struct str){ room, out.len }, got);
	assert_string_equal(got, sum);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		hook_drop_in_sum(str_of(none[i].text), got);
		if (*got)
			fail_msg("%s: %s", none[i].why, got);
	}
	(void)state;
}

static void gaps_follow_the_table(void **state)
{
	static const struct {
		const char *text;
		bool gap;
	} cases[] = {
		{ "{\"when\":{\"always\":true},\"stages\":[\"createRuntime\"]}", false },
		{ "{\"stages\":[\"prestart\",\"createRuntime\"],\"x\":{\"when\":1},\"when\":{\"always\":true}}",
		  false },
		{ "{\"when\":{\"always\":false},\"stages\":[\"createRuntime\"]}", true },
		{ "{\"when\":{\"always\":true,\"commands\":[\".*\"]},\"stages\":[\"createRuntime\"]}", true },
		{ "{\"when\":{},\"stages\":[\"createRuntime\"]}", true },
		{ "{\"stages\":[\"createRuntime\"]}", true },
		{ "{\"when\":{\"always\":true},\"stages\":[\"poststop\"]}", true },
		{ "{\"when\":{\"always\":true},\"stages\":[]}", true },
		{ "{\"when\":{\"always\":true}}", true },
		{ "{\"when\":[],\"stages\":{}}", true },
		{ "", true },
		{ "[]", true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if ((hook_drop_in_gap(str_of(cases[i].text)) != NULL) != cases[i].gap)
			fail_msg("%s", cases[i].text);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeouts_follow_the_table),
		cmocka_unit_test(ours_is_what_we_write),
		cmocka_unit_test(sums_come_back),
		cmocka_unit_test(gaps_follow_the_table),
		cmocka_unit_test(base_specs_follow_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
