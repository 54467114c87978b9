/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "policy/value.h"

static const struct {
	const char *text;
	enum abi_type type;
	int want;
	uint64_t value;
} integers[] = {
	{ "0", ABI_T_S32, 0, 0 },
	{ "-0", ABI_T_U32, 0, 0 },
	{ "+7", ABI_T_U64, 0, 7 },
	{ "-1", ABI_T_S32, 0, UINT64_MAX },
	{ "-1", ABI_T_S64, 0, UINT64_MAX },
	{ "-1", ABI_T_U64, -ERANGE, 0 },
	{ "0xFf", ABI_T_S32, 0, 255 },
	{ "0XFf", ABI_T_S32, 0, 255 },
	{ "-0x80000000", ABI_T_S32, 0, 0xffffffff80000000 },
	{ "0x80000000", ABI_T_S32, -ERANGE, 0 },
	{ "0x80000000", ABI_T_U32, 0, 0x80000000 },
	{ "0x80000000", ABI_T_SYSCALL, 0, 0x80000000 },
	{ "0x100000000", ABI_T_SYSCALL, -ERANGE, 0 },
	{ "-9223372036854775808", ABI_T_S64, 0, UINT64_C(1) << 63 },
	{ "-9223372036854775809", ABI_T_S64, -ERANGE, 0 },
	{ "18446744073709551615", ABI_T_U64, 0, UINT64_MAX },
	{ "18446744073709551616", ABI_T_U64, -ERANGE, 0 },
	{ "-18446744073709551616", ABI_T_S64, -ERANGE, 0 },
	{ "00", ABI_T_S32, 0, 0 },
	{ "010", ABI_T_S32, 0, 8 },
	{ "0o10", ABI_T_S32, 0, 8 },
	{ "0b10", ABI_T_S32, 0, 2 },
	{ "0b12", ABI_T_S32, -EINVAL, 0 },
	{ "09", ABI_T_S32, -EINVAL, 0 },
	{ "", ABI_T_S32, -EINVAL, 0 },
	{ "-", ABI_T_S32, -EINVAL, 0 },
	{ "--1", ABI_T_S32, -EINVAL, 0 },
	{ "0x", ABI_T_S32, -EINVAL, 0 },
	{ "x", ABI_T_S32, -EINVAL, 0 },
	{ "1 ", ABI_T_S32, -EINVAL, 0 },
	{ "1a", ABI_T_S32, -EINVAL, 0 },
	{ "99999999999999999999x", ABI_T_U64, -EINVAL, 0 },
};

static void integers_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
		uint64_t value = 0;
		int r = value_integer(str_of(integers[i].text), integers[i].type, &value);

		if (r != integers[i].want || value != integers[i].value)
			fail_msg("'%s' as %d: %d, %llx", integers[i].text, integers[i].type, r,
				 (unsigned long long)value);
	}
	(void)state;
}

static const struct {
	const char *text;
	enum abi_type type;
	int want;
	uint64_t low, high;
} ranges[] = {
	{ "1:2", ABI_T_S32, 0, 1, 2 },
	{ "1:1", ABI_T_S32, 0, 1, 1 },
	{ "-1:1", ABI_T_S64, 0, UINT64_MAX, 1 }, /* signed order */
	{ "0:0xffffffffffffffff", ABI_T_U64, 0, 0, UINT64_MAX },
	{ "1:-1", ABI_T_S64, -EDOM, 0, 0 },
	{ "2:1", ABI_T_U64, -EDOM, 0, 0 },
	{ "1:4294967296", ABI_T_U32, -ERANGE, 0, 0 },
	{ "1", ABI_T_U32, -EINVAL, 0, 0 },
	{ ":", ABI_T_U32, -EINVAL, 0, 0 },
	{ "1:", ABI_T_U32, -EINVAL, 0, 0 },
	{ ":1", ABI_T_U32, -EINVAL, 0, 0 },
	{ "1:2:3", ABI_T_U32, -EINVAL, 0, 0 },
	{ "", ABI_T_U32, -EINVAL, 0, 0 },
};

static void ranges_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		uint64_t value[2] = { 0, 0 };
		int r = value_range(str_of(ranges[i].text), ranges[i].type, value);

		if (r != ranges[i].want || value[0] != ranges[i].low || value[1] != ranges[i].high)
			fail_msg("'%s' as %d: %d", ranges[i].text, ranges[i].type, r);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_follow_the_table),
		cmocka_unit_test(ranges_follow_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
