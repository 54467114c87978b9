/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_eval.h"

#include <errno.h>

#include "base/error.h"
#include "hook/hook_cel.h"
#include "hook/hook_identity.h"
#include "match/cel/cel.h"
#include "oci/state.h"

/* As a spec of which only the annotations are there, so that the same reader with the same limits takes them. */
static int annotations_read(const char *json, struct arena *arena, struct spec *ret_spec, struct error *err)
{
	static const char head[] = "{\"annotations\":";
	struct str given = str_of(json);
	size_t size = sizeof head + given.len + 2;
	char *memory = arena_alloc(arena, size);
	struct buf text;
	int r;

	if (!memory)
		return error_set(err, ENOMEM, "--annotations: out of memory");
	text = buf_over(memory, size);
	buf_text(&text, head);
	buf_str(&text, given);
	buf_byte(&text, '}');
	r = spec_parse((struct str){ memory, text.len }, arena, ret_spec, err);
	return r < 0 ? error_wrap(err, r, "--annotations: want an object of texts") : 0;
}

int hook_eval(const struct hook_conf *conf, enum runtime runtime, struct arena *arena, struct buf *out,
	      const char **ret_meaning, struct error *err)
{
	const struct oci_state state = { 0 };
	struct ask_container container = { 0 };
	struct cel_program *program;
	struct cel_value value;
	int r = annotations_read(conf->annotations, arena, &container.spec, err);

	if (r >= 0)
		r = hook_cel_compile(conf->eval_cel, false, arena, &program, err);
	if (r < 0)
		return r;
	identity_tell(runtime, &container.spec, &state, STR(""), &container.identity);
	hook_identity_told(conf, &container.identity);
	r = hook_cel_evaluate(program, false, conf, &container, true, arena, &value, err);
	if (r < 0)
		return r;
	cel_value_print(out, value);
	if (value.kind == CEL_BOOL)
		*ret_meaning = value.truth ? "the container would fail" : "the container would start";
	else
		*ret_meaning = "no bool: as --fail-cel-expr it would be refused";
	return 0;
}
