/* SPDX-License-Identifier: Apache-2.0 */
/* That other implementations read it is shown in tests/peer; here: the bytes, and the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/error.h"
#include "ask/ask_request.h"

static char memory[4096];

static void fields_have_the_interfaces_numbers(void **state)
{
	static struct spec_annotation annotation = { STR("k"), STR("") };
	static struct str option = STR("ro");
	static struct spec_mount mount = { STR("d"), STR("t"), STR("s"), &option, 1 };
	const struct ask_container container = {
		.spec = { .annotation = &annotation, .annotations = 1, .mount = &mount, .mounts = 1 },
		.identity = { RUNTIME_CRIO, STR("cn"), STR("id"), STR("im"), STR("pn"), STR("pu"), STR("ns") },
		.cgroup_path = STR("/c"),
		.root_dir = STR("/r"),
	};
	static const char want[] = "\0\0\0\0\x38"
				   "\x0a\x36"
				   "\x0a\2/c\x12\2/r\x1a\5\x0a\1k\x12\0\x22\2cn\x2a\2id\x32\2pn\x3a\2pu\x42\2ns\x4a\2im"
				   "\x52\x0d\x0a\1d\x12\1t\x1a\1s\x22\2ro";
	struct arena arena = arena_over(memory, sizeof memory);
	struct str body;

	assert_int_equal(ask_request_build(&container, &arena, 1024, &body, NULL), 0);
	assert_int_equal(body.len, sizeof want - 1);
	assert_memory_equal(body.p, want, body.len);
	(void)state;
}

static void what_must_stay_free_stays_free(void **state)
{
	const struct ask_container container = { .cgroup_path = STR("/c") };
	struct arena arena = arena_over(memory, sizeof memory);
	struct error err = { 0 };
	struct str body;

	assert_int_equal(ask_request_build(&container, &arena, sizeof memory, &body, &err), -ENOMEM);
	assert_int_equal(ask_request_build(&container, &arena, sizeof memory - 8, &body, &err), -ENOMEM);
	assert_int_equal(ask_request_build(&container, &arena, sizeof memory - 64, &body, &err), 0);
	assert_true(arena.used <= 64);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_have_the_interfaces_numbers),
		cmocka_unit_test(what_must_stay_free_stays_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
