/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy: refused with a text, or rows within the ABI's limits; and the same bytes give the same rows
 * again.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/policy.h"
#include "policy/syscall_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void filter_check(const struct policy *policy, const struct policy_hook *hook, const struct abi_filter *filter)
{
	size_t strings = 0;

	assert(filter->arg < hook->args_n && filter->negate <= 1);
	assert((hook->rule.arg[filter->arg].type == ABI_T_STRING) == (filter->op >= ABI_OP_STR_EQUAL));
	assert(filter->op <= ABI_OP_STR_POSTFIX);
	if (filter->op < ABI_OP_STR_EQUAL) {
		assert(filter->n >= 1 && filter->n <= ABI_VALUES && !filter->set);
		return;
	}
	assert(hook->rule.has_strings);
	for (size_t i = 0; i < policy->strings; i++)
		strings += policy->string[i].set == filter->set && policy->string[i].op == filter->op;
	assert(filter->set && strings);
}

static void hook_check(const struct policy *policy, const struct policy_hook *hook)
{
	const struct abi_rule *rule = &hook->rule;
	bool killed = false;

	assert(hook == &policy->hook[hook->index] && rule->hook == hook->index);
	assert(!rule->next && !rule->policy && !rule->point && !rule->generation);
	assert(rule->arches && rule->arches < 1 << ABI_ARCHES);
	assert(!*hook->syscall || !strcmp(syscall_canonical(hook->syscall), hook->syscall));
	assert(hook->args_n <= ABI_ARGS && hook->selectors_n <= ABI_SELECTORS && hook->tags_n <= 16);
	assert(!hook->message || strlen(hook->message) <= 256);
	for (unsigned a = 0; a < ABI_ARGS; a++) {
		assert((rule->arg[a].type != ABI_T_NONE) == (a < hook->args_n));
		assert(rule->arg[a].type <= ABI_T_SYSCALL && rule->arg[a].source <= ABI_SRC_RET);
	}
	for (unsigned s = 0; s < ABI_SELECTORS; s++) {
		const struct abi_selector *selector = &rule->selector[s];
		bool ended = false;

		assert(!!(selector->actions & ABI_ACT_USED) == (s < hook->selectors_n));
		killed |= (selector->actions & ABI_ACT_SIGKILL) != 0;
		for (unsigned f = 0; f < ABI_FILTERS; f++) {
			ended |= !selector->filter[f].op;
			assert(!ended || !selector->filter[f].op); /* no gap */
			if (!ended)
				filter_check(policy, hook, &selector->filter[f]);
		}
	}
	assert(killed == hook->signalled && (!killed || policy->enforces));
}

static void terms_check(const struct label_selector *selector)
{
	assert(selector->terms <= LABEL_TERMS_MAX);
	for (size_t i = 0; i < selector->terms; i++) {
		const struct label_term *term = &selector->term[i];

		assert(*term->key && strlen(term->key) <= LABEL_TEXT_MAX);
		assert((term->op == LABEL_IN || term->op == LABEL_NOT_IN) == (term->values > 0));
	}
}

static void policy_check(const struct policy *policy)
{
	assert(policy->name && *policy->name && strlen(policy->name) <= 253);
	assert(!policy->namespace || (*policy->namespace && strlen(policy->namespace) <= 63));
	terms_check(&policy->pods);
	terms_check(&policy->containers);
	assert(!policy->is_global || (!policy->namespace && !policy_has_terms(policy)));
	assert(policy->hooks && policy->hooks <= POLICY_HOOKS_MAX && policy->strings <= POLICY_STRINGS_MAX);
	for (size_t i = 0; i < policy->strings; i++) {
		const struct policy_string *string = &policy->string[i];

		assert(strlen(string->text) == string->len && string->set);
		assert(string->op == ABI_OP_STR_EQUAL    ? string->len <= ABI_STR_EQUAL_MAX
		       : string->op == ABI_OP_STR_PREFIX ? string->len && string->len <= ABI_STR_PREFIX_MAX
							 : string->len && string->len <= ABI_STR_POSTFIX_MAX);
	}
	for (size_t i = 0; i < policy->hooks; i++)
		hook_check(policy, &policy->hook[i]);
}

static void same_check(const struct policy *a, const struct policy *b)
{
	assert(a->hooks == b->hooks && a->strings == b->strings && a->enforces == b->enforces);
	assert(!strcmp(a->name, b->name) && a->is_global == b->is_global);
	assert(a->pods.terms == b->pods.terms && a->containers.terms == b->containers.terms);
	for (size_t i = 0; i < a->hooks; i++)
		assert(!memcmp(&a->hook[i].rule, &b->hook[i].rule, sizeof a->hook[i].rule));
	for (size_t i = 0; i < a->strings; i++)
		assert(a->string[i].set == b->string[i].set && a->string[i].op == b->string[i].op &&
		       !strcmp(a->string[i].text, b->string[i].text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *yaml = malloc(size ? size : 1); /* exact fit: ASan sees one byte too many */
	struct policy *policy = NULL, *again = NULL;
	struct error err = { 0 };
	int r;

	assert(yaml);
	if (size)
		memcpy(yaml, data, size);
	r = policy_parse(yaml, size, &policy, &err);
	if (r < 0) {
		assert((r == -EINVAL || r == -E2BIG) && err.code == -r && *err.text && !policy);
		for (const char *c = err.text; *c; c++)
			assert((unsigned char)*c >= ' ' &&
			       (unsigned char)*c < 0x7f); /* nothing foreign reaches a terminal */
	} else {
		policy_check(policy);
		assert(policy->yaml_len == size && !memcmp(policy->yaml, yaml, size));
		assert(policy_parse(policy->yaml, policy->yaml_len, &again, &err) == 0);
		same_check(policy, again);
	}
	policy_free(policy);
	policy_free(again);
	free(yaml);
	return 0;
}
