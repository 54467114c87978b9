/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/overload.h"

/* The unknown types A and B of one overload, made when a letter asks for them. */
struct letters {
	const struct cel_type *param[2];
};

static const struct cel_type *letter_param(struct unifier *u, struct letters *letters, unsigned i)
{
	if (!letters->param[i])
		letters->param[i] = unifier_param(u);
	return letters->param[i];
}

static const struct cel_type *letter_type(struct unifier *u, struct letters *letters, char letter)
{
	const struct cel_type *a = strchr("ABlmT", letter) ? letter_param(u, letters, letter == 'B') : NULL;

	switch (letter) {
	case 'b':
		return &cel_type_bool;
	case 'i':
		return &cel_type_int;
	case 'u':
		return &cel_type_uint;
	case 'd':
		return &cel_type_double;
	case 's':
		return &cel_type_string;
	case 'y':
		return &cel_type_bytes;
	case 't':
		return &cel_type_timestamp;
	case 'D':
		return &cel_type_duration;
	case 'l':
		return unifier_type(u, CEL_LIST, a, NULL);
	case 'm':
		return unifier_type(u, CEL_MAP, a, letter_param(u, letters, 1));
	case 'T':
		return unifier_type(u, CEL_TYPE, a, NULL);
	case 'A':
	case 'B':
		return a;
	default:
		return &cel_type_dyn;
	}
}

/* Letters of the arguments of the overload at `word`; ':' and one letter more follow. */
static size_t word_arguments(const char *word)
{
	return strcspn(word, ":");
}

static const char *word_next(const char *word)
{
	word += word_arguments(word) + 2;
	return *word ? word + 1 : NULL;
}

const struct cel_type *overload_resolve(struct unifier *u, const struct cel_function *function, bool is_member,
					const struct cel_type *const *argument, size_t n)
{
	const struct cel_type *wanted[CEL_ARGUMENTS_MAX], *result = NULL, *one;
	const char *word = is_member ? function->member : function->plain;

	for (; word; word = word_next(word)) {
		struct letters letters = { 0 };
		uint32_t params = u->params;

		if (word_arguments(word) != n)
			continue;
		for (size_t i = 0; i < n; i++) {
			wanted[i] = letter_type(u, &letters, word[i]);
			if (!wanted[i])
				return NULL;
		}
		if (!unifier_fits(u, argument, wanted, n)) {
			u->params = params;
			continue;
		}
		one = letter_type(u, &letters, word[n + 1]);
		one = one ? unifier_resolve(u, one, false) : NULL;
		if (!one)
			return NULL;
		if (!result)
			result = one;
		else if (result->kind != CEL_DYN && !unifier_same(u, result, one))
			result = &cel_type_dyn;
	}
	return result;
}

void overload_print_name(struct buf *out, const struct cel_function *function)
{
	buf_byte(out, '\'');
	for (const char *c = function->name; *c; c++)
		if (*c != '_')
			buf_byte(out, *c);
	buf_byte(out, '\'');
}

static const char *letter_text(char letter)
{
	switch (letter) {
	case 'l':
		return "list(A)";
	case 'm':
		return "map(A, B)";
	case 'A':
		return "A";
	case 'B':
		return "B";
	case 'b':
		return "bool";
	case 'i':
		return "int";
	case 'u':
		return "uint";
	case 'd':
		return "double";
	case 's':
		return "string";
	case 'y':
		return "bytes";
	case 't':
		return "timestamp";
	default:
		return "duration";
	}
}

static void print_word(struct buf *out, const char *word, bool is_member)
{
	if (is_member)
		buf_text(out, letter_text(*word++));
	buf_text(out, is_member ? ".(" : "(");
	for (size_t i = 0, n = word_arguments(word); i < n; i++) {
		buf_text(out, i ? ", " : "");
		buf_text(out, letter_text(word[i]));
	}
	buf_byte(out, ')');
}

static void print_arguments(struct buf *out, struct unifier *u, bool is_member, const struct cel_type *const *argument,
			    size_t n)
{
	if (is_member)
		cel_type_print(out, unifier_resolve(u, argument[0], true));
	buf_text(out, is_member ? ".(" : "(");
	for (size_t i = is_member; i < n; i++) {
		const struct cel_type *type = unifier_resolve(u, argument[i], true);

		buf_text(out, i > is_member ? ", " : "");
		cel_type_print(out, type ? type : &cel_type_dyn);
	}
	buf_byte(out, ')');
}

static bool is_number(const struct cel_type *type)
{
	return type->kind == CEL_INT || type->kind == CEL_UINT || type->kind == CEL_DOUBLE;
}

void overload_explain(struct buf *out, struct unifier *u, const struct cel_function *function, bool is_member,
		      const struct cel_type *const *argument, size_t n)
{
	const char *word = is_member ? function->member : function->plain;
	bool other_style = !word;

	buf_text(out, "no overload of ");
	overload_print_name(out, function);
	buf_text(out, " takes ");
	print_arguments(out, u, is_member, argument, n);
	if (other_style) {
		word = is_member ? function->plain : function->member;
		is_member = !is_member;
	}
	buf_text(out, strchr(word, ' ') ? "; there are " : "; there is ");
	for (bool first = true; word; word = word_next(word), first = false) {
		buf_text(out, first ? "" : ", ");
		print_word(out, word, is_member);
	}
	if (!other_style && n == 2 && argument[0]->kind != argument[1]->kind && is_number(argument[0]) &&
	    is_number(argument[1]))
		buf_text(out, "; numbers do not mix: convert one with int(), uint() or double()");
}
