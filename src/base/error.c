/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(char *text, int wanted)
{
	if (wanted >= ERROR_TEXT_MAX)
		memcpy(text + ERROR_TEXT_MAX - 4, "...", 4);
}

/*
 * Not the system's words for ENOENT: podman takes "No such file or directory" on a hook's standard error for a missing
 * program of the container, and tells its user so.
 */
static const char *reason(int code)
{
	return code == ENOENT ? "it is not there" : strerror(code);
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return -code;
	err->code = code;
	va_start(args, format);
	mark_cut(err->text, vsnprintf(err->text, sizeof err->text, format, args));
	va_end(args);
	return -code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
	char what[ERROR_TEXT_MAX];
	va_list args;

	if (!err)
		return -code;
	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args); /* cut below if too long */
	va_end(args);
	err->code = code;
	mark_cut(err->text, snprintf(err->text, sizeof err->text, "%s: %s", what, reason(code)));
	return -code;
}

int error_wrap(struct error *err, int result, const char *format, ...)
{
	char inner[ERROR_TEXT_MAX];
	va_list args;
	int n;

	if (!err)
		return result;
	memcpy(inner, err->text, sizeof inner);
	va_start(args, format);
	n = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (n >= 0 && n < ERROR_TEXT_MAX)
		n += snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", inner);
	mark_cut(err->text, n);
	err->code = -result;
	return result;
}
