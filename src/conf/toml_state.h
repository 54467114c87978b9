/* SPDX-License-Identifier: Apache-2.0 */
/* src/conf/toml_state.h: what the files of the TOML reader share: memory, index, and the scanner of keys and scalars.
 */
#ifndef CONF_TOML_STATE_H
#define CONF_TOML_STATE_H

#include "conf/toml.h"

/* Blocks that are freed together; addresses stay. `n` bytes aligned to 8, or NULL. */
struct toml_memory *toml_memory_new(void);
void *toml_memory_get(struct toml_memory *memory, size_t n);
void toml_memory_free(struct toml_memory *memory);

/* Hash of (table, key); the nodes are borrowed. add: 0 or -ENOMEM. */
struct toml_index *toml_index_new(void);
int toml_index_add(struct toml_index *index, struct toml_node *node);
struct toml_node *toml_index_get(const struct toml_index *index, const struct toml_node *table, struct str key);
void toml_index_free(struct toml_index *index);

/* Position of one parse. Offsets are into text; `why` and `where` belong to the error that ended it. */
struct toml_scan {
	struct str text;
	size_t at;
	const char *why;
	size_t where;
};

/* Sets the error and returns -EINVAL. */
int toml_scan_fail(struct toml_scan *scan, size_t where, const char *why);

/* White space; a comment, up to the end of its line (0 or -EINVAL). */
void toml_scan_blank(struct toml_scan *scan);
int toml_scan_comment(struct toml_scan *scan);

/* Whether a line ends here (LF, CRLF, end of the text), and stepping over it. A bare CR is neither. */
bool toml_scan_at_eol(const struct toml_scan *scan);
void toml_scan_eol(struct toml_scan *scan);

/* A quoted string at `at`; `key`: single-line only. Leaves `at` behind it. 0 or -EINVAL. */
int toml_scan_string(struct toml_scan *scan, bool key);

/* A number, date, time or boolean at `at`: its type, or -EINVAL. */
int toml_scan_scalar(struct toml_scan *scan);

/* One part of a key at `at`: its span as written. 0 or -EINVAL. */
int toml_scan_key_part(struct toml_scan *scan, struct str *ret_raw);

/*
 * Decodes a string as written, quotes included (valid: it was scanned). Writes at most raw.len bytes; returns their
 * number.
 */
size_t toml_decode(struct str raw, char *out);

/* The content of `raw` where it can be used as it stands (no escape, no line end): true and *ret. */
bool toml_plain(struct str raw, struct str *ret);

#endif
