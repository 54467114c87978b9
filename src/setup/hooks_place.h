/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/hooks_place.h: the folder of hook files into which a registration belongs on this machine. */
#ifndef SETUP_HOOKS_PLACE_H
#define SETUP_HOOKS_PLACE_H

#include <limits.h>
#include <stdbool.h>

struct error;
struct setup_context;

/*
 * Of the folders that the runtime reads by its configuration the last one that can be written to, for a later folder
 * masks an earlier one; where none can, the first. `runtime`: cri-o or podman; another: the one of this machine. 0;
 * -ENOENT: no runtime here that reads such folders, the text tells which there is and the way; -EINVAL the runtime's
 * configuration is no TOML; as host_detect.
 */
int hooks_place_find(const char *runtime, char dir[PATH_MAX], struct error *err);

/*
 * What --oci-hooks.local-dir is in effect: as given, or its default where that is there, else what hooks_place_find
 * finds (then kept in `dir`, which must outlive the context's use). Errors as above.
 */
int hooks_place_option(struct setup_context *context, char dir[PATH_MAX], struct error *err);

/*
 * Whether a file, but not `except`, in one of the folders that runtimes of this machine are known to read registers the
 * program at `binary`; `file` is its path then. What cannot be read is passed over.
 */
bool hooks_place_registers(const char *binary, const char *except, char file[PATH_MAX]);

#endif
