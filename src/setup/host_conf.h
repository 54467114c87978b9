/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/host_conf.h: the files that a runtime's configuration consists of, below a host's root and with links
 * resolved within it, in the order in which they take effect. What a file says is only read here; changing files is
 * conf_patch.h's business.
 *   containerd  the file, then what it imports, level by level, in the order listed, matches of a pattern sorted by
 *               name, each file once. Only '*' makes a pattern, and here only in the last part of a path.
 *   CRI-O       crio.conf, then every file below crio.conf.d, whatever it is called, folder by folder
 *   podman      /usr/share/containers/containers.conf, /etc/containers/containers.conf, then
 *               /etc/containers/containers.conf.d/‹*.conf›
 * Source: containerd 1.6 to 2.3 and podman 4.3 (behaviour run), CRI-O's pkg/config, containers.conf(5).
 */
#ifndef SETUP_HOST_CONF_H
#define SETUP_HOST_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/toml.h"

struct error;

#define HOST_CONF_FILES_MAX 64
#define HOST_CONF_DEPTH_MAX 8 /* of folders below crio.conf.d */
#define HOOKS_FOLDERS_MAX 8

struct host_conf_file {
	char *path; /* as the host names it */
	struct toml *doc;
	int64_t changed_ns; /* CLOCK_REALTIME: content, mode, owner or name, whichever was last */
};

struct host_conf {
	struct host_conf_file file[HOST_CONF_FILES_MAX];
	size_t n;
};

/*
 * Fills *ret, which host_conf_done empties again, also after an error: then it holds what was read up to there. The
 * text names the file. -ENOENT: the first file (of CRI-O and podman: none need be there), or one that is imported by
 * its name, is not there; -EINVAL it is no TOML, or imports a pattern as above; -E2BIG; -ENOMEM; -errno.
 */
int host_conf_containerd(int root_fd, const char *path, struct host_conf *ret, struct error *err);
int host_conf_crio(int root_fd, const char *path, struct host_conf *ret, struct error *err);
int host_conf_podman(int root_fd, struct host_conf *ret, struct error *err);
void host_conf_done(struct host_conf *conf);
#define auto_host_conf __attribute__((cleanup(host_conf_done)))

/* The node at `key` in the last file that has it, or NULL; *ret_file (may be NULL) is that file. */
const struct toml_node *host_conf_last(const struct host_conf *conf, const char *const key[],
				       const struct host_conf_file **ret_file);

/*
 * The folders of hook files that the configuration names at `key`, else `preset` alone. A later list replaces an
 * earlier one; podman's {append = true} adds to it. Returns how many; *ret_file: the last file that names some, NULL:
 * none does.
 */
size_t host_conf_hooks(const struct host_conf *conf, const char *const key[], const char *preset,
		       char folder[HOOKS_FOLDERS_MAX][PATH_MAX], const struct host_conf_file **ret_file);

/*
 * All of that for `runtime`, cri-o (its file is `config`) or podman. Returns how many, or the error of reading;
 * *ret_configured: the configuration names them, they are not the preset.
 */
int host_conf_runtime_hooks(int root_fd, const char *runtime, const char *config,
			    char folder[HOOKS_FOLDERS_MAX][PATH_MAX], bool *ret_configured, struct error *err);

extern const char *const host_conf_crio_hooks[];         /* key of CRI-O's list */
extern const char *const host_conf_podman_hooks[];       /* key of podman's */
#define HOOKS_PRESET "/usr/share/containers/oci/hooks.d" /* of both, unless configured */

#endif
