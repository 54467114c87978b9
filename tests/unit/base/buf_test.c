/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

/* Every way to append, into every size from nothing to more than enough. */
static void text_add(struct buf *buf)
{
	buf_text(buf, "12345");
}

static void str_add(struct buf *buf)
{
	buf_str(buf, STR("12345"));
}

static void bytes_add(struct buf *buf)
{
	buf_add(buf, "12345", 5);
}

static void number_add(struct buf *buf)
{
	buf_u64(buf, 12345);
}

static void format_add(struct buf *buf)
{
	buf_printf(buf, "%d%s", 12, "345");
}

static const struct {
	const char *why;
	void (*add)(struct buf *buf);
} ways[] = {
	{ "text", text_add },  { "str", str_add },       { "bytes", bytes_add },
	{ "u64", number_add }, { "printf", format_add },
};

static void all_or_nothing_at_every_size(void **state)
{
	for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
		for (size_t size = 0; size < 16; size++) {
			char memory[17];
			struct buf buf;
			bool fits = size > 5 + 1;

			memset(memory, '#', sizeof memory);
			buf = buf_over(memory, size);
			buf_byte(&buf, '0');
			ways[w].add(&buf);
			if (buf.overflow == fits || (size && memory[buf.len]) || (size && buf.len >= size))
				fail_msg("%s into %zu: overflow %d, %zu bytes", ways[w].why, size, buf.overflow,
					 buf.len);
			if (size && strcmp(memory, fits ? "012345" : size > 1 ? "0" : "") != 0)
				fail_msg("%s into %zu: '%s'", ways[w].why, size, memory);
			if (memory[size] != '#')
				fail_msg("%s into %zu: wrote beyond the end", ways[w].why, size);
		}
	(void)state;
}

static void overflow_stays_and_nothing_more_is_added(void **state)
{
	char memory[4];
	struct buf buf = buf_over(memory, sizeof memory);

	buf_text(&buf, "abcd");
	assert_true(buf.overflow);
	buf_text(&buf, "a");
	buf_u64(&buf, 1);
	buf_printf(&buf, "%s", "x");
	assert_true(buf.overflow);
	assert_string_equal(memory, "");
	(void)state;
}

static void nothing_fits_anywhere(void **state)
{
	char memory[1];
	struct buf buf = buf_over(memory, sizeof memory);

	buf_text(&buf, "");
	buf_str(&buf, (struct str){ NULL, 0 });
	assert_false(buf.overflow);
	assert_int_equal(buf.len, 0);
	(void)state;
}

static void numbers_are_decimal(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 9, "9" }, { 10, "10" }, { 1000000, "1000000" }, { UINT64_MAX, "18446744073709551615" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char memory[32];
		struct buf buf = buf_over(memory, sizeof memory);

		buf_u64(&buf, rows[i].value);
		assert_string_equal(memory, rows[i].text);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_nothing_at_every_size),
		cmocka_unit_test(overflow_stays_and_nothing_more_is_added),
		cmocka_unit_test(nothing_fits_anywhere),
		cmocka_unit_test(numbers_are_decimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
