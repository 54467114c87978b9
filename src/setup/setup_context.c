/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/setup_context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

bool setup_given(const struct setup_context *context, const char *name)
{
	const struct flag *flag = flags_find(context->parse.set, str_of(name));

	return flag && context->parse.source[flag - context->parse.set->flags] > FLAG_FROM_DEFAULT;
}

void setup_notes_log(struct setup_context *context, const struct buf *notes)
{
	struct str rest = { notes->p, notes->len };

	while (rest.len) {
		ptrdiff_t end = str_find(rest, '\n');
		char line[512];
		struct buf out = buf_over(line, sizeof line);
		bool warns = rest.p[0] == SETUP_NOTE_WARNS;

		if (end < 0)
			end = (ptrdiff_t)rest.len;
		buf_add(&out, rest.p, (size_t)end < sizeof line ? (size_t)end : sizeof line - 1);
		(void)log_event(&context->log, warns ? LOG_WARN : LOG_INFO, line + warns,
				NULL); /* counted by the log */
		rest = str_from(rest, (size_t)end + 1);
	}
}

int setup_usage_error(struct setup_context *context, struct error *err, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	context->usage = true;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cut is fine */
	va_end(args);
	return error_set(err, EINVAL, "%s", text);
}
