/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/eval.h: what the functions of the language share with the evaluator: memory, steps, faults. A fault is
 * an error of the evaluation that && and || may yet absorb: a value of kind CEL_FAULT. What stops everything is
 * `stopped`.
 */
#ifndef MATCH_CEL_EVAL_H
#define MATCH_CEL_EVAL_H

#include "match/cel/cel.h"
#include "match/cel/function.h"

struct cel_program {
	struct str source;
	struct cel_node *root;
	const struct cel_variable *variable;
	size_t variables;
};

struct cel_fault {
	const struct cel_node *node; /* where it happened */
	const char *what;            /* NULL: no overload takes the kinds of value[0..n) */
	size_t n;                    /* values that tell more, printed behind `what` */
	struct cel_value value[CEL_ARGUMENTS_MAX];
};

struct cel_eval {
	const struct cel_program *program;
	const struct cel_value *value;
	const char *zone_dir;
	struct arena *arena;
	struct error *err;
	uint64_t steps;
	int stopped; /* negative errno; `err` is filled, and every value is of no use */
	struct cel_value local[CEL_FOLD_MAX];
};

/* A fault at the node: "what", or "what: value". */
struct cel_value cel_fault(struct cel_eval *eval, const struct cel_node *node, const char *what);
struct cel_value cel_fault_with(struct cel_eval *eval, const struct cel_node *node, const char *what,
				struct cel_value value);

/* No overload takes values of these kinds. */
struct cel_value cel_fault_kinds(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *value,
				 size_t n);

/* Fills eval->err from the fault. */
void cel_fault_explain(struct cel_eval *eval, const struct cel_fault *fault);

/* Takes n steps; false when they have run out (stopped). */
bool cel_step(struct cel_eval *eval, uint64_t n);

/* Memory of the evaluation; NULL when there is none left (stopped). */
void *cel_allocate(struct cel_eval *eval, size_t n);

/* Stops with -E2BIG: "what: at most limit". Returns a value for the caller to return. */
struct cel_value cel_stop_limit(struct cel_eval *eval, const struct cel_node *node, const char *what, unsigned limit);

#endif
