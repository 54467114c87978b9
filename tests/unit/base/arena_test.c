/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void pieces_are_aligned_and_apart(void **state)
{
	_Alignas(16) char memory[256];

	for (size_t shift = 0; shift < 16; shift++) {
		struct arena arena = arena_over(memory + shift, sizeof memory - shift);
		char *last = NULL;

		for (size_t n = 1; n < 20; n += 3) {
			char *at = arena_alloc(&arena, n);

			if (!at || (uintptr_t)at % 16 || at < memory + shift || at + n > memory + sizeof memory ||
			    at <= last)
				fail_msg("%zu bytes at %zu", n, shift);
			memset(at, 0, n);
			last = at + n - 1;
		}
	}
	(void)state;
}

static void every_size_is_exhausted_and_none_is_left(void **state)
{
	_Alignas(16) char memory[128];

	for (size_t size = 0; size <= sizeof memory - 1; size++) {
		struct arena arena = arena_over(memory, size);
		size_t pieces = 0;

		memory[size] = '#';
		while (arena_copy(&arena, STR("1234567")))
			pieces++;
		if (pieces != (size + 8) / 16 || arena.used > size || memory[size] != '#')
			fail_msg("%zu bytes: %zu pieces, %zu used", size, pieces, arena.used);
		if (arena_alloc(&arena, size + 1))
			fail_msg("%zu bytes: gave more than there is", size);
	}
	(void)state;
}

static void sizes_that_would_wrap_are_refused(void **state)
{
	_Alignas(16) char memory[64];
	struct arena arena = arena_over(memory, sizeof memory);

	assert_non_null(arena_alloc(&arena, 1));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 15));
	assert_null(arena_copy(&arena, (struct str){ memory, SIZE_MAX }));
	assert_int_equal(arena.used, 1);
	assert_string_equal(arena_copy(&arena, (struct str){ NULL, 0 }), "");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(every_size_is_exhausted_and_none_is_left),
		cmocka_unit_test(sizes_that_would_wrap_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
