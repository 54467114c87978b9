/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "agent/unseen_record.h"
#include "base/buf.h"
#include "base/error.h"

static const struct {
	const char *why, *json;
	int want;
	const char *text; /* cgroup path, or a part of the error */
} cases[] = {
	{ "the hook's form", "{\"cgroupsPath\": \"/a/b\",\n\"podNamespace\": \"t\"}\n", 0, "/a/b" },
	{ "unknown members", "{\"x\":[{\"cgroupsPath\":1}],\"cgroupsPath\":\"/a\"}", 0, "/a" },
	{ "null is absent", "{\"cgroupsPath\":\"/a\",\"podUID\":null}", 0, "/a" },
	{ "escapes", "{\"cgroups\\u0050ath\":\"\\/a\"}", 0, "/a" },
	{ "nothing", "", -EINVAL, "" },
	{ "no object", "[]", -EINVAL, "want an object" },
	{ "no path", "{}", -EINVAL, "cgroupsPath is missing" },
	{ "twice", "{\"cgroupsPath\":\"/a\",\"cgroupsPath\":\"/b\"}", -EINVAL, "twice" },
	{ "wrong type", "{\"cgroupsPath\":7}", -EINVAL, "want a text" },
	{ "NUL", "{\"cgroupsPath\":\"/a\\u0000b\"}", -EINVAL, "NUL" },
	{ "cut", "{\"cgroupsPath\":\"/a\"", -EINVAL, "" },
	{ "more behind it", "{\"cgroupsPath\":\"/a\"}{}", -EINVAL, "" },
};

static void a_record_is_read(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static struct unseen_record record;
		struct error err = { 0 };
		int r = unseen_record_parse(str_of(cases[i].json), &record, &err);
		const char *got = r < 0 ? err.text : record.cgroup_path;

		if (r != cases[i].want || !strstr(got, cases[i].text))
			fail_msg("%s: %d, '%s'", cases[i].why, r, got);
	}
	(void)state;
}

static void a_text_that_does_not_fit_is_an_error(void **state)
{
	static struct unseen_record record;
	static char json[8192];
	struct buf out = buf_over(json, sizeof json);
	struct error err = { 0 };

	buf_text(&out, "{\"cgroupsPath\":\"");
	for (int i = 0; i < PATH_MAX; i++)
		buf_byte(&out, 'x');
	buf_text(&out, "\"}");
	assert_int_equal(unseen_record_parse(str_of(json), &record, &err), -EINVAL);
	assert_non_null(strstr(err.text, "longer than"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read),
		cmocka_unit_test(a_text_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
