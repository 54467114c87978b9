/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/conf/toml_edit.h: changes to a TOML document as splices of its text. Comments, order, quoting, indentation, line
 * ends and a missing last line end stay as they are; additions take the style of what stands beside them.
 *
 *   struct toml_edit edit = toml_edit_of(doc);
 *   r = toml_edit_set(&edit, table, STR("disable"), "false", err);
 *   r = toml_edit_apply(&edit, &text, &len, err);
 *   toml_edit_done(&edit);
 *
 * Nothing is trusted to have worked: toml_edit_apply parses its own result, and hands it out only if it says what was
 * asked for and means the same as before everywhere else. The document is only read; nodes of it stay valid.
 *
 * Values and keys given to these functions are texts of the caller's: values in TOML's syntax ("false", "\"5s\""), keys
 * decoded. All functions but done return 0 or, with a text in `err`: -ENOTSUP  the place cannot be edited: it lies in
 * an array (of tables), or is no table; the text tells line and column -ENOMEM; -E2BIG more than TOML_EDITS_MAX changes
 */
#ifndef CONF_TOML_EDIT_H
#define CONF_TOML_EDIT_H

#include "conf/toml.h"

#define TOML_EDITS_MAX 4096

struct toml_splice;
struct toml_meaning;

struct toml_edit {
	const struct toml *doc; /* borrowed */
	struct toml_splice *splices;
	struct toml_meaning *meanings;
	size_t splice_count, meaning_count;
};

struct toml_pair {
	const char *key;   /* decoded */
	const char *value; /* in TOML's syntax */
};

static inline struct toml_edit toml_edit_of(const struct toml *doc)
{
	return (struct toml_edit){ .doc = doc };
}

/* Gives `key` of `table` that value: in place where it has one, else as a new key at the end of the table's own keys.
 */
int toml_edit_set(struct toml_edit *edit, const struct toml_node *table, struct str key, const char *value,
		  struct error *err);

/* Adds a key that is not there, on the line below `after`, a value of the same table (NULL: as toml_edit_set). */
int toml_edit_insert(struct toml_edit *edit, const struct toml_node *table, const struct toml_node *after,
		     struct str key, const char *value, struct error *err);

/*
 * Adds the table `path` (NULL-terminated) with `n` (>= 1) keys. It must not be there, or only be implied. It is written
 * as its surroundings are: a header below the last section of the nearest table that is there, indented like its
 * neighbours; dotted keys or an inline table where that table is written so; else headers at the end of the text, two
 * spaces a level.
 */
int toml_edit_table(struct toml_edit *edit, const char *const path[], const struct toml_pair *pairs, size_t n,
		    struct error *err);

/* Adds a key of the root as the first line of the text. */
int toml_edit_prepend(struct toml_edit *edit, struct str key, const char *value, struct error *err);

/* Takes those of `array`'s elements out for which drop[index] is true; a line that becomes empty goes with them. */
int toml_edit_array_remove(struct toml_edit *edit, const struct toml_node *array, const bool *drop, struct error *err);

/* Adds `n` values at the end of `array`, on lines of their own where its last element has one. One change an array at
 * most. */
int toml_edit_array_append(struct toml_edit *edit, const struct toml_node *array, const char *const *values, size_t n,
			   struct error *err);

/* Whether anything is to be changed. */
static inline bool toml_edit_is_empty(const struct toml_edit *edit)
{
	return !edit->splice_count;
}

/*
 * The new text: *ret_text is malloc'd and NUL-terminated (caller frees). -EBADMSG: the result would not be TOML, or
 * mean something that was not asked for (our mistake; the text says where): nothing is handed out.
 */
int toml_edit_apply(const struct toml_edit *edit, char **ret_text, size_t *ret_len, struct error *err);

void toml_edit_done(struct toml_edit *edit);

#define auto_toml_edit __attribute__((cleanup(toml_edit_done)))

#endif
