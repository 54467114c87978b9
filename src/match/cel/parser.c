/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/parser.h"

#include <errno.h>

#include "base/error.h"
#include "base/utf8.h"
#include "match/cel/function.h"
#include "match/cel/lexer.h"
#include "match/cel/limits.h"
#include "match/cel/literal.h"
#include "match/cel/place.h"

struct parser {
	struct cel_lexer lexer;
	struct cel_token token; /* the next one */
	uint32_t last_end;      /* of the one before: where a node ends */
	const struct cel_variable *variable;
	size_t variables;
	struct arena *arena;
	struct error *err;
	int result; /* negative errno of the first error; then every function returns NULL */
	unsigned depth;
};

/* Children on their way into a node's array: a list in the arena, the last one first. */
struct children {
	struct link {
		struct cel_node *node;
		struct link *before;
	} * last;
	uint32_t n;
};

static struct cel_node *parse_expression(struct parser *p);

static void *fail_at(struct parser *p, size_t at, const char *what)
{
	if (!p->result)
		p->result = cel_error_at(p->err, EINVAL, p->lexer.source, at, "%s", what);
	return NULL;
}

static void *fail_limit(struct parser *p, size_t at, const char *what, unsigned limit)
{
	if (!p->result)
		p->result = cel_error_at(p->err, E2BIG, p->lexer.source, at, "%s: at most %u", what, limit);
	return NULL;
}

static void *allocate(struct parser *p, size_t n)
{
	void *memory = p->result ? NULL : arena_alloc(p->arena, n);

	if (!memory && !p->result)
		p->result = error_set(p->err, ENOMEM, "the expression needs more memory than there is");
	return memory;
}

/* After an error the token is the end, so that every loop ends. */
static void advance(struct parser *p)
{
	p->last_end = p->token.end;
	if (!p->result)
		p->result = cel_lexer_next(&p->lexer, &p->token, p->err);
	if (p->result)
		p->token.kind = TOKEN_END;
}

static bool accept(struct parser *p, int kind)
{
	if (p->result || p->token.kind != kind)
		return false;
	advance(p);
	return true;
}

static void expect(struct parser *p, int kind, const char *what)
{
	if (!accept(p, kind))
		fail_at(p, p->token.at, what);
}

static struct cel_node *node_new(struct parser *p, enum cel_node_kind kind, uint32_t at, uint32_t from)
{
	struct cel_node *node = allocate(p, sizeof *node);

	if (node)
		*node = (struct cel_node){ .kind = kind, .depth = 1, .at = at, .from = from, .to = p->last_end };
	return node;
}

static void child_add(struct parser *p, struct children *children, struct cel_node *node)
{
	struct link *link;

	if (children->n == 2 * CEL_ITEMS_MAX)
		fail_limit(p, p->token.at, "too many items, entries or operands", CEL_ITEMS_MAX);
	link = allocate(p, sizeof *link);
	if (!link || !node)
		return;
	*link = (struct link){ node, children->last };
	children->last = link;
	children->n++;
}

/* Moves the children into the node, and tells the limits that a node has. */
static struct cel_node *node_close(struct parser *p, struct cel_node *node, struct children *children)
{
	unsigned depth = 0, most = CEL_ITEMS_MAX * (node && node->kind == NODE_MAP ? 2u : 1u);

	if (p->result || !node)
		return NULL;
	if (children->n > most)
		return fail_limit(p, node->at, "too many items, entries or operands", CEL_ITEMS_MAX);
	node->n = children->n;
	node->child = allocate(p, (children->n ? children->n : 1) * sizeof *node->child);
	if (!node->child)
		return NULL;
	for (struct link *link = children->last; link; link = link->before) {
		node->child[--children->n] = link->node;
		depth = link->node->depth > depth ? link->node->depth : depth;
	}
	if (depth >= CEL_DEPTH_MAX)
		return fail_limit(p, node->at, "the expression nests too deeply", CEL_DEPTH_MAX);
	node->depth = (uint16_t)(depth + 1);
	node->to = p->last_end;
	return node;
}

static struct cel_node *operator_new(struct parser *p, enum cel_operator op, uint32_t at, struct cel_node *a,
				     struct cel_node *b)
{
	struct children children = { 0 };
	struct cel_node *node = a ? node_new(p, NODE_CALL, at, a->from < at ? a->from : at) : NULL;

	if (!node)
		return NULL;
	node->function = &cel_functions[op];
	node->pattern = NULL;
	node->name = str_of(node->function->name);
	child_add(p, &children, a);
	if (b)
		child_add(p, &children, b);
	return node_close(p, node, &children);
}

/* --- primary --- */

static bool is_reserved(const struct parser *p, struct str name)
{
	static const char *const words[] = { "as",        "break",  "const",  "continue", "else", "for",
					     "function",  "if",     "import", "let",      "loop", "package",
					     "namespace", "return", "var",    "void",     "while" };

	for (size_t i = 0; i < p->variables; i++)
		if (str_is(name, p->variable[i].name))
			return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_is(name, words[i]))
			return true;
	return false;
}

/* expr, expr, … up to `close`, which is taken too. A comma at the end is allowed where `trailing` says so. */
static void parse_items(struct parser *p, struct children *children, int close, const char *want, bool trailing)
{
	if (accept(p, close))
		return;
	if (trailing && p->token.kind == ',') {
		advance(p);
		expect(p, close, want);
		return;
	}
	do {
		child_add(p, children, parse_expression(p));
		if (p->token.kind == ',' && trailing) {
			advance(p);
			if (accept(p, close))
				return;
			continue;
		}
		if (!accept(p, ','))
			break;
	} while (!p->result);
	expect(p, close, want);
}

static struct cel_node *parse_map(struct parser *p, uint32_t from)
{
	struct cel_node *node = node_new(p, NODE_MAP, from, from);
	struct children children = { 0 };
	bool more = true;

	if (accept(p, ',')) {
		expect(p, '}', "expected '}'");
		return node_close(p, node, &children);
	}
	while (more && !p->result && p->token.kind != '}') {
		child_add(p, &children, parse_expression(p));
		expect(p, ':', "expected ':' between key and value");
		child_add(p, &children, parse_expression(p));
		more = accept(p, ',');
	}
	expect(p, '}', "expected ',' or '}' after the value");
	return node_close(p, node, &children);
}

static struct cel_node *parse_has(struct parser *p, struct cel_node *node, const struct children *arguments)
{
	struct cel_node *field = arguments->last ? arguments->last->node : NULL;

	if (!field || field->kind != NODE_SELECT)
		return fail_at(p, field ? field->from : node->at, "has() wants a field: has(a.b)");
	field->kind = NODE_HAS;
	field->at = node->at;
	field->from = node->from;
	field->to = p->last_end;
	return field;
}

static struct cel_node *parse_name(struct parser *p, bool absolute, uint32_t from)
{
	struct str name = p->token.text;
	uint32_t at = p->token.at;
	struct children children = { 0 };
	struct cel_node *node;

	if (p->token.kind != TOKEN_IDENT)
		return fail_at(p, at, "expected a name after '.'");
	if (is_reserved(p, name)) {
		if (!p->result)
			p->result = cel_error_at(p->err, EINVAL, p->lexer.source, at, "'%.*s' is a reserved word",
						 (int)name.len, name.p);
		return NULL;
	}
	advance(p);
	if (!accept(p, '(')) {
		node = node_new(p, NODE_IDENT, at, from);
		if (node) {
			node->name = name;
			node->is_absolute = absolute;
		}
		return node;
	}
	node = node_new(p, NODE_CALL, at, from);
	parse_items(p, &children, ')', "expected ',' or ')' in the arguments", false);
	if (!node || p->result)
		return NULL;
	node->name = name;
	node->is_absolute = absolute;
	node->function = NULL;
	node->pattern = NULL;
	if (str_is(name, "has") && children.n == 1 && !absolute)
		return parse_has(p, node, &children);
	return node_close(p, node, &children);
}

static struct cel_node *parse_literal(struct parser *p, bool minus, uint32_t from)
{
	struct cel_token token = p->token;
	struct cel_node *node;

	advance(p);
	node = node_new(p, NODE_LITERAL, from, from);
	if (!node)
		return NULL;
	p->result = cel_literal_read(p->lexer.source, &token, minus, p->arena, &node->literal, p->err);
	return p->result ? NULL : node;
}

static struct cel_node *parse_primary(struct parser *p)
{
	uint32_t from = p->token.at;
	struct children children = { 0 };
	struct cel_node *node;

	switch (p->token.kind) {
	case '(':
		advance(p);
		node = parse_expression(p);
		expect(p, ')', "expected ')'");
		if (node && !p->result) {
			node->from = from;
			node->to = p->last_end;
		}
		return node;
	case '[':
		advance(p);
		node = node_new(p, NODE_LIST, from, from);
		parse_items(p, &children, ']', "expected ',' or ']' in the list", true);
		return node_close(p, node, &children);
	case '{':
		advance(p);
		return parse_map(p, from);
	case '.':
		advance(p);
		return parse_name(p, true, from);
	case TOKEN_IDENT:
		return parse_name(p, false, from);
	case '-':
		advance(p); /* only in front of a number, see parse_unary */
		return parse_literal(p, true, from);
	case TOKEN_INT:
	case TOKEN_UINT:
	case TOKEN_DOUBLE:
	case TOKEN_STRING:
	case TOKEN_BYTES:
	case TOKEN_TRUE:
	case TOKEN_FALSE:
	case TOKEN_NULL:
		return parse_literal(p, false, from);
	case TOKEN_END:
		return fail_at(p, from, "the expression ends where a value is expected");
	case TOKEN_QUOTED_IDENT:
		return fail_at(p, from, "a name in backquotes can only be a field: a.`b`");
	default:
		return fail_at(p, from, "expected a value");
	}
}

/* --- member: a.b, a.b(c), a[b] --- */

static bool fold_find(struct str name, uint32_t arguments, enum cel_fold *ret)
{
	static const struct {
		const char *name;
		enum cel_fold fold;
		uint32_t arguments;
	} folds[] = {
		{ "all", FOLD_ALL, 2 }, { "exists", FOLD_EXISTS, 2 }, { "exists_one", FOLD_EXISTS_ONE, 2 },
		{ "map", FOLD_MAP, 2 }, { "map", FOLD_MAP, 3 },       { "filter", FOLD_FILTER, 2 },
	};

	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
		if (arguments == folds[i].arguments && str_is(name, folds[i].name)) {
			*ret = folds[i].fold;
			return true;
		}
	return false;
}

/* The call's node becomes a fold: its first argument names the variable. */
static struct cel_node *parse_fold(struct parser *p, struct cel_node *node, struct children *children)
{
	struct link *link = children->last, *after = NULL;
	struct cel_node *variable;

	for (; link->before->before; link = link->before) /* up to the variable, the second of all */
		after = link;
	variable = link->node;
	if (variable->kind != NODE_IDENT || variable->is_absolute)
		return fail_at(p, variable->at, "the first argument of a macro is the name of its variable");
	if (after)
		after->before = link->before;
	children->n--;
	node->kind = NODE_FOLD;
	node->name = variable->name;
	return node_close(p, node, children);
}

static struct cel_node *parse_member_call(struct parser *p, struct cel_node *receiver, struct str name, uint32_t at)
{
	struct cel_node *node = node_new(p, NODE_CALL, at, receiver->from);
	struct children children = { 0 };

	child_add(p, &children, receiver);
	parse_items(p, &children, ')', "expected ',' or ')' in the arguments", false);
	if (!node || p->result)
		return NULL;
	node->name = name;
	node->is_member = true;
	node->function = NULL;
	node->pattern = NULL;
	if (fold_find(name, children.n - 1, &node->fold))
		return parse_fold(p, node, &children);
	return node_close(p, node, &children);
}

static struct cel_node *parse_field(struct parser *p, struct cel_node *operand)
{
	struct cel_token token = p->token;
	struct children children = { 0 };
	struct cel_node *node;

	if (token.kind != TOKEN_IDENT && token.kind != TOKEN_QUOTED_IDENT)
		return fail_at(p, token.at,
			       token.kind == '?' ? "optional fields (a.?b) are not part of this language"
						 : "expected a name after '.'");
	advance(p);
	if (token.kind == TOKEN_IDENT && accept(p, '('))
		return parse_member_call(p, operand, token.text, token.at);
	node = node_new(p, NODE_SELECT, token.at, operand->from);
	if (!node)
		return NULL;
	node->name = token.text;
	child_add(p, &children, operand);
	return node_close(p, node, &children);
}

static struct cel_node *parse_index(struct parser *p, struct cel_node *operand, uint32_t at)
{
	struct cel_node *index;

	if (p->token.kind == '?')
		return fail_at(p, p->token.at, "optional elements (a[?b]) are not part of this language");
	index = parse_expression(p);
	expect(p, ']', "expected ']'");
	return index ? operator_new(p, OPERATOR_INDEX, at, operand, index) : NULL;
}

static bool is_dotted_name(const struct cel_node *node)
{
	while (node->kind == NODE_SELECT)
		node = node->child[0];
	return node->kind == NODE_IDENT;
}

static struct cel_node *parse_member(struct parser *p)
{
	struct cel_node *node = parse_primary(p);

	while (node && !p->result) {
		uint32_t at = p->token.at;

		if (accept(p, '.'))
			node = parse_field(p, node);
		else if (accept(p, '['))
			node = parse_index(p, node, at);
		else if (p->token.kind == '{' && is_dotted_name(node))
			return fail_at(p, node->from, "there are no message types here; a map is written {key: value}");
		else
			break;
	}
	return node;
}

/* --- operators --- */

static bool number_follows(const struct parser *p)
{
	struct cel_lexer ahead = p->lexer;
	struct cel_token token;

	return !cel_lexer_next(&ahead, &token, NULL) && (token.kind == TOKEN_INT || token.kind == TOKEN_DOUBLE);
}

/*
 * A run of '!' or '-' counts by its length, even or odd, as cel-go has it: !!x is x without a check that x is bool. One
 * '-' in front of a number belongs to it, so that the least int can be written.
 */
static struct cel_node *parse_unary(struct parser *p)
{
	uint32_t at = p->token.at;
	int kind = p->token.kind;
	struct cel_node *node;
	bool odd = false;

	if ((kind != '!' && kind != '-') || (kind == '-' && number_follows(p)))
		return parse_member(p);
	while (p->token.kind == kind) {
		advance(p);
		odd = !odd;
	}
	node = parse_member(p);
	if (!node)
		return NULL;
	if (odd) {
		node = operator_new(p, kind == '!' ? OPERATOR_NOT : OPERATOR_NEGATE, at, node, NULL);
		if (node)
			node->from = at;
	}
	return node;
}

static const struct {
	int token;
	unsigned level; /* binds tighter than lower ones; all from left to right */
	enum cel_operator op;
} binary[] = {
	{ TOKEN_EQ, 1, OPERATOR_EQUAL },
	{ TOKEN_NE, 1, OPERATOR_NOT_EQUAL },
	{ TOKEN_LE, 1, OPERATOR_LESS_EQUAL },
	{ TOKEN_GE, 1, OPERATOR_GREATER_EQUAL },
	{ '<', 1, OPERATOR_LESS },
	{ '>', 1, OPERATOR_GREATER },
	{ TOKEN_IN, 1, OPERATOR_IN },
	{ '+', 2, OPERATOR_ADD },
	{ '-', 2, OPERATOR_SUBTRACT },
	{ '*', 3, OPERATOR_MULTIPLY },
	{ '/', 3, OPERATOR_DIVIDE },
	{ '%', 3, OPERATOR_MODULO },
};

static struct cel_node *parse_binary(struct parser *p, unsigned level)
{
	struct cel_node *left = parse_unary(p);

	while (left && !p->result) {
		uint32_t at = p->token.at;
		struct cel_node *right;
		size_t i = 0;

		while (i < sizeof binary / sizeof *binary && binary[i].token != p->token.kind)
			i++;
		if (i == sizeof binary / sizeof *binary || binary[i].level < level)
			return left;
		advance(p);
		right = parse_binary(p, binary[i].level + 1);
		left = right ? operator_new(p, binary[i].op, at, left, right) : NULL;
	}
	return left;
}

static struct cel_node *parse_logic(struct parser *p, bool is_or)
{
	struct cel_node *first = is_or ? parse_logic(p, false) : parse_binary(p, 1), *node;
	struct children children = { 0 };
	int token = is_or ? TOKEN_OR : TOKEN_AND;

	if (!first || p->token.kind != token)
		return first;
	node = node_new(p, is_or ? NODE_OR : NODE_AND, p->token.at, first->from);
	child_add(p, &children, first);
	while (accept(p, token))
		child_add(p, &children, is_or ? parse_logic(p, false) : parse_binary(p, 1));
	return node_close(p, node, &children);
}

static struct cel_node *parse_conditional(struct parser *p)
{
	struct cel_node *condition = parse_logic(p, true), *node;
	struct children children = { 0 };
	uint32_t at = p->token.at;

	if (!condition || !accept(p, '?'))
		return condition;
	node = node_new(p, NODE_IF, at, condition->from);
	child_add(p, &children, condition);
	child_add(p, &children, parse_logic(p, true));
	expect(p, ':', "expected ':' after the first branch of '?'");
	child_add(p, &children, parse_expression(p));
	return node_close(p, node, &children);
}

static struct cel_node *parse_expression(struct parser *p)
{
	struct cel_node *node;

	if (p->result)
		return NULL;
	if (p->depth == CEL_DEPTH_MAX)
		return fail_limit(p, p->token.at, "the expression nests too deeply", CEL_DEPTH_MAX);
	p->depth++;
	node = parse_conditional(p);
	p->depth--;
	return p->result ? NULL : node;
}

static int source_check(struct str source, struct error *err)
{
	unsigned n;

	if (source.len > CEL_SOURCE_MAX)
		return error_set(err, E2BIG, "the expression has %zu bytes: at most %d", source.len, CEL_SOURCE_MAX);
	for (size_t at = 0; at < source.len; at += n) {
		n = utf8_length(str_from(source, at), NULL);
		if (!n)
			return cel_error_at(err, EINVAL, source, at, "malformed UTF-8 (byte 0x%02x)",
					    (unsigned char)source.p[at]);
	}
	return 0;
}

int cel_parse(struct str source, const struct cel_variable *variable, size_t n, struct arena *arena,
	      struct cel_node **ret, struct error *err)
{
	struct parser p = {
		.lexer.source = source,
		.variable = variable,
		.variables = n,
		.arena = arena,
		.err = err,
	};
	struct cel_node *node;

	p.result = source_check(source, err);
	if (p.result)
		return p.result;
	advance(&p);
	node = parse_expression(&p);
	if (node && p.token.kind != TOKEN_END)
		fail_at(&p, p.token.at, "expected an operator or the end of the expression");
	if (p.result)
		return p.result;
	*ret = node;
	return 0;
}
