/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/workloads.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "match/label_selector.h"
#include "policy/hook.h"
#include "policy/policy.h"
#include "policy/shown.h"

static int text_refused(const struct parse *parse, int code, const struct yaml_node *at, const char *what)
{
	switch (code) {
	case -E2BIG:
		return parse_fail(parse, E2BIG, at, "more than %d terms, %d values or %d bytes of %s", LABEL_TERMS_MAX,
				  LABEL_TERM_VALUES_MAX, LABEL_TEXT_MAX, what);
	case -ENOMEM:
		return parse_fail(parse, ENOMEM, NULL, "out of memory");
	default:
		return parse_fail(parse, EINVAL, at, "want %s that is not empty and has no NUL byte", what);
	}
}

/* As schema.c takes text: a plain integer is the text that it is written as. */
static bool is_text(const struct yaml_node *node)
{
	return node->type == YAML_SCALAR && (node->kind == YAML_TEXT || node->kind == YAML_INT);
}

static int value_read(const struct parse *parse, const struct yaml_node *node, struct label_selector *selector)
{
	int r;

	if (!is_text(node))
		return parse_fail(parse, EINVAL, node, "a label's value is a string; put it in quotes");
	r = label_selector_value(selector, node->text);
	return r < 0 ? text_refused(parse, r, node, "a label's value") : 0;
}

static int labels_read(struct parse *parse, const struct yaml_node *node, struct label_selector *selector)
{
	size_t mark = path_mark(parse);
	int r = 0;

	path_key(parse, "matchLabels");
	for (const struct yaml_node *label = node ? yaml_first(parse->tree, node) : NULL; label && r >= 0;
	     label = yaml_next(parse->tree, label)) {
		r = label_selector_add(selector, label->key, LABEL_IN);
		r = r < 0 ? text_refused(parse, r, label, "a label's name") : value_read(parse, label, selector);
	}
	if (r >= 0)
		path_reset(parse, mark);
	return r;
}

static int values_read(struct parse *parse, const struct yaml_node *term, const struct yaml_node *values,
		       enum label_op op, struct label_selector *selector)
{
	bool wanted = op == LABEL_IN || op == LABEL_NOT_IN, given = values && values->children;
	int r = 0;

	if (wanted && !given)
		return parse_fail(parse, EINVAL, term, "In and NotIn need at least one of values");
	if (!wanted && given)
		return parse_fail(parse, EINVAL, values, "Exists and DoesNotExist take no values");
	path_key(parse, "values");
	for (const struct yaml_node *value = given ? yaml_first(parse->tree, values) : NULL; value && r >= 0;
	     value = yaml_next(parse->tree, value))
		r = value_read(parse, value, selector);
	return r;
}

static int term_read(struct parse *parse, const struct yaml_node *node, struct label_selector *selector)
{
	static const char *const names[] = { "In", "NotIn", "Exists", "DoesNotExist" };
	const struct yaml_node *key, *name;
	enum label_op op;
	int r = schema_check(parse, SCHEMA_LABEL_TERM, node);

	if (r < 0)
		return r;
	key = schema_get(parse, node, "key");
	name = schema_get(parse, node, "operator");
	op = label_op_of(name->text);
	if (!op)
		return parse_fail_key(parse, EINVAL, name, "unknown operator: %s%s", shown(name->text).text,
				      schema_hint(name->text, names, 4, sizeof *names).text);
	r = label_selector_add(selector, key->text, op);
	if (r < 0)
		return text_refused(parse, r, key, "a label's name");
	return values_read(parse, node, schema_get(parse, node, "values"), op, selector);
}

static int selector_read(struct parse *parse, const struct yaml_node *node, const char *key,
			 struct label_selector *selector)
{
	const struct yaml_node *terms;
	size_t outer = path_mark(parse), mark, n = 0;
	int r;

	if (!node)
		return 0;
	path_key(parse, key);
	r = schema_check(parse, SCHEMA_LABEL_SELECTOR, node);
	if (r >= 0)
		r = labels_read(parse, schema_get(parse, node, "matchLabels"), selector);
	if (r < 0)
		return r;
	path_key(parse, "matchExpressions");
	mark = path_mark(parse);
	terms = schema_get(parse, node, "matchExpressions");
	for (const struct yaml_node *term = terms ? yaml_first(parse->tree, terms) : NULL; term && r >= 0;
	     term = yaml_next(parse->tree, term)) {
		path_index(parse, n++);
		r = term_read(parse, term, selector);
		if (r >= 0)
			path_reset(parse, mark);
	}
	if (r >= 0)
		path_reset(parse, outer);
	return r;
}

static bool is_empty(const struct yaml_node *node)
{
	return node && !node->children;
}

int workloads_read(struct parse *parse, const struct yaml_node *spec)
{
	const struct yaml_node *pods = schema_get(parse, spec, "podSelector");
	const struct yaml_node *containers = schema_get(parse, spec, "containerSelector");
	const struct yaml_node *host = schema_get(parse, spec, "hostSelector");
	struct policy *policy = parse->policy;
	int r;

	if (host && policy->namespace)
		return parse_fail_key(parse, EINVAL, host,
				      "TracingPolicyNamespaced cannot match host workloads so spec.hostSelector should "
				      "be null");
	if (host && host->children)
		return parse_fail_key(parse, EINVAL, host,
				      "spec.hostSelector does not support arbitrary labels. Only null (default) and {} "
				      "(all) is supported for now");
	if (host && !(is_empty(pods) && is_empty(containers)))
		return parse_fail_key(
			parse, EINVAL, host,
			"not supported yet without podSelector: {} and containerSelector: {}, which together "
			"are everything, as is none of the three");
	policy->is_global = !policy->namespace && (host || (!pods && !containers));
	r = selector_read(parse, pods, "podSelector", &policy->pods);
	return r < 0 ? r : selector_read(parse, containers, "containerSelector", &policy->containers);
}

bool policy_chooses_alike(const struct policy *a, const struct policy *b)
{
	if (a->is_global != b->is_global || !a->namespace != !b->namespace ||
	    (a->namespace && strcmp(a->namespace, b->namespace) != 0))
		return false;
	return label_selector_equal(&a->pods, &b->pods) && label_selector_equal(&a->containers, &b->containers);
}
