/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/durations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_quantile_is_off_by_an_eighth_at_most(void **state)
{
	for (int64_t us = 0; us < INT64_C(3000000); us += us < 3000 ? 1 : us / 1000) {
		struct durations one = { 0 };
		uint64_t told;

		durations_add(&one, us * 1000 + 999);
		durations_add(&one, INT64_C(8000000000)); /* so that the largest one does not bound the answer */
		told = durations_quantile_us(&one, 500);
		if (told < (uint64_t)us || told > (uint64_t)(us + us / 8))
			fail_msg("%lld us: told %llu", (long long)us, (unsigned long long)told);
	}
	(void)state;
}

static void quantiles_of_a_row(void **state)
{
	static const struct {
		unsigned permille;
		uint64_t from, to;
	} cases[] = { { 0, 1, 1 }, { 10, 10, 11 }, { 500, 500, 562 }, { 990, 990, 1000 }, { 1000, 1000, 1000 } };
	struct durations row = { 0 };

	assert_int_equal(durations_quantile_us(&row, 500), 0);
	for (int us = 1; us <= 1000; us++)
		durations_add(&row, us * INT64_C(1000));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t told = durations_quantile_us(&row, cases[i].permille);

		if (told < cases[i].from || told > cases[i].to)
			fail_msg("%u permille: %llu", cases[i].permille, (unsigned long long)told);
	}
	(void)state;
}

static void what_no_bucket_has(void **state)
{
	struct durations all = { 0 };

	durations_add(&all, -5);
	assert_int_equal(durations_quantile_us(&all, 1000), 0);
	durations_add(&all, INT64_MAX);
	assert_int_equal(durations_quantile_us(&all, 1000), INT64_MAX / 1000);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantile_is_off_by_an_eighth_at_most),
		cmocka_unit_test(quantiles_of_a_row),
		cmocka_unit_test(what_no_bucket_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
