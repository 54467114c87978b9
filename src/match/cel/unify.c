/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/unify.h"

#include <errno.h>

int unifier_init(struct unifier *u, struct arena *arena, size_t params, uint64_t steps)
{
	*u = (struct unifier){ .arena = arena, .steps = steps };
	u->bound = arena_alloc(arena, (params + 1) * sizeof(*u->bound));
	u->trail = arena_alloc(arena, (params + 1) * sizeof(*u->trail));
	u->trial_of = arena_alloc(arena, (params + 1) * sizeof(*u->trial_of));
	return u->bound && u->trail && u->trial_of ? 0 : -ENOMEM;
}

static bool step_take(struct unifier *u)
{
	u->steps -= u->steps > 0;
	return u->steps > 0;
}

static const struct cel_type *type_new(struct unifier *u, struct cel_type type)
{
	struct cel_type *made = arena_alloc(u->arena, sizeof *made);

	u->exhausted = u->exhausted || !made;
	if (made)
		*made = type;
	return made;
}

const struct cel_type *unifier_param(struct unifier *u)
{
	u->bound[u->params] = NULL;
	u->trial_of[u->params] = 0;
	return type_new(u, (struct cel_type){ .kind = CEL_PARAM, .has_param = true, .param = u->params++ });
}

const struct cel_type *unifier_type(struct unifier *u, enum cel_kind kind, const struct cel_type *a,
				    const struct cel_type *b)
{
	if (!a || (kind == CEL_MAP && !b))
		return NULL;
	return type_new(u, (struct cel_type){
				   .kind = kind, .has_param = a->has_param || (b && b->has_param), .arg = { a, b } });
}

static void bind(struct unifier *u, uint32_t param, const struct cel_type *type)
{
	if (u->trial_of[param] != u->trial) {
		u->trial_of[param] = u->trial;
		u->trail[u->trail_used].param = param;
		u->trail[u->trail_used++].before = u->bound[param];
	}
	u->bound[param] = type;
}

bool unifier_same(struct unifier *u, const struct cel_type *a, const struct cel_type *b)
{
	if (a == b)
		return true;
	if (!step_take(u) || a->kind != b->kind || !a->arg[0] != !b->arg[0] || !a->arg[1] != !b->arg[1])
		return false;
	if (a->kind == CEL_PARAM)
		return a->param == b->param;
	return (!a->arg[0] || unifier_same(u, a->arg[0], b->arg[0])) &&
	       (!a->arg[1] || unifier_same(u, a->arg[1], b->arg[1]));
}

/* Does the unknown type occur in `type`? Binding it to that would make a type without end. */
static bool occurs(struct unifier *u, uint32_t param, const struct cel_type *type)
{
	if (!type->has_param)
		return false;
	if (!step_take(u))
		return true;
	if (type->kind == CEL_PARAM)
		return type->param == param || (u->bound[type->param] && occurs(u, param, u->bound[type->param]));
	return occurs(u, param, type->arg[0]) || (type->arg[1] && occurs(u, param, type->arg[1]));
}

/* Is `a` the more general of two types that fit? */
static bool is_general(struct unifier *u, const struct cel_type *a, const struct cel_type *b)
{
	if (a->kind == CEL_DYN || a->kind == CEL_PARAM)
		return true;
	if (!step_take(u) || a->kind != b->kind)
		return false;
	if (a->kind == CEL_TYPE || !a->arg[0])
		return true;
	return is_general(u, a->arg[0], b->arg[0]) && (!a->arg[1] || is_general(u, a->arg[1], b->arg[1]));
}

static const struct cel_type *more_general(struct unifier *u, const struct cel_type *a, const struct cel_type *b)
{
	return is_general(u, a, b) ? a : b;
}

static bool fits(struct unifier *u, const struct cel_type *is, const struct cel_type *wanted);

/* Can the unknown type be `type`? *ret_known: it was known already, so "no" is final. */
static bool param_fits(struct unifier *u, uint32_t param, const struct cel_type *type, bool *ret_known)
{
	const struct cel_type *known = u->bound[param];

	*ret_known = true;
	if (type->kind == CEL_PARAM && type->param == param)
		return true;
	if (known) {
		if (unifier_same(u, type, known))
			return true;
		if (!fits(u, type, known))
			return false;
		known = more_general(u, type, known);
		if (!occurs(u, param, known))
			bind(u, param, known);
		return true;
	}
	*ret_known = false;
	if (occurs(u, param, type))
		return false;
	bind(u, param, type);
	return true;
}

static bool is_nullable(const struct cel_type *type)
{
	return type->kind == CEL_NULL || type->kind == CEL_TIMESTAMP || type->kind == CEL_DURATION;
}

static bool fits(struct unifier *u, const struct cel_type *is, const struct cel_type *wanted)
{
	bool known;

	if (!step_take(u))
		return false;
	if (wanted->kind == CEL_PARAM) {
		if (param_fits(u, wanted->param, is, &known))
			return true;
		if (known)
			return false;
	}
	if (is->kind == CEL_PARAM)
		return param_fits(u, is->param, wanted, &known);
	if (is->kind == CEL_DYN || wanted->kind == CEL_DYN)
		return true;
	if (is->kind == CEL_NULL || wanted->kind == CEL_NULL)
		return is_nullable(is) && is_nullable(wanted);
	if (is->kind != wanted->kind)
		return false;
	if (is->kind != CEL_LIST && is->kind != CEL_MAP)
		return true;
	return fits(u, is->arg[0], wanted->arg[0]) && (!is->arg[1] || fits(u, is->arg[1], wanted->arg[1]));
}

bool unifier_fits(struct unifier *u, const struct cel_type *const *is, const struct cel_type *const *wanted, size_t n)
{
	bool ok = true;

	u->trial++;
	u->trail_used = 0;
	for (size_t i = 0; ok && i < n; i++)
		ok = fits(u, is[i], wanted[i]);
	if (ok)
		return true;
	while (u->trail_used) {
		u->trail_used--;
		u->bound[u->trail[u->trail_used].param] = u->trail[u->trail_used].before;
	}
	return false;
}

const struct cel_type *unifier_resolve(struct unifier *u, const struct cel_type *type, bool to_dyn)
{
	const struct cel_type *a, *b;

	if (!type || !type->has_param || !step_take(u))
		return type;
	if (type->kind == CEL_PARAM) {
		if (u->bound[type->param])
			return unifier_resolve(u, u->bound[type->param], to_dyn);
		return to_dyn ? &cel_type_dyn : type;
	}
	a = unifier_resolve(u, type->arg[0], to_dyn);
	b = unifier_resolve(u, type->arg[1], to_dyn);
	return a == type->arg[0] && b == type->arg[1] ? type : unifier_type(u, type->kind, a, b);
}

const struct cel_type *unifier_join(struct unifier *u, const struct cel_type *a, const struct cel_type *b)
{
	if (unifier_fits(u, &a, &b, 1))
		return more_general(u, a, b);
	return &cel_type_dyn;
}
