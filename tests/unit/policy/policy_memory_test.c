/* SPDX-License-Identifier: Apache-2.0 */
/* The first, second, ... allocation of a parse fails: -ENOMEM, no crash, nothing lost (the sanitizer's run counts). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/policy.h"
#include "policy_text.h"

/* Allocations until one fails; 0 = none does. The linker sends the project's calls here (-Wl,--wrap). */
static size_t fail_at;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
void *yaml_malloc(size_t n);
void *yaml_realloc(void *old, size_t n);

static bool fails(void)
{
	return fail_at && !--fail_at;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
	return fails() ? NULL : __real_realloc(old, n);
}

/* libyaml's own, which a program may replace: its calls come here as well. */
void *yaml_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n ? n : 1);
}

void *yaml_realloc(void *old, size_t n)
{
	return fails() ? NULL : __real_realloc(old, n ? n : 1);
}

static void every_allocation_may_fail(void **state)
{
	static const char yaml[] = NAMESPACED
		"spec:\n"
		"  kprobes:\n"
		"  - call: sys_openat\n"
		"    message: hello\n"
		"    tags: [aa, bb]\n"
		"    args: [{index: 1, type: string, label: path}, {index: 2, type: int}]\n"
		"    selectors:\n"
		"    - matchArgs:\n"
		"      - {index: 1, operator: Prefix, values: [a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r]}\n"
		"      matchActions: [{action: Sigkill}]\n";
	size_t failed = 0;

	for (size_t n = 1;; n++) {
		struct policy *policy = NULL;
		struct error err = { 0 };
		int r;

		fail_at = n;
		r = policy_parse(yaml, sizeof yaml - 1, &policy, &err);
		if (fail_at) { /* fewer than n were needed */
			fail_at = 0;
			assert_int_equal(r, 0);
			policy_free(policy);
			break;
		}
		if (r != -ENOMEM || policy)
			fail_msg("allocation %zu: %d, '%s'", n, r, err.text);
		failed++;
	}
	assert_true(failed > 100); /* libyaml's were counted too */
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
