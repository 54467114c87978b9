/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/conf/toml.h: TOML 1.0 as a tree over the bytes it was read from. Nothing is normalised away: every key, value and
 * statement knows its span of the text, and what lies between the spans (comments, white space, line ends) is the text
 * itself. An edit (toml_edit.h) is therefore a splice of the text, and whatever it does not name stays byte for byte.
 *
 * Accepted: all of TOML 1.0 and nothing else; a byte order mark at the start; LF and CRLF; a last line without its end.
 * Refused besides: integers beyond 64 bits (the specification demands it), and what exceeds a limit below.
 * Source: toml.io, "TOML v1.0.0". Pure: no file, no state; a document may be read from several threads.
 */
#ifndef CONF_TOML_H
#define CONF_TOML_H

#include <stdint.h>

#include "base/str.h"

struct error;

#define TOML_BYTES_MAX (16u << 20) /* of one document */
#define TOML_NODES_MAX \
	(2u << 20)        /* keys and values of one document: bounds its memory to some 400 MB, whatever it says */
#define TOML_DEPTH_MAX 96 /* tables and arrays in one another */

enum toml_type {
	TOML_TABLE = 1,
	TOML_ARRAY,
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOL,
	TOML_DATETIME, /* with an offset */
	TOML_DATETIME_LOCAL,
	TOML_DATE_LOCAL,
	TOML_TIME_LOCAL,
};

/* How a table (array) came to be; it decides who may add to it, and how an edit has to spell an addition. */
enum toml_origin {
	TOML_VALUE = 0, /* a value behind a key or in an array; a table: {…}, an array: […] */
	TOML_ROOT,      /* the document */
	TOML_HEADER,    /* [name]; an array: [[name]] */
	TOML_IMPLIED,   /* only named as the prefix of a header: [a.b] implies a */
	TOML_DOTTED,    /* only named as the prefix of a dotted key: a.b = 1 implies a */
};

enum toml_kind { TOML_KEY_VALUE = 1, TOML_TABLE_HEADER, TOML_ARRAY_HEADER };

/* A line, or several: [header], [[header]] or key = value. In the order of the text. */
struct toml_statement {
	enum toml_kind kind;
	struct str text;         /* from its first to its last byte, without indentation and comment */
	struct str key;          /* as written: a."b".c */
	struct toml_node *node;  /* what it defines: the table, the array's new element, the value */
	struct toml_node *table; /* a KEY_VALUE's section: the table of the last header before it */
	struct toml_statement *prev, *next;
};

struct toml_node {
	enum toml_type type;
	enum toml_origin origin;
	struct str key;  /* decoded; {NULL, 0} for elements and the root */
	struct str name; /* the key as written where it first stood: "b" with its quotes */
	struct str text; /* a VALUE as written, brackets and quotes included; else {NULL, 0} */
	struct toml_node *parent, *next, *first, *last; /* next: sibling, in the order of definition */
	struct toml_statement *statement; /* that defines it; of an implied table: the first that names it */
	uint32_t children;
	uint32_t depth; /* 0: the root */
};

struct toml {
	struct str text; /* the document's own copy */
	struct toml_node *root;
	struct toml_statement *first, *last;
	struct toml_memory *memory; /* of everything above */
	struct toml_index *index;   /* (table, key) to node */
};

/*
 * Parses `text` (copied; may hold any bytes). *ret_doc: toml_free by the caller. Returns 0; the text of an error begins
 * with "line L, column C" (both from 1, columns in characters; of the place itself, not of its statement): -EINVAL  not
 * TOML 1.0, or a key or table that is defined twice -E2BIG   a limit above; -ENOMEM
 */
int toml_parse(struct str text, struct toml **ret_doc, struct error *err);
void toml_free(struct toml *doc);

#define auto_toml __attribute__((cleanup(toml_cleanup)))
static inline void toml_cleanup(struct toml **doc)
{
	toml_free(*doc);
}

/* The child of that decoded name, or NULL; `table` may be NULL or no table: then NULL too. Takes constant time. */
struct toml_node *toml_get(const struct toml *doc, const struct toml_node *table, struct str key);

/* Descends from the root along `path` (NULL-terminated); NULL where a step is missing or no table. */
struct toml_node *toml_find(const struct toml *doc, const char *const path[]);

/* 1-based line, and column in characters, of byte `offset` of the text. */
void toml_position(const struct toml *doc, size_t offset, unsigned *ret_line, unsigned *ret_column);

/*
 * Where `node` stands, for messages: offset of its value, else of its statement. The root: 0.
 */
size_t toml_offset(const struct toml *doc, const struct toml_node *node);

/*
 * The decoded text of a STRING; line ends within it are LF. `room` holds at least node->text.len bytes. *ret points
 * into `room` or, where nothing had to be decoded, into the document.
 */
void toml_string(const struct toml_node *node, char *room, struct str *ret);

/* Whether it is a STRING of exactly that content. */
bool toml_is_string(const struct toml_node *node, struct str text);

/* Value of a BOOL, an INTEGER, a FLOAT. Asking for the wrong type is our mistake (assert). */
bool toml_bool(const struct toml_node *node);
int64_t toml_integer(const struct toml_node *node);
double toml_float(const struct toml_node *node);

/*
 * Whether both mean the same: types, values, arrays in order, tables in any order. Spelling does not count (0x10 is
 * 16), but dates and times are compared as written.
 */
bool toml_equal(const struct toml *a, const struct toml_node *x, const struct toml *b, const struct toml_node *y);

/*
 * Tells `report` of each key that only one side has (the other is NULL), or whose values differ; tables on both sides
 * are entered, arrays compared as a whole. It returns 0 to go on; anything else ends the walk and is returned.
 */
int toml_diff(const struct toml *a, const struct toml *b,
	      int (*report)(void *user, const struct toml_node *x, const struct toml_node *y), void *user);

/* Path of a node for messages, appended: plugins."io.containerd.nri.v1.nri".disable, xs[2]. */
struct buf;
void toml_path(const struct toml_node *node, struct buf *out);

/* Appends `key` as it has to stand in TOML: bare where that is allowed, else in double quotes with escapes. */
void toml_write_key(struct buf *out, struct str key);

/*
 * Appends the value of `node` in TOML's syntax: as it was written, or, of a table with lines of its own, as an inline
 * table.
 */
void toml_write_value(struct buf *out, const struct toml_node *node);

/* Appends `text` (UTF-8) as a basic string: at most 6 bytes for one of the text, and 2. */
void toml_write_string(struct buf *out, struct str text);

#endif
