/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_cel.h"

#include <errno.h>

#include "base/error.h"
#include "match/cel/cel.h"

enum { ANNOTATIONS, NAMESPACE_KEYS, NAMESPACE_KEY, NAMESPACE, POD, CONTAINER, IMAGE, RUNTIME, VARIABLES };

static const struct cel_variable variables[VARIABLES] = {
	[ANNOTATIONS] = { "annotations", &cel_type_map_string_string },
	[NAMESPACE_KEYS] = { "annotations_namespace_keys", &cel_type_list_string },
	[NAMESPACE_KEY] = { "annotations_namespace_key", &cel_type_list_string },
	[NAMESPACE] = { "namespace", &cel_type_string },
	[POD] = { "pod", &cel_type_string },
	[CONTAINER] = { "container", &cel_type_string },
	[IMAGE] = { "image", &cel_type_string },
	[RUNTIME] = { "runtime", &cel_type_string },
};

int hook_cel_compile(const char *source, bool is_bool, struct arena *arena, struct cel_program **ret, struct error *err)
{
	return cel_compile(str_of(source), variables, VARIABLES, is_bool ? &cel_type_bool : NULL, arena, ret, err);
}

static int annotations_bind(const struct spec *spec, struct arena *arena, struct cel_value *ret)
{
	size_t n = spec->annotations;
	struct str *key = arena_alloc(arena, 2 * n * sizeof *key);

	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		key[i] = spec->annotation[i].key;
		key[n + i] = spec->annotation[i].value;
	}
	return cel_map_of_texts(key, key + n, n, arena, ret);
}

/* The keys that are in force: those given, else the one that the runtime writes, if it writes one. */
static int keys_bind(const struct hook_conf *conf, const struct ask_container *container, bool is_known,
		     struct arena *arena, struct cel_value *ret)
{
	const struct flag_list *given = &conf->namespace_keys;
	struct str own = { 0 }, *key;

	if (!given->n && !is_known)
		return 0; /* which runtime it is, is not known */
	if (!given->n) {
		own = str_of(runtime_keys(container->identity.runtime)->pod_namespace);
		return cel_list_of_texts(&own, own.len ? 1 : 0, arena, ret);
	}
	key = arena_alloc(arena, given->n * sizeof *key);
	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < given->n; i++)
		key[i] = str_of(given->item[i]);
	return cel_list_of_texts(key, given->n, arena, ret);
}

static void text_bind(struct str text, bool is_known, struct cel_value *ret)
{
	if (is_known || text.len)
		*ret = cel_string(text);
}

static int bind(const struct hook_conf *conf, const struct ask_container *container, bool is_known, struct arena *arena,
		struct cel_value value[VARIABLES])
{
	const struct identity *identity = &container->identity;
	int r = keys_bind(conf, container, is_known, arena, &value[NAMESPACE_KEYS]);

	if (r >= 0 && is_known)
		r = annotations_bind(&container->spec, arena, &value[ANNOTATIONS]);
	if (r < 0)
		return r;
	value[NAMESPACE_KEY] = value[NAMESPACE_KEYS];
	text_bind(identity->pod_namespace, is_known, &value[NAMESPACE]);
	text_bind(identity->pod_name, is_known, &value[POD]);
	text_bind(identity->container_name, is_known, &value[CONTAINER]);
	text_bind(identity->image, is_known, &value[IMAGE]);
	text_bind(identity->runtime == RUNTIME_AUTO ? (struct str){ 0 } : str_of(runtime_name(identity->runtime)),
		  is_known, &value[RUNTIME]);
	return 0;
}

int hook_cel_evaluate(const struct cel_program *program, bool is_bool, const struct hook_conf *conf,
		      const struct ask_container *container, bool is_known, struct arena *arena, struct cel_value *ret,
		      struct error *err)
{
	struct cel_value value[VARIABLES] = { 0 }; /* CEL_ABSENT */
	int r = bind(conf, container, is_known, arena, value);

	if (r < 0)
		return error_set(err, -r, "no memory for the variables");
	r = cel_evaluate(program, value, NULL, arena, ret, err);
	if (r >= 0 && is_bool && ret->kind != CEL_BOOL)
		return error_set(err, EINVAL, "the expression's value is no bool");
	return r;
}
