/* SPDX-License-Identifier: Apache-2.0 */
/* src/hook/hook_eval.h: --eval-cel: an expression is tried before it guards a cluster. */
#ifndef HOOK_HOOK_EVAL_H
#define HOOK_HOOK_EVAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "hook/hook_options.h"

struct error;

/*
 * Evaluates conf->eval_cel about a container with conf->annotations (a JSON object of texts), those of `runtime` (AUTO:
 * containerd), and the identity flags. Writes the value; *ret_meaning (static) is what it would do as --fail-cel-expr.
 * Returns 0; -errno with the reason: the annotations are wrong, or whatever cel_compile and cel_evaluate say.
 */
int hook_eval(const struct hook_conf *conf, enum runtime runtime, struct arena *arena, struct buf *out,
	      const char **ret_meaning, struct error *err);

#endif
