/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/eval.h"

#include <errno.h>

#include "base/error.h"
#include "match/cel/overload.h"
#include "match/cel/place.h"

#define SHOWN_MAX 80 /* bytes of a sub-expression in an error */

static struct cel_value fault_new(struct cel_eval *eval, const struct cel_fault *fault)
{
	struct cel_fault *made = cel_allocate(eval, sizeof *made);

	if (made)
		*made = *fault;
	return (struct cel_value){ .kind = CEL_FAULT, .fault = made };
}

struct cel_value cel_fault(struct cel_eval *eval, const struct cel_node *node, const char *what)
{
	return fault_new(eval, &(struct cel_fault){ .node = node, .what = what });
}

struct cel_value cel_fault_with(struct cel_eval *eval, const struct cel_node *node, const char *what,
				struct cel_value value)
{
	return fault_new(eval, &(struct cel_fault){ .node = node, .what = what, .n = 1, .value = { value } });
}

struct cel_value cel_fault_kinds(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *value,
				 size_t n)
{
	struct cel_fault fault = { .node = node, .n = n };

	for (size_t i = 0; i < n && i < CEL_ARGUMENTS_MAX; i++)
		fault.value[i] = value[i];
	return fault_new(eval, &fault);
}

static void print_kinds(struct buf *out, const struct cel_fault *fault)
{
	buf_text(out, "no overload of ");
	if (fault->node->kind == NODE_CALL)
		overload_print_name(out, fault->node->function);
	else
		buf_text(out, fault->node->kind == NODE_IF     ? "'?'"
			      : fault->node->kind == NODE_AND  ? "'&&'"
			      : fault->node->kind == NODE_OR   ? "'||'"
			      : fault->node->kind == NODE_FOLD ? "this macro"
							       : "'.'");
	buf_text(out, " takes (");
	for (size_t i = 0; i < fault->n; i++) {
		buf_text(out, i ? ", " : "");
		buf_text(out, cel_kind_name(fault->value[i].kind));
	}
	buf_byte(out, ')');
}

/* The node's text on one line, cut at a character. */
static void print_source(struct buf *out, struct str source, const struct cel_node *node)
{
	struct str text = { source.p + node->from, node->to - node->from };
	size_t n = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;

	while (n < text.len && n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		buf_byte(out, (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i]);
	if (n < text.len)
		buf_text(out, "...");
}

void cel_fault_explain(struct cel_eval *eval, const struct cel_fault *fault)
{
	char memory[400], value[120], shown[SHOWN_MAX + 8];
	struct buf words = buf_over(memory, sizeof memory), text = buf_over(value, sizeof value);
	struct buf source = buf_over(shown, sizeof shown);

	if (fault->what) {
		buf_text(&words, fault->what);
		if (fault->n) {
			cel_value_print(&text, fault->value[0]);
			buf_printf(&words, ": %s%s", value, text.overflow ? "..." : "");
		}
	} else {
		print_kinds(&words, fault);
	}
	print_source(&source, eval->program->source, fault->node);
	(void)cel_error_at(eval->err, EDOM, eval->program->source, fault->node->at, "%s, in %s", memory, shown);
}

bool cel_step(struct cel_eval *eval, uint64_t n)
{
	if (eval->steps >= n && eval->steps) {
		eval->steps -= n;
		return true;
	}
	eval->steps = 0;
	if (!eval->stopped)
		eval->stopped =
			error_set(eval->err, ETIME,
				  "the evaluation takes too many steps; make the expression or its lists smaller");
	return false;
}

void *cel_allocate(struct cel_eval *eval, size_t n)
{
	void *memory = eval->stopped ? NULL : arena_alloc(eval->arena, n);

	if (!memory && !eval->stopped)
		eval->stopped = error_set(eval->err, ENOMEM, "the evaluation needs more memory than there is");
	return memory;
}

struct cel_value cel_stop_limit(struct cel_eval *eval, const struct cel_node *node, const char *what, unsigned limit)
{
	if (!eval->stopped)
		eval->stopped =
			cel_error_at(eval->err, E2BIG, eval->program->source, node->at, "%s: at most %u", what, limit);
	return (struct cel_value){ .kind = CEL_FAULT };
}
