/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cel_lines: reads expressions, one a line (⏎ ␍ ␉ stand for the bytes), and prints one line for each: "value",
 * "syntax", "check" or "eval", a tab, the value or the error's first line, and for a value a tab and its type.
 * Variables are those of the table; time
 * zones those of the folder that the first argument names, else the host's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/match/cel/table.h"
#include "base/error.h"

#define ARENA_BYTES (32u << 20)
#define PRINTED_BYTES (1u << 20)

int main(int argc, char *argv[])
{
	static const char *const stage[] = { "syntax", "check", "eval", "value" };
	char *memory = malloc(ARENA_BYTES), *printed = malloc(PRINTED_BYTES), *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (!memory || !printed)
		return 1;
	while ((n = getline(&line, &room, stdin)) > 0) {
		struct arena arena = arena_over(memory, ARENA_BYTES);
		struct buf out = buf_over(printed, PRINTED_BYTES);
		struct table_result result;
		struct error err = { 0 };
		size_t len;

		n -= line[n - 1] == '\n';
		len = table_unescape(line, (size_t)n);
		table_run((struct str){ line, len }, argc > 1 ? argv[1] : NULL, &arena, &result, &err);
		if (result.stage == STAGE_VALUE) {
			cel_value_print(&out, result.value);
			buf_byte(&out, '\t');
			cel_type_print(&out, result.type);
		} else {
			buf_add(&out, err.text, strcspn(err.text, "\n"));
		}
		(void)printf("%s\t%s\n", stage[result.stage], printed);
		(void)fflush(stdout);
	}
	free(line);
	free(memory);
	free(printed);
	return 0;
}
