/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/unify.h: may a value of one type stand where another is wanted, and what does that tell of the types
 * not known yet? The rules are cel-go's: dyn fits everything, an unknown type (CEL_PARAM) takes the first that it meets
 * and widens to dyn.
 */
#ifndef MATCH_CEL_UNIFY_H
#define MATCH_CEL_UNIFY_H

#include "base/arena.h"
#include "match/cel/type.h"

struct unifier {
	struct arena *arena;
	const struct cel_type **bound; /* what an unknown type has turned out to be; NULL: still unknown */
	uint32_t params;               /* unknown types in use; bound[] has room for them */
	struct {
		uint32_t param;
		const struct cel_type *before;
	} * trail;          /* bindings to undo when a trial fails; room for one a param and trial */
	uint32_t *trial_of; /* the trial in which a param went on the trail */
	uint32_t trail_used, trial;
	uint64_t steps; /* left; at 0 all answers are "no" */
	bool exhausted; /* the arena is */
};

/* Room for `params` unknown types. -ENOMEM. */
int unifier_init(struct unifier *unifier, struct arena *arena, size_t params, uint64_t steps);

/* A new unknown type, NULL when the arena is exhausted (`exhausted` is set too, as by all that make types). */
const struct cel_type *unifier_param(struct unifier *unifier);

/* list(a) or map(a, b) or type(a). */
const struct cel_type *unifier_type(struct unifier *unifier, enum cel_kind kind, const struct cel_type *a,
				    const struct cel_type *b);

/*
 * Do the n types fit, each the one in its place? Then unknown ones are bound so that they do, else nothing has changed.
 * The order of the two does not matter but for which of them an unknown type takes.
 */
bool unifier_fits(struct unifier *unifier, const struct cel_type *const *is, const struct cel_type *const *wanted,
		  size_t n);

/* The type with what is known put in; what is not stays, or becomes dyn. */
const struct cel_type *unifier_resolve(struct unifier *unifier, const struct cel_type *type, bool to_dyn);

/* The type that holds both: the more general if one fits the other, else dyn. */
const struct cel_type *unifier_join(struct unifier *unifier, const struct cel_type *a, const struct cel_type *b);

/* The same type, part by part, unknown ones by number. */
bool unifier_same(struct unifier *unifier, const struct cel_type *a, const struct cel_type *b);

#endif
