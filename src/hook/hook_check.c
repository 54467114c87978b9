/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_check.h"

#include <errno.h>

#include "hook/hook_cel.h"
#include "match/allow_list.h"
#include "match/cel/cel.h"
#include "match/regex.h"

#define REGEX_STEPS 2000000 /* of all searches of one check: a few 10 ms; a namespace's name needs hundreds */

static int cel_run(const struct hook_check *check, struct error *err)
{
	struct cel_program *program;
	struct cel_value value;
	int r = hook_cel_compile(check->conf->fail_cel_expr, true, check->arena, &program, err);

	if (r >= 0)
		r = hook_cel_evaluate(program, true, check->conf, check->container, check->is_known, check->arena,
				      &value, err);
	return r < 0 ? r : !value.truth;
}

/* Calls `test` with each namespace that counts, until one passes (1). */
static int namespaces_try(const struct hook_check *check,
			  int (*test)(const struct hook_check *check, struct str name, void *user), void *user)
{
	const struct hook_conf *conf = check->conf;
	struct str name = check->container->identity.pod_namespace;

	if (!conf->namespace_keys.n || conf->pod_namespace[0])
		return name.len ? test(check, name, user) : 0;
	for (size_t i = 0; i < conf->namespace_keys.n; i++) {
		name = spec_annotation(&check->container->spec, str_of(conf->namespace_keys.item[i]));
		if (name.len && test(check, name, user) > 0)
			return 1;
	}
	return 0;
}

static int is_listed(const struct hook_check *check, struct str name, void *user)
{
	const struct flag_list *names = &check->conf->allow_namespaces;

	(void)user;
	return allow_list_has(names->item, names->n, name);
}

/* The first pattern that could not be tried, for the case that no other matches. */
struct patterns {
	uint64_t steps;
	struct error *err;
	int fault;
};

static int is_matched(const struct hook_check *check, struct str name, void *user)
{
	const struct flag_list *list = &check->conf->allow_namespaces_regex;
	struct patterns *patterns = user;

	for (size_t i = 0; i < list->n; i++) {
		struct str pattern = str_of(list->item[i]);
		struct error *err = patterns->fault ? NULL : patterns->err;
		size_t before = check->arena->used;
		const struct regex *regex;
		int r = regex_compile(pattern, check->arena, &regex, err);

		if (r >= 0) {
			r = regex_search(regex, name, check->arena, &patterns->steps);
			if (r < 0)
				(void)error_set(err, -r, "regular expression '%.80s': %s", pattern.p,
						r == -ETIME ? "it takes too long" : "out of memory");
		}
		check->arena->used = before;
		if (r > 0)
			return 1;
		if (r < 0 && !patterns->fault)
			patterns->fault = r;
	}
	return 0;
}

static int lists_run(const struct hook_check *check, struct error *err)
{
	struct patterns patterns = { .steps = REGEX_STEPS, .err = err };

	if (namespaces_try(check, is_listed, NULL) || namespaces_try(check, is_matched, &patterns))
		return 1;
	return patterns.fault;
}

int hook_check_run(const struct hook_check *check, struct error *err)
{
	size_t before = check->arena->used;
	int r = check->conf->fail_cel_expr[0] ? cel_run(check, err) : lists_run(check, err);

	check->arena->used = before;
	return r;
}
