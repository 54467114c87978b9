/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "setup/text_diff.h"

static char *diff(struct str a, struct str b)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(text_diff_write(out, "a", a, "b", b, NULL), 0);
	(void)fclose(out);
	return text;
}

static void diffs_follow_the_table(void **state)
{
	static const struct {
		const char *why, *a, *b, *want;
	} cases[] = {
		{ "equal", "x\n", "x\n", "" },
		{ "both empty", "", "", "" },
		{ "all new", "", "x\ny\n", "@@ -0,0 +1,2 @@\n+x\n+y\n" },
		{ "all gone", "x\n", "", "@@ -1 +0,0 @@\n-x\n" },
		{ "one line", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
		  "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n" },
		{ "at the end", "1\n2\n3\n4\n", "1\n2\n3\n4\n5\n", "@@ -2,3 +2,4 @@\n 2\n 3\n 4\n+5\n" },
		{ "no line end", "1\n2", "1\n2\n3",
		  "@@ -1,2 +1,3 @@\n 1\n-2\n\\ No newline at end of file\n+2\n+3\n\\ No newline at end of file\n" },
		{ "far apart", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n",
		  "@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -7,3 +8,4 @@\n 7\n 8\n 9\n+x\n" },
		{ "close together", "1\n2\n3\n4\n5\n6\n", "0\n1\n2\n3\n4\n5\n6\nx\n",
		  "@@ -1,6 +1,8 @@\n+0\n 1\n 2\n 3\n 4\n 5\n 6\n+x\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_free char *text = diff(str_of(cases[i].a), str_of(cases[i].b));
		const char *body = *text ? strstr(text, "@@") : text;

		if (!body || strcmp(body, cases[i].want) != 0 || (*text && strncmp(text, "--- a\n+++ b\n", 12) != 0))
			fail_msg("%s:\n%s", cases[i].why, text);
	}
	(void)state;
}

/* More changes than are searched for: everything between the equal ends is replaced, and the diff is still true. */
static void many_changes_are_a_replacement(void **state)
{
	enum { LINES = 3000 };
	static char a[LINES * 8], b[LINES * 8];
	struct buf one = buf_over(a, sizeof a), two = buf_over(b, sizeof b);

	for (int i = 0; i < LINES; i++) {
		buf_printf(&one, "%d\n", i);
		buf_printf(&two, "%d\n", i == 0 || i == LINES - 1 ? i : i + 10000);
	}
	auto_free char *text = diff((struct str){ a, one.len }, (struct str){ b, two.len });

	assert_non_null(strstr(text, "@@ -1,3000 +1,3000 @@\n 0\n-1\n"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(diffs_follow_the_table),
					    cmocka_unit_test(many_changes_are_a_replacement) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
