/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/verify.h: what the files of the command verify share: the report, and how the host's files are read. */
#ifndef SETUP_VERIFY_H
#define SETUP_VERIFY_H

#include <limits.h>

#include "base/buf.h"
#include "setup/host_table.h"
#include "setup/setup_options.h"

struct error;
struct toml;

struct report {
	struct buf out;
	bool json, open; /* open: a check failed */
	size_t checks;
};

struct verify {
	const struct setup_conf *conf;
	struct report *report;
	int root_fd;
	bool is_here;            /* the tree is this machine's own: its processes may be asked */
	const struct host *host; /* NULL: unknown */
	char hook[PATH_MAX];     /* as the host sees it */
	bool registered;
	bool names_binary; /* --local-binary was given */
};

/* One line. `todo`: what to do where it failed. */
void verify_tell(struct report *report, bool good, const char *check, const char *todo, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A file below the host's root: malloc'd text, caller frees. 0 or a negative errno. */
int verify_read(const struct verify *verify, const char *path, size_t limit, char **ret_text, size_t *ret_len,
		struct error *err);

/* Whether a plugin has written down that it runs: then NRI is what this host relies on. */
bool verify_has_plugin(const struct verify *verify);

/* The NRI plugin as it told itself (src/nri/status.h), and that it is still there. */
void verify_plugin(struct verify *verify);

/* What containerd's configuration `doc` says about NRI, then verify_plugin. */
void verify_containerd_nri(struct verify *verify, const struct toml *doc);

#define VERIFY_FOLDERS 8
/*
 * CRI-O's hooks folders in force: those of the last file that names hooks_dir, else its default. Fills `folder`, tells
 * a file that is no TOML. Returns how many.
 */
size_t verify_crio_folders(struct verify *verify, char folder[VERIFY_FOLDERS][PATH_MAX]);

#endif
