/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_cel.h: CEL expressions about a container (--fail-cel-expr, --eval-cel). The language is match/cel's;
 * the variables are: annotations                 map(string, string)  of the spec, as they stand there: some of them a
 * tenant's words annotations_namespace_keys  list(string)  --annotations-namespace-key, else the runtime's own key
 *   annotations_namespace_key   the same: the original declared the one and bound the other
 *   namespace pod container image runtime  string, from the runtime's own key set or the identity flags; "" = it has
 * none What is not known for certain, because the spec cannot be read, has no value: using it is an evaluation error.
 */
#ifndef HOOK_HOOK_CEL_H
#define HOOK_HOOK_CEL_H

#include "hook/hook_options.h"
#include "ask/ask_request.h"

struct cel_program;
struct cel_value;

/* As cel_compile with the variables above. `is_bool`: the expression has to be of type bool. */
int hook_cel_compile(const char *source, bool is_bool, struct arena *arena, struct cel_program **ret,
		     struct error *err);

/*
 * Evaluates it about `container`; `is_known`: its spec was read. As cel_evaluate; also -EINVAL: not a bool, where
 * is_bool asked for one.
 */
int hook_cel_evaluate(const struct cel_program *program, bool is_bool, const struct hook_conf *conf,
		      const struct ask_container *container, bool is_known, struct arena *arena, struct cel_value *ret,
		      struct error *err);

#endif
