/* SPDX-License-Identifier: Apache-2.0 */
#include "process/path.h"

void path_from_components(struct buf *out, struct str components)
{
	size_t before = out->len;

	while (components.len) {
		ptrdiff_t nul;
		struct str name;

		if (!components.p[components.len - 1])
			components.len--; /* the NUL of the outermost component that is left */
		nul = str_find_last(components, '\0');
		name = str_from(components, (size_t)(nul + 1));
		components.len = (size_t)(nul + 1);
		if (name.len) {
			buf_byte(out, '/');
			buf_str(out, name);
		}
	}
	if (out->len == before)
		buf_byte(out, '/');
}

static void pop(struct buf *out, size_t start)
{
	while (out->len > start && out->p[out->len - 1] != '/')
		out->len--;
	if (out->len > start)
		out->len--; /* the slash */
	if (out->size)
		out->p[out->len] = '\0';
}

static void clean(struct buf *out, size_t start, struct str path)
{
	while (path.len) {
		ptrdiff_t slash = str_find(path, '/');
		struct str name = { path.p, slash < 0 ? path.len : (size_t)slash };

		path = str_from(path, name.len + 1);
		if (str_is(name, "..")) {
			pop(out, start);
		} else if (name.len && !str_is(name, ".")) {
			buf_byte(out, '/');
			buf_str(out, name);
		}
	}
}

void path_join(struct buf *out, const char *cwd, const char *name)
{
	size_t start = out->len;

	if (*name == '/' || !*cwd) {
		buf_text(out, name);
		return;
	}
	clean(out, start, str_of(cwd));
	clean(out, start, str_of(name));
	if (out->len == start)
		buf_byte(out, '/');
}
