/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, sizes, regular expressions. */
#include "match/cel/eval.h"

#include <errno.h>

#include "base/error.h"
#include "base/utf8.h"
#include "match/cel/place.h"
#include "match/regex.h"

#define COMPILE_STEP 16 /* bytes of memory, for a step */

/* Characters; a byte that is no part of one counts as one. */
static int64_t characters(struct str text)
{
	int64_t n = 0;
	size_t at = 0;

	while (at < text.len) {
		unsigned used = utf8_length(str_from(text, at), NULL);

		at += used ? used : 1;
		n++;
	}
	return n;
}

struct cel_value cel_run_size(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	switch (arg->kind) {
	case CEL_STRING:
		(void)cel_step(eval, arg->text.len / 64 + 1);
		return cel_int(characters(arg->text));
	case CEL_BYTES:
		return cel_int((int64_t)arg->text.len);
	case CEL_LIST:
		return cel_int((int64_t)arg->list->n);
	case CEL_MAP:
		return cel_int((int64_t)arg->map->n);
	default:
		return cel_fault_kinds(eval, node, arg, n);
	}
}

static bool both_strings(const struct cel_value *arg)
{
	return arg[0].kind == CEL_STRING && arg[1].kind == CEL_STRING;
}

struct cel_value cel_run_starts_with(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				     size_t n)
{
	if (!both_strings(arg))
		return cel_fault_kinds(eval, node, arg, n);
	(void)cel_step(eval, arg[1].text.len / 64 + 1);
	return cel_bool(str_starts(arg[0].text, arg[1].text));
}

struct cel_value cel_run_ends_with(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				   size_t n)
{
	if (!both_strings(arg))
		return cel_fault_kinds(eval, node, arg, n);
	(void)cel_step(eval, arg[1].text.len / 64 + 1);
	return cel_bool(str_ends(arg[0].text, arg[1].text));
}

/* Is `part` somewhere in `text`? Each place where its first byte stands costs the steps of a comparison. */
static bool text_has(struct cel_eval *eval, struct str text, struct str part)
{
	if (!part.len)
		return true;
	while (text.len >= part.len) {
		ptrdiff_t at = str_find(text, part.p[0]);

		if (at < 0 || !cel_step(eval, (uint64_t)at / 64 + part.len / 64 + 1))
			return false;
		text = str_from(text, (size_t)at);
		if (str_starts(text, part))
			return true;
		text = str_from(text, 1);
	}
	return false;
}

struct cel_value cel_run_contains(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				  size_t n)
{
	if (!both_strings(arg))
		return cel_fault_kinds(eval, node, arg, n);
	return cel_bool(text_has(eval, arg[0].text, arg[1].text));
}

struct cel_value cel_run_matches(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				 size_t n)
{
	const struct regex *pattern = node->pattern;
	size_t mark = eval->arena->used;
	struct error inner = { 0 };
	int r = 0;

	if (!both_strings(arg))
		return cel_fault_kinds(eval, node, arg, n);
	if (!pattern) {
		if (!cel_step(eval, arg[1].text.len + 1))
			return cel_null();
		r = regex_compile(arg[1].text, eval->arena, &pattern, &inner);
		/* What compiling costs shows in the memory it takes. */
		if (!cel_step(eval, (eval->arena->used - mark) / COMPILE_STEP))
			return cel_null();
		if (r == -EINVAL) {
			size_t used = strlen(inner.text) + 1;
			char *text = cel_allocate(eval, used);

			if (!text)
				return cel_null();
			memcpy(text, inner.text, used);
			return cel_fault(eval, node, text);
		}
		if (r == -E2BIG) {
			eval->stopped =
				cel_error_at(eval->err, E2BIG, eval->program->source, node->at, "%s", inner.text);
			return cel_null();
		}
	}
	if (r >= 0)
		r = regex_search(pattern, arg[0].text, eval->arena, &eval->steps);
	eval->arena->used = mark;
	if (r == -ENOMEM)
		eval->stopped = error_set(eval->err, ENOMEM, "the evaluation needs more memory than there is");
	if (r == -ETIME)
		(void)cel_step(eval, UINT64_MAX); /* they have run out: says so */
	return cel_bool(r > 0);
}
