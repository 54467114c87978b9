/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

/* Takes the last part off what is in `out`; the root has none. */
static void part_drop(struct buf *out)
{
	ptrdiff_t slash = str_find_last((struct str){ out->p, out->len }, '/');

	out->len = slash > 0 ? (size_t)slash : 0;
	out->p[out->len] = '\0';
}

int conf_path_absolute(const char *path, char ret[PATH_MAX], struct error *err)
{
	char cwd[PATH_MAX] = "";
	struct buf out = buf_over(ret, PATH_MAX);
	struct str rest = str_of(path);

	if (*path != '/' && !getcwd(cwd, sizeof cwd))
		return error_errno(err, errno, "%s", path);
	buf_text(&out, strcmp(cwd, "/") != 0 ? cwd : "");
	while (rest.len) {
		ptrdiff_t slash = str_find(rest, '/');
		struct str part = { rest.p, slash < 0 ? rest.len : (size_t)slash };

		rest = str_from(rest, part.len + 1);
		if (!part.len || str_is(part, "."))
			continue;
		if (str_is(part, "..")) {
			part_drop(&out);
			continue;
		}
		buf_byte(&out, '/');
		buf_str(&out, part);
	}
	if (!out.len)
		buf_byte(&out, '/');
	return out.overflow ? error_set(err, ENAMETOOLONG, "%.80s...: too long for a path", path) : 0;
}

/* Without links; of a file that is not there yet, those of its folder. */
static void path_resolve(const char *path, char ret[PATH_MAX])
{
	char parent[PATH_MAX], real[PATH_MAX];
	ptrdiff_t slash = str_find_last(str_of(path), '/');
	struct buf out = buf_over(ret, PATH_MAX);

	if (realpath(path, ret))
		return;
	out = buf_over(parent, sizeof parent);
	buf_add(&out, slash > 0 ? path : "/", slash > 0 ? (size_t)slash : 1);
	out = buf_over(ret, PATH_MAX);
	if (slash >= 0 && realpath(parent, real)) {
		buf_text(&out, strcmp(real, "/") != 0 ? real : "");
		path += slash;
	}
	buf_text(&out, path);
}

bool conf_path_same(const char *a, const char *b)
{
	char x[PATH_MAX], y[PATH_MAX];
	struct stat first, second;
	bool is_first, is_second;

	if (!strcmp(a, b))
		return true;
	is_first = !stat(a, &first);
	is_second = !stat(b, &second);
	if (is_first != is_second || (is_first && (first.st_ino != second.st_ino || first.st_dev != second.st_dev)))
		return false;
	path_resolve(a, x);
	path_resolve(b, y);
	return !strcmp(x, y);
}

int conf_set_add(struct conf_set *set, const char *path, struct error *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->file[i].path, path))
			return 0;
	if (set->n == CONF_SET_MAX)
		return error_set(err, E2BIG, "more than %d files make up this configuration", CONF_SET_MAX);
	set->file[set->n] = (struct conf_file){ .path = strdup(path) };
	if (!set->file[set->n].path)
		return error_set(err, ENOMEM, "not enough memory for the list of files");
	set->n++;
	return 1;
}

int conf_set_load(struct conf_set *set, size_t index, const struct conf_overlay *over, size_t n, struct error *err)
{
	struct conf_file *file = &set->file[index];
	auto_free char *text = NULL;
	size_t len;

	for (size_t i = 0; i < n; i++)
		if (conf_path_same(over[i].path, file->path))
			return toml_parse(over[i].text, &file->doc, err);
	if (file_read_at(AT_FDCWD, file->path, TOML_BYTES_MAX, &text, &len, NULL) < 0)
		return 0;
	return toml_parse((struct str){ text, len }, &file->doc, err);
}

struct conf_file *conf_set_find(const struct conf_set *set, const char *path)
{
	for (size_t i = 0; i < set->n; i++)
		if (conf_path_same(set->file[i].path, path))
			return (struct conf_file *)&set->file[i];
	return NULL;
}

void conf_set_done(struct conf_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->file[i].path);
		toml_free(set->file[i].doc);
	}
	set->n = 0;
}

const struct conf_file *conf_set_last(const struct conf_set *set, const char *const path[],
				      const struct toml_node **ret_node)
{
	for (size_t i = set->n; i--;) {
		const struct conf_file *file = &set->file[i];
		const struct toml_node *node = file->doc && !file->ours ? toml_find(file->doc, path) : NULL;

		if (node) {
			*ret_node = node;
			return file;
		}
	}
	return NULL;
}

void conf_file_where(const struct conf_file *file, const struct toml_node *node, struct buf *out)
{
	unsigned line, column;

	toml_position(file->doc, toml_offset(file->doc, node), &line, &column);
	buf_printf(out, "%s, line %u", file->path, line);
}
