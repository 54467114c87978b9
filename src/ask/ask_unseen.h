/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/ask/ask_unseen.h: the record of a container that started although the agent could not be asked. The next agent
 * reads it, takes the container under policy, and removes the file. One file per container, <dir>/<container id>.json
 * (0600, written under another name and renamed), an object of texts: cgroupsPath rootDir containerID containerName
 * containerImage podName podUID podNamespace time `time` is RFC 3339 in UTC. A container without a usable id has the
 * hash of its cgroup path in the name's place.
 */
#ifndef ASK_ASK_UNSEEN_H
#define ASK_ASK_UNSEEN_H

#include <stdint.h>

#include "ask/ask_request.h"

#define ASK_UNSEEN_MAX 4096         /* files in the folder: a node without agent for weeks must not fill /run */
#define ASK_UNSEEN_RECORD_MAX 16384 /* bytes of one */

/*
 * Writes the record into `dir`, which is made if it is not there (0700; missing parents 0755). Returns 0; -ENOSPC there
 * are ASK_UNSEEN_MAX files; -EPERM the folder is not root's own; -ENOBUFS the record is too large; -errno of the
 * system call.
 */
int ask_unseen_record(const char *dir, const struct ask_container *container, int64_t unix_ns, struct error *err);

#endif
