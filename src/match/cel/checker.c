/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/checker.h"

#include <errno.h>

#include "base/error.h"
#include "match/cel/limits.h"
#include "match/cel/overload.h"
#include "match/cel/place.h"
#include "match/cel/suggest.h"
#include "match/regex.h"

#define WORDS_MAX 600 /* bytes of the varying part of a message */

/* A macro's variable, from the innermost outwards. */
struct scope {
	struct str name;
	const struct cel_type *type;
	uint32_t slot;
	const struct scope *outer;
};

struct checker {
	struct str source;
	const struct cel_variable *variable;
	size_t variables;
	const struct scope *scope;
	struct unifier unifier;
	struct error *err;
	int result; /* negative errno of the first error */
};

static void check(struct checker *c, struct cel_node *node);

static void fail_words(struct checker *c, const struct cel_node *node, struct buf *words)
{
	if (!c->result)
		c->result = cel_error_at(c->err, EINVAL, c->source, node->at, "%s", words->p);
}

static void fail_kind(struct checker *c, const struct cel_node *node, const char *what, const struct cel_type *is)
{
	char memory[WORDS_MAX];
	struct buf words = buf_over(memory, sizeof memory);

	buf_text(&words, what);
	cel_type_print(&words, unifier_resolve(&c->unifier, is, true));
	fail_words(c, node, &words);
}

/* After an answer of the unifier: has it stopped working? */
static bool is_stopped(struct checker *c)
{
	if (!c->result && c->unifier.exhausted)
		c->result = error_set(c->err, ENOMEM, "the expression needs more memory than there is");
	if (!c->result && !c->unifier.steps)
		c->result = error_set(c->err, E2BIG,
				      "the types in the expression are too large: more than %d comparisons",
				      CEL_CHECK_STEPS_MAX);
	return c->result < 0;
}

static bool fits(struct checker *c, const struct cel_type *is, const struct cel_type *wanted)
{
	return unifier_fits(&c->unifier, &is, &wanted, 1);
}

static const struct cel_type *resolve(struct checker *c, const struct cel_type *type)
{
	const struct cel_type *known = unifier_resolve(&c->unifier, type, false);

	return known ? known : &cel_type_dyn; /* is_stopped tells */
}

/* --- names --- */

static bool type_name_find(struct str name, enum cel_kind *ret)
{
	for (enum cel_kind kind = CEL_NULL; kind <= CEL_DURATION; kind++)
		if (str_is(name, cel_kind_name(kind))) {
			*ret = kind;
			return true;
		}
	return false;
}

static void become_type(struct checker *c, struct cel_node *node, enum cel_kind kind)
{
	node->kind = NODE_LITERAL;
	node->n = 0;
	node->literal = cel_type_value(kind);
	node->type = unifier_type(&c->unifier, CEL_TYPE, cel_type_of_kind(kind), NULL);
}

static void fail_undeclared(struct checker *c, const struct cel_node *node)
{
	struct cel_suggestion best = { .wanted = node->name };
	char memory[WORDS_MAX];
	struct buf words = buf_over(memory, sizeof memory);

	for (const struct scope *scope = c->scope; scope; scope = scope->outer)
		cel_suggestion_offer(&best, scope->name);
	for (size_t i = 0; i < c->variables; i++)
		cel_suggestion_offer(&best, str_of(c->variable[i].name));
	for (enum cel_kind kind = CEL_NULL; kind < CEL_TIMESTAMP; kind++)
		cel_suggestion_offer(&best, str_of(cel_kind_name(kind)));
	buf_printf(&words, "undeclared name '%.*s'", (int)(node->name.len < 200 ? node->name.len : 200), node->name.p);
	if (best.word.len) {
		buf_printf(&words, "; did you mean '%.*s'?", (int)best.word.len, best.word.p);
	} else if (c->variables) {
		buf_text(&words, "; there are ");
		for (size_t i = 0; i < c->variables && !words.overflow; i++)
			buf_printf(&words, "%s%s", i ? ", " : "", c->variable[i].name);
	}
	fail_words(c, node, &words);
}

static void check_ident(struct checker *c, struct cel_node *node)
{
	const struct scope *scope = node->is_absolute ? NULL : c->scope;
	enum cel_kind kind;

	for (; scope; scope = scope->outer)
		if (str_equal(scope->name, node->name)) {
			node->is_local = true;
			node->slot = scope->slot;
			node->type = scope->type;
			return;
		}
	for (size_t i = 0; i < c->variables; i++)
		if (str_is(node->name, c->variable[i].name)) {
			node->slot = (uint32_t)i;
			node->type = c->variable[i].type;
			return;
		}
	if (type_name_find(node->name, &kind))
		become_type(c, node, kind);
	else
		fail_undeclared(c, node);
}

/* --- fields --- */

static const char *const dotted_type[] = { "google", "protobuf" };

/* google.protobuf.Timestamp and Duration are names of types, unless "google" is a variable. */
static bool dotted_type_find(struct checker *c, const struct cel_node *node, enum cel_kind *ret)
{
	static const char last[] = "Duration", first[] = "Timestamp";
	const struct cel_node *inner = node->child[0];

	if (!str_is(node->name, last) && !str_is(node->name, first))
		return false;
	if (inner->kind != NODE_SELECT || !str_is(inner->name, dotted_type[1]) || inner->child[0]->kind != NODE_IDENT ||
	    !str_is(inner->child[0]->name, dotted_type[0]))
		return false;
	for (const struct scope *scope = c->scope; scope; scope = scope->outer)
		if (str_is(scope->name, dotted_type[0]))
			return false;
	for (size_t i = 0; i < c->variables; i++)
		if (!strcmp(c->variable[i].name, dotted_type[0]))
			return false;
	*ret = str_is(node->name, last) ? CEL_DURATION : CEL_TIMESTAMP;
	return true;
}

static void check_field(struct checker *c, struct cel_node *node)
{
	const struct cel_type *operand;
	enum cel_kind kind;

	if (node->kind == NODE_SELECT && dotted_type_find(c, node, &kind)) {
		become_type(c, node, kind);
		return;
	}
	check(c, node->child[0]);
	if (c->result)
		return;
	operand = resolve(c, node->child[0]->type);
	node->type = &cel_type_dyn;
	if (operand->kind == CEL_MAP)
		node->type = operand->arg[1];
	else if (operand->kind == CEL_PARAM)
		(void)fits(c, &cel_type_dyn, operand); /* an unknown type can become dyn */
	else if (operand->kind != CEL_DYN)
		fail_kind(c, node, "only maps have fields; this is a field of a value of type ", operand);
	if (node->kind == NODE_HAS)
		node->type = &cel_type_bool;
}

/* --- calls --- */

static void fail_no_function(struct checker *c, const struct cel_node *node)
{
	static const struct {
		const char *name, *use;
	} macros[] = {
		{ "has", "has(a.b)" },
		{ "all", "list.all(x, predicate)" },
		{ "exists", "list.exists(x, predicate)" },
		{ "exists_one", "list.exists_one(x, predicate)" },
		{ "map", "list.map(x, item) or list.map(x, predicate, item)" },
		{ "filter", "list.filter(x, predicate)" },
	};
	struct cel_suggestion best = { .wanted = node->name };
	char memory[WORDS_MAX];
	struct buf words = buf_over(memory, sizeof memory);

	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
		cel_suggestion_offer(&best, str_of(macros[i].name));
		if (str_is(node->name, macros[i].name)) {
			buf_printf(&words, "this is not how '%s' is used: want %s", macros[i].name, macros[i].use);
			fail_words(c, node, &words);
			return;
		}
	}
	for (size_t i = OPERATOR_IN + 1; i < cel_function_count; i++)
		cel_suggestion_offer(&best, str_of(cel_functions[i].name));
	buf_printf(&words, "undeclared function '%.*s'", (int)(node->name.len < 200 ? node->name.len : 200),
		   node->name.p);
	if (best.word.len)
		buf_printf(&words, "; did you mean '%.*s'?", (int)best.word.len, best.word.p);
	fail_words(c, node, &words);
}

/* A constant pattern is compiled once, here, and found to be wrong before anything runs. */
static void pattern_compile(struct checker *c, struct cel_node *node)
{
	const struct cel_node *pattern = node->child[1];
	struct error inner = { 0 };
	int r;

	if (node->function->run != cel_run_matches || pattern->kind != NODE_LITERAL)
		return;
	r = regex_compile(pattern->literal.text, c->unifier.arena, &node->pattern, &inner);
	if (r == -ENOMEM)
		c->unifier.exhausted = true;
	else if (r < 0)
		c->result = cel_error_at(c->err, -r, c->source, pattern->from, "%s", inner.text);
}

static void check_call(struct checker *c, struct cel_node *node)
{
	const struct cel_type *argument[CEL_ARGUMENTS_MAX + 1];
	size_t n = node->n < CEL_ARGUMENTS_MAX + 1 ? node->n : CEL_ARGUMENTS_MAX + 1;

	if (!node->function)
		node->function = cel_function_find(node->name);
	if (!node->function) {
		fail_no_function(c, node);
		return;
	}
	for (uint32_t i = 0; i < node->n && !c->result; i++) {
		check(c, node->child[i]);
		if (i < n)
			argument[i] = node->child[i]->type;
	}
	if (c->result)
		return;
	node->type = overload_resolve(&c->unifier, node->function, node->is_member, argument, n);
	if (is_stopped(c))
		return;
	if (!node->type) {
		char memory[WORDS_MAX];
		struct buf words = buf_over(memory, sizeof memory);

		for (size_t i = 0; i < n; i++)
			argument[i] = resolve(c, argument[i]);
		overload_explain(&words, &c->unifier, node->function, node->is_member, argument, n);
		fail_words(c, node, &words);
		return;
	}
	pattern_compile(c, node);
}

/* --- the rest --- */

static void check_list(struct checker *c, struct cel_node *node)
{
	const struct cel_type *item = NULL;

	for (uint32_t i = 0; i < node->n; i++) {
		check(c, node->child[i]);
		if (c->result)
			return;
		item = item ? unifier_join(&c->unifier, item, node->child[i]->type) : node->child[i]->type;
	}
	node->type = unifier_type(&c->unifier, CEL_LIST, item ? item : unifier_param(&c->unifier), NULL);
}

static bool is_key(const struct cel_type *type)
{
	return type->kind == CEL_BOOL || type->kind == CEL_INT || type->kind == CEL_UINT || type->kind == CEL_STRING ||
	       type->kind == CEL_DYN || type->kind == CEL_PARAM;
}

static void check_map(struct checker *c, struct cel_node *node)
{
	const struct cel_type *part[2] = { NULL, NULL }; /* key, value */

	for (uint32_t i = 0; i < node->n; i++) {
		const struct cel_type *type;

		check(c, node->child[i]);
		if (c->result)
			return;
		type = node->child[i]->type;
		if (i % 2 == 0 && !is_key(resolve(c, type)))
			fail_kind(c, node->child[i], "a key of a map is a bool, int, uint or string; this is of type ",
				  type);
		part[i % 2] = part[i % 2] ? unifier_join(&c->unifier, part[i % 2], type) : type;
	}
	if (!part[0]) {
		part[0] = unifier_param(&c->unifier);
		part[1] = unifier_param(&c->unifier);
	}
	node->type = unifier_type(&c->unifier, CEL_MAP, part[0], part[1]);
}

static void check_bool(struct checker *c, struct cel_node *node, const char *what)
{
	check(c, node);
	if (!c->result && !fits(c, &cel_type_bool, node->type) && !is_stopped(c))
		fail_kind(c, node, what, node->type);
}

static void check_logic(struct checker *c, struct cel_node *node)
{
	for (uint32_t i = 0; i < node->n && !c->result; i++)
		check_bool(c, node->child[i],
			   node->kind == NODE_AND ? "an operand of '&&' must be bool, this is of type "
						  : "an operand of '||' must be bool, this is of type ");
	node->type = &cel_type_bool;
}

static void check_if(struct checker *c, struct cel_node *node)
{
	const struct cel_type *is[2], *wanted[2], *param;

	check_bool(c, node->child[0], "the condition of '?' must be bool, this is of type ");
	for (uint32_t i = 1; i < 3 && !c->result; i++)
		check(c, node->child[i]);
	if (c->result)
		return;
	param = unifier_param(&c->unifier);
	if (!param)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		is[i] = node->child[i + 1]->type;
		wanted[i] = param;
	}
	if (!unifier_fits(&c->unifier, is, wanted, 2) && !is_stopped(c)) {
		char memory[WORDS_MAX];
		struct buf words = buf_over(memory, sizeof memory);

		buf_text(&words, "both branches of '?' must have one type, these are of types ");
		cel_type_print(&words, unifier_resolve(&c->unifier, is[0], true));
		buf_text(&words, " and ");
		cel_type_print(&words, unifier_resolve(&c->unifier, is[1], true));
		fail_words(c, node, &words);
	}
	node->type = resolve(c, param);
}

static const struct cel_type *range_item(struct checker *c, struct cel_node *range)
{
	const struct cel_type *type = resolve(c, range->type);

	if (type->kind == CEL_LIST || type->kind == CEL_MAP)
		return type->arg[0];
	if (type->kind == CEL_PARAM)
		(void)fits(c, &cel_type_dyn, type);
	else if (type->kind != CEL_DYN)
		fail_kind(c, range, "a macro goes over a list or the keys of a map, this is of type ", type);
	return &cel_type_dyn;
}

static void check_fold(struct checker *c, struct cel_node *node)
{
	struct scope scope = { .name = node->name, .outer = c->scope };
	uint32_t last = node->n - 1;
	bool maps = node->fold == FOLD_MAP;

	check(c, node->child[0]);
	if (c->result)
		return;
	scope.type = range_item(c, node->child[0]);
	scope.slot = c->scope ? c->scope->slot + 1 : 0;
	node->slot = scope.slot;
	if (scope.slot == CEL_FOLD_MAX) {
		c->result = cel_error_at(c->err, E2BIG, c->source, node->at, "macros inside each other: at most %d",
					 CEL_FOLD_MAX);
		return;
	}
	c->scope = &scope;
	if (!maps || node->n == 3)
		check_bool(c, node->child[1], "the predicate of a macro must be bool, this is of type ");
	if (maps && !c->result)
		check(c, node->child[last]);
	c->scope = scope.outer;
	if (c->result)
		return;
	if (maps || node->fold == FOLD_FILTER)
		node->type = unifier_type(&c->unifier, CEL_LIST,
					  resolve(c, maps ? node->child[last]->type : scope.type), NULL);
	else
		node->type = &cel_type_bool;
}

static void check(struct checker *c, struct cel_node *node)
{
	switch (node->kind) {
	case NODE_LITERAL:
		node->type = cel_type_of_kind(node->literal.kind);
		break;
	case NODE_IDENT:
		check_ident(c, node);
		break;
	case NODE_SELECT:
	case NODE_HAS:
		check_field(c, node);
		break;
	case NODE_CALL:
		check_call(c, node);
		break;
	case NODE_LIST:
		check_list(c, node);
		break;
	case NODE_MAP:
		check_map(c, node);
		break;
	case NODE_AND:
	case NODE_OR:
		check_logic(c, node);
		break;
	case NODE_IF:
		check_if(c, node);
		break;
	default:
		check_fold(c, node);
	}
	(void)is_stopped(c); /* the callers look at c->result */
}

static size_t nodes_count(const struct cel_node *node)
{
	size_t n = 1;

	for (uint32_t i = 0; i < node->n; i++)
		n += nodes_count(node->child[i]);
	return n;
}

int cel_check(struct cel_node *root, struct str source, const struct cel_variable *variable, size_t n,
	      const struct cel_type *want, struct arena *arena, struct error *err)
{
	struct checker c = { .source = source, .variable = variable, .variables = n, .err = err };

	/* A node keeps three unknown types at most: those of the overloads that fit. */
	if (unifier_init(&c.unifier, arena, nodes_count(root) * 4, CEL_CHECK_STEPS_MAX) < 0)
		return error_set(err, ENOMEM, "the expression needs more memory than there is");
	check(&c, root);
	if (!c.result)
		root->type = unifier_resolve(&c.unifier, root->type, true);
	if (is_stopped(&c))
		return c.result;
	if (want && !fits(&c, root->type, want)) {
		char memory[WORDS_MAX];
		struct buf words = buf_over(memory, sizeof memory);

		buf_text(&words, "the expression must be ");
		cel_type_print(&words, want);
		buf_text(&words, ", it is of type ");
		cel_type_print(&words, root->type);
		fail_words(&c, root, &words);
	}
	return c.result;
}
