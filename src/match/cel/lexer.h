/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/lexer.h: an expression's text as tokens. White space and // comments are between tokens. Source: CEL
 * language definition, "Syntax"; where it leaves a choice, cel-go's grammar (backquoted field names, .5).
 */
#ifndef MATCH_CEL_LEXER_H
#define MATCH_CEL_LEXER_H

#include <stdint.h>

#include "base/str.h"

struct error;

enum cel_token_kind {
	TOKEN_END,
	TOKEN_IDENT,
	TOKEN_QUOTED_IDENT, /* text without the backquotes */
	TOKEN_INT,
	TOKEN_UINT,
	TOKEN_DOUBLE, /* text with 0x and without u */
	TOKEN_STRING,
	TOKEN_BYTES, /* text with quotes, and r if it is there, without b */
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NULL,
	TOKEN_IN,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LE,
	TOKEN_GE,
	TOKEN_AND,
	TOKEN_OR,
	/* one byte each, their own number: [ ] { } ( ) . , - ! ? : + * / % < > */
};

struct cel_token {
	int kind;        /* enum cel_token_kind, or the byte */
	uint32_t at;     /* byte offset of its first byte */
	uint32_t end;    /* of the byte after it */
	struct str text; /* into the source */
};

struct cel_lexer {
	struct str source;
	uint32_t at;
};

/* Reads the next token. -EINVAL: a byte that begins none, a string without end, malformed UTF-8. */
int cel_lexer_next(struct cel_lexer *lexer, struct cel_token *ret, struct error *err);

#endif
