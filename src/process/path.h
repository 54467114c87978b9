/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/path.h: working directory and binary of a process, as text. Pure; bytes are taken as they are, but a NUL
 * ends a text. Source: bpf/abi.h (abi_exec), reference of the events, section 4.
 */
#ifndef PROCESS_PATH_H
#define PROCESS_PATH_H

#include "base/buf.h"

/* Appends the path of `components`, which go from leaf to root, each "name\0"; "" is the root. */
void path_from_components(struct buf *out, struct str components);

/*
 * Appends `name` as it stands if it is absolute or `cwd` is "" (not known); else cwd/name, cleaned lexically: "." and
 * empty elements go, ".." takes the element before it along.
 */
void path_join(struct buf *out, const char *cwd, const char *name);

#endif
