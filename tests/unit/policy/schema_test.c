/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys as a table; what it makes of policies is in policy_accepts_test.c and policy_refuses_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "policy/policy.h"
#include "policy/schema.h"
#include "policy_text.h"

static void rows_are_sorted_and_unique(void **state)
{
	for (size_t i = 0; i < schema_rows_n; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (i && row[-1].object > row->object)
			fail_msg("%s: object out of order", row->key);
		if (i && row[-1].object == row->object && strcmp(row[-1].key, row->key) >= 0)
			fail_msg("%s after %s", row->key, row[-1].key);
		if (!row->type || !row->use || (row->type == SCHEMA_ANY && row->use != SCHEMA_IGNORED))
			fail_msg("%s: incomplete", row->key);
	}
	(void)state;
}

/* Where a row's object stands in a policy; %s is the key with its value. */
static const char *const places[] = {
	[SCHEMA_ROOT] = API "kind: TracingPolicy\nmetadata: {name: p}\nspec: {kprobes: [{call: sys_lseek}]}\n%s\n",
	[SCHEMA_METADATA] = API "kind: TracingPolicy\nspec: {kprobes: [{call: sys_lseek}]}\nmetadata: {name: p, %s}\n",
	[SCHEMA_SPEC] = SPEC("kprobes: [{call: sys_lseek}], %s"),
	[SCHEMA_KPROBE] = LSEEK("%s"),
	[SCHEMA_TRACEPOINT] = TRACEPOINT("syscalls", "sys_enter_lseek", ", %s"),
	[SCHEMA_ARG] = LSEEK("args: [{index: 0, type: int, %s}]"),
	[SCHEMA_SELECTOR] = LSEEK("selectors: [{%s}]"),
	[SCHEMA_MATCH_ARG] = MATCH("operator: Equal, values: [1], index: 1, %s"),
	[SCHEMA_ACTION] = ACTIONS_OF("{action: Post, %s}"),
};

static const struct {
	enum schema_type type;
	const char *value, *zero;
} samples[] = {
	{ SCHEMA_TEXT, "abc", "''" },  { SCHEMA_BOOL, "true", "false" }, { SCHEMA_INT, "1", "0" },
	{ SCHEMA_LIST, "[{}]", "[]" }, { SCHEMA_MAP, "{}", "~" },
};

static void expect(const struct schema_row *row, const char *value, const char *want)
{
	char pair[64], yaml[512];
	struct policy *policy = NULL;
	struct error err = { 0 };
	int r;

	(void)snprintf(pair, sizeof pair, "%s: %s", row->key, value);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(yaml, sizeof yaml, places[row->object], pair);
#pragma GCC diagnostic pop
	r = policy_parse(yaml, strlen(yaml), &policy, &err);
	if (want ? r >= 0 || !strstr(err.text, want) : r < 0)
		fail_msg("%s of object %d: %d, '%s'", pair, row->object, r, err.text);
	policy_free(policy);
}

/* Every key that is not supported yet says so by its name, and is harmless when it asks for nothing. */
static void unsupported_keys_are_refused_by_name(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < schema_rows_n; i++) {
		const struct schema_row *row = &schema_rows[i];
		char want[64];

		if (row->use != SCHEMA_UNSUPPORTED)
			continue;
		(void)snprintf(want, sizeof want, ".%s: not supported yet (line ", row->key);
		for (size_t s = 0; s < sizeof samples / sizeof *samples; s++)
			if (samples[s].type == row->type) {
				expect(row, samples[s].value, want);
				expect(row, samples[s].zero, NULL);
				n++;
			}
		expect(row, "~", NULL);
		expect(row, "[[]]", want); /* of a wrong type: not supported all the same */
	}
	assert_true(n > 50);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_and_unique),
		cmocka_unit_test(unsupported_keys_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
