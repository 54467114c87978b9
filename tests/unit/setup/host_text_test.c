/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "setup/host_data_dir.h"
#include "setup/kubelet_endpoint.h"
#include "setup/socket_owner.h"

static void endpoints_follow_the_table(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: none */
	} cases[] = {
		{ "A=\"--x --container-runtime-endpoint=unix:///run/c.sock --y\"", "/run/c.sock" },
		{ "--container-runtime-endpoint unix:///run/c.sock", "/run/c.sock" },
		{ "A='--container-runtime-endpoint=/run/c.sock'", "/run/c.sock" },
		{ "ExecStart=kubelet --container-runtime-endpoint=/a.sock\\\n --z", "/a.sock" },
		{ "containerRuntimeEndpoint: unix:///b\n", "/b" },
		{ "containerRuntimeEndpoint:\t\"unix:///b\"\n", "/b" },
		{ "# --container-runtime-endpoint=/no\n", NULL },
		{ "#x\n --container-runtime-endpoint=/yes\n", "/yes" },
		{ "--container-runtime-endpoint-x=/no", NULL },
		{ "--container-runtime-endpoint=", NULL },
		{ "--container-runtime-endpoint", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str got = kubelet_endpoint_in(str_of(cases[i].text));

		if (cases[i].want ? !str_is(got, cases[i].want) : got.p != NULL)
			fail_msg("%s: %.*s", cases[i].text, (int)got.len, got.p);
	}
	(void)state;
}

static void data_folders_follow_the_table(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "data-dir: /a/b\n", "/a/b" },
		{ "x: 1\n\"data-dir\": \"/a/\"\r\n", "/a" },
		{ "'data-dir' : '/a'", "/a" },
		{ "data-dir: /a # b", "/a" },
		{ " data-dir: /a", NULL }, /* of another object */
		{ "#data-dir: /a", NULL },
		{ "data-dir-x: /a", NULL },
		{ "data-dir: a", NULL },
		{ "data-dir: /", NULL },
		{ "data-dir:", NULL },
		{ "data-dir: x\ndata-dir: /y", "/y" },
		{ "data-dir: /0123456789abcdefg", NULL }, /* does not fit */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char dir[16];
		bool found = host_data_dir_in(str_of(cases[i].text), dir, sizeof dir);

		if (found != (cases[i].want != NULL) || (found && strcmp(dir, cases[i].want) != 0))
			fail_msg("%s: %s", cases[i].text, found ? dir : "none");
	}
	(void)state;
}

/* As the kernel sends it: header, unix_diag_msg, attribute VFS. */
static size_t answer_write(uint32_t *at, uint16_t type, uint32_t socket, uint32_t inode, uint32_t device)
{
	const uint32_t words[] = {
		44, (uint32_t)(type | 2u << 16), 1, 0, 1 | 1 << 8 | 10 << 16, socket, 0, 0, 12 | 1 << 16, inode, device
	};

	memcpy(at, words, sizeof words);
	return sizeof words;
}

static void listeners_are_told_by_their_file(void **state)
{
	uint32_t words[64] = { 0 }, inode = 0;
	size_t n = answer_write(words, 20, 5, 6, 9);

	assert_int_equal(socket_owner_in(words, n, 7, 9, &inode), 0);
	n += answer_write(words + n / 4, 20, 8, 7, 9);
	assert_int_equal(socket_owner_in(words, n, 7, 9, &inode), 1);
	assert_int_equal(inode, 8);
	assert_int_equal(socket_owner_in(words, n, 7, 10, &inode), 0); /* the same number on another device */
	for (size_t cut = 0; cut < n; cut++)
		assert_true(socket_owner_in(words, cut, 7, 9, &inode) == 0);
	n = answer_write(words, 3, 0, 0, 0);
	assert_int_equal(socket_owner_in(words, n, 7, 9, &inode), -ENODATA);
	n = answer_write(words, 2, 0, 0, 0);
	assert_int_equal(socket_owner_in(words, n, 7, 9, &inode), -EIO);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_follow_the_table),
		cmocka_unit_test(data_folders_follow_the_table),
		cmocka_unit_test(listeners_are_told_by_their_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
