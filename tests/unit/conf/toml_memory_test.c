/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and editing with the first, the second, … the last allocation failing: an error each time, nothing lost. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "conf/toml_edit.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static long left = -1; /* allocations that succeed before the one that fails; -1: all succeed */

static int fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

static int scenario(struct error *err)
{
	static const char *const text =
		"disabled = [\"a\", \"b\"]\nl = [1]\n[p]\n  [p.x]\n    k = 1\n[p.'y\\n'.z]\n\"q\\u0041\" = 2\n";
	static const char *const path[] = { "p", "new", NULL }, *const values[] = { "\"z\"" };
	static const char *const quoted[] = { "p", "y\\n", NULL };
	static const bool drop[] = { true, false };
	struct toml *doc = NULL;
	struct toml_edit edit;
	char *result_text = NULL;
	size_t len;
	int result = toml_parse(str_of(text), &doc, err);

	if (result < 0)
		return result;
	edit = toml_edit_of(doc);
	result = toml_edit_table(&edit, path, &(struct toml_pair){ "k", "\"v\"" }, 1, err);
	if (result >= 0)
		result = toml_edit_set(&edit, toml_find(doc, quoted), STR("k"), "1", err);
	if (result >= 0)
		result = toml_edit_array_remove(&edit, toml_get(doc, doc->root, STR("disabled")), drop, err);
	if (result >= 0)
		result = toml_edit_array_append(&edit, toml_get(doc, doc->root, STR("l")), values, 1, err);
	if (result >= 0)
		result = toml_edit_prepend(&edit, STR("version"), "2", err);
	if (result >= 0)
		result = toml_edit_apply(&edit, &result_text, &len, err);
	toml_edit_done(&edit);
	toml_free(doc);
	free(result_text);
	return result;
}

static void every_allocation_may_fail(void **state)
{
	struct error err = { 0 };
	long n = 0;

	assert_int_equal(scenario(&err), 0);
	for (;; n++) {
		int result;

		err = (struct error){ 0 };
		left = n;
		result = scenario(&err);
		if (left >= 0) { /* more than there are */
			left = -1;
			assert_int_equal(result, 0);
			break;
		}
		left = -1;
		/* A comparison without memory answers "differs", which refuses the edit. */
		if ((result != -ENOMEM && result != -EBADMSG) || !*err.text)
			fail_msg("allocation %ld: %d '%s'", n, result, err.text);
	}
	print_message("%ld allocations\n", n);
	assert_true(n > 40);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
