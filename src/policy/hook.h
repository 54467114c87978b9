/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/hook.h: one entry of spec.kprobes or spec.tracepoints, from its node to a policy_hook with the kernel's
 * row. The path in `parse` is that of the entry. All return 0 or what policy_parse returns.
 */
#ifndef POLICY_HOOK_H
#define POLICY_HOOK_H

#include "policy/policy.h"
#include "policy/schema.h"

int hook_kprobe_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook);
int hook_tracepoint_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook);

/*
 * Where the argument that a policy numbers `index` comes from: kprobes count parameters, tracepoints fields. -ENOENT
 * where the hook has none of that number.
 */
int hook_source(const struct policy_hook *hook, unsigned long index, enum abi_source *ret_source);

/* Reads a list's length against a limit, for the path's last key. */
int hook_list_limit(const struct parse *parse, const struct yaml_node *list, size_t limit, const char *what);

/* A copy of `text` in *ret_copy, the policy's own. -ENOMEM. */
int hook_text_copy(const struct parse *parse, struct str text, char **ret_copy);

/* selector.c: `node` is the list under "selectors" or NULL. The hook's args are there. */
int selectors_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook);

#endif
