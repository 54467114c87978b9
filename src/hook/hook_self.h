/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_self.h: the process' own surroundings: what it inherited, where its program lies, its configuration
 * file.
 */
#ifndef HOOK_HOOK_SELF_H
#define HOOK_HOOK_SELF_H

#include "base/arena.h"
#include "base/flags.h"

#define HOOK_CONFIG_MAX_BYTES (64 * 1024)

#define HOOK_CONFIG_NAME "tetragon-oci-hook.json"

/*
 * Raises resource limits that could end the process or keep it from opening a file, closes all descriptors above 2 and
 * opens those of 0..2 that are not open on /dev/null, so that no file of ours takes their place. Call it first.
 */
void hook_self_seal(void);

/*
 * The folder of the running program: of /proc/self/exe, else of the path that it was executed with where that is
 * absolute;
 * "" if neither tells.
 */
struct str hook_self_dir(struct arena *arena);

/*
 * Sets options from HOOK_CONFIG_NAME in `dir`. No such file, or none that may be read: nothing to do. Unknown keys go
 * to `unknown`. Returns 0; -EPERM not a regular file, not root's, or writable by others; -EFBIG; -EINVAL and others as
 * flags_json_read, and -EINVAL for a flag of hook_questions. The text names the file.
 */
int hook_self_config(struct str dir, const struct flags_unknown *unknown, struct flag_parse *parse, struct error *err);

#endif
