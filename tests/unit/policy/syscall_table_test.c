/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>

#include "abi.h"
#include "base/buf.h"
#include "policy/syscall_facts.h"
#include "policy/syscall_table.h"

/* "8 | 19 | 8": x86-64, i386, x32 */
static void numbers_write(struct buf *out, const char *name)
{
	for (int arch = 0; arch < ABI_ARCHES; arch++) {
		struct syscall_numbers numbers;

		syscall_numbers(name, arch, &numbers);
		buf_text(out, arch ? " |" : "");
		for (size_t i = 0; i < numbers.n; i++)
			buf_printf(out, "%s%u", arch || i ? " " : "", numbers.nr[i]);
	}
}

static const struct {
	const char *name, *numbers;
} numbers[] = {
	{ "lseek", "8 | 19 | 8" },
	{ "read", "0 | 3 | 0" },
	{ "execve", "59 | 11 | 520" },
	{ "execveat", "322 | 358 | 545" },
	{ "setuid", "105 | 23 213 | 105" },
	{ "setgid", "106 | 46 214 | 106" },
	{ "setreuid", "113 | 70 203 | 113" },
	{ "setregid", "114 | 71 204 | 114" },
	{ "setresuid", "117 | 164 208 | 117" },
	{ "setresgid", "119 | 170 210 | 119" },
	{ "getuid", "102 | 24 199 | 102" },
	{ "getgroups", "115 | 80 205 | 115" },
	{ "setgroups", "116 | 81 206 | 116" },
	{ "setfsuid", "122 | 138 215 | 122" },
	{ "setfsgid", "123 | 139 216 | 123" },
	{ "chown", "92 | 182 212 | 92" },
	{ "fchown", "93 | 95 207 | 93" },
	{ "lchown", "94 | 16 198 | 94" },
	{ "fcntl", "72 | 55 221 | 72" },
	{ "truncate", "76 | 92 193 | 76" },
	{ "ftruncate", "77 | 93 194 | 77" },
	{ "stat", "4 | 106 18 195 | 4" },
	{ "lstat", "6 | 107 196 84 | 6" },
	{ "fstat", "5 | 108 197 28 | 5" },
	{ "newfstatat", "262 | 300 | 262" },
	{ "statfs", "137 | 99 268 | 137" },
	{ "sendfile", "40 | 187 239 | 40" },
	{ "getdents64", "217 | 220 | 217" },
	{ "getdents", "78 | 141 89 | 78" },
	{ "getrlimit", "97 | 76 191 | 97" },
	{ "uname", "63 | 122 59 109 | 63" },
	{ "umount2", "166 | 52 22 | 166" },
	{ "mmap", "9 | 192 | 9" },
	{ "old_mmap", " | 90 |" },
	{ "select", "23 | 142 | 23" },
	{ "old_select", " | 82 |" },
	{ "futex", "202 | 240 422 | 202" },
	{ "clock_nanosleep", "230 | 267 407 | 230" },
	{ "ppoll", "271 | 309 414 | 271" },
	{ "recvmmsg", "299 | 337 417 | 537" },
	{ "wait4", "61 | 114 7 | 61" },
	{ "rt_sigaction", "13 | 174 67 48 | 512" },
	{ "ioctl", "16 | 54 | 514" },
	{ "ptrace", "101 | 26 | 521" },
	{ "accept", "43 | | 43" },
	{ "socketcall", " | 102 |" },
	{ "kexec_file_load", "320 | | 320" },
	{ "openat2", "437 | 437 | 437" },
	{ "cachestat", "451 | 451 | 451" },
	{ "mseal", "462 | 462 | 462" },
	{ "file_setattr", "469 | 469 | 469" },
	{ "umount", "166 | 52 22 | 166" },
	{ "setuid32", "105 | 23 213 | 105" },
	{ "newstat", "4 | 106 18 195 | 4" },
	{ "no_such_call", " | |" },
	{ "", " | |" },
};

static void numbers_are_those_of_every_abi(void **state)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char text[128];
		struct buf out = buf_over(text, sizeof text);

		numbers_write(&out, numbers[i].name);
		if (strcmp(text, numbers[i].numbers) != 0)
			fail_msg("%s: %s, want %s", numbers[i].name, text, numbers[i].numbers);
	}
	(void)state;
}

/* A policy on the name of a number holds for that number, whichever ABI it is called by. */
static void every_number_is_reached_by_its_name(void **state)
{
	size_t found[ABI_ARCHES] = { 0 };

	for (int arch = 0; arch < ABI_ARCHES; arch++)
		for (unsigned nr = 0; nr < ABI_SYSCALL_NR_MAX; nr++) {
			const char *name = syscall_name(arch, nr);
			struct syscall_numbers all;
			bool hit = false;

			if (!name)
				continue;
			found[arch]++;
			syscall_numbers(name, arch, &all);
			for (size_t i = 0; i < all.n; i++)
				hit |= all.nr[i] == nr;
			if (!hit || !syscall_is_known(name) || strcmp(syscall_canonical(name), name) != 0)
				fail_msg("%s: number %u of ABI %d", name, nr, arch);
		}
	assert_true(found[ABI_X64] >= 370 && found[ABI_I386] >= 430 && found[ABI_X32] >= 350);
	(void)state;
}

static void names_of_numbers(void **state)
{
	assert_string_equal(syscall_name(ABI_X64, 8), "lseek");
	assert_string_equal(syscall_name(ABI_I386, 19), "lseek");
	assert_string_equal(syscall_name(ABI_I386, 213), "setuid");
	assert_string_equal(syscall_name(ABI_I386, 90), "old_mmap");
	assert_string_equal(syscall_name(ABI_X32, 520), "execve");
	assert_null(syscall_name(ABI_X64, 520));
	assert_null(syscall_name(ABI_X64, ABI_SYSCALL_NR_MAX));
	assert_null(syscall_name(ABI_X64, UINT32_MAX));
	assert_null(syscall_name(-1, 0));
	assert_null(syscall_name(ABI_ARCHES, 0));
	(void)state;
}

static void misspelt_names_get_suggestions(void **state)
{
	assert_string_equal(syscall_suggest("lsek"), "lseek");
	assert_string_equal(syscall_suggest("exceve"), "execve");
	assert_string_equal(syscall_suggest("OPENAT"), "openat");
	assert_null(syscall_suggest("zzzzzzzzzzzz"));
	assert_null(syscall_suggest(""));
	(void)state;
}

static void ways_around_are_told(void **state)
{
	assert_string_equal(syscall_bypasses("lseek"), "i386 _llseek(2)");
	assert_string_equal(syscall_bypasses("connect"), "i386 socketcall(2)");
	assert_string_equal(syscall_bypasses("semop"), "i386 ipc(2)");
	assert_non_null(strstr(syscall_bypasses("truncate64"), "argument 1"));
	assert_string_equal(syscall_bypasses("getpid"), "");
	assert_string_equal(syscall_bypasses("no_such_call"), "");
	assert_true(syscall_in_io_uring("openat"));
	assert_true(syscall_in_io_uring("connect"));
	assert_true(syscall_in_io_uring("futex_time64"));
	assert_true(syscall_in_io_uring("newfstatat"));
	assert_false(syscall_in_io_uring("lseek"));
	assert_false(syscall_in_io_uring("setuid"));
	assert_false(syscall_in_io_uring("no_such_call"));
	(void)state;
}

/* The look-ups search by halves: an unsorted row would never be found. */
static void tables_are_sorted_and_true(void **state)
{
	for (size_t i = 0; i < syscall_aliases_n; i++) {
		const struct syscall_alias *row = &syscall_aliases[i];

		if ((i && strcmp(row[-1].name, row->name) >= 0) || !syscall_canonical(row->name) ||
		    strcmp(syscall_canonical(row->name), row->call) != 0)
			fail_msg("alias %s", row->name);
	}
	for (size_t i = 0; i < syscall_bypass_rows_n; i++) {
		const struct syscall_bypass *row = &syscall_bypass_rows[i];

		if ((i && strcmp(row[-1].name, row->name) >= 0) || !syscall_canonical(row->name) ||
		    strcmp(syscall_canonical(row->name), row->name) != 0 || syscall_bypasses(row->name) != row->text)
			fail_msg("bypass of %s", row->name);
	}
	for (size_t i = 0; i < syscall_io_uring_n; i++) {
		const char *name = syscall_io_uring[i];

		if ((i && strcmp(syscall_io_uring[i - 1], name) >= 0) || !syscall_canonical(name) ||
		    strcmp(syscall_canonical(name), name) != 0 || !syscall_in_io_uring(name))
			fail_msg("io_uring does %s", name);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_every_abi),
		cmocka_unit_test(every_number_is_reached_by_its_name),
		cmocka_unit_test(names_of_numbers),
		cmocka_unit_test(misspelt_names_get_suggestions),
		cmocka_unit_test(ways_around_are_told),
		cmocka_unit_test(tables_are_sorted_and_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
