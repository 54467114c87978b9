/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void set_keeps_code_and_text(void **state)
{
	struct error err = { 0 };

	assert_int_equal(error_set(&err, EINVAL, "%s: line %d", "a.yaml", 9), -EINVAL);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, "a.yaml: line 9");
	assert_int_equal(error_set(NULL, ENOENT, "nobody cares"), -ENOENT);
	(void)state;
}

static void errno_adds_the_systems_words(void **state)
{
	struct error err = { 0 };

	assert_int_equal(error_errno(&err, ENOENT, "cannot open %s", "/x"), -ENOENT);
	assert_string_equal(err.text, "cannot open /x: it is not there");
	assert_int_equal(error_errno(NULL, ENOENT, "nobody cares"), -ENOENT);
	(void)state;
}

static void wrap_puts_the_outer_step_in_front(void **state)
{
	struct error err = { 0 };

	(void)error_set(&err, EINVAL, "unknown operator 'Eqal'");
	assert_int_equal(error_wrap(&err, -EINVAL, "line %d", 9), -EINVAL);
	assert_int_equal(error_wrap(&err, -EPERM, "cannot load the policy"), -EPERM);
	assert_string_equal(err.text, "cannot load the policy: line 9: unknown operator 'Eqal'");
	assert_int_equal(err.code, EPERM);
	assert_int_equal(error_wrap(NULL, -EIO, "nobody cares"), -EIO);
	(void)state;
}

static void a_text_that_does_not_fit_says_so(void **state)
{
	char longest[ERROR_TEXT_MAX + 100];

	memset(longest, 'x', sizeof longest);
	for (size_t len = ERROR_TEXT_MAX - 4; len < ERROR_TEXT_MAX + 50; len++) {
		struct error set = { 0 }, with_errno = { 0 }, wrapped = { 0 };
		const struct error *all[] = { &set, &with_errno, &wrapped };

		(void)error_set(&set, EIO, "%.*s", (int)len, longest);
		(void)error_errno(&with_errno, EIO, "%.*s", (int)len, longest);
		(void)error_set(&wrapped, EIO, "inner");
		(void)error_wrap(&wrapped, -EIO, "%.*s", (int)len, longest);
		for (size_t i = 0; i < 3; i++) {
			bool fits = i == 0 && len < ERROR_TEXT_MAX;

			if (strlen(all[i]->text) >= ERROR_TEXT_MAX)
				fail_msg("form %zu, %zu bytes: not terminated", i, len);
			if (!fits && strcmp(all[i]->text + ERROR_TEXT_MAX - 4, "...") != 0)
				fail_msg("form %zu, %zu bytes: ends in '%s'", i, len,
					 all[i]->text + ERROR_TEXT_MAX - 8);
			if (fits && strlen(all[i]->text) != len)
				fail_msg("form %zu, %zu bytes: cut without need", i, len);
		}
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_keeps_code_and_text),
		cmocka_unit_test(errno_adds_the_systems_words),
		cmocka_unit_test(wrap_puts_the_outer_step_in_front),
		cmocka_unit_test(a_text_that_does_not_fit_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
