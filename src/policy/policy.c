/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/hook.h"
#include "policy/schema.h"
#include "policy/shown.h"
#include "policy/workloads.h"

#define API_VERSION "cilium.io/v1alpha1"
#define NAME_MAX_BYTES 253 /* RFC 1123 subdomain */
#define LABEL_MAX_BYTES 63

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->hooks; i++) {
		struct policy_hook *hook = &policy->hook[i];

		free(hook->message);
		for (size_t t = 0; t < hook->tags_n; t++)
			free(hook->tags[t]);
		free(hook->tags);
		for (size_t a = 0; a < ABI_ARGS; a++)
			free(hook->arg[a].label);
	}
	for (size_t i = 0; i < policy->strings; i++)
		free(policy->string[i].text);
	label_selector_done(&policy->pods);
	label_selector_done(&policy->containers);
	free(policy->hook);
	free(policy->string);
	free(policy->name);
	free(policy->namespace);
	free(policy->yaml);
	free(policy);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 1123: lower-case letters, digits and '-', the latter not at an end; `dots`: several of these with '.' between. */
static bool is_dns_name(struct str text, bool dots)
{
	if (!text.len || text.len > (dots ? NAME_MAX_BYTES : LABEL_MAX_BYTES))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool first = !i || text.p[i - 1] == '.', last = i + 1 == text.len || text.p[i + 1] == '.';

		if (!is_alnum(text.p[i]) && !(text.p[i] == '-' && !first && !last) &&
		    !(dots && text.p[i] == '.' && !first && !last))
			return false;
	}
	return true;
}

static int metadata_read(struct parse *parse, const struct yaml_node *node, bool namespaced)
{
	const struct yaml_node *name, *namespace;
	int r;

	path_key(parse, "metadata");
	r = schema_check(parse, SCHEMA_METADATA, node);
	if (r < 0)
		return r;
	name = schema_get(parse, node, "name");
	if (!is_dns_name(name->text, true))
		return parse_fail_key(parse, EINVAL, name,
				      "%s is no name: want at most %d of a-z, 0-9, '-' and '.', each "
				      "part begins and ends in a letter or digit",
				      shown(name->text).text, NAME_MAX_BYTES);
	namespace = schema_get(parse, node, "namespace");
	if (namespaced && !namespace)
		return parse_fail(parse, EINVAL, node, "namespace is required in a TracingPolicyNamespaced");
	if (!namespaced && namespace)
		return parse_fail_key(parse, EINVAL, namespace,
				      "not allowed in a TracingPolicy, which is cluster-wide; use "
				      "kind TracingPolicyNamespaced");
	if (namespace && !is_dns_name(namespace->text, false))
		return parse_fail_key(parse, EINVAL, namespace,
				      "%s is no namespace: want at most %d of a-z, 0-9 and '-', "
				      "a letter or digit at both ends",
				      shown(namespace->text).text, LABEL_MAX_BYTES);
	r = hook_text_copy(parse, name->text, &parse->policy->name);
	if (r >= 0 && namespace)
		r = hook_text_copy(parse, namespace->text, &parse->policy->namespace);
	path_reset(parse, 0);
	return r;
}

/* The kernel walks the rules of one policy at one point; the walk is bounded. */
static int chain_check(struct parse *parse, const struct yaml_node *node)
{
	const struct policy *policy = parse->policy;
	const struct policy_hook *last = &policy->hook[policy->hooks - 1];
	size_t n = 0;

	for (size_t i = 0; i < policy->hooks; i++)
		n += policy->hook[i].at_exit == last->at_exit && !strcmp(policy->hook[i].syscall, last->syscall);
	if (n > ABI_CHAIN)
		return parse_fail(parse, E2BIG, node, "more than %d hooks of one policy on one call", ABI_CHAIN);
	return 0;
}

static int section_read(struct parse *parse, const struct yaml_node *list, const char *key,
			int (*hook_read)(struct parse *, const struct yaml_node *, struct policy_hook *))
{
	struct policy *policy = parse->policy;
	size_t mark;
	int r;

	path_key(parse, key);
	mark = path_mark(parse);
	r = hook_list_limit(parse, list, POLICY_HOOKS_MAX, "hooks");
	if (r < 0)
		return r;
	policy->hook = calloc(list->children, sizeof *policy->hook);
	if (!policy->hook)
		return parse_fail(parse, ENOMEM, NULL, "out of memory");
	for (const struct yaml_node *node = yaml_first(parse->tree, list); node; node = yaml_next(parse->tree, node)) {
		struct policy_hook *hook = &policy->hook[policy->hooks++];

		hook->index = (unsigned)(hook - policy->hook);
		hook->rule.hook = (__u16)hook->index;
		path_index(parse, hook->index);
		r = hook_read(parse, node, hook);
		if (r >= 0)
			r = chain_check(parse, node);
		if (r < 0)
			return r;
		path_reset(parse, mark);
	}
	return 0;
}

static int spec_read(struct parse *parse, const struct yaml_node *node)
{
	const struct yaml_node *kprobes, *tracepoints;
	int r;

	path_key(parse, "spec");
	r = schema_check(parse, SCHEMA_SPEC, node);
	if (r < 0)
		return r;
	r = workloads_read(parse, node);
	if (r < 0)
		return r;
	kprobes = schema_get(parse, node, "kprobes");
	tracepoints = schema_get(parse, node, "tracepoints");
	if (kprobes && kprobes->children && tracepoints && tracepoints->children)
		return parse_fail(parse, EINVAL, node,
				  "tracing policies with multiple sections of kprobes, tracepoints, lsm "
				  "hooks, uprobes or usdts are currently not supported; split it");
	if (kprobes && kprobes->children)
		return section_read(parse, kprobes, "kprobes", hook_kprobe_read);
	if (tracepoints && tracepoints->children)
		return section_read(parse, tracepoints, "tracepoints", hook_tracepoint_read);
	return parse_fail(parse, EINVAL, node, "no hooks: kprobes or tracepoints needs an entry");
}

static int root_read(struct parse *parse, const struct yaml_node *root)
{
	static const char *const kinds[] = { "TracingPolicy", "TracingPolicyNamespaced" };
	const struct yaml_node *version, *kind;
	bool namespaced;
	int r = schema_check(parse, SCHEMA_ROOT, root);

	if (r < 0)
		return r;
	version = schema_get(parse, root, "apiVersion");
	if (!str_is(version->text, API_VERSION))
		return parse_fail_key(parse, EINVAL, version, "%s; want %s", shown(version->text).text, API_VERSION);
	kind = schema_get(parse, root, "kind");
	namespaced = str_is(kind->text, kinds[1]);
	if (!namespaced && !str_is(kind->text, kinds[0]))
		return parse_fail_key(parse, EINVAL, kind, "unknown CRD kind: %s%s", shown(kind->text).text,
				      schema_hint(kind->text, kinds, 2, sizeof *kinds).text);
	r = metadata_read(parse, schema_get(parse, root, "metadata"), namespaced);
	return r < 0 ? r : spec_read(parse, schema_get(parse, root, "spec"));
}

int policy_parse(const char *yaml, size_t len, struct policy **ret_policy, struct error *err)
{
	static const struct yaml_limits limits = { POLICY_BYTES_MAX, POLICY_NODES_MAX, POLICY_DEPTH_MAX };
	struct parse parse = { .err = err };
	struct yaml_tree tree;
	int r = yaml_tree_parse(yaml, len, &limits, &tree, err);

	if (r < 0)
		return r;
	parse.path = buf_over(parse.path_text, sizeof parse.path_text);
	parse.tree = &tree;
	parse.policy = calloc(1, sizeof *parse.policy);
	if (!parse.policy) {
		r = error_set(err, ENOMEM, "policy: out of memory");
	} else {
		parse.policy->yaml_len = len;
		r = hook_text_copy(&parse, (struct str){ yaml, len }, &parse.policy->yaml);
	}
	if (r >= 0)
		r = root_read(&parse, tree.node);
	yaml_tree_done(&tree);
	if (r < 0) {
		policy_free(parse.policy);
		return r;
	}
	*ret_policy = parse.policy;
	return 0;
}
