/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "match/label_selector.h"

/* Labels of the tests: a = 1, empty = "", dark = not known; all else is absent. */
static enum label_state find(const void *context, const char *key, const char **ret_value)
{
	(void)context;
	if (!strcmp(key, "dark"))
		return LABEL_UNKNOWN;
	if (!strcmp(key, "a"))
		*ret_value = "1";
	else if (!strcmp(key, "empty"))
		*ret_value = "";
	else
		return LABEL_ABSENT;
	return LABEL_THERE;
}

#define TERMS 3

static void terms_are_judged(void **state)
{
	static const struct {
		struct {
			const char *key;
			enum label_op op;
			const char *values; /* one byte each */
		} term[TERMS];
		enum label_verdict want;
	} rows[] = {
		{ { { 0 } }, LABELS_MATCH },
		{ { { "a", LABEL_IN, "21" } }, LABELS_MATCH },
		{ { { "a", LABEL_IN, "2" } }, LABELS_DIFFER },
		{ { { "b", LABEL_IN, "1" } }, LABELS_DIFFER },
		{ { { "a", LABEL_NOT_IN, "2" } }, LABELS_MATCH },
		{ { { "a", LABEL_NOT_IN, "21" } }, LABELS_DIFFER },
		{ { { "b", LABEL_NOT_IN, "1" } }, LABELS_MATCH },
		{ { { "a", LABEL_EXISTS, "" } }, LABELS_MATCH },
		{ { { "empty", LABEL_EXISTS, "" } }, LABELS_MATCH },
		{ { { "b", LABEL_EXISTS, "" } }, LABELS_DIFFER },
		{ { { "a", LABEL_DOES_NOT_EXIST, "" } }, LABELS_DIFFER },
		{ { { "b", LABEL_DOES_NOT_EXIST, "" } }, LABELS_MATCH },
		{ { { "dark", LABEL_IN, "1" } }, LABELS_UNDECIDED },
		{ { { "dark", LABEL_NOT_IN, "1" } }, LABELS_UNDECIDED },
		{ { { "dark", LABEL_EXISTS, "" } }, LABELS_UNDECIDED },
		{ { { "dark", LABEL_DOES_NOT_EXIST, "" } }, LABELS_UNDECIDED },
		{ { { "dark", LABEL_EXISTS, "" }, { "a", LABEL_IN, "2" } }, LABELS_DIFFER },
		{ { { "a", LABEL_IN, "2" }, { "dark", LABEL_EXISTS, "" } }, LABELS_DIFFER },
		{ { { "a", LABEL_IN, "1" }, { "dark", LABEL_EXISTS, "" }, { "b", LABEL_NOT_IN, "3" } },
		  LABELS_UNDECIDED },
		{ { { "a", LABEL_IN, "1" }, { "empty", LABEL_EXISTS, "" }, { "b", LABEL_DOES_NOT_EXIST, "" } },
		  LABELS_MATCH },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct label_selector selector = { 0 };
		enum label_verdict got;

		for (size_t j = 0; j < TERMS && rows[i].term[j].key; j++) {
			assert_int_equal(label_selector_add(&selector, str_of(rows[i].term[j].key), rows[i].term[j].op),
					 j);
			for (const char *at = rows[i].term[j].values; *at; at++)
				assert_int_equal(label_selector_value(&selector, (struct str){ at, 1 }), 0);
		}
		got = label_selector_match(&selector, find, NULL);
		if (got != rows[i].want)
			fail_msg("row %zu: %d, want %d", i, (int)got, (int)rows[i].want);
		label_selector_done(&selector);
	}
	(void)state;
}

static void limits_hold(void **state)
{
	static char text[LABEL_TEXT_MAX + 1];
	struct label_selector selector = { 0 };

	memset(text, 'x', sizeof text);
	assert_int_equal(label_selector_add(&selector, (struct str){ text, sizeof text }, LABEL_IN), -E2BIG);
	assert_int_equal(label_selector_add(&selector, STR(""), LABEL_IN), -EINVAL);
	assert_int_equal(label_selector_add(&selector, STR("a\0b"), LABEL_IN), -EINVAL);
	for (int i = 0; i < LABEL_TERMS_MAX; i++)
		assert_int_equal(label_selector_add(&selector, (struct str){ text, LABEL_TEXT_MAX }, LABEL_IN), i);
	assert_int_equal(label_selector_add(&selector, STR("a"), LABEL_IN), -E2BIG);
	assert_int_equal(label_selector_value(&selector, (struct str){ text, sizeof text }), -E2BIG);
	for (int i = 0; i < LABEL_TERM_VALUES_MAX; i++)
		assert_int_equal(label_selector_value(&selector, STR("")), 0);
	assert_int_equal(label_selector_value(&selector, STR("a")), -E2BIG);
	label_selector_done(&selector);
	assert_int_equal(selector.terms, 0);
	(void)state;
}

static void operators_have_names(void **state)
{
	assert_int_equal(label_op_of(STR("In")), LABEL_IN);
	assert_int_equal(label_op_of(STR("NotIn")), LABEL_NOT_IN);
	assert_int_equal(label_op_of(STR("Exists")), LABEL_EXISTS);
	assert_int_equal(label_op_of(STR("DoesNotExist")), LABEL_DOES_NOT_EXIST);
	assert_int_equal(label_op_of(STR("in")), 0);
	assert_int_equal(label_op_of(STR("")), 0);
	(void)state;
}

/* "key" "values", one byte each; all terms are In but for keys in upper case, which are NotIn. */
static struct label_selector made(const char *const *words)
{
	struct label_selector selector = { 0 };

	for (; *words; words += 2) {
		enum label_op op = words[0][0] < 'a' ? LABEL_NOT_IN : LABEL_IN;

		assert_true(label_selector_add(&selector, str_of(words[0]), op) >= 0);
		for (const char *value = words[1]; *value; value++)
			assert_int_equal(label_selector_value(&selector, (struct str){ value, 1 }), 0);
	}
	return selector;
}

static void equal_is_term_by_term(void **state)
{
	static const char *const rows[][5] = {
		{ NULL },     { "a", "1" }, { "a", "2" },           { "a", "12" },
		{ "b", "1" }, { "A", "1" }, { "a", "1", "b", "2" }, { "b", "2", "a", "1" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
			struct label_selector a = made(rows[i]), b = made(rows[j]);

			if (label_selector_equal(&a, &b) != (i == j))
				fail_msg("rows %zu and %zu", i, j);
			label_selector_done(&a);
			label_selector_done(&b);
		}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_are_judged),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(operators_have_names),
		cmocka_unit_test(equal_is_term_by_term),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
