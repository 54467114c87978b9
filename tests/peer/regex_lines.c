/* SPDX-License-Identifier: Apache-2.0 */
/* regex_lines: reads a pattern, a tab and a text a line, both as JSON strings; prints "true", "false", or "error", a
 * tab and why. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "match/regex.h"

#define ARENA_BYTES (8u << 20)

/* The string between the quotes of text[0..n). */
static struct str decode(const char *text, size_t n, char *memory, size_t size)
{
	struct buf out = buf_over(memory, size);

	if (n < 2 || json_string_decode((struct str){ text + 1, n - 2 }, &out) < 0)
		abort();
	return (struct str){ memory, out.len };
}

int main(void)
{
	static char memory[ARENA_BYTES], pattern[1u << 16], subject[1u << 16];
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		struct arena arena = arena_over(memory, sizeof memory);
		const struct regex *regex;
		struct error err = { 0 };
		struct str text, source;
		char *tab = strchr(line, '\t');
		int r;

		n -= line[n - 1] == '\n';
		if (!tab)
			return 1;
		source = decode(line, (size_t)(tab - line), pattern, sizeof pattern);
		text = decode(tab + 1, (size_t)(line + n - tab - 1), subject, sizeof subject);
		r = regex_compile(source, &arena, &regex, &err);
		if (r == 0)
			r = regex_search(regex, text, &arena, NULL);
		if (r < 0)
			(void)printf("error\t%s\n", err.text);
		else
			(void)printf("%s\n", r ? "true" : "false");
	}
	free(line);
	return 0;
}
