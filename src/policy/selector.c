/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "policy/hook.h"
#include "policy/shown.h"
#include "policy/value.h"

#define ACTIONS_MAX 3 /* of one selector */

/* Operators of the CRD's matchArgs; both ops 0: not supported yet. */
static const struct operator_row {
	const char *name;
	enum abi_op integer, string; /* 0: not for these */
	bool negate;
} operators[] = {
	{ "Equal", ABI_OP_EQUAL, ABI_OP_STR_EQUAL, false },
	{ "NotEqual", ABI_OP_EQUAL, ABI_OP_STR_EQUAL, true },
	{ "eq", ABI_OP_EQUAL, ABI_OP_STR_EQUAL, false },
	{ "neq", ABI_OP_EQUAL, ABI_OP_STR_EQUAL, true },
	{ "GT", ABI_OP_GT, 0, false },
	{ "GreaterThan", ABI_OP_GT, 0, false },
	{ "LT", ABI_OP_LT, 0, false },
	{ "LessThan", ABI_OP_LT, 0, false },
	{ "Mask", ABI_OP_MASK, 0, false },
	{ "InRange", ABI_OP_RANGE, 0, false },
	{ "NotInRange", ABI_OP_RANGE, 0, true },
	{ "Prefix", 0, ABI_OP_STR_PREFIX, false },
	{ "NotPrefix", 0, ABI_OP_STR_PREFIX, true },
	{ "Postfix", 0, ABI_OP_STR_POSTFIX, false },
	{ "NotPostfix", 0, ABI_OP_STR_POSTFIX, true },
	{ "InMap", 0, 0, false },
	{ "NotInMap", 0, 0, false },
	{ "SubString", 0, 0, false },
	{ "SubStringIgnCase", 0, 0, false },
	{ "SAddr", 0, 0, false },
	{ "DAddr", 0, 0, false },
	{ "NotSAddr", 0, 0, false },
	{ "NotDAddr", 0, 0, false },
	{ "SPort", 0, 0, false },
	{ "DPort", 0, 0, false },
	{ "NotSPort", 0, 0, false },
	{ "NotDPort", 0, 0, false },
	{ "SPortPriv", 0, 0, false },
	{ "NotSPortPriv", 0, 0, false },
	{ "NotSportPriv", 0, 0, false },
	{ "DPortPriv", 0, 0, false },
	{ "NotDPortPriv", 0, 0, false },
	{ "Protocol", 0, 0, false },
	{ "Family", 0, 0, false },
	{ "State", 0, 0, false },
	{ "FileType", 0, 0, false },
	{ "NotFileType", 0, 0, false },
	{ "CapabilitiesGained", 0, 0, false },
	{ "CelExpr", 0, 0, false },
};

#define OPERATORS (sizeof operators / sizeof *operators)

enum action_effect { ACTION_NOT_YET, ACTION_POST, ACTION_NO_POST, ACTION_SIGKILL };

static const struct action_row {
	const char *name;
	enum action_effect effect;
} actions[] = {
	{ "Post", ACTION_POST },
	{ "NoPost", ACTION_NO_POST },
	{ "Sigkill", ACTION_SIGKILL },
	{ "Signal", ACTION_NOT_YET },
	{ "Override", ACTION_NOT_YET },
	{ "NotifyEnforcer", ACTION_NOT_YET },
	{ "CleanupEnforcerNotification", ACTION_NOT_YET },
	{ "TrackSock", ACTION_NOT_YET },
	{ "UntrackSock", ACTION_NOT_YET },
	{ "Set", ACTION_NOT_YET },
	{ "GetUrl", ACTION_NOT_YET },
	{ "DnsLookup", ACTION_NOT_YET },
};

#define ACTIONS (sizeof actions / sizeof *actions)

static int string_add(struct parse *parse, const struct yaml_node *at, enum abi_op op, struct str text)
{
	struct policy *policy = parse->policy;
	struct policy_string *string;
	char *copy;
	int r;

	if (policy->strings == POLICY_STRINGS_MAX)
		return parse_fail(parse, E2BIG, at, "more than %d strings in one policy", POLICY_STRINGS_MAX);
	if (policy->strings == parse->strings_size) {
		size_t size = parse->strings_size ? parse->strings_size * 2 : 16;

		string = realloc(policy->string, size * sizeof *string);
		if (!string)
			return parse_fail(parse, ENOMEM, NULL, "out of memory");
		policy->string = string;
		parse->strings_size = size;
	}
	r = hook_text_copy(parse, text, &copy);
	if (r < 0)
		return r;
	policy->string[policy->strings++] = (struct policy_string){
		.set = parse->sets, .op = (uint8_t)op, .len = (uint16_t)text.len, .text = copy
	};
	return 0;
}

static size_t string_limit(enum abi_op op)
{
	return op == ABI_OP_STR_PREFIX    ? ABI_STR_PREFIX_MAX
	       : op == ABI_OP_STR_POSTFIX ? ABI_STR_POSTFIX_MAX
					  : ABI_STR_EQUAL_MAX;
}

static int string_read(struct parse *parse, const struct yaml_node *value, const struct operator_row *row)
{
	struct str text = value->text;

	if (value->type != YAML_SCALAR || (value->kind != YAML_TEXT && value->kind != YAML_INT))
		return parse_fail(parse, EINVAL, value, "want a string; put it in quotes");
	while (text.len && !text.p[text.len - 1]) /* the kernel's strings end before them */
		text.len--;
	if (memchr(text.p, '\0', text.len))
		return parse_fail(parse, EINVAL, value, "a NUL byte inside: no string of the kernel holds one");
	if (!text.len && row->string != ABI_OP_STR_EQUAL)
		return parse_fail(parse, EINVAL, value, "an empty string for %s would match everything", row->name);
	if (text.len > string_limit(row->string))
		return parse_fail(parse, EINVAL, value, "%zu bytes; %s takes at most %zu", text.len, row->name,
				  string_limit(row->string));
	return string_add(parse, value, row->string, text);
}

/*
 * The CRD wants strings in `values`, and people write numbers. A plain number is taken where YAML 1.1, YAML 1.2 and the
 * policy language read the same value; "010" (8 or 10?) and "1_0" must be quoted.
 */
static bool reads_alike(const struct yaml_node *value)
{
	struct str text = value->text;

	if (value->kind == YAML_TEXT || value->kind == YAML_INT)
		return true;
	if (value->kind != YAML_INT_OTHER || str_find(text, '_') >= 0)
		return false;
	if (text.p[0] == '-' || text.p[0] == '+')
		text = str_from(text, 1);
	return text.p[0] != '0' || (text.len > 1 && (text.p[1] < '0' || text.p[1] > '9'));
}

static int integer_read(struct parse *parse, const struct yaml_node *value, const struct operator_row *row,
			enum abi_type type, __u64 *ret_values)
{
	bool range = row->integer == ABI_OP_RANGE;
	uint64_t number[2] = { 0, 0 };
	int r;

	if (value->type != YAML_SCALAR)
		return parse_fail(parse, EINVAL, value, "want %s", range ? "a range, min:max" : "an integer");
	if (value->kind == YAML_INT_OTHER && !reads_alike(value))
		return parse_fail(parse, EINVAL, value, "YAML's versions read %s differently; put it in quotes",
				  shown(value->text).text);
	r = value->kind != YAML_TEXT && value->kind != YAML_INT && value->kind != YAML_INT_OTHER ? -EINVAL
	    : range ? value_range(value->text, type, number)
		    : value_integer(value->text, type, number);
	if (r == -EINVAL)
		return parse_fail(parse, EINVAL, value, "value %s is no %s", shown(value->text).text,
				  range ? "range; want min:max" : "integer");
	if (r == -ERANGE)
		return parse_fail(parse, EINVAL, value, "value %s is out of range; the argument's type holds %s",
				  shown(value->text).text, value_limits(type));
	if (r == -EDOM)
		return parse_fail(parse, EINVAL, value, "range %s: min is above max, which would never match",
				  shown(value->text).text);
	ret_values[0] = number[0];
	if (range)
		ret_values[1] = number[1];
	return 0;
}

static int values_read(struct parse *parse, const struct yaml_node *values, const struct operator_row *row,
		       enum abi_type type, struct abi_filter *filter)
{
	size_t mark, i = 0;
	int r = 0;

	path_key(parse, "values");
	mark = path_mark(parse);
	if (!values->children)
		return parse_fail(parse, EINVAL, values, "at least one is needed");
	if (type == ABI_T_STRING)
		filter->set = ++parse->sets;
	else if (values->children > ABI_VALUES)
		return parse_fail(parse, EINVAL, values,
				  "selector does not support more than %d values: %s takes %u here", ABI_VALUES,
				  row->name, values->children);
	for (const struct yaml_node *value = yaml_first(parse->tree, values); value && r >= 0;
	     value = yaml_next(parse->tree, value)) {
		path_index(parse, i);
		if (type == ABI_T_STRING)
			r = string_read(parse, value, row);
		else
			r = integer_read(parse, value, row, type,
					 &filter->value[row->integer == ABI_OP_RANGE ? 2 * i : i]);
		if (r < 0)
			return r;
		path_reset(parse, mark);
		i++;
	}
	filter->n = type == ABI_T_STRING ? 0 : (__u8)i;
	return 0;
}

/* The position in the hook's args that the filter judges. */
static int position_read(struct parse *parse, const struct yaml_node *node, const struct policy_hook *hook,
			 unsigned *ret_position)
{
	const struct yaml_node *args = schema_get(parse, node, "args"), *index = schema_get(parse, node, "index");
	enum abi_source source;
	uint64_t number;

	if (args) { /* wins over index, as in the original */
		const struct yaml_node *first = yaml_first(parse->tree, args);

		if (args->children != 1)
			return parse_fail_key(parse, EINVAL, args, "want one position, not %u", args->children);
		if (first->type != YAML_SCALAR || first->kind != YAML_INT ||
		    value_integer(first->text, ABI_T_U32, &number) < 0 || number >= hook->args_n)
			return parse_fail_key(parse, EINVAL, args,
					      "want a position in the hook's args, from 0; it has %u", hook->args_n);
		*ret_position = (unsigned)number;
		return 0;
	}
	if (!index)
		return parse_fail(parse, EINVAL, node, "index or args is required");
	if (value_integer(index->text, ABI_T_U32, &number) >= 0 && hook_source(hook, number, &source) >= 0)
		for (unsigned i = 0; i < hook->args_n; i++)
			if (hook->rule.arg[i].source == source) {
				*ret_position = i;
				return 0;
			}
	return parse_fail_key(parse, EINVAL, index,
			      "argFilter for unknown index %s: no entry of the hook's args has it",
			      shown(index->text).text);
}

static int filter_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook,
		       struct abi_filter *filter)
{
	const struct yaml_node *word;
	const struct operator_row *row = NULL;
	enum abi_type type;
	unsigned position = 0;
	int r = schema_check(parse, SCHEMA_MATCH_ARG, node);

	if (r < 0)
		return r;
	word = schema_get(parse, node, "operator");
	for (size_t i = 0; i < OPERATORS && !row; i++)
		if (str_is(word->text, operators[i].name))
			row = &operators[i];
	if (!row)
		return parse_fail_key(parse, EINVAL, word, "unknown operator %s%s", shown(word->text).text,
				      schema_hint(word->text, operators, OPERATORS, sizeof *operators).text);
	if (!row->integer && !row->string)
		return parse_fail_key(parse, EINVAL, word, "'%s': not supported yet", row->name);
	r = position_read(parse, node, hook, &position);
	if (r < 0)
		return r;
	type = hook->rule.arg[position].type;
	if (type == ABI_T_STRING ? !row->string : !row->integer)
		return parse_fail_key(parse, EINVAL, word, "'%s' is not for an argument of type %s", row->name,
				      hook->arg[position].type_name);
	filter->arg = (__u8)position;
	filter->op = (__u8)(type == ABI_T_STRING ? row->string : row->integer);
	filter->negate = row->negate;
	if (type == ABI_T_STRING)
		hook->rule.has_strings = 1;
	return values_read(parse, schema_get(parse, node, "values"), row, type, filter);
}

static int action_read(struct parse *parse, const struct yaml_node *node, const struct action_row **ret_action)
{
	const struct yaml_node *name;
	const struct action_row *row = NULL;
	int r = 0;

	/* The action's name first: "Override: not supported yet" tells more than "argError: not supported yet". */
	name = yaml_get(parse->tree, node, "action");
	if (!name || name->type != YAML_SCALAR || name->kind != YAML_TEXT)
		r = schema_check(parse, SCHEMA_ACTION, node);
	if (r < 0)
		return r;
	assert(name); /* or the check would have found it missing */
	for (size_t i = 0; i < ACTIONS && !row; i++)
		if (str_is(name->text, actions[i].name))
			row = &actions[i];
	if (!row)
		return parse_fail_key(parse, EINVAL, name, "unknown action %s%s", shown(name->text).text,
				      schema_hint(name->text, actions, ACTIONS, sizeof *actions).text);
	if (row->effect == ACTION_NOT_YET)
		return parse_fail_key(parse, EINVAL, name, "'%s': not supported yet", row->name);
	*ret_action = row;
	return schema_check(parse, SCHEMA_ACTION, node);
}

static int actions_read(struct parse *parse, const struct yaml_node *list, struct policy_hook *hook,
			struct abi_selector *selector)
{
	bool quiet = false;
	size_t mark, i = 0;
	int r;

	selector->actions = ABI_ACT_USED;
	if (list) {
		path_key(parse, "matchActions");
		mark = path_mark(parse);
		r = hook_list_limit(parse, list, ACTIONS_MAX, "actions");
		if (r < 0)
			return r;
		for (const struct yaml_node *node = yaml_first(parse->tree, list); node;
		     node = yaml_next(parse->tree, node)) {
			const struct action_row *action = NULL;

			path_index(parse, i++);
			r = action_read(parse, node, &action);
			if (r < 0)
				return r;
			assert(action);
			quiet |= action->effect == ACTION_NO_POST;
			if (action->effect == ACTION_SIGKILL) {
				selector->actions |= ABI_ACT_SIGKILL;
				hook->signalled = true;
				parse->policy->enforces = true;
			}
			path_reset(parse, mark);
		}
	}
	if (!quiet)
		selector->actions |= ABI_ACT_POST;
	return 0;
}

static int selector_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook,
			 struct abi_selector *selector)
{
	const struct yaml_node *filters;
	size_t outer = path_mark(parse), mark, i = 0;
	int r = schema_check(parse, SCHEMA_SELECTOR, node);

	if (r < 0)
		return r;
	filters = schema_get(parse, node, "matchArgs");
	if (filters) {
		path_key(parse, "matchArgs");
		mark = path_mark(parse);
		r = hook_list_limit(parse, filters, ABI_FILTERS, "filters");
		if (r < 0)
			return r;
		for (const struct yaml_node *filter = yaml_first(parse->tree, filters); filter;
		     filter = yaml_next(parse->tree, filter)) {
			path_index(parse, i);
			r = filter_read(parse, filter, hook, &selector->filter[i++]);
			if (r < 0)
				return r;
			path_reset(parse, mark);
		}
		path_reset(parse, outer);
	}
	r = actions_read(parse, schema_get(parse, node, "matchActions"), hook, selector);
	if (r >= 0)
		path_reset(parse, outer);
	return r;
}

int selectors_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	size_t outer = path_mark(parse), mark;
	int r;

	if (!node)
		return 0;
	path_key(parse, "selectors");
	mark = path_mark(parse);
	r = hook_list_limit(parse, node, ABI_SELECTORS, "selectors");
	for (const struct yaml_node *selector = yaml_first(parse->tree, node); selector && r >= 0;
	     selector = yaml_next(parse->tree, selector)) {
		path_index(parse, hook->selectors_n);
		r = selector_read(parse, selector, hook, &hook->rule.selector[hook->selectors_n]);
		if (r < 0)
			return r;
		hook->selectors_n++;
		path_reset(parse, mark);
	}
	if (r >= 0)
		path_reset(parse, outer);
	return r;
}
