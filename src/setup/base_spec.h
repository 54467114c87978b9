/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/base_spec.h: the base spec that containerd starts containers from, with the hook in it. */
#ifndef SETUP_BASE_SPEC_H
#define SETUP_BASE_SPEC_H

#include "base/buf.h"

struct error;
struct setup_context;
struct hook_drop_in;

/*
 * Adds hooks.createRuntime with the hook of `drop_in` to `spec`, an OCI spec as JSON, which otherwise stays as it is.
 * `out` gets the new text. Returns 1 added; 0 it has this very program already (`out` gets `spec`); -EINVAL no JSON
 * object; -ENOTSUP it has hooks of other programs: which come first is not ours to say; -E2BIG `out` is too small.
 */
int base_spec_add_hook(struct str spec, const struct hook_drop_in *drop_in, struct buf *out, struct error *err);

/*
 * `ctr oci spec` (option --ctr) with the hook (--hook, hook-args) into --runtime-spec. Returns 1 if there was none; 0
 * it was ours and is as it should be now, or, with --dry-run, the difference is on standard output. -EPERM: there is
 * one that this did not write.
 */
int base_spec_write(struct setup_context *context, struct error *err);

/*
 * Takes --runtime-spec away if this program wrote it and it has --hook as its only hook; one that is not there is no
 * error. -EPERM: it is another's, has other hooks or not ours, and stays.
 */
int base_spec_remove(struct setup_context *context, struct error *err);

#endif
