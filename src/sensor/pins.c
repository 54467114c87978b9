/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/error.h"

static const char *const folder[] = { [PIN_MAP] = "maps", [PIN_PROGRAM] = "progs", [PIN_LINK] = "links" };

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static void pin_path(const struct pins *pins, enum pin_kind kind, const char *name, const char *suffix,
		     char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/%s/%s%s", pins->dir, folder[kind], name, suffix); /* dir leaves 128 bytes */
}

static int folders_make(const struct pins *pins, struct error *err)
{
	char path[PATH_MAX];

	if (mkdir(pins->dir, 0700) && errno != EEXIST)
		return error_errno(err, errno, "cannot make %s", pins->dir);
	for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", pins->dir, folder[i]); /* dir leaves 128 bytes */
		if (mkdir(path, 0700) && errno != EEXIST)
			return error_errno(err, errno, "cannot make %s", path);
	}
	return 0;
}

int pins_open(struct pins *pins, const char *bpffs, const char *name, struct error *err)
{
	if (!*name || strchr(name, '/') || name[0] == '.' || strlen(name) > 64)
		return error_set(err, EINVAL, "--bpf-dir '%s': want one folder name of at most 64 bytes", name);
	if (!is_bpffs(bpffs)) {
		if (mkdir(bpffs, 0700) && errno != EEXIST)
			return error_errno(err, errno, "cannot make %s for the BPF file system", bpffs);
		if (mount("bpf", bpffs, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
			return error_errno(err, errno, "cannot mount the BPF file system at %s", bpffs);
	}
	if ((size_t)snprintf(pins->dir, sizeof pins->dir, "%s/%s", bpffs, name) >= sizeof pins->dir)
		return error_set(err, ENAMETOOLONG, "BPF folder %s/%s", bpffs, name);
	return folders_make(pins, err);
}

int pins_get(const struct pins *pins, enum pin_kind kind, const char *name)
{
	char path[PATH_MAX];
	int fd;

	pin_path(pins, kind, name, "", path);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int pins_put(const struct pins *pins, enum pin_kind kind, const char *name, int fd, struct error *err)
{
	char path[PATH_MAX], fresh[PATH_MAX];

	pin_path(pins, kind, name, "", path);
	pin_path(pins, kind, name, "~", fresh);
	(void)unlink(fresh); /* of an earlier attempt */
	if (bpf_obj_pin(fd, fresh))
		return error_errno(err, errno, "cannot pin %s", fresh);
	if (rename(fresh, path)) {
		int code = errno;

		(void)unlink(fresh); /* reported below */
		return error_errno(err, code, "cannot rename %s", fresh);
	}
	return 0;
}

void pins_drop(const struct pins *pins, enum pin_kind kind, const char *name)
{
	char path[PATH_MAX];

	pin_path(pins, kind, name, "", path);
	(void)unlink(path); /* absent is what we want */
}

void pins_remove(const struct pins *pins)
{
	/* links first: nothing is judged by half of its maps */
	static const enum pin_kind order[] = { PIN_LINK, PIN_PROGRAM, PIN_MAP };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		char path[PATH_MAX];
		DIR *dir;

		(void)snprintf(path, sizeof path, "%s/%s", pins->dir, folder[order[i]]); /* dir leaves 128 bytes */
		dir = opendir(path);
		if (!dir)
			continue;
		for (struct dirent *entry; (entry = readdir(dir));)
			if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
				(void)unlinkat(dirfd(dir), entry->d_name, 0); /* what stays shows in the rmdir below */
		(void)closedir(dir);                                          /* read only */
		(void)rmdir(path);
	}
	(void)rmdir(pins->dir); /* somebody else's file in it keeps it */
}

bool pins_has_aside(const struct pins *pins, struct pins *ret_aside)
{
	struct stat st;

	return (size_t)snprintf(ret_aside->dir, sizeof ret_aside->dir, "%s_old", pins->dir) < sizeof ret_aside->dir &&
	       !stat(ret_aside->dir, &st);
}

int pins_set_aside(struct pins *pins, struct pins *ret_aside, struct error *err)
{
	if (pins_has_aside(pins, ret_aside))
		pins_remove(ret_aside);
	if (rename(pins->dir, ret_aside->dir))
		return error_errno(err, errno, "cannot rename %s to %s", pins->dir, ret_aside->dir);
	return folders_make(pins, err);
}
