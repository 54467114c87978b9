/* SPDX-License-Identifier: Apache-2.0 */
#include "process/arguments.h"

static struct str element_next(struct str *argv)
{
	ptrdiff_t nul = str_find(*argv, '\0');
	struct str element = { argv->p, nul < 0 ? argv->len : (size_t)nul };

	*argv = str_from(*argv, element.len + 1);
	return element;
}

void arguments_write(struct buf *out, struct str argv)
{
	const char *blank = "";

	while (argv.len && !argv.p[argv.len - 1])
		argv.len--;
	(void)element_next(&argv); /* argv[0] */
	while (argv.len) {
		struct str element = element_next(&argv);
		const char *quote = str_find(element, ' ') >= 0 ? "\"" : "";

		buf_text(out, blank);
		buf_text(out, quote);
		buf_str(out, element);
		buf_text(out, quote);
		blank = " ";
	}
}
