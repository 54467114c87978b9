/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/flags_dir.h: the agent's options from a directory and from the environment.
 *   directory    one file for each flag: its name is the flag's (any letter case), its content the value, white space
 *                around it dropped. Symbolic links are followed, directories and names that begin with '.' passed
 *                over: a mounted ConfigMap works. An empty file is false, 0 or "" as the type has it
 *   environment  PREFIX + name in capitals with '-' as '_' (TETRAGON_LOG_LEVEL); empty is as if unset
 * Values are as on the command line; items of a list may also be parted by white space. Wrong values are errors here:
 * the original takes them for false or 0. Source: behaviour of the original agent, run.
 */
#ifndef BASE_FLAGS_DIR_H
#define BASE_FLAGS_DIR_H

#include "base/flags.h"

#define FLAGS_DIR_VALUE_MAX 65536 /* bytes of one file or variable */

/*
 * Sets from the directory `path` with rank FLAG_FROM_CONFIG; of several directories the one read last counts. Unknown
 * names go to unknown->report; without `unknown` they are errors. Returns 0; -ENOENT no such directory; -errno it
 * cannot be read; -ENOKEY unknown name; -EINVAL wrong value, two files for one flag, not a regular file; -EFBIG;
 * -ENOMEM. The text names the file.
 */
int flags_dir_read(struct flag_parse *parse, const char *path, const struct flags_unknown *unknown, struct error *err);

/*
 * Sets from `environment` (NULL-terminated, as environ(7)) with rank FLAG_FROM_ENVIRONMENT what begins with `prefix`.
 * Variables that Kubernetes makes for a service of the prefix' name (TETRAGON_SERVICE_HOST, TETRAGON_PORT_2112_TCP…)
 * are passed over. Returns 0, -ENOKEY, -EINVAL, -EFBIG, -ENOMEM as above; the text names the variable.
 */
int flags_env_read(struct flag_parse *parse, const char *prefix, char *const environment[],
		   const struct flags_unknown *unknown, struct error *err);

#endif
