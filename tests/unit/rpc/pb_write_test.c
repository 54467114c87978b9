/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/pb_write.h"

static char memory[70000];

static void fields_have_tag_and_length(void **state)
{
	struct buf out = buf_over(memory, sizeof memory);

	pb_text(&out, 1, STR("ab"));
	pb_text(&out, 2, STR(""));
	pb_item(&out, 3, STR(""));
	pb_text(&out, 16, STR("c"));
	assert_int_equal(out.len, 10);
	assert_memory_equal(out.p,
			    "\x0a\x02"
			    "ab"
			    "\x1a\x00"
			    "\x82\x01\x01"
			    "c",
			    10);
	(void)state;
}

static void messages_nest_and_lengths_grow(void **state)
{
	static char big[20000];
	struct buf out = buf_over(memory, sizeof memory);
	size_t outer, inner;

	memset(big, 'x', sizeof big);
	outer = pb_open(&out, 1);
	inner = pb_open(&out, 2);
	pb_item(&out, 3, (struct str){ big, 200 });
	pb_close(&out, inner);
	inner = pb_open(&out, 4);
	pb_close(&out, inner);
	pb_item(&out, 5, (struct str){ big, sizeof big });
	pb_close(&out, outer);
	assert_memory_equal(out.p,
			    "\x0a\xf4\x9d\x01"
			    "\x12\xcb\x01"
			    "\x1a\xc8\x01"
			    "xxx",
			    13);
	assert_memory_equal(out.p + 4 + 3 + 203,
			    "\x22\x00"
			    "\x2a\xa0\x9c\x01"
			    "x",
			    7);
	assert_int_equal(out.len, 4 + 3 + 203 + 2 + 4 + sizeof big);
	assert_int_equal(out.len - 4, 0x74 | 0x1d << 7 | 1 << 14);
	(void)state;
}

static void malformed_text_is_replaced(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "\xff", "\x0a\x03\xef\xbf\xbd" },
		{ "a\xc3", "\x0a\x04"
			   "a\xef\xbf\xbd" },
		{ "\xed\xa0\x80z", "\x0a\x0a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz" },
		{ "\xc3\xa9", "\x0a\x02\xc3\xa9" },
		{ "12345678", "\x0a\x08"
			      "12345678" },
		{ "1234567\xc3\xa9"
		  "12345678\xff",
		  "\x0a\x14"
		  "1234567\xc3\xa9"
		  "12345678\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = buf_over(memory, sizeof memory);

		pb_text(&out, 1, str_of(rows[i].text));
		if (strcmp(out.p, rows[i].want))
			fail_msg("row %zu: '%s'", i, out.p);
	}
	(void)state;
}

static void what_does_not_fit_is_an_overflow(void **state)
{
	for (size_t size = 0; size < 208; size++) {
		struct buf out = buf_over(memory, size);
		size_t mark = pb_open(&out, 1);
		static const char text[200] = { 'x' };

		pb_item(&out, 2, (struct str){ text, sizeof text });
		pb_close(&out, mark);
		if (out.overflow != (size < 207))
			fail_msg("%zu bytes", size);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_have_tag_and_length),
		cmocka_unit_test(messages_nest_and_lengths_grow),
		cmocka_unit_test(malformed_text_is_replaced),
		cmocka_unit_test(what_does_not_fit_is_an_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
