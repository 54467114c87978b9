/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/temp_dir.h: a folder that a test may fill, gone with all that is in it at the test's end. */
#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct temp_dir {
	char path[64];
	int fd;
};

/* Returns 0 or -1, as a set-up function of cmocka does. */
static inline int temp_dir_make(struct temp_dir *dir)
{
	(void)snprintf(dir->path, sizeof dir->path, "/tmp/unit-test.XXXXXX");
	if (!mkdtemp(dir->path))
		return -1;
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir->fd < 0 ? -1 : 0;
}

static inline int temp_dir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int temp_dir_remove(struct temp_dir *dir)
{
	(void)close(dir->fd);
	return nftw(dir->path, temp_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes `text` to `name`; 0 or -1. */
static inline int temp_dir_write(const struct temp_dir *dir, const char *name, const char *text)
{
	int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		return -1;
	(void)fputs(text, file);
	return fclose(file) ? -1 : 0;
}

/* Number of entries besides "." and "..". */
static inline int temp_dir_count(const struct temp_dir *dir)
{
	DIR *list = opendir(dir->path);
	int n = -2;

	while (list && readdir(list))
		n++;
	if (list)
		(void)closedir(list);
	return n;
}

#endif
