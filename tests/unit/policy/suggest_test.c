/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "policy/shown.h"
#include "policy/suggest.h"

static const char *const words[] = { "Equal", "NotEqual", "Prefix", "NotPrefix", "GT" };

static const struct {
	const char *wanted, *want;
} cases[] = {
	{ "Equl", "Equal" },
	{ "equal", "Equal" },
	{ "Euqal", "Equal" },
	{ "NotEqal", "NotEqual" },
	{ "Prefixx", "Prefix" },
	{ "NoPrefix", "NotPrefix" },
	{ "XY", NULL },
	{ "", NULL },
	{ "E", NULL },
	{ "gt", "GT" },
	{ "a word of more than forty-eight letters is not compared", NULL },
};

static void the_closest_word_is_suggested(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct suggestion best = suggestion_for(cases[i].wanted);

		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			suggestion_offer(&best, words[w]);
		if (!best.word != !cases[i].want || (best.word && strcmp(best.word, cases[i].want) != 0))
			fail_msg("'%s': %s", cases[i].wanted, best.word ? best.word : "nothing");
	}
	(void)state;
}

static void foreign_text_is_escaped_and_cut(void **state)
{
	char text[512];

	assert_string_equal(shown(STR("")).text, "''");
	assert_string_equal(shown(STR("a'b")).text, "'a'b'");
	assert_string_equal(shown(STR("\x1b[0m\0\n\xff")).text, "'\\x1b[0m\\x00\\x0a\\xff'");
	for (size_t len = 0; len < sizeof text; len++) { /* plain, escaped, and both at the limit */
		struct shown a, b, c;

		memset(text, 'x', len);
		a = shown((struct str){ text, len });
		memset(text, '\001', len);
		b = shown((struct str){ text, len });
		memset(text, 'x', len / 2);
		c = shown((struct str){ text, len });
		assert_true(strlen(a.text) < sizeof a.text && strlen(b.text) < sizeof b.text &&
			    strlen(c.text) < sizeof c.text);
		assert_int_equal(strlen(a.text), len <= SHOWN_MAX ? len + 2 : SHOWN_MAX + 5);
		assert_true((len * 4 > SHOWN_MAX) == (strstr(b.text, "...") != NULL));
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_closest_word_is_suggested),
		cmocka_unit_test(foreign_text_is_escaped_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
