/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "match/allow_list.h"

static void names_are_compared_whole(void **state)
{
	static const char *const list[] = { "kube-system", "", "dev*" };

	assert_true(allow_list_has(list, 3, STR("kube-system")));
	assert_true(allow_list_has(list, 3, STR("dev*")));
	assert_false(allow_list_has(list, 3, STR("kube-system2")));
	assert_false(allow_list_has(list, 3, STR("kube-syste")));
	assert_false(allow_list_has(list, 3, STR("KUBE-SYSTEM")));
	assert_false(allow_list_has(list, 3, STR("dev1")));
	assert_false(allow_list_has(list, 3, STR("kube-system\0")));
	(void)state;
}

static void the_unknown_is_in_no_list(void **state)
{
	static const char *const list[] = { "" };

	assert_false(allow_list_has(list, 1, STR("")));
	assert_false(allow_list_has(list, 1, (struct str){ 0 }));
	assert_false(allow_list_has(NULL, 0, STR("a")));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_compared_whole),
		cmocka_unit_test(the_unknown_is_in_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
