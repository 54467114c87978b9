/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/host_marker.h"

#define FOLDER_FILES_MAX 512

const char *const host_conf_crio_hooks[] = { "crio", "runtime", "hooks_dir", NULL };
const char *const host_conf_podman_hooks[] = { "engine", "hooks_dir", NULL };

void host_conf_done(struct host_conf *conf)
{
	for (size_t i = 0; i < conf->n; i++) {
		free(conf->file[i].path);
		toml_free(conf->file[i].doc);
	}
	conf->n = 0;
}

static bool has_file(const struct host_conf *conf, const char *path)
{
	for (size_t i = 0; i < conf->n; i++)
		if (!strcmp(conf->file[i].path, path))
			return true;
	return false;
}

static int64_t later(struct timespec a, struct timespec b)
{
	int64_t x = a.tv_sec * NS_PER_S + a.tv_nsec, y = b.tv_sec * NS_PER_S + b.tv_nsec;

	return x > y ? x : y;
}

/* Each file once. 0; -ENOENT without a text; else with one. */
static int file_add(int root_fd, struct host_conf *conf, const char *path, struct error *err)
{
	auto_close int fd = host_open(root_fd, path, O_RDONLY | O_NONBLOCK);
	struct host_conf_file *file = &conf->file[conf->n];
	auto_free char *text = NULL;
	struct stat st;
	size_t len;
	int result;

	if (fd == -ENOENT || has_file(conf, path))
		return fd == -ENOENT ? -ENOENT : 0;
	if (fd < 0)
		return error_errno(err, -fd, "%s", path);
	if (conf->n == HOST_CONF_FILES_MAX)
		return error_set(err, E2BIG, "%s: more than %d files of configuration", path, HOST_CONF_FILES_MAX);
	if (fstat(fd, &st))
		return error_errno(err, errno, "%s", path);
	result = file_read_fd(fd, TOML_BYTES_MAX, &text, &len, err);
	if (result < 0)
		return error_wrap(err, result, "%s", path);
	*file = (struct host_conf_file){ .path = strdup(path), .changed_ns = later(st.st_mtim, st.st_ctim) };
	if (!file->path)
		return error_set(err, ENOMEM, "not enough memory");
	conf->n++;
	result = toml_parse((struct str){ text, len }, &file->doc, err);
	if (result >= 0)
		return 0;
	free(file->path);
	conf->n--;
	return error_wrap(err, result, "%s", path);
}

struct names {
	char *name[FOLDER_FILES_MAX];
	size_t n;
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	names->n = 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder that match `pattern` (NULL: all), sorted. A folder that is not there has none. */
static void names_read(int root_fd, const char *dir, const char *pattern, struct names *names)
{
	int fd = host_open(root_fd, dir, O_RDONLY | O_DIRECTORY);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!stream) {
		if (fd >= 0)
			(void)close(fd); /* nothing was done with it */
		return;
	}
	while (names->n < FOLDER_FILES_MAX && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (pattern && fnmatch(pattern, entry->d_name, 0) != 0))
			continue;
		names->name[names->n] = strdup(entry->d_name);
		if (names->name[names->n])
			names->n++;
	}
	(void)closedir(stream);
	qsort(names->name, names->n, sizeof *names->name, name_compare);
}

/* The files of a folder: with `pattern` those that match it, without all, sub-folders too. */
static int folder_add(int root_fd, struct host_conf *conf, const char *dir, const char *pattern, int depth,
		      struct error *err)
{
	struct names names = { 0 };
	int result = 0;

	names_read(root_fd, dir, pattern, &names);
	for (size_t i = 0; result >= 0 && i < names.n; i++) {
		char path[PATH_MAX];
		struct buf out = buf_over(path, sizeof path);
		auto_close int folder = -1;

		buf_printf(&out, "%s/%s", dir, names.name[i]);
		if (out.overflow)
			continue;
		if (!pattern)
			folder = host_open(root_fd, path, O_PATH | O_DIRECTORY);
		if (folder >= 0)
			result = depth ? folder_add(root_fd, conf, path, NULL, depth - 1, err) : 0;
		else
			result = file_add(root_fd, conf, path, err);
		if (result == -ENOENT) /* gone meanwhile, or a link to nothing */
			result = 0;
	}
	names_free(&names);
	return result;
}

/* One of the patterns of `importer`. */
static int import_add(int root_fd, struct host_conf *conf, const char *importer, struct str name, struct error *err)
{
	char path[PATH_MAX], dir[PATH_MAX];
	struct buf out = buf_over(path, sizeof path), folder = buf_over(dir, sizeof dir);
	ptrdiff_t slash = str_find_last(str_of(importer), '/');
	int result;

	if (name.len && name.p[0] != '/' && slash >= 0)
		buf_add(&out, importer, (size_t)slash + 1);
	buf_str(&out, name);
	if (!name.len || out.overflow)
		return 0;
	if (str_find(name, '*') < 0) {
		result = file_add(root_fd, conf, path, err);
		return result == -ENOENT
			       ? error_set(err, ENOENT, "%s: imported by %s, but not there: containerd does not start",
					   path, importer)
			       : result;
	}
	slash = str_find_last(str_of(path), '/');
	buf_add(&folder, path, slash > 0 ? (size_t)slash : 1);
	if (str_find(str_of(dir), '*') >= 0)
		return error_set(err, EINVAL,
				 "%s: imports %s: a pattern of folders is not followed here; ask containerd itself: "
				 "--validate=BINARY",
				 importer, path);
	return folder_add(root_fd, conf, dir, path + slash + 1, 0, err);
}

int host_conf_containerd(int root_fd, const char *path, struct host_conf *ret, struct error *err)
{
	int result;

	*ret = (struct host_conf){ 0 };
	result = file_add(root_fd, ret, path, err);
	if (result == -ENOENT)
		return error_errno(err, ENOENT, "%s", path);
	for (size_t i = 0; result >= 0 && i < ret->n; i++) {
		const struct toml *doc = ret->file[i].doc;
		const struct toml_node *list = toml_get(doc, doc->root, STR("imports"));

		for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL;
		     result >= 0 && item; item = item->next) {
			char room[PATH_MAX];
			struct str name;

			if (item->type != TOML_STRING || item->text.len >= sizeof room)
				continue;
			toml_string(item, room, &name);
			result = import_add(root_fd, ret, ret->file[i].path, name, err);
		}
	}
	return result;
}

int host_conf_crio(int root_fd, const char *path, struct host_conf *ret, struct error *err)
{
	char dir[PATH_MAX];
	struct buf out = buf_over(dir, sizeof dir);
	int result;

	*ret = (struct host_conf){ 0 };
	buf_printf(&out, "%s.d", path);
	result = file_add(root_fd, ret, path, err);
	if ((result >= 0 || result == -ENOENT) && !out.overflow)
		result = folder_add(root_fd, ret, dir, NULL, HOST_CONF_DEPTH_MAX, err);
	return result;
}

int host_conf_podman(int root_fd, struct host_conf *ret, struct error *err)
{
	static const char *const files[] = { "/usr/share/containers/containers.conf",
					     "/etc/containers/containers.conf" };
	int result = 0;

	*ret = (struct host_conf){ 0 };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		result = file_add(root_fd, ret, files[i], err);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return folder_add(root_fd, ret, "/etc/containers/containers.conf.d", "*.conf", 0, err);
}

const struct toml_node *host_conf_last(const struct host_conf *conf, const char *const key[],
				       const struct host_conf_file **ret_file)
{
	for (size_t i = conf->n; i--;) {
		const struct toml_node *node = toml_find(conf->file[i].doc, key);

		if (!node)
			continue;
		if (ret_file)
			*ret_file = &conf->file[i];
		return node;
	}
	return NULL;
}

/* Whether the list says {append = true}, as containers.conf(5) has it. */
static bool appends(const struct toml *doc, const struct toml_node *list)
{
	for (const struct toml_node *item = list->first; item; item = item->next) {
		const struct toml_node *append = toml_get(doc, item, STR("append"));

		if (append && append->type == TOML_BOOL && toml_bool(append))
			return true;
	}
	return false;
}

size_t host_conf_hooks(const struct host_conf *conf, const char *const key[], const char *preset,
		       char folder[HOOKS_FOLDERS_MAX][PATH_MAX], const struct host_conf_file **ret_file)
{
	struct buf out = buf_over(folder[0], PATH_MAX);
	size_t n = 1;

	*ret_file = NULL;
	buf_text(&out, preset);
	for (size_t i = 0; i < conf->n; i++) {
		const struct toml_node *list = toml_find(conf->file[i].doc, key);

		if (!list || list->type != TOML_ARRAY)
			continue;
		*ret_file = &conf->file[i];
		if (!appends(conf->file[i].doc, list))
			n = 0;
		for (const struct toml_node *item = list->first; item && n < HOOKS_FOLDERS_MAX; item = item->next) {
			char room[PATH_MAX];
			struct str value;

			if (item->type != TOML_STRING || item->text.len >= sizeof room)
				continue;
			toml_string(item, room, &value);
			out = buf_over(folder[n++], PATH_MAX);
			buf_str(&out, value);
		}
	}
	return n;
}

int host_conf_runtime_hooks(int root_fd, const char *runtime, const char *config,
			    char folder[HOOKS_FOLDERS_MAX][PATH_MAX], bool *ret_configured, struct error *err)
{
	bool is_crio = !strcmp(runtime, "cri-o");
	const struct host_conf_file *decides;
	struct host_conf conf;
	int result = is_crio ? host_conf_crio(root_fd, config, &conf, err) : host_conf_podman(root_fd, &conf, err);

	if (result >= 0) {
		result = (int)host_conf_hooks(&conf, is_crio ? host_conf_crio_hooks : host_conf_podman_hooks,
					      HOOKS_PRESET, folder, &decides);
		*ret_configured = decides != NULL;
	}
	host_conf_done(&conf);
	return result;
}
