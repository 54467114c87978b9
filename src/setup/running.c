/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/running.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#define CMDLINE_MAX (256u << 10)
#define COMM_MAX 15

static void config_read(const char *pid, char *config)
{
	auto_free char *text = NULL;
	char path[64];
	size_t len, at = 0;
	bool wanted = false;

	*config = '\0';
	(void)snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
	if (file_read_at(AT_FDCWD, path, CMDLINE_MAX, &text, &len, NULL) < 0)
		return; /* it has ended */
	while (at < len) {
		const char *word = text + at; /* NUL-terminated: the reader puts one behind the last byte */

		if (wanted)
			(void)snprintf(config, PATH_MAX, "%s", word);
		else if (!strncmp(word, "--config=", 9))
			(void)snprintf(config, PATH_MAX, "%s", word + 9);
		wanted = !wanted && (!strcmp(word, "--config") || !strcmp(word, "-c"));
		at += strlen(word) + 1;
	}
}

static bool is_program(const char *pid, const char *name)
{
	char path[64], target[PATH_MAX];
	struct str file;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
	n = readlink(path, target, sizeof target);
	if (n <= 0)
		return false;
	file = (struct str){ target, (size_t)n };
	if (str_ends(file, STR(" (deleted)"))) /* replaced by an upgrade, still running */
		file.len -= sizeof " (deleted)" - 1;
	return str_is(str_from(file, (size_t)(str_find_last(file, '/') + 1)), name);
}

size_t running_find(const char *name, struct running ret[RUNNING_MAX])
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (dir && n < RUNNING_MAX && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !is_program(entry->d_name, name))
			continue;
		ret[n].pid = (pid_t)atoi(entry->d_name);
		config_read(entry->d_name, ret[n].config);
		if (!strstr(ret[n].config, "/docker/"))
			n++;
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

bool running_has(const char *name)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		auto_free char *comm = NULL;
		char path[64];
		size_t len;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		(void)snprintf(path, sizeof path, "/proc/%.20s/comm", entry->d_name);
		found = file_read_at(AT_FDCWD, path, 64, &comm, &len, NULL) >= 0 && !strncmp(comm, name, COMM_MAX);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}
