/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/crio_conf_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "setup/conf_paper.h"

#define DIR_NAME "crio.conf.d"
#define FILE_NAME "crio.conf"
#define DEPTH_MAX 8
#define ENTRIES_MAX 256 /* of one folder */

bool crio_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}

int crio_files_place(const char *config_file, const char *config_dir, char ret_root[PATH_MAX], char ret_dir[PATH_MAX],
		     struct error *err)
{
	struct buf root = buf_over(ret_root, PATH_MAX), dir = buf_over(ret_dir, PATH_MAX);
	const char *in = strstr(config_file, "/" DIR_NAME "/"), *slash = strrchr(config_file, '/');

	if (*config_dir) {
		buf_text(&dir, config_dir);
	} else {
		buf_add(&dir, config_file, (size_t)((in ? in : slash) - config_file));
		buf_text(&dir, "/" DIR_NAME);
	}
	if (*config_dir && crio_is_below(config_file, config_dir))
		in = strrchr(ret_dir, '/') ? config_file + (strrchr(ret_dir, '/') - ret_dir) : NULL;
	if (in) {
		buf_add(&root, config_file, (size_t)(in - config_file));
		buf_text(&root, "/" FILE_NAME);
	} else {
		buf_text(&root, config_file);
	}
	return root.overflow || dir.overflow
		       ? error_set(err, ENAMETOOLONG, "%.80s...: too long for a path", config_file)
		       : 0;
}

struct walk {
	struct conf_set *set;
	const struct conf_overlay *over;
	size_t n;
	struct error *err;
};

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int file_take(struct walk *walk, const char *path)
{
	int result = conf_set_add(walk->set, path, walk->err);

	if (result > 0)
		result = conf_set_load(walk->set, walk->set->n - 1, walk->over, walk->n, walk->err);
	return result == -EINVAL ? error_wrap(walk->err, result, "%s, with which CRI-O does not start", path) : result;
}

/* Names of what lies in `dir`, sorted; those of overlays with them. Returns how many, or -errno. */
static int entries_read(struct walk *walk, const char *path, char *name[ENTRIES_MAX])
{
	DIR *dir = opendir(path);
	size_t n = 0, length = strlen(path);
	struct dirent *entry;
	int result = 0;

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (n == ENTRIES_MAX || !(name[n] = strdup(entry->d_name))) {
			result = -E2BIG;
			break;
		}
		n++;
	}
	if (dir)
		(void)closedir(dir);
	for (size_t i = 0; i < walk->n && n < ENTRIES_MAX; i++) {
		const char *over = walk->over[i].path;
		bool known = !crio_is_below(over, path) || strchr(over + length + 1, '/');

		for (size_t k = 0; k < n; k++)
			known |= !known && !strcmp(name[k], over + length + 1);
		if (!known && (name[n] = strdup(over + length + 1)))
			n++;
	}
	if (n)
		qsort(name, n, sizeof *name, name_compare);
	if (!result)
		return (int)n;
	while (n)
		free(name[--n]);
	return error_set(walk->err, -result, "%s: more than %d files", path, ENTRIES_MAX);
}

/* Sub-folders are entered where they stand among the names; links to folders are not (CRI-O fails at them). */
static int folder_walk(struct walk *walk, const char *path, unsigned depth)
{
	char *name[ENTRIES_MAX];
	int n = depth < DEPTH_MAX ? entries_read(walk, path, name)
				  : error_set(walk->err, E2BIG, "%s: too deep a folder", path);
	int result = n < 0 ? n : 0;

	for (int i = 0; i < n; i++) {
		char room[PATH_MAX];
		struct buf out = buf_over(room, sizeof room);
		struct stat st;

		buf_text(&out, path);
		buf_byte(&out, '/');
		buf_text(&out, name[i]);
		free(name[i]);
		if (result < 0)
			continue;
		if (out.overflow)
			result = error_set(walk->err, ENAMETOOLONG, "%.80s...: too long for a path", path);
		else if (!lstat(room, &st) && S_ISDIR(st.st_mode))
			result = folder_walk(walk, room, depth + 1);
		else
			result = file_take(walk, room);
	}
	return result < 0 ? result : 0;
}

int crio_set_read(const char *root, const char *dir, const struct conf_overlay *over, size_t n, struct conf_set *set,
		  struct error *err)
{
	struct walk walk = { set, over, n, err };
	int result = file_take(&walk, root);

	if (result >= 0 && !set->file[0].doc) { /* CRI-O does without it */
		free(set->file[0].path);
		set->n = 0;
	}
	return result < 0 ? result : folder_walk(&walk, dir, 0);
}

int crio_set_lay_out(const struct conf_set *set, const char *root, struct conf_paper *paper, const char **ret_root,
		     const char **ret_dir, struct error *err)
{
	size_t first = set->n && !strcmp(set->file[0].path, root) ? 1 : 0;
	struct str text = first ? set->file[0].doc->text : (struct str){ "", 0 };
	int result = conf_paper_add(paper, text, ret_root, err);

	if (result >= 0)
		result = conf_paper_folder(paper, err);
	*ret_dir = paper->folder;
	for (size_t i = first; result >= 0 && i < set->n; i++) {
		const char *name = set->file[i].path; /* what we cannot read CRI-O may */

		if (set->file[i].doc)
			result = conf_paper_add(paper, set->file[i].doc->text, &name, err);
		if (result >= 0)
			result = conf_paper_link(paper, name, err);
	}
	return result;
}
