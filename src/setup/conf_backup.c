/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "conf/toml.h"
#include "setup/file_swap.h"

#define LIMIT TOML_BYTES_MAX

static int backup_path(char *path, size_t size, const char *dir, const struct file_swap *swap, const char *end,
		       struct error *err)
{
	struct buf out = buf_over(path, size);

	buf_text(&out, dir);
	buf_byte(&out, '/');
	for (const char *p = swap->path; *p; p++) {
		if (*p == '/')
			buf_text(&out, "%2F");
		else if (*p == '%')
			buf_text(&out, "%25");
		else
			buf_byte(&out, *p);
	}
	buf_text(&out, end);
	return out.overflow ? error_set(err, ENAMETOOLONG, "no backup of %s: its path is too long", swap->path) : 0;
}

static int folder_make(const char *dir, struct error *err)
{
	char path[PATH_MAX];
	struct buf out = buf_over(path, sizeof path);

	buf_text(&out, dir);
	if (out.overflow || !out.len)
		return error_set(err, EINVAL, "--backup-dir: not a path of a folder");
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(path, c ? 0755 : 0700) && errno != EEXIST)
			return error_set(
				err, errno,
				"cannot make the folder of the backups, %s: %s; name another with --backup-dir", path,
				strerror(errno));
		*p = c;
		if (!c)
			return 0;
	}
}

/* Whether the file at `path` holds exactly `text`. */
static bool holds(const char *path, struct str text)
{
	auto_free char *there = NULL;
	size_t len;

	return file_read_at(AT_FDCWD, path, LIMIT, &there, &len, NULL) >= 0 &&
	       str_equal((struct str){ there, len }, text);
}

int conf_backup_save(const char *dir, const struct file_swap *swap, struct str before, struct str after,
		     struct error *err)
{
	char old[PATH_MAX], new[PATH_MAX], none[PATH_MAX];
	int result = folder_make(dir, err);

	if (result >= 0)
		result = backup_path(old, sizeof old, dir, swap, ".before", err);
	if (result >= 0)
		result = backup_path(new, sizeof new, dir, swap, ".after", err);
	if (result >= 0)
		result = backup_path(none, sizeof none, dir, swap, ".none", err);
	/* A killed run leaves .before and .after of the same change, or a .before that is simply what the file still
	 * is. */
	if (result >= 0 && before.p && !holds(new, before)) {
		result = file_swap(old, before.p, before.len, 0600, swap, err);
		(void)unlink(none); /* .before outranks it */
	} else if (result >= 0 && !before.p) {
		(void)unlink(old); /* likewise: of a file that was there once */
		result = file_swap(none, "", 0, 0600, swap, err);
	}
	if (result >= 0)
		result = file_swap(new, after.p, after.len, 0600, swap, err);
	return result < 0 ? error_wrap(err, result, "no backup, so nothing was changed") : 0;
}

int conf_backup_find(const char *dir, const struct file_swap *swap, struct str now, char **ret_text, size_t *ret_len,
		     struct error *err)
{
	char old[PATH_MAX], new[PATH_MAX], none[PATH_MAX];
	auto_free char *text = NULL;
	bool was_there;
	size_t len = 0;
	int result = backup_path(old, sizeof old, dir, swap, ".before", err);

	if (result >= 0)
		result = backup_path(new, sizeof new, dir, swap, ".after", err);
	if (result >= 0)
		result = backup_path(none, sizeof none, dir, swap, ".none", err);
	if (result < 0)
		return result;
	result = file_read_at(AT_FDCWD, old, LIMIT, &text, &len, err);
	was_there = result >= 0;
	if (result == -ENOENT && access(none, F_OK))
		return error_set(err, ENOENT, "there is no backup of %s in %s", swap->path, dir);
	if (result < 0 && result != -ENOENT)
		return result;
	if (was_there ? now.p && str_equal(now, (struct str){ text, len }) : !now.p)
		return error_set(err, EALREADY, "%s is as it was before", swap->path);
	if (!now.p || !holds(new, now))
		return error_set(
			err, ESTALE,
			"%s was changed by somebody after this program changed it. What it was before is %s, what "
			"this program made of it %s: compare, and take the change out by hand",
			swap->path, was_there ? old : none, new);
	*ret_text = was_there ? take(text) : NULL;
	*ret_len = len;
	return 0;
}

size_t conf_backup_others(const char *dir, const struct file_swap *swap, char ret[CONF_BACKUP_OTHERS][PATH_MAX])
{
	char path[PATH_MAX];
	auto_free char *text = NULL;
	size_t len, n = 0;
	struct str rest;

	if (backup_path(path, sizeof path, dir, swap, ".others", NULL) < 0 ||
	    file_read_at(AT_FDCWD, path, LIMIT, &text, &len, NULL) < 0)
		return 0;
	rest = (struct str){ text, len };
	while (rest.len && n < CONF_BACKUP_OTHERS) {
		ptrdiff_t end = str_find(rest, '\n');
		struct buf out = buf_over(ret[n], PATH_MAX);

		if (end <= 0)
			break;
		buf_add(&out, rest.p, (size_t)end);
		rest = str_from(rest, (size_t)end + 1);
		n += !out.overflow;
	}
	return n;
}

int conf_backup_note(const char *dir, const struct file_swap *swap, const char *other, struct error *err)
{
	size_t size = (size_t)CONF_BACKUP_OTHERS * PATH_MAX, n;
	char(*list)[PATH_MAX] = calloc(CONF_BACKUP_OTHERS, PATH_MAX);
	auto_free char *memory = list ? malloc(size) : NULL;
	struct buf out = buf_over(memory, memory ? size : 0);
	char path[PATH_MAX];
	int result = memory ? backup_path(path, sizeof path, dir, swap, ".others", err)
			    : error_set(err, ENOMEM, "not enough memory for the backup");

	n = result >= 0 ? conf_backup_others(dir, swap, list) : 0;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i], other)) {
			free(list);
			return 0;
		}
		buf_text(&out, list[i]);
		buf_byte(&out, '\n');
	}
	free(list);
	buf_text(&out, other);
	buf_byte(&out, '\n');
	if (result >= 0 && (n == CONF_BACKUP_OTHERS || out.overflow))
		result =
			error_set(err, E2BIG, "more than %d files were changed for %s", CONF_BACKUP_OTHERS, swap->path);
	return result < 0 ? result : file_swap(path, out.p, out.len, 0600, swap, err);
}

void conf_backup_forget(const char *dir, const struct file_swap *swap)
{
	static const char *const ends[] = { ".after", ".before", ".none", ".others" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (backup_path(path, sizeof path, dir, swap, ends[i], NULL) >= 0)
			(void)unlink(path);
}
