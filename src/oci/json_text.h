/* SPDX-License-Identifier: Apache-2.0 */
/* src/oci/json_text.h: JSON strings of a state or a spec as text, without a copy where the input needs no decoding. */
#ifndef OCI_JSON_TEXT_H
#define OCI_JSON_TEXT_H

#include <errno.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

/*
 * `raw` (as json_reader hands it out) decoded: the span itself if it holds no escape, else a copy in the arena. `what`
 * names the member in an error. Returns 0; -EINVAL a NUL in it; -ENOMEM.
 */
static inline int json_text(struct str raw, struct arena *arena, const char *what, struct str *ret_text,
			    struct error *err)
{
	struct buf out;
	size_t before;
	char *memory;

	if (str_find(raw, '\\') < 0) {
		*ret_text = raw;
		return 0;
	}
	before = arena->used;
	memory = arena_alloc(arena, 3 * raw.len + 1); /* the worst case: each byte malformed, U+FFFD in its place */
	if (!memory)
		return error_set(err, ENOMEM, "%s: out of memory", what);
	out = buf_over(memory, 3 * raw.len + 1);
	if (json_string_decode(raw, &out) < 0)
		return error_set(err, EINVAL, "%s: holds a NUL character", what);
	arena->used = before;
	(void)arena_alloc(arena, out.len + 1); /* the same place, shrunk */
	*ret_text = (struct str){ memory, out.len };
	return 0;
}

/* The value whose first event is `event` as text; JSON null is "". -EINVAL for any other type; else as json_text. */
static inline int json_text_value(struct json_reader *reader, int event, struct arena *arena, const char *what,
				  struct str *ret_text, struct error *err)
{
	if (event < 0)
		return event;
	if (event == JSON_NULL) {
		*ret_text = (struct str){ 0 };
		return 0;
	}
	if (event != JSON_STRING)
		return error_set(err, EINVAL, "%s: want a string, at byte %zu", what, reader->at);
	return json_text(reader->text, arena, what, ret_text, err);
}

#endif
