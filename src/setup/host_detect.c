/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_detect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/host_data_dir.h"
#include "setup/host_running.h"

#define YAML_MAX (256u << 10)

/* Whether the YAML file names another data folder; then it is in `dir`. */
static bool data_dir_read(int root_fd, const char *file, char *dir, size_t size)
{
	auto_close int fd = host_open(root_fd, file, O_RDONLY | O_NONBLOCK);
	auto_free char *text = NULL;
	size_t len;

	return fd >= 0 && file_read_fd(fd, YAML_MAX, &text, &len, NULL) >= 0 &&
	       host_data_dir_in((struct str){ text, len }, dir, size);
}

/* Appends `text` with each `from` in it written as `to`; what does not fit is cut. */
static void text_move(struct buf *out, const char *text, const char *from, const char *to)
{
	const char *at;

	for (; from && (at = strstr(text, from)); text = at + strlen(from)) {
		buf_add(out, text, (size_t)(at - text));
		buf_text(out, to);
	}
	buf_text(out, text);
}

static void copy_moved(char *ret, size_t size, const char *text, const char *from, const char *to)
{
	struct buf out = buf_over(ret, size);

	if (text)
		text_move(&out, text, from, to);
}

/* RKE2's package brings both of its units: the one that is enabled is meant. */
static const char *unit_choose(int root_fd, const struct host *host)
{
	for (size_t i = 0; i < HOST_UNITS && host->units[i]; i++)
		if (host_enables_unit(root_fd, host->units[i]))
			return host->units[i];
	for (size_t i = 0; i < HOST_UNITS && host->units[i]; i++)
		if (host_has_unit(root_fd, host->units[i]))
			return host->units[i];
	return host->units[0];
}

void host_found_fill(const struct host_tree *tree, struct host_found *found, const struct host *host,
		     const char *data_dir)
{
	const char *from = data_dir ? host->data_dir : NULL;

	found->host = host;
	found->unit = unit_choose(tree->root_fd, host);
	copy_moved(found->config, sizeof found->config, host->config, from, data_dir);
	copy_moved(found->reads, sizeof found->reads, host->reads ? host->reads : host->config, from, data_dir);
	copy_moved(found->socket, sizeof found->socket, host->socket, from, data_dir);
	copy_moved(found->advice, sizeof found->advice, host->advice, from, data_dir);
}

static int by_files(const struct host_tree *tree, const char *root, struct host_found *ret, struct error *err)
{
	for (const struct host *host = host_table; host->id; host++) {
		char dir[PATH_MAX];
		bool moved = host->data_dir_file && data_dir_read(tree->root_fd, host->data_dir_file, dir, sizeof dir);
		const char *from = moved ? host->data_dir : NULL, *to = moved ? dir : NULL;

		for (size_t i = 0; i < HOST_MARKERS && host->markers[i]; i++) {
			if (!host_marker_holds(tree, host->markers[i], from, to))
				continue;
			host_found_fill(tree, ret, host, to);
			copy_moved(ret->marker, sizeof ret->marker, host->markers[i], from, to);
			return 0;
		}
	}
	return error_set(err, ENOENT,
			 "%s: no container runtime that this program knows: neither a file nor a unit of one is there",
			 root);
}

int host_detect(const char *root, const char *runtime, struct host_found *ret, struct error *err)
{
	const char *path = root ? root : "/";
	auto_close int root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct host_tree tree;
	struct str pretty;
	int result;

	if (root_fd < 0)
		return error_errno(err, errno, "cannot examine %s", path);
	host_tree_init(&tree, root_fd);
	pretty = host_tree_os(&tree, STR("PRETTY_NAME"));
	*ret = (struct host_found){ 0 };
	(void)snprintf(ret->os, sizeof ret->os, "%.*s", (int)(pretty.len < 127 ? pretty.len : 127),
		       pretty.p ? pretty.p : "");
	result = by_files(&tree, path, ret, err);
	if (!root && (result >= 0 || result == -ENOENT))
		result = host_running_look(&tree, runtime, result >= 0, ret, err);
	host_tree_done(&tree);
	return result;
}
