/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/policy.h: a TracingPolicy or TracingPolicyNamespaced, parsed, validated and compiled to the rows that the
 * kernel judges by (bpf/abi.h). Pure: no kernel, no file. What is not supported is refused by its path, never ignored:
 *   "spec.kprobes[0].selectors[1].matchBinaries: not supported yet (line 14, column 7)"
 * so are unknown and duplicate keys, wrong types, a second document, anchors and aliases, custom tags.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "match/label_selector.h"

struct error;

#define POLICY_BYTES_MAX (1024 * 1024) /* of YAML */
#define POLICY_NODES_MAX 20000         /* YAML nodes of one document */
#define POLICY_DEPTH_MAX 32
#define POLICY_HOOKS_MAX 256    /* hook entries of one policy */
#define POLICY_STRINGS_MAX 4096 /* string values of one policy */

enum policy_section { POLICY_KPROBES = 1, POLICY_TRACEPOINTS };

/* A string value of a filter; `set` is the policy's own numbering from 1, in filter.set of the rule. */
struct policy_string {
	uint32_t set;
	uint8_t op;   /* ABI_OP_STR_* */
	uint16_t len; /* within the ABI's limit of that op; never 0 for PREFIX and POSTFIX */
	char *text;   /* owned by the policy */
};

struct policy_hook {
	enum policy_section section;
	unsigned index; /* in its section */
	/* where it is judged: the call by name on entry or exit, or any call */
	char syscall[64];              /* "lseek"; "" = any call (raw_syscalls) */
	bool at_exit;                  /* syscalls/sys_exit_x, raw_syscalls/sys_exit */
	bool signalled;                /* some selector's action is Sigkill */
	char symbol[80];               /* kprobes: what events call it: "__x64_sys_lseek" */
	char subsystem[32], event[80]; /* tracepoints */
	char *message;                 /* owned; NULL = none */
	char **tags;                   /* owned, `tags_n` texts */
	size_t tags_n;
	struct {
		char *label;        /* owned; NULL = none */
		char type_name[16]; /* as the policy wrote it: "int", "size_t" */
	} arg[ABI_ARGS];
	unsigned args_n;
	unsigned selectors_n;
	/*
	 * The row: next, policy, point, generation are 0 (the sensor fills them), filter.set numbers are the policy's
	 * own, arches, arg, selector, hook, has_strings (some filter judges a string) are final. filter.n of a string
	 * filter is 0.
	 */
	struct abi_rule rule;
};

struct policy {
	char *name;
	char *namespace; /* NULL for a cluster-wide TracingPolicy */
	/*
	 * Which workloads: everything on the host (cluster-wide, and spec says nothing or {} three times), or the
	 * containers of pods: those of `namespace`, if it has one, whose pod's labels `pods` accepts, and whose name
	 * and image (labels "name", "repo") `containers` accepts. Without terms a selector accepts all.
	 */
	bool is_global;
	struct label_selector pods, containers; /* owned */
	char *yaml;                             /* the source, NUL-terminated */
	size_t yaml_len;
	struct policy_hook *hook;
	size_t hooks;
	struct policy_string *string;
	size_t strings;
	bool enforces; /* some action is Sigkill */
};

/*
 * Parses `len` bytes of YAML (borrowed). On success *ret_policy is the caller's, free it with policy_free. Messages
 * over 256 and tags over 128 bytes are cut, as the original does. Returns 0; -EINVAL refused, the text has path, line,
 * column, reason and, for a misspelt word, a suggestion; -E2BIG over a limit above; -ENOMEM.
 */
int policy_parse(const char *yaml, size_t len, struct policy **ret_policy, struct error *err);
void policy_free(struct policy *policy);

/* True if the policy chooses among the containers of its namespace, or of all pods, by labels. */
static inline bool policy_has_terms(const struct policy *policy)
{
	return policy->pods.terms || policy->containers.terms;
}

/* True if both choose the same containers, for the same words: whom one selects the other does, too. */
bool policy_chooses_alike(const struct policy *a, const struct policy *b);

#endif
