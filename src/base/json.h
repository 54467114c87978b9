/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/json.h: writing JSON (escaping) and reading it (a pull parser over the caller's bytes; RFC 8259).
 * The reader allocates nothing and recurses nowhere: depth is counted against JSON_DEPTH_MAX. Strings are handed out
 * raw (spans of the input, escapes in place); json_string_decode turns one into UTF-8 text in the caller's buffer.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

struct error;

#define JSON_DEPTH_MAX 64

/* --- writer --- */

/*
 * Appends "text" with quotes. Control characters (DEL, U+0080..9F, U+2028 and U+2029 too), '"', '\\' are escaped;
 * each byte of malformed UTF-8 becomes U+FFFD; '<>&' stay. Output is at most 6 bytes for a byte of text, and 2.
 */
void json_write_string(struct buf *out, struct str text);

/* --- reader --- */

enum json_event {
	JSON_END = 0, /* the document is complete and only white space followed */
	JSON_OBJECT_BEGIN,
	JSON_OBJECT_END,
	JSON_ARRAY_BEGIN,
	JSON_ARRAY_END,
	JSON_KEY,    /* text: raw key without quotes */
	JSON_STRING, /* text: raw string without quotes */
	JSON_NUMBER, /* text: as written */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_reader {
	struct str input; /* borrowed until the last event */
	size_t at;        /* byte offset of the next byte */
	struct str text;  /* of the last KEY, STRING or NUMBER */
	unsigned depth;
	unsigned char state;
	unsigned char is_array[JSON_DEPTH_MAX / 8]; /* a bit a level */
};

void json_reader_init(struct json_reader *reader, struct str input);

/*
 * Next event (>= 0), or -EINVAL malformed (text has the byte offset), -E2BIG too deep. After an error the same one
 * comes again.
 */
int json_next(struct json_reader *reader, struct error *err);

/* Skips the value whose first event was `event` (a nested one to its end, of a scalar nothing). 0 or as json_next. */
int json_skip(struct json_reader *reader, enum json_event event, struct error *err);

/*
 * Decodes a raw string (escapes, surrogates) into out. A lone surrogate and each byte of malformed UTF-8 become
 * U+FFFD, so the result is UTF-8. Returns 0; -ENOBUFS too small; -EINVAL a NUL inside (\u0000), which no path or name
 * of ours may hold.
 */
int json_string_decode(struct str raw, struct buf *out);

/* Decoded comparison without a buffer: true if the raw string decodes to `text`. */
bool json_string_is(struct str raw, struct str text);

#endif
