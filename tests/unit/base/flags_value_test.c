/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/flags.h"

#define S NS_PER_S

static const struct {
	const char *text;
	int want;
	int64_t ns;
} durations[] = {
	{ "0", 0, 0 },
	{ "+0", 0, 0 },
	{ "-0", 0, 0 },
	{ "-0s", 0, 0 },
	{ "10s", 0, 10 * S },
	{ "+5s", 0, 5 * S },
	{ "5m", 0, 300 * S },
	{ "1h", 0, 3600 * S },
	{ "300ms", 0, 300 * NS_PER_MS },
	{ "11us", 0, 11000 },
	{ "12\xc2\xb5s", 0, 12000 },
	{ "12\xce\xbcs", 0, 12000 },
	{ "13ns", 0, 13 },
	{ "1m30s", 0, 90 * S },
	{ "1h15m30.918273645s", 0, 4530 * S + 918273645 },
	{ "10.5s4m", 0, 250 * S + 500 * NS_PER_MS },
	{ "1.5h", 0, 5400 * S },
	{ "5.s", 0, 5 * S },
	{ ".5s", 0, S / 2 },
	{ "0.9ns", 0, 0 },
	{ "1.0s", 0, S },
	{ "1.004s", 0, 1004 * NS_PER_MS },
	{ "100.00100s", 0, 100 * S + NS_PER_MS },
	{ "0.3333333333333333333h", 0, 1200 * S },
	{ "0.100000000000000000000h", 0, 360 * S },
	{ "9223372036854775807ns", 0, INT64_MAX },
	{ "2562047h47m16.854775807s", 0, INT64_MAX },
	{ "9223372036854775808ns", -ERANGE, 0 },
	{ "2562047h47m16.854775808s", -ERANGE, 0 },
	{ "3000000h", -ERANGE, 0 },
	{ "99999999999999999999s", -ERANGE, 0 },
	{ "-5s", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "3", -EINVAL, 0 },
	{ "-", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },
	{ ".", -EINVAL, 0 },
	{ "-.", -EINVAL, 0 },
	{ ".s", -EINVAL, 0 },
	{ "+.s", -EINVAL, 0 },
	{ "1d", -EINVAL, 0 },
	{ "1S", -EINVAL, 0 },
	{ "10 s", -EINVAL, 0 },
	{ " 10s", -EINVAL, 0 },
	{ "10s ", -EINVAL, 0 },
	{ "1m30", -EINVAL, 0 },
	{ "1.2.3s", -EINVAL, 0 },
	{ "--1s", -EINVAL, 0 },
	{ "1s-1s", -EINVAL, 0 },
	{ "1e3s", -EINVAL, 0 },
	{ "\xc2\xb5s", -EINVAL, 0 },
};

static void durations_are_in_go_syntax(void **state)
{
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		struct error err = { 0 };
		int64_t ns = 77;
		int got = flags_duration(str_of(durations[i].text), &ns, &err);

		if (got != durations[i].want || ns != (got ? 77 : durations[i].ns) || err.code != -got)
			fail_msg("'%s': %d, %lld, '%s'", durations[i].text, got, (long long)ns, err.text);
	}
	(void)state;
}

static void a_missing_unit_is_told(void **state)
{
	struct error err = { 0 };
	int64_t ns;

	assert_int_equal(flags_duration(STR("30"), &ns, &err), -EINVAL);
	assert_string_equal(err.text, "'30' is a duration without a unit; write for example 30s or 30ms");
	(void)state;
}

static void durations_are_printed_as_go_does(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 1, "1ns" },
		{ 1100, "1.1\xc2\xb5s" },
		{ 2200 * 1000, "2.2ms" },
		{ 3300 * NS_PER_MS, "3.3s" },
		{ 245 * S, "4m5s" },
		{ 245001 * NS_PER_MS, "4m5.001s" },
		{ 18367001 * NS_PER_MS, "5h6m7.001s" },
		{ 3600 * S, "1h0m0s" },
		{ 480000000001, "8m0.000000001s" },
		{ INT64_MAX, "2562047h47m16.854775807s" },
		{ INT64_MIN, "-2562047h47m16.854775808s" },
		{ -S, "-1s" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[64];
		struct buf out = buf_over(text, sizeof text);
		int64_t ns = -1;

		flags_print_duration(rows[i].ns, &out);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].text, text);
		if (rows[i].ns >= 0 && (flags_duration((struct str){ text, out.len }, &ns, NULL) || ns != rows[i].ns))
			fail_msg("%s: reads back as %lld", text, (long long)ns);
	}
	(void)state;
}

static void bools_are_words(void **state)
{
	static const struct {
		const char *text;
		int want, value;
	} rows[] = {
		{ "true", 0, 1 },      { "TRUE", 0, 1 },        { "True", 0, 1 },    { "1", 0, 1 },
		{ "t", 0, 1 },         { "yes", 0, 1 },         { "Yes", 0, 1 },     { "false", 0, 0 },
		{ "fALSE", 0, 0 },     { "0", 0, 0 },           { "f", 0, 0 },       { "no", 0, 0 },
		{ "", -EINVAL, 0 },    { "on", -EINVAL, 0 },    { "y", -EINVAL, 0 }, { "truee", -EINVAL, 0 },
		{ "tru", -EINVAL, 0 }, { " true", -EINVAL, 0 }, { "2", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool value = !rows[i].value;
		int got = flags_bool(str_of(rows[i].text), &value, NULL);

		if (got != rows[i].want || value != (got ? !rows[i].value : rows[i].value))
			fail_msg("'%s': %d, %d", rows[i].text, got, value);
	}
	(void)state;
}

static const struct {
	const char *text;
	int want;
	int64_t value;
} numbers[] = {
	{ "0", 0, 0 },
	{ "-1", 0, -1 },
	{ "+7", 0, 7 },
	{ "007", 0, 7 },
	{ "9223372036854775807", 0, INT64_MAX },
	{ "-9223372036854775808", 0, INT64_MIN },
	{ "9223372036854775808", -ERANGE, 0 },
	{ "-9223372036854775809", -ERANGE, 0 },
	{ "18446744073709551617", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "12x", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
	{ "1.0", -EINVAL, 0 },
	{ "--1", -EINVAL, 0 },
}, sizes[] = {
	{ "0", 0, 0 },
	{ "65535", 0, 65535 },
	{ "64K", 0, 65536 },
	{ "64k", 0, 65536 },
	{ "8M", 0, 8 << 20 },
	{ "1G", 0, 1 << 30 },
	{ "8589934591G", 0, INT64_C(8589934591) << 30 },
	{ "8589934592G", -ERANGE, 0 },
	{ "9223372036854775808", -ERANGE, 0 },
	{ "99999999999999999999K", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "K", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ "1T", -EINVAL, 0 },
	{ "1KB", -EINVAL, 0 },
	{ "1KiB", -EINVAL, 0 },
	{ "1 K", -EINVAL, 0 },
	{ "1.5K", -EINVAL, 0 },
};

static void numbers_and_sizes_follow_the_tables(void **state)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		int64_t value = 77;
		int got = flags_int(str_of(numbers[i].text), &value, NULL);

		if (got != numbers[i].want || value != (got ? 77 : numbers[i].value))
			fail_msg("number '%s': %d, %lld", numbers[i].text, got, (long long)value);
	}
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int64_t value = 77;
		int got = flags_size(str_of(sizes[i].text), &value, NULL);

		if (got != sizes[i].want || value != (got ? 77 : sizes[i].value))
			fail_msg("size '%s': %d, %lld", sizes[i].text, got, (long long)value);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_in_go_syntax),          cmocka_unit_test(a_missing_unit_is_told),
		cmocka_unit_test(durations_are_printed_as_go_does),    cmocka_unit_test(bools_are_words),
		cmocka_unit_test(numbers_and_sizes_follow_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
