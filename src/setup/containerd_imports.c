/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/containerd_imports.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "conf/toml.h"
#include "setup/containerd_conf.h"

static const char *const disable_path[] = { "plugins", CONTAINERD_NRI, "disable", NULL };

/* Files still to be read, and those that were: each once. */
struct queue {
	char *path[CONTAINERD_IMPORTS_MAX];
	size_t n, next;
	/* The last file that switches NRI off, or "" where a later one switches it on again. */
	char off[PATH_MAX];
	unsigned line;
	bool listed; /* in disabled_plugins: nothing later takes that back */
};

static int queue_add(struct queue *queue, const char *path, struct error *err)
{
	for (size_t i = 0; i < queue->n; i++)
		if (!strcmp(queue->path[i], path))
			return 0;
	if (queue->n == CONTAINERD_IMPORTS_MAX)
		return error_set(err, E2BIG, "more than %d files are imported", CONTAINERD_IMPORTS_MAX);
	queue->path[queue->n] = strdup(path);
	if (!queue->path[queue->n])
		return error_set(err, ENOMEM, "not enough memory for the list of imports");
	queue->n++;
	return 0;
}

static int pattern_add(struct queue *queue, const char *pattern, struct error *err)
{
	glob_t found = { 0 };
	int result = 0;

	if (!strchr(pattern, '*'))
		return queue_add(queue, pattern, err);
	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; !result && i < found.gl_pathc; i++)
			result = queue_add(queue, found.gl_pathv[i], err);
	globfree(&found);
	return result;
}

static int imports_add(struct queue *queue, const struct toml *doc, const char *path, struct error *err)
{
	const struct toml_node *list = toml_get(doc, doc->root, STR("imports"));
	ptrdiff_t slash = str_find_last(str_of(path), '/');
	int result = 0;

	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; !result && item;
	     item = item->next) {
		char room[PATH_MAX], pattern[PATH_MAX * 2];
		struct buf out = buf_over(pattern, sizeof pattern);
		struct str name;

		if (item->type != TOML_STRING || item->text.len >= sizeof room)
			continue;
		toml_string(item, room, &name);
		if (name.len && name.p[0] != '/' && slash >= 0)
			buf_add(&out, path, (size_t)slash + 1);
		buf_str(&out, name);
		if (name.len && !out.overflow)
			result = pattern_add(queue, pattern, err);
	}
	return result;
}

static void off_note(struct queue *queue, const struct toml *doc, const struct toml_node *node, const char *path)
{
	struct buf out = buf_over(queue->off, sizeof queue->off);
	unsigned column;

	buf_text(&out, path);
	toml_position(doc, toml_offset(doc, node), &queue->line, &column);
}

static void nri_look(struct queue *queue, const struct toml *doc, const char *path)
{
	const struct toml_node *disable = toml_find(doc, disable_path),
			       *list = toml_get(doc, doc->root, STR("disabled_plugins"));

	if (disable && disable->type == TOML_BOOL && !queue->listed) {
		queue->off[0] = '\0';
		if (toml_bool(disable))
			off_note(queue, doc, disable, path);
	}
	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
	     item = item->next) {
		if (!toml_is_string(item, STR(CONTAINERD_NRI)))
			continue;
		queue->listed = true;
		off_note(queue, doc, item, path);
	}
}

static int file_look(struct queue *queue, const char *path, struct error *err)
{
	auto_toml struct toml *doc = NULL;
	auto_free char *text = NULL;
	size_t len;
	int result;

	if (file_read_at(AT_FDCWD, path, TOML_BYTES_MAX, &text, &len, NULL) < 0)
		return 0;
	result = toml_parse((struct str){ text, len }, &doc, err);
	if (result < 0)
		return error_wrap(err, result, "it imports %s, with which the runtime does not start", path);
	nri_look(queue, doc, path);
	return imports_add(queue, doc, path, err);
}

int containerd_imports_allow_nri(const char *path, struct str text, struct error *err)
{
	auto_toml struct toml *doc = NULL;
	struct queue queue = { 0 };
	int result = toml_parse(text, &doc, err);

	if (result >= 0)
		result = queue_add(&queue, path, err); /* it may import itself in a circle */
	if (result >= 0)
		result = imports_add(&queue, doc, path, err);
	for (queue.next = 1; result >= 0 && queue.next < queue.n; queue.next++)
		result = file_look(&queue, queue.path[queue.next], err);
	for (size_t i = 0; i < queue.n; i++)
		free(queue.path[i]);
	if (result >= 0 && queue.off[0])
		return error_set(err, EPERM,
				 "a change here would have no effect: %s, line %u, which is imported and read later, "
				 "switches NRI "
				 "off; change that file: --config-file=%s",
				 queue.off, queue.line, queue.off);
	return result;
}
