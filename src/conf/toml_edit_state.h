/* SPDX-License-Identifier: Apache-2.0 */
/* src/conf/toml_edit_state.h: what the files of the TOML editor share: growing text, splices, and what they are meant
 * to do. */
#ifndef CONF_TOML_EDIT_STATE_H
#define CONF_TOML_EDIT_STATE_H

#include "conf/toml_edit.h"

/* Text on the heap that grows; want of memory is sticky. */
struct toml_text {
	char *p;
	size_t len, size;
	bool failed;
};

void toml_text_add(struct toml_text *text, struct str more);
void toml_text_key(struct toml_text *text, struct str key); /* quoted where it has to be */

struct toml_splice {
	size_t at, remove;
	char *text;
	size_t len;
};

enum toml_meant { TOML_MEANT_VALUE, TOML_MEANT_ELEMENTS };

/* What is true of the new document; checked by toml_edit_apply. */
struct toml_meaning {
	enum toml_meant what;
	struct str *path; /* decoded keys from the root; one block on the heap with their texts */
	size_t depth;
	struct toml *want;             /* "v = VALUE"; of elements: "v = [ADDED...]" */
	const struct toml_node *array; /* ELEMENTS: of the old document */
	bool *drop;                    /* ELEMENTS: by index; NULL: none */
};

/* Takes `text` (its memory too, also on failure). */
int toml_edit_splice(struct toml_edit *edit, size_t at, size_t remove, struct toml_text *text, struct error *err);

/* Records that `key` (absent: the node itself) of `node` has `value`. */
int toml_edit_mean(struct toml_edit *edit, const struct toml_node *node, const char *const *rest, struct str key,
		   const char *value, struct error *err);

/* Records the change of an array. */
int toml_edit_mean_elements(struct toml_edit *edit, const struct toml_node *array, const bool *drop,
			    const char *const *added, size_t n, struct error *err);

/* "line L, column C: text", -ENOTSUP. */
int toml_edit_refuse(const struct toml_edit *edit, const struct toml_node *node, const char *why, struct error *err);

/* -ENOTSUP if the node lies in an array. */
int toml_edit_reachable(const struct toml_edit *edit, const struct toml_node *node, struct error *err);

/* Offsets of the text. Line ends are LF or CRLF; `end` is where the line end stands, before its CR. */
size_t toml_line_begin(const struct toml *doc, size_t offset);
size_t toml_line_end(const struct toml *doc, size_t offset);
/* Of the line in which `offset` lies, so that it keeps its own; of one without the first line's, or LF. */
struct str toml_line_break(const struct toml *doc, size_t offset);
struct str toml_indent(const struct toml *doc, size_t offset); /* white space at the start of its line */

static inline size_t toml_at(const struct toml *doc, const char *p)
{
	return (size_t)(p - doc->text.p);
}

static inline size_t toml_behind(const struct toml *doc, struct str span)
{
	return toml_at(doc, span.p) + span.len;
}

#endif
