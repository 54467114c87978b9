/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/policies_select.c: which policies select a container. Those that take a whole namespace are in its set,
 * ready to be copied; those that look at more are asked one by one.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "agent/policies_state.h"
#include "agent/workload.h"
#include "base/buf.h"
#include "pod/registry.h"
#include "policy/policy.h"

int policies_select_prepare(struct policies *policies, struct policies_entry *entry)
{
	const struct policy *policy = entry->policy;

	if (!policy->namespace || policy_has_terms(policy))
		return 0;
	entry->selects = namespace_sets_ref(&policies->namespaces, policy->namespace);
	return entry->selects ? 0 : -ENOMEM;
}

void policies_select_end(struct policies *policies, struct policies_entry *entry)
{
	for (size_t i = 0; i < policies->choosy_n; i++)
		if (policies->choosy[i] == entry)
			policies->choosy[i--] = policies->choosy[--policies->choosy_n];
	if (entry->is_loaded && entry->selects)
		policy_set_put(&entry->selects->policies, entry->slot, false);
	namespace_sets_unref(&policies->namespaces, entry->selects);
	entry->selects = NULL;
}

void policies_select_begin(struct policies *policies, struct policies_entry *entry)
{
	if (entry->is_loaded)
		return;
	entry->is_loaded = true;
	if (entry->selects)
		policy_set_put(&entry->selects->policies, entry->slot, true);
	else if (!entry->policy->is_global)
		policies->choosy[policies->choosy_n++] = entry;
}

struct selecting {
	const struct policies *policies;
	const struct abi_policy_set *has;
	struct abi_policy_set set;
	const struct policy *undecided;
};

static void select_workload(struct selecting *selecting, const struct workload *workload)
{
	const struct policies *policies = selecting->policies;
	const struct abi_policy_set *more =
		namespace_sets_find(&policies->namespaces, workload->pod_namespace ? workload->pod_namespace : "");

	for (size_t i = 0; more && i < ABI_POLICY_WORDS; i++)
		selecting->set.bit[i] |= more->bit[i];
	for (size_t i = 0; workload->is_unidentified && i < ABI_POLICY_WORDS; i++)
		selecting->set.bit[i] |= selecting->has->bit[i];
	for (size_t i = 0; i < policies->choosy_n; i++) {
		const struct policies_entry *entry = policies->choosy[i];
		enum label_verdict verdict = workload_match(workload, entry->policy);

		if (verdict == LABELS_UNDECIDED && !selecting->undecided)
			selecting->undecided = entry->policy;
		if (verdict == LABELS_MATCH ||
		    (verdict == LABELS_UNDECIDED && policy_set_has(selecting->has, entry->slot)))
			policy_set_put(&selecting->set, entry->slot, true);
	}
}

const struct policy *policies_select(const struct policies *policies, const char *path, const struct workload *workload,
				     struct abi_policy_set *set)
{
	struct selecting selecting = { .policies = policies, .has = set };
	const struct pod_container *outer;
	char above[PATH_MAX];
	struct buf text = buf_over(above, sizeof above);
	char *slash;

	select_workload(&selecting, workload);
	buf_text(&text, path);
	while ((slash = strrchr(above, '/')) && slash != above) {
		struct workload around;

		*slash = '\0';
		outer = pod_registry_above(policies->options.registry, above);
		if (!outer)
			break;
		around = workload_of(outer);
		select_workload(&selecting, &around);
		text = buf_over(above, sizeof above);
		buf_text(&text, outer->cgroup_path); /* at most what `above` was: it ends */
	}
	*set = selecting.set;
	return selecting.undecided;
}
