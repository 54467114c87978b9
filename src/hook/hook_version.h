/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_version.h: server-version: what version is the agent? Source: tetragon's sensors.proto, GetVersion.
 */
#ifndef HOOK_HOOK_VERSION_H
#define HOOK_HOOK_VERSION_H

#include "base/buf.h"
#include "hook/hook_create.h"

#define HOOK_VERSION_MAX 256 /* bytes of a version that are kept */

/*
 * Asks once, with the whole time-out, logs the outcome, and writes the version to `out`. Returns 0; -ECANCELED with the
 * reason.
 */
int hook_version_run(const struct hook_create *create, struct buf *out, struct error *err);

#endif
