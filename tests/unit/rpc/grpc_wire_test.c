/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rpc/grpc_wire.h"

static const struct {
	const char *text;
	int want;
	int64_t ns;
} timeouts[] = {
	{ "1n", 0, 1 },
	{ "10u", 0, 10000 },
	{ "300m", 0, 300000000 },
	{ "10S", 0, INT64_C(10000000000) },
	{ "2M", 0, INT64_C(120000000000) },
	{ "1H", 0, INT64_C(3600000000000) },
	{ "99999999H", 0, INT64_MAX }, /* 11,000 years: saturates */
	{ "0m", 0, 0 },
	{ "", -EINVAL, 0 },
	{ "S", -EINVAL, 0 },
	{ "10", -EINVAL, 0 },
	{ "10s", -EINVAL, 0 },
	{ "-1S", -EINVAL, 0 },
	{ "1.5S", -EINVAL, 0 },
	{ " 1S", -EINVAL, 0 },
	{ "123456789S", -EINVAL, 0 }, /* nine digits */
};

static void a_timeout_is_read(void **state)
{
	for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
		int64_t ns = 0;
		int r = grpc_timeout_parse(str_of(timeouts[i].text), &ns);

		if (r != timeouts[i].want || ns != timeouts[i].ns)
			fail_msg("'%s': %d, %lld ns", timeouts[i].text, r, (long long)ns);
	}
	(void)state;
}

static const struct {
	const char *text, *want;
} messages[] = {
	{ "", "" },
	{ "plain text: ~", "plain text: ~" },
	{ "100%", "100%25" },
	{ "two\nlines", "two%0Alines" },
	{ "\xc3\xa9", "%C3%A9" },
	{ " edges ", "%20edges%20" }, /* a field's value has no blank at its ends */
	{ " ", "%20" },
	{ "\x7f", "%7F" },
};

static void a_message_is_escaped(void **state)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		char memory[64];
		struct buf out = buf_over(memory, sizeof memory);

		grpc_message_encode(&out, str_of(messages[i].text));
		if (strcmp(memory, messages[i].want) != 0)
			fail_msg("'%s': '%s'", messages[i].text, memory);
	}
	(void)state;
}

static void an_escape_is_whole_or_not_there(void **state)
{
	char memory[6];
	struct buf out = buf_over(memory, sizeof memory);

	grpc_message_encode(&out, STR("abc\n"));
	assert_true(out.overflow);
	assert_string_equal(memory, "abc");
	(void)state;
}

static const struct {
	int error;
	enum grpc_status want;
} errors[] = {
	{ 0, GRPC_OK },
	{ -EINVAL, GRPC_INVALID_ARGUMENT },
	{ EINVAL, GRPC_INVALID_ARGUMENT },
	{ -ENOENT, GRPC_NOT_FOUND },
	{ -EEXIST, GRPC_ALREADY_EXISTS },
	{ -EPERM, GRPC_PERMISSION_DENIED },
	{ -ENOSPC, GRPC_RESOURCE_EXHAUSTED },
	{ -EIO, GRPC_INTERNAL },
};

static void an_errno_has_a_status(void **state)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (grpc_status_of_errno(errors[i].error) != errors[i].want)
			fail_msg("errno %d: %d", errors[i].error, (int)grpc_status_of_errno(errors[i].error));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timeout_is_read),
		cmocka_unit_test(a_message_is_escaped),
		cmocka_unit_test(an_escape_is_whole_or_not_there),
		cmocka_unit_test(an_errno_has_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
