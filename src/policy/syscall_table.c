/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/syscall_table.h"

#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "policy/suggest.h"
#include "policy/syscall_facts.h"

struct syscall_row {
	const char *name;
	int16_t nr[ABI_ARCHES]; /* by enum abi_arch; -1: none */
};

#include "syscall_numbers.inc"

#define ROWS (sizeof syscall_rows / sizeof *syscall_rows)

static int row_compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct syscall_row *)row)->name);
}

static int alias_compare(const void *name, const void *alias)
{
	return strcmp(name, ((const struct syscall_alias *)alias)->name);
}

static const struct syscall_row *row_find(const char *name)
{
	return bsearch(name, syscall_rows, ROWS, sizeof *syscall_rows, row_compare);
}

const char *syscall_canonical(const char *name)
{
	const struct syscall_alias *alias =
		bsearch(name, syscall_aliases, syscall_aliases_n, sizeof *syscall_aliases, alias_compare);
	const struct syscall_row *row = row_find(alias ? alias->call : name);

	return row ? row->name : NULL;
}

static void number_add(struct syscall_numbers *numbers, const struct syscall_row *row, int arch)
{
	if (row && row->nr[arch] >= 0 && numbers->n < SYSCALL_NUMBERS_MAX)
		numbers->nr[numbers->n++] = (uint16_t)row->nr[arch];
}

void syscall_numbers(const char *name, int arch, struct syscall_numbers *ret_numbers)
{
	const char *call = syscall_canonical(name);

	*ret_numbers = (struct syscall_numbers){ 0 };
	if (!call || arch < 0 || arch >= ABI_ARCHES)
		return;
	number_add(ret_numbers, row_find(call), arch);
	for (size_t i = 0; i < syscall_aliases_n; i++)
		if (!strcmp(syscall_aliases[i].call, call))
			number_add(ret_numbers, row_find(syscall_aliases[i].name), arch);
}

bool syscall_is_known(const char *name)
{
	return syscall_canonical(name) != NULL;
}

const char *syscall_suggest(const char *name)
{
	struct suggestion best = suggestion_for(name);

	for (size_t i = 0; i < ROWS; i++)
		suggestion_offer(&best, syscall_rows[i].name);
	return best.word;
}

const char *syscall_name(int arch, unsigned nr)
{
	if (arch < 0 || arch >= ABI_ARCHES || nr >= ABI_SYSCALL_NR_MAX || !syscall_row_of[arch][nr])
		return NULL;
	return syscall_canonical(syscall_rows[syscall_row_of[arch][nr] - 1].name);
}

static int bypass_compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct syscall_bypass *)row)->name);
}

static int name_compare(const void *name, const void *other)
{
	return strcmp(name, *(const char *const *)other);
}

const char *syscall_bypasses(const char *name)
{
	const char *call = syscall_canonical(name);
	const struct syscall_bypass *row = call ? bsearch(call, syscall_bypass_rows, syscall_bypass_rows_n,
							  sizeof *syscall_bypass_rows, bypass_compare)
						: NULL;

	return row ? row->text : "";
}

bool syscall_in_io_uring(const char *name)
{
	const char *call = syscall_canonical(name);

	return call && bsearch(call, syscall_io_uring, syscall_io_uring_n, sizeof *syscall_io_uring, name_compare);
}
