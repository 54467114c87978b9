/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/pins.h: the files of a sensor in the BPF file system: <bpffs>/<dir>/{maps,progs,links}/<name>.
 * What is pinned outlives the process.
 */
#ifndef SENSOR_PINS_H
#define SENSOR_PINS_H

#include <limits.h>
#include <stdbool.h>

struct error;

struct pins {
	char dir[PATH_MAX - 128]; /* absolute, without final '/' */
};

enum pin_kind { PIN_MAP, PIN_PROGRAM, PIN_LINK };

/* Mounts the BPF file system at `bpffs` where it is absent and makes the folders. `name`: one path component. */
int pins_open(struct pins *pins, const char *bpffs, const char *name, struct error *err);

/* Opens a pinned object. Returns its descriptor, or -ENOENT, -errno. */
int pins_get(const struct pins *pins, enum pin_kind kind, const char *name);

/* Pins fd, replacing what is there by rename, so that at no time neither is there. */
int pins_put(const struct pins *pins, enum pin_kind kind, const char *name, int fd, struct error *err);

/* Removes one pin; absent is fine. */
void pins_drop(const struct pins *pins, enum pin_kind kind, const char *name);

/*
 * Renames the folder to "<dir>_old" (an older one of that name is removed), so that its links stay attached, and makes
 * a new one. *ret_aside is the old one.
 */
int pins_set_aside(struct pins *pins, struct pins *ret_aside, struct error *err);
/* True if a folder was set aside earlier and is still there; *ret_aside names it. */
bool pins_has_aside(const struct pins *pins, struct pins *ret_aside);

/* Removes everything, the folder included. */
void pins_remove(const struct pins *pins);

#endif
