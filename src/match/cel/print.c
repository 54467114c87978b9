/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/ast.h"
#include "match/cel/function.h"

/* How tightly an expression's outermost operator binds; an operand that binds less needs parentheses. */
enum level { LEVEL_IF, LEVEL_OR, LEVEL_AND, LEVEL_RELATION, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_UNARY, LEVEL_MEMBER };

static const struct {
	const char *text;
	enum level level;
} binary[] = {
	[OPERATOR_ADD] = { " + ", LEVEL_ADD },
	[OPERATOR_SUBTRACT] = { " - ", LEVEL_ADD },
	[OPERATOR_MULTIPLY] = { " * ", LEVEL_MULTIPLY },
	[OPERATOR_DIVIDE] = { " / ", LEVEL_MULTIPLY },
	[OPERATOR_MODULO] = { " % ", LEVEL_MULTIPLY },
	[OPERATOR_LESS] = { " < ", LEVEL_RELATION },
	[OPERATOR_LESS_EQUAL] = { " <= ", LEVEL_RELATION },
	[OPERATOR_GREATER] = { " > ", LEVEL_RELATION },
	[OPERATOR_GREATER_EQUAL] = { " >= ", LEVEL_RELATION },
	[OPERATOR_EQUAL] = { " == ", LEVEL_RELATION },
	[OPERATOR_NOT_EQUAL] = { " != ", LEVEL_RELATION },
	[OPERATOR_IN] = { " in ", LEVEL_RELATION },
};

/* The operator of a call, or -1 for a function. */
static int operator_of(const struct cel_node *node)
{
	ptrdiff_t i = node->function ? node->function - cel_functions : -1;

	return node->kind == NODE_CALL && i >= 0 && i <= OPERATOR_IN ? (int)i : -1;
}

static enum level level_of(const struct cel_node *node)
{
	int op = operator_of(node);

	if (node->kind == NODE_IF)
		return LEVEL_IF;
	if (node->kind == NODE_OR || node->kind == NODE_AND)
		return node->kind == NODE_OR ? LEVEL_OR : LEVEL_AND;
	if (op == OPERATOR_NOT || op == OPERATOR_NEGATE)
		return LEVEL_UNARY;
	if (op >= 0 && op != OPERATOR_INDEX)
		return binary[op].level;
	return LEVEL_MEMBER;
}

static void print_operand(struct buf *out, const struct cel_node *node, enum level least)
{
	bool wrap = level_of(node) < least;

	if (wrap)
		buf_byte(out, '(');
	cel_node_print(out, node);
	if (wrap)
		buf_byte(out, ')');
}

static bool is_plain_name(struct str name)
{
	static const char *const words[] = { "true", "false", "null", "in" };

	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_' && !(i && c >= '0' && c <= '9'))
			return false;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_is(name, words[i]))
			return false;
	return true;
}

static void print_field(struct buf *out, const struct cel_node *node)
{
	bool plain = is_plain_name(node->name);

	print_operand(out, node->child[0], LEVEL_MEMBER);
	buf_text(out, plain ? "." : ".`");
	buf_str(out, node->name);
	if (!plain)
		buf_byte(out, '`');
}

static void print_children(struct buf *out, const struct cel_node *node, uint32_t from)
{
	for (uint32_t i = from; i < node->n; i++) {
		if (i > from)
			buf_text(out, node->kind == NODE_MAP && i % 2 ? ": " : ", ");
		cel_node_print(out, node->child[i]);
	}
}

static void print_call(struct buf *out, const struct cel_node *node)
{
	if (node->is_member) {
		print_operand(out, node->child[0], LEVEL_MEMBER);
		buf_byte(out, '.');
	}
	if (node->is_absolute)
		buf_byte(out, '.');
	buf_str(out, node->name);
	buf_byte(out, '(');
	print_children(out, node, node->is_member);
	buf_byte(out, ')');
}

/* Would a '-' in front of it become a part of a number? */
static bool begins_with_number(const struct cel_node *node)
{
	while (node->kind == NODE_SELECT || node->kind == NODE_FOLD ||
	       (node->kind == NODE_CALL && (node->is_member || operator_of(node) == OPERATOR_INDEX)))
		node = node->child[0];
	return node->kind == NODE_LITERAL && (node->literal.kind == CEL_INT || node->literal.kind == CEL_DOUBLE);
}

static void print_operator(struct buf *out, const struct cel_node *node, enum cel_operator op)
{
	const struct cel_node *a = node->child[0];

	if (op == OPERATOR_NOT || op == OPERATOR_NEGATE) {
		bool wrap = op == OPERATOR_NEGATE && begins_with_number(a);

		buf_text(out, wrap ? "-(" : op == OPERATOR_NOT ? "!" : "-");
		print_operand(out, a, LEVEL_MEMBER); /* two '!' or '-' in a row would cancel out */
		if (wrap)
			buf_byte(out, ')');
		return;
	}
	if (op == OPERATOR_INDEX) {
		print_operand(out, a, LEVEL_MEMBER);
		buf_byte(out, '[');
		cel_node_print(out, node->child[1]);
		buf_byte(out, ']');
		return;
	}
	print_operand(out, a, binary[op].level);
	buf_text(out, binary[op].text);
	print_operand(out, node->child[1], binary[op].level + 1);
}

static void print_logic(struct buf *out, const struct cel_node *node)
{
	for (uint32_t i = 0; i < node->n; i++) {
		if (i)
			buf_text(out, node->kind == NODE_OR ? " || " : " && ");
		print_operand(out, node->child[i], node->kind == NODE_OR ? LEVEL_AND : LEVEL_RELATION);
	}
}

static void print_fold(struct buf *out, const struct cel_node *node)
{
	static const char *const name[] = { "all", "exists", "exists_one", "map", "filter" };

	print_operand(out, node->child[0], LEVEL_MEMBER);
	buf_byte(out, '.');
	buf_text(out, name[node->fold]);
	buf_byte(out, '(');
	buf_str(out, node->name);
	buf_text(out, ", ");
	print_children(out, node, 1);
	buf_byte(out, ')');
}

void cel_node_print(struct buf *out, const struct cel_node *node)
{
	int op = operator_of(node);

	switch (node->kind) {
	case NODE_LITERAL:
		cel_value_print(out, node->literal);
		break;
	case NODE_IDENT:
		if (node->is_absolute)
			buf_byte(out, '.');
		buf_str(out, node->name);
		break;
	case NODE_SELECT:
		print_field(out, node);
		break;
	case NODE_HAS:
		buf_text(out, "has(");
		print_field(out, node);
		buf_byte(out, ')');
		break;
	case NODE_CALL:
		if (op >= 0)
			print_operator(out, node, (enum cel_operator)op);
		else
			print_call(out, node);
		break;
	case NODE_LIST:
	case NODE_MAP:
		buf_byte(out, node->kind == NODE_LIST ? '[' : '{');
		print_children(out, node, 0);
		buf_byte(out, node->kind == NODE_LIST ? ']' : '}');
		break;
	case NODE_AND:
	case NODE_OR:
		print_logic(out, node);
		break;
	case NODE_IF:
		print_operand(out, node->child[0], LEVEL_OR);
		buf_text(out, " ? ");
		print_operand(out, node->child[1], LEVEL_OR);
		buf_text(out, " : ");
		cel_node_print(out, node->child[2]);
		break;
	default:
		print_fold(out, node);
	}
}
