/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_data_dir.h"

#include "base/buf.h"

#define KEY "data-dir"

static struct str skip(struct str text, const char *bytes)
{
	while (text.len && text.p[0] && strchr(bytes, text.p[0]))
		text = str_from(text, 1);
	return text;
}

bool host_data_dir_in(struct str text, char *dir, size_t size)
{
	while (text.len) {
		ptrdiff_t end = str_find(text, '\n');
		struct str line = { text.p, end < 0 ? text.len : (size_t)end };
		struct buf out = buf_over(dir, size);

		text = str_from(text, line.len + 1);
		if (line.len && (line.p[0] == '"' || line.p[0] == '\''))
			line = str_from(line, 1);
		if (!str_starts(line, STR(KEY)))
			continue;
		line = skip(str_from(line, strlen(KEY)), "\"'");
		line = skip(line, " \t");
		if (!line.len || line.p[0] != ':')
			continue;
		line = skip(str_from(line, 1), " \t\"'");
		for (size_t i = 0; i < line.len && line.p[i] && !strchr("\"' \t\r#", line.p[i]); i++)
			buf_byte(&out, line.p[i]);
		while (out.len > 1 && dir[out.len - 1] == '/')
			dir[--out.len] = '\0';
		if (out.len > 1 && dir[0] == '/' && !out.overflow)
			return true;
	}
	return false;
}
