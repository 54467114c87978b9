/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"

static const struct {
	const char *why, *text, *part;
	bool equal, starts, ends;
} pairs[] = {
	{ "the same", "abc", "abc", true, true, true },    { "both empty", "", "", true, true, true },
	{ "absent is empty", NULL, "", true, true, true }, { "empty part", "abc", "", false, true, true },
	{ "absent part", "abc", NULL, false, true, true }, { "head", "abc", "ab", false, true, false },
	{ "tail", "abc", "bc", false, false, true },       { "middle", "abc", "b", false, false, false },
	{ "longer", "abc", "abcd", false, false, false },  { "same length", "abc", "abd", false, false, false },
};

static void comparisons_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct str text = str_of(pairs[i].text), part = str_of(pairs[i].part);

		if (str_equal(text, part) != pairs[i].equal || str_is(text, pairs[i].part) != pairs[i].equal)
			fail_msg("%s: equal", pairs[i].why);
		if (str_starts(text, part) != pairs[i].starts)
			fail_msg("%s: starts", pairs[i].why);
		if (str_ends(text, part) != pairs[i].ends)
			fail_msg("%s: ends", pairs[i].why);
	}
	assert_false(str_is((struct str){ "a\0b", 3 }, "a")); /* a NUL is a byte as any other */
	(void)state;
}

static void from_never_leaves_the_text(void **state)
{
	struct str text = STR("abc");

	assert_true(str_is(str_from(text, 0), "abc"));
	assert_true(str_is(str_from(text, 2), "c"));
	assert_true(str_is(str_from(text, 3), ""));
	assert_ptr_equal(str_from(text, SIZE_MAX).p, text.p + 3);
	assert_null(str_from((struct str){ NULL, 0 }, 5).p);
	(void)state;
}

static void find_tells_first_and_last(void **state)
{
	assert_int_equal(str_find(STR("a.b.c"), '.'), 1);
	assert_int_equal(str_find_last(STR("a.b.c"), '.'), 3);
	assert_int_equal(str_find(STR("abc"), '.'), -1);
	assert_int_equal(str_find_last(STR("abc"), '.'), -1);
	assert_int_equal(str_find((struct str){ NULL, 0 }, '.'), -1);
	assert_int_equal(str_find_last((struct str){ NULL, 0 }, '.'), -1);
	(void)state;
}

static const struct {
	const char *why;
	struct str text;
	unsigned length;
	uint32_t point;
} characters[] = {
	{ "nothing", { NULL, 0 }, 0, 0 },
	{ "NUL", STR("\0"), 1, 0 },
	{ "ASCII", STR("az"), 1, 'a' },
	{ "first of two bytes", STR("\xc2\x80"), 2, 0x80 },
	{ "last of two bytes", STR("\xdf\xbf"), 2, 0x7ff },
	{ "first of three bytes", STR("\xe0\xa0\x80"), 3, 0x800 },
	{ "below the surrogates", STR("\xed\x9f\xbf"), 3, 0xd7ff },
	{ "above the surrogates", STR("\xee\x80\x80"), 3, 0xe000 },
	{ "last of three bytes", STR("\xef\xbf\xbf"), 3, 0xffff },
	{ "first of four bytes", STR("\xf0\x90\x80\x80"), 4, 0x10000 },
	{ "last of four bytes", STR("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
	{ "continuation first", STR("\x80"), 0, 0 },
	{ "overlong, two bytes", STR("\xc0\x80"), 0, 0 },
	{ "overlong, three bytes", STR("\xe0\x9f\xbf"), 0, 0 },
	{ "overlong, four bytes", STR("\xf0\x8f\xbf\xbf"), 0, 0 },
	{ "first surrogate", STR("\xed\xa0\x80"), 0, 0 },
	{ "last surrogate", STR("\xed\xbf\xbf"), 0, 0 },
	{ "beyond the last", STR("\xf4\x90\x80\x80"), 0, 0 },
	{ "five bytes", STR("\xf8\x88\x80\x80\x80"), 0, 0 },
	{ "0xff", STR("\xff"), 0, 0 },
	{ "cut", STR("\xe2\x80"), 0, 0 },
	{ "cut before its last byte", { "\xe2\x82\xac", 2 }, 0, 0 },
	{ "interrupted", STR("\xe2\x80x"), 0, 0 },
};

static void utf8_follows_the_table(void **state)
{
	for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
		uint32_t point = 0;
		unsigned length = utf8_length(characters[i].text, &point);
		char bytes[4];

		if (length != characters[i].length || point != characters[i].point)
			fail_msg("%s: %u bytes, U+%04x", characters[i].why, length, point);
		if (length && (utf8_encode(point, bytes) != length || memcmp(bytes, characters[i].text.p, length) != 0))
			fail_msg("%s: encodes to something else", characters[i].why);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparisons_follow_the_table),
		cmocka_unit_test(from_never_leaves_the_text),
		cmocka_unit_test(find_tells_first_and_last),
		cmocka_unit_test(utf8_follows_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
