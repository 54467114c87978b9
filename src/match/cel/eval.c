/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/eval.h"

#include <errno.h>

#include "base/error.h"
#include "match/cel/checker.h"

/* May not outlive its round of a fold: bool or number, or text and containers of the arena beyond `mark`. */
static struct cel_value evaluate(struct cel_eval *eval, const struct cel_node *node);

static struct cel_value eval_ident(struct cel_eval *eval, const struct cel_node *node)
{
	if (node->is_local)
		return eval->local[node->slot];
	if (eval->value[node->slot].kind == CEL_ABSENT)
		return cel_fault(eval, node, "this variable has no value");
	return eval->value[node->slot];
}

static struct cel_value eval_field(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_value operand = evaluate(eval, node->child[0]), key = cel_string(node->name);
	const struct cel_value *value;

	if (operand.kind == CEL_FAULT)
		return operand;
	if (operand.kind == CEL_LIST)
		return cel_fault_kinds(eval, node, &operand, 1);
	if (operand.kind != CEL_MAP) /* of type dyn: as a map without keys, like cel-go */
		return node->kind == NODE_HAS ? cel_bool(false) : cel_fault_with(eval, node, "no such key", key);
	value = cel_map_find(operand.map, key, &eval->steps);
	if (!cel_step(eval, 1) || node->kind == NODE_HAS)
		return cel_bool(value);
	return value ? *value : cel_fault_with(eval, node, "no such key", key);
}

static struct cel_value eval_call(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_value argument[CEL_ARGUMENTS_MAX];

	for (uint32_t i = 0; i < node->n; i++) {
		argument[i] = evaluate(eval, node->child[i]);
		if (argument[i].kind == CEL_FAULT)
			return argument[i];
	}
	return node->function->run(eval, node, argument, node->n);
}

static struct cel_value eval_list(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_list *list = cel_allocate(eval, sizeof *list);
	struct cel_value *item = cel_allocate(eval, node->n * sizeof *item);

	for (uint32_t i = 0; i < node->n; i++) {
		struct cel_value value = evaluate(eval, node->child[i]);

		if (value.kind == CEL_FAULT || eval->stopped)
			return value;
		item[i] = value;
	}
	if (eval->stopped)
		return cel_null();
	*list = (struct cel_list){ item, node->n };
	return cel_list(list);
}

static struct cel_value eval_map(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_map *map = cel_allocate(eval, sizeof *map);
	struct cel_entry *entry = cel_allocate(eval, node->n / 2 * sizeof *entry);

	if (!map || !entry)
		return cel_null();
	*map = (struct cel_map){ entry, 0 };
	for (uint32_t i = 0; i < node->n / 2; i++) {
		struct cel_value key = evaluate(eval, node->child[2 * i]), value;

		if (key.kind == CEL_FAULT)
			return key;
		if (key.kind != CEL_BOOL && key.kind != CEL_INT && key.kind != CEL_UINT && key.kind != CEL_STRING &&
		    !eval->stopped)
			return cel_fault_with(eval, node->child[2 * i], "a key of a map is a bool, int, uint or string",
					      key);
		if (cel_map_find(map, key, &eval->steps))
			return cel_fault_with(eval, node->child[2 * i], "the same key twice in a map", key);
		value = evaluate(eval, node->child[2 * i + 1]);
		if (value.kind == CEL_FAULT || eval->stopped)
			return value;
		entry[map->n++] = (struct cel_entry){ key, value };
	}
	return cel_map(map);
}

/* One operand that is `decisive` (false for &&, true for ||) decides, whatever the others are, faults included. */
static struct cel_value eval_logic(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_value fault = cel_null();
	bool decisive = node->kind == NODE_OR;

	for (uint32_t i = 0; i < node->n; i++) {
		struct cel_value value = evaluate(eval, node->child[i]);

		if (eval->stopped || (value.kind == CEL_BOOL && value.truth == decisive))
			return value;
		if (value.kind != CEL_BOOL && fault.kind != CEL_FAULT)
			fault = value.kind == CEL_FAULT ? value : cel_fault_kinds(eval, node, &value, 1);
	}
	return fault.kind == CEL_FAULT ? fault : cel_bool(!decisive);
}

static struct cel_value eval_if(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_value condition = evaluate(eval, node->child[0]);

	if (condition.kind == CEL_FAULT || eval->stopped)
		return condition;
	if (condition.kind != CEL_BOOL)
		return cel_fault_kinds(eval, node, &condition, 1);
	return evaluate(eval, node->child[condition.truth ? 1 : 2]);
}

/* A predicate of a macro: a bool or a fault. */
static struct cel_value eval_predicate(struct cel_eval *eval, const struct cel_node *fold)
{
	struct cel_value value = evaluate(eval, fold->child[1]);

	if (value.kind == CEL_BOOL || value.kind == CEL_FAULT)
		return value;
	return cel_fault_kinds(eval, fold, &value, 1);
}

/* What a fold goes over: the items of a list or the keys of a map. */
struct range {
	struct cel_value of;
	size_t n;
};

static struct cel_value range_item(const struct range *range, size_t i)
{
	return range->of.kind == CEL_LIST ? range->of.list->item[i] : range->of.map->entry[i].key;
}

/* all, exists: as a chain of && or ||. exists_one: a fault is the result, for it may be the second. */
static struct cel_value eval_quantifier(struct cel_eval *eval, const struct cel_node *node, const struct range *range)
{
	struct cel_value fault = cel_null();
	bool one = node->fold == FOLD_EXISTS_ONE, decisive = node->fold == FOLD_EXISTS;
	size_t found = 0;

	for (size_t i = 0; i < range->n && cel_step(eval, 1); i++) {
		size_t mark = eval->arena->used;
		struct cel_value value;

		eval->local[node->slot] = range_item(range, i);
		value = eval_predicate(eval, node);
		if (eval->stopped || (one && value.kind == CEL_FAULT))
			return value;
		if (value.kind == CEL_FAULT) {
			if (fault.kind == CEL_FAULT)
				eval->arena->used = mark;
			else
				fault = value; /* the first is kept, with what it points to */
			continue;
		}
		if (!one && value.truth == decisive)
			return value;
		found += value.truth;
		eval->arena->used = mark;
	}
	if (fault.kind == CEL_FAULT)
		return fault;
	return cel_bool(one ? found == 1 : !decisive);
}

static struct cel_value eval_collection(struct cel_eval *eval, const struct cel_node *node, const struct range *range)
{
	struct cel_list *list = cel_allocate(eval, sizeof *list);
	struct cel_value *item = cel_allocate(eval, range->n * sizeof *item);
	size_t n = 0;

	for (size_t i = 0; i < range->n && cel_step(eval, 1); i++) {
		size_t mark = eval->arena->used;
		struct cel_value value = cel_bool(true);

		eval->local[node->slot] = range_item(range, i);
		if (node->fold == FOLD_FILTER || node->n == 3) {
			value = eval_predicate(eval, node);
			if (value.kind == CEL_FAULT || eval->stopped)
				return value;
			eval->arena->used = mark;
		}
		if (!value.truth)
			continue;
		if (node->fold == FOLD_FILTER)
			value = range_item(range, i);
		else
			value = evaluate(eval, node->child[node->n - 1]);
		if (value.kind == CEL_FAULT || eval->stopped)
			return value;
		item[n++] = value;
	}
	if (eval->stopped)
		return cel_null();
	*list = (struct cel_list){ item, n };
	return cel_list(list);
}

static struct cel_value eval_fold(struct cel_eval *eval, const struct cel_node *node)
{
	struct range range = { .of = evaluate(eval, node->child[0]) };

	if (range.of.kind == CEL_FAULT || eval->stopped)
		return range.of;
	if (range.of.kind != CEL_LIST && range.of.kind != CEL_MAP)
		return cel_fault_kinds(eval, node, &range.of, 1);
	range.n = range.of.kind == CEL_LIST ? range.of.list->n : range.of.map->n;
	if (node->fold == FOLD_MAP || node->fold == FOLD_FILTER)
		return eval_collection(eval, node, &range);
	return eval_quantifier(eval, node, &range);
}

static struct cel_value evaluate(struct cel_eval *eval, const struct cel_node *node)
{
	struct cel_value value;

	if (!cel_step(eval, 1))
		return (struct cel_value){ .kind = CEL_FAULT };
	switch (node->kind) {
	case NODE_LITERAL:
		return node->literal;
	case NODE_IDENT:
		value = eval_ident(eval, node);
		break;
	case NODE_SELECT:
	case NODE_HAS:
		value = eval_field(eval, node);
		break;
	case NODE_CALL:
		value = eval_call(eval, node);
		break;
	case NODE_LIST:
		value = eval_list(eval, node);
		break;
	case NODE_MAP:
		value = eval_map(eval, node);
		break;
	case NODE_AND:
	case NODE_OR:
		value = eval_logic(eval, node);
		break;
	case NODE_IF:
		value = eval_if(eval, node);
		break;
	default:
		value = eval_fold(eval, node);
	}
	if (eval->stopped)
		value.kind = CEL_FAULT; /* so that no caller looks into it */
	return value;
}

int cel_evaluate(const struct cel_program *program, const struct cel_value *value, const struct cel_settings *settings,
		 struct arena *arena, struct cel_value *ret, struct error *err)
{
	struct cel_eval eval = {
		.program = program,
		.value = value,
		.zone_dir = settings && settings->zone_dir ? settings->zone_dir : "/usr/share/zoneinfo",
		.arena = arena,
		.err = err,
		.steps = settings && settings->steps ? settings->steps : CEL_STEPS_DEFAULT,
	};
	struct cel_value result = evaluate(&eval, program->root);

	if (!eval.stopped)
		(void)cel_step(&eval, 1); /* comparisons of values take steps without looking */
	if (eval.stopped)
		return eval.stopped;
	if (result.kind == CEL_FAULT) {
		cel_fault_explain(&eval, result.fault);
		return -EDOM;
	}
	*ret = result;
	return 0;
}

int cel_compile(struct str source, const struct cel_variable *variable, size_t n, const struct cel_type *want,
		struct arena *arena, struct cel_program **ret, struct error *err)
{
	struct cel_program *program = arena_alloc(arena, sizeof *program);
	struct str kept = source;
	int r;

	if (source.len <= CEL_SOURCE_MAX) /* else cel_parse says so */
		kept.p = arena_copy(arena, source);
	if (!program || (!kept.p && source.p))
		return error_set(err, ENOMEM, "the expression needs more memory than there is");
	*program = (struct cel_program){ .source = kept, .variable = variable, .variables = n };
	r = cel_parse(program->source, variable, n, arena, &program->root, err);
	if (r == 0)
		r = cel_check(program->root, program->source, variable, n, want, arena, err);
	if (r < 0)
		return r;
	*ret = program;
	return 0;
}

const struct cel_type *cel_program_type(const struct cel_program *program)
{
	return program->root->type;
}

void cel_program_print(struct buf *out, const struct cel_program *program)
{
	cel_node_print(out, program->root);
}

int cel_list_of_texts(const struct str *text, size_t n, struct arena *arena, struct cel_value *ret)
{
	struct cel_list *list = arena_alloc(arena, sizeof *list);
	struct cel_value *item = n <= SIZE_MAX / sizeof *item ? arena_alloc(arena, n * sizeof *item) : NULL;

	if (!list || !item)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		item[i] = cel_string(text[i]);
	*list = (struct cel_list){ item, n };
	*ret = cel_list(list);
	return 0;
}

int cel_map_of_texts(const struct str *key, const struct str *text, size_t n, struct arena *arena,
		     struct cel_value *ret)
{
	struct cel_map *map = arena_alloc(arena, sizeof *map);
	struct cel_entry *entry = n <= SIZE_MAX / sizeof *entry ? arena_alloc(arena, n * sizeof *entry) : NULL;

	if (!map || !entry)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		entry[i] = (struct cel_entry){ cel_string(key[i]), cel_string(text[i]) };
	*map = (struct cel_map){ entry, n };
	*ret = cel_map(map);
	return 0;
}
