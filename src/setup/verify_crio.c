/* SPDX-License-Identifier: Apache-2.0 */
/* verify, CRI-O: which hooks folders are in force? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conf/toml.h"
#include "setup/host_detect.h"
#include "setup/verify.h"

#define CONF "/etc/crio/crio.conf"
#define CONF_DIR CONF ".d"
#define DEFAULT_FOLDER "/usr/share/containers/oci/hooks.d" /* CRI-O's pkg/config: the only one unless configured */
#define FILES_MAX 256

/* A file that names hooks_dir replaces what the files before it named. */
static void file_take(struct verify *verify, const char *path, char folder[VERIFY_FOLDERS][PATH_MAX], size_t *n)
{
	static const char *const key[] = { "crio", "runtime", "hooks_dir", NULL };
	auto_toml struct toml *doc = NULL;
	auto_free char *text = NULL;
	const struct toml_node *list;
	struct error err = { 0 };
	size_t len;
	int result = verify_read(verify, path, TOML_BYTES_MAX, &text, &len, &err);

	if (result == -ENOENT)
		return;
	if (result >= 0)
		result = toml_parse((struct str){ text, len }, &doc, &err);
	if (result < 0) {
		verify_tell(verify->report, false, "configuration", "correct it: CRI-O does not start with it",
			    "%s: %s", path, err.text);
		return;
	}
	list = toml_find(doc, key);
	if (!list || list->type != TOML_ARRAY)
		return;
	*n = 0;
	for (const struct toml_node *item = list->first; item && *n < VERIFY_FOLDERS; item = item->next) {
		char room[PATH_MAX];
		struct str value;

		if (item->type != TOML_STRING || item->text.len >= sizeof room)
			continue;
		toml_string(item, room, &value);
		(void)snprintf(folder[(*n)++], PATH_MAX, "%.*s", (int)value.len, value.p);
	}
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t verify_crio_folders(struct verify *verify, char folder[VERIFY_FOLDERS][PATH_MAX])
{
	int fd = host_open(verify->root_fd, CONF_DIR, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char *names[FILES_MAX];
	size_t n = 1, files = 0;
	struct dirent *entry;

	(void)snprintf(folder[0], PATH_MAX, DEFAULT_FOLDER);
	file_take(verify, CONF, folder, &n);
	while (dir && files < FILES_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && (names[files] = strdup(entry->d_name)))
			files++;
	if (dir)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd); /* nothing was done with it */
	qsort(names, files, sizeof *names, name_compare);
	for (size_t i = 0; i < files; i++) { /* of any name: CRI-O reads backups too */
		char path[PATH_MAX];

		(void)snprintf(path, sizeof path, CONF_DIR "/%s", names[i]);
		file_take(verify, path, folder, &n);
		free(names[i]);
	}
	return n;
}
