/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input chooses its way through a grammar, so that most expressions parse and many pass the checker. Whatever comes
 * out: it ends within its bounds; where the checker knew all types, no overload is missed and the value is of the type
 * that was promised; the value, printed as an expression, is equal to the expression; and a bool survives being negated
 * twice.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "match/cel/checker.h"
#include "match/cel/eval.h"

#define ARENA_BYTES (4u << 20)
#define SOURCE_BYTES 8192
#define STEPS 20000
#define DEPTH 6

static const struct cel_type list_int = { .kind = CEL_LIST, .arg = { &cel_type_int } };
static const struct cel_variable variable[] = {
	{ "m", &cel_type_map_string_string },
	{ "l", &cel_type_list_string },
	{ "i", &cel_type_int },
	{ "u", &cel_type_uint },
	{ "d", &cel_type_double },
	{ "s", &cel_type_string },
	{ "by", &cel_type_bytes },
	{ "b", &cel_type_bool },
	{ "li", &list_int },
	{ "t", &cel_type_timestamp },
	{ "du", &cel_type_duration },
	{ "y", &cel_type_dyn },
};
#define VARIABLES (sizeof variable / sizeof *variable)

struct choices {
	const uint8_t *data;
	size_t n, at;
	struct buf out;
	unsigned scopes; /* macros around: their variables are x0, x1, … */
};

static unsigned choose(struct choices *c, unsigned most)
{
	return c->at < c->n ? c->data[c->at++] % most : 0;
}

static void pick(struct choices *c, const char *const *word, unsigned n)
{
	buf_text(&c->out, word[choose(c, n)]);
}

#define PICK(c, ...)                                                         \
	do {                                                                 \
		static const char *const words_[] = { __VA_ARGS__ };         \
		pick(c, words_, (unsigned)(sizeof words_ / sizeof *words_)); \
	} while (0)

static void expression(struct choices *c, unsigned depth);

static void leaf(struct choices *c)
{
	if (c->scopes && choose(c, 3) == 1) {
		buf_byte(&c->out, 'x');
		buf_u64(&c->out, choose(c, c->scopes));
		return;
	}
	PICK(c, "1", "0", "-1", "2u", "0u", "1.5", "-0.0", "1e300", "9223372036854775807", "-9223372036854775808",
	     "18446744073709551615u", "true", "false", "null", "''", "'a'", "'h\xc3\xa9'", "'[a-z]+'", "'+02:00'",
	     "b''", "b'\\377'", "[]", "{}", "[1, 2]", "{'a': 1}", "m", "l", "i", "u", "d", "s", "by", "b", "li", "t",
	     "du", "y", "int", "list", "timestamp(0)", "duration('1h')", "'1'", "'2024-02-29T00:00:00Z'", "'90s'",
	     "double('nan')", "google.protobuf.Timestamp");
}

static void wrapped(struct choices *c, unsigned depth)
{
	buf_byte(&c->out, '(');
	expression(c, depth);
	buf_byte(&c->out, ')');
}

static void fold(struct choices *c, unsigned depth)
{
	bool two;

	wrapped(c, depth);
	PICK(c, ".all(", ".exists(", ".exists_one(", ".map(", ".filter(");
	buf_byte(&c->out, 'x');
	buf_u64(&c->out, c->scopes);
	buf_byte(&c->out, ',');
	two = choose(c, 8) == 7;
	c->scopes++;
	expression(c, depth);
	if (two) {
		buf_byte(&c->out, ',');
		expression(c, depth);
	}
	c->scopes--;
	buf_byte(&c->out, ')');
}

static void expression(struct choices *c, unsigned depth)
{
	unsigned kind = depth ? choose(c, 14) : 0;

	if (c->out.overflow)
		return;
	switch (kind) {
	case 0:
	case 1:
		leaf(c);
		break;
	case 2:
	case 3:
	case 4:
		wrapped(c, depth - 1);
		PICK(c, " + ", " - ", " * ", " / ", " % ", " < ", " <= ", " > ", " >= ", " == ", " != ", " in ", " && ",
		     " || ");
		wrapped(c, depth - 1);
		break;
	case 5:
		wrapped(c, depth - 1);
		buf_byte(&c->out, '?');
		wrapped(c, depth - 1);
		buf_byte(&c->out, ':');
		wrapped(c, depth - 1);
		break;
	case 6:
		PICK(c, "size", "int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration", "type",
		     "dyn", "!", "-");
		wrapped(c, depth - 1);
		break;
	case 7:
		wrapped(c, depth - 1);
		PICK(c, ".contains", ".startsWith", ".endsWith", ".matches", ".getHours", ".getDate");
		wrapped(c, depth - 1);
		break;
	case 8:
		wrapped(c, depth - 1);
		PICK(c, ".size()", ".getFullYear()", ".getMonth()", ".getDayOfYear()", ".getSeconds()",
		     ".getMilliseconds()", ".a", "['a']", "[0]");
		break;
	case 9:
		buf_byte(&c->out, '[');
		for (unsigned n = choose(c, 4); n; n--) {
			expression(c, depth - 1);
			buf_byte(&c->out, ',');
		}
		buf_byte(&c->out, ']');
		break;
	case 10:
		buf_byte(&c->out, '{');
		for (unsigned n = choose(c, 3); n; n--) {
			expression(c, depth - 1);
			buf_byte(&c->out, ':');
			expression(c, depth - 1);
			buf_byte(&c->out, ',');
		}
		buf_byte(&c->out, '}');
		break;
	case 11:
		buf_text(&c->out, "has(");
		wrapped(c, depth - 1);
		buf_text(&c->out, ".a)");
		break;
	case 12:
		wrapped(c, depth - 1);
		buf_byte(&c->out, '[');
		expression(c, depth - 1);
		buf_byte(&c->out, ']');
		break;
	default:
		fold(c, depth - 1);
	}
}

/* Nothing in it that is found out at run time only. */
static bool is_known(const struct cel_type *type)
{
	return type->kind != CEL_DYN && type->kind != CEL_PARAM && type->kind != CEL_NULL &&
	       (!type->arg[0] || is_known(type->arg[0])) && (!type->arg[1] || is_known(type->arg[1]));
}

static bool all_known(const struct cel_node *node)
{
	if (node->kind != NODE_LITERAL && !is_known(node->type))
		return false;
	if (node->kind == NODE_LITERAL && node->literal.kind == CEL_NULL)
		return false;
	for (uint32_t i = 0; i < node->n; i++)
		if (!all_known(node->child[i]))
			return false;
	return true;
}

static void bind(struct arena *arena, struct cel_value value[VARIABLES])
{
	static const struct cel_value item[] = { { .kind = CEL_INT, .i = 3 }, { .kind = CEL_INT, .i = 4 } };
	static const struct cel_list list = { item, 2 };
	static const struct str key[] = { STR("a"), STR("b") };

	assert(cel_map_of_texts(key, key, 2, arena, &value[0]) == 0 &&
	       cel_list_of_texts(key, 2, arena, &value[1]) == 0);
	value[2] = cel_int(7);
	value[3] = cel_uint(7);
	value[4] = cel_double(2.5);
	value[5] = cel_string(STR("kube-system"));
	value[6] = cel_bytes(STR("\xff"));
	value[7] = cel_bool(true);
	value[8] = cel_list(&list);
	value[9] = cel_timestamp(1234567890, 5);
	value[10] = cel_duration(-5400000000000);
	value[11] = value[0];
}

static int run(struct str source, struct arena *arena, struct cel_program **program, struct cel_value *ret,
	       struct error *err)
{
	const struct cel_settings settings = { .steps = STEPS, .zone_dir = "/nonexistent" };
	struct cel_value value[VARIABLES];
	int r;

	bind(arena, value);
	r = cel_compile(source, variable, VARIABLES, NULL, arena, program, err);
	return r < 0 ? r : cel_evaluate(*program, value, &settings, arena, ret, err);
}

static void law_check(struct str source, struct arena *arena, struct cel_value value)
{
	static char text[4 * SOURCE_BYTES];
	struct buf out = buf_over(text, sizeof text);
	struct cel_program *program;
	struct cel_value result;
	struct error err = { 0 };
	int r;

	if (value.kind == CEL_BOOL) {
		buf_printf(&out, "!(!(dyn(%.*s)))", (int)source.len, source.p);
		r = out.overflow ? -ENOMEM : run((struct str){ text, out.len }, arena, &program, &result, &err);
		assert(r == -ENOMEM || r == -ETIME || r == -E2BIG || (r == 0 && result.truth == value.truth));
	}
	out = buf_over(text, sizeof text);
	buf_printf(&out, "dyn(%.*s) == ", (int)source.len, source.p);
	cel_value_print(&out, value);
	if (out.overflow || strstr(text, "NaN") || strstr(text, "nan"))
		return;
	r = run((struct str){ text, out.len }, arena, &program, &result, &err);
	assert(r == -ENOMEM || r == -ETIME || r == -E2BIG || (r == 0 && result.truth));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char source[SOURCE_BYTES], memory[ARENA_BYTES] __attribute__((aligned(16)));
	struct arena arena = arena_over(memory, ARENA_BYTES);
	struct choices c = { .data = data, .n = size, .out = buf_over(source, sizeof source) };
	struct cel_program *program;
	struct cel_value value;
	struct error err = { 0 };
	int r;

	expression(&c, DEPTH);
	if (!c.out.overflow) {
		r = run((struct str){ source, c.out.len }, &arena, &program, &value, &err);
		assert(r == 0 || r == -EINVAL || r == -E2BIG || r == -ENOMEM || r == -EDOM || r == -ETIME);
		assert(r == 0 || (err.code == -r && err.text[0]));
		if ((r == 0 || r == -EDOM) && all_known(program->root)) {
			assert(r == 0 || !strstr(err.text, "no overload"));
			assert(r < 0 || value.kind == program->root->type->kind);
		}
		if (r == 0)
			law_check((struct str){ source, c.out.len }, &arena, value);
	}
	return 0;
}
