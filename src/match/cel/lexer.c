/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/lexer.h"

#include <errno.h>

#include "base/utf8.h"
#include "match/cel/place.h"

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_letter(int c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* The byte at `at`, -1 behind the end. */
static int byte_at(const struct cel_lexer *lexer, size_t at)
{
	return at < lexer->source.len ? (unsigned char)lexer->source.p[at] : -1;
}

static void blank_skip(struct cel_lexer *lexer)
{
	for (;;) {
		int c = byte_at(lexer, lexer->at);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			lexer->at++;
		} else if (c == '/' && byte_at(lexer, lexer->at + 1) == '/') {
			while (lexer->at < lexer->source.len && lexer->source.p[lexer->at] != '\n')
				lexer->at++;
		} else {
			return;
		}
	}
}

static void token_end(struct cel_lexer *lexer, struct cel_token *token, int kind, uint32_t end)
{
	token->kind = kind;
	token->end = end;
	token->text = (struct str){ lexer->source.p + token->at, end - token->at };
	lexer->at = end;
}

static uint32_t digits_end(const struct cel_lexer *lexer, uint32_t at)
{
	while (is_digit(byte_at(lexer, at)))
		at++;
	return at;
}

static void number_read(struct cel_lexer *lexer, struct cel_token *token)
{
	uint32_t at = token->at, mark;
	int kind = TOKEN_INT;

	if (byte_at(lexer, at) == '0' && byte_at(lexer, at + 1) == 'x' && is_hex(byte_at(lexer, at + 2))) {
		for (at += 2; is_hex(byte_at(lexer, at));)
			at++;
	} else {
		at = digits_end(lexer, at);
		if (byte_at(lexer, at) == '.' && is_digit(byte_at(lexer, at + 1))) {
			at = digits_end(lexer, at + 1);
			kind = TOKEN_DOUBLE;
		}
		if ((byte_at(lexer, at) | 0x20) == 'e') {
			mark = at + 1;
			if (byte_at(lexer, mark) == '+' || byte_at(lexer, mark) == '-')
				mark++;
			if (is_digit(byte_at(lexer, mark))) {
				at = digits_end(lexer, mark);
				kind = TOKEN_DOUBLE;
			}
		}
	}
	if (kind == TOKEN_INT && (byte_at(lexer, at) | 0x20) == 'u') {
		token_end(lexer, token, TOKEN_UINT, at + 1);
		token->text.len--;
		return;
	}
	token_end(lexer, token, kind, at);
}

/* A string whose prefix (`prefix` bytes: r, b, br) has been seen; the lexer stands at its first byte. */
static int string_read(struct cel_lexer *lexer, struct cel_token *token, uint32_t prefix, struct error *err)
{
	uint32_t quote_at = token->at + prefix, at = quote_at + 1;
	int quote = byte_at(lexer, quote_at), c;
	bool bytes = prefix && (lexer->source.p[token->at] | 0x20) == 'b';
	bool raw = prefix > bytes;
	bool triple = byte_at(lexer, at) == quote && byte_at(lexer, at + 1) == quote;

	at += triple ? 2 : 0;
	for (;;) {
		c = byte_at(lexer, at);
		if (c < 0 || (!triple && (c == '\n' || c == '\r')))
			break;
		if (c == quote && (!triple || (byte_at(lexer, at + 1) == quote && byte_at(lexer, at + 2) == quote))) {
			token_end(lexer, token, bytes ? TOKEN_BYTES : TOKEN_STRING, at + (triple ? 3 : 1));
			if (bytes)
				token->text = str_from(token->text, 1);
			return 0;
		}
		at += c == '\\' && !raw ? 2 : 1;
	}
	return cel_error_at(err, EINVAL, lexer->source, token->at, "string without an end: want %s%c%s",
			    triple ? "three of " : "", quote, triple || c < 0 ? "" : " on this line");
}

/* Bytes of the r, b or br in front of a quote; 0 for none, and for what is a name. */
static uint32_t string_prefix(const struct cel_lexer *lexer)
{
	uint32_t n = 0;

	if ((byte_at(lexer, lexer->at) | 0x20) == 'b')
		n++;
	if ((byte_at(lexer, lexer->at + n) | 0x20) == 'r')
		n++;
	return byte_at(lexer, lexer->at + n) == '"' || byte_at(lexer, lexer->at + n) == '\'' ? n : 0;
}

static void name_read(struct cel_lexer *lexer, struct cel_token *token)
{
	static const struct {
		const char *word;
		int kind;
	} words[] = { { "true", TOKEN_TRUE }, { "false", TOKEN_FALSE }, { "null", TOKEN_NULL }, { "in", TOKEN_IN } };
	uint32_t at = token->at;

	while (is_letter(byte_at(lexer, at)) || is_digit(byte_at(lexer, at)))
		at++;
	token_end(lexer, token, TOKEN_IDENT, at);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_is(token->text, words[i].word))
			token->kind = words[i].kind;
}

static int quoted_name_read(struct cel_lexer *lexer, struct cel_token *token, struct error *err)
{
	uint32_t at = token->at + 1;
	int c;

	while ((c = byte_at(lexer, at)) >= 0 &&
	       (is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '/' || c == ' '))
		at++;
	if (c != '`' || at == token->at + 1)
		return cel_error_at(err, EINVAL, lexer->source, c == '`' ? token->at : at,
				    "a name in backquotes has letters, digits, '_', '.', '-', '/' and spaces only");
	token_end(lexer, token, TOKEN_QUOTED_IDENT, at + 1);
	token->text = (struct str){ token->text.p + 1, token->text.len - 2 };
	return 0;
}

static void operator_read(struct cel_lexer *lexer, struct cel_token *token, int c)
{
	static const struct {
		char first, second;
		int kind;
	} pairs[] = { { '=', '=', TOKEN_EQ }, { '!', '=', TOKEN_NE },  { '<', '=', TOKEN_LE },
		      { '>', '=', TOKEN_GE }, { '&', '&', TOKEN_AND }, { '|', '|', TOKEN_OR } };

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (c == pairs[i].first && byte_at(lexer, token->at + 1) == pairs[i].second) {
			token_end(lexer, token, pairs[i].kind, token->at + 2);
			return;
		}
	token_end(lexer, token, c, token->at + 1);
}

int cel_lexer_next(struct cel_lexer *lexer, struct cel_token *ret, struct error *err)
{
	uint32_t prefix;
	int c;

	blank_skip(lexer);
	c = byte_at(lexer, lexer->at);
	*ret = (struct cel_token){ .kind = TOKEN_END, .at = lexer->at, .end = lexer->at };
	if (c < 0)
		return 0;
	prefix = string_prefix(lexer);
	if (prefix || c == '"' || c == '\'')
		return string_read(lexer, ret, prefix, err);
	if (c == '`')
		return quoted_name_read(lexer, ret, err);
	if (is_letter(c)) {
		name_read(lexer, ret);
		return 0;
	}
	if (is_digit(c) || (c == '.' && is_digit(byte_at(lexer, lexer->at + 1)))) {
		number_read(lexer, ret);
		return 0;
	}
	if (c < 0x80 && c > ' ' && strchr("[]{}().,-!?:+*/%<>", c)) {
		operator_read(lexer, ret, c);
		return 0;
	}
	operator_read(lexer, ret, c);
	if (ret->kind == TOKEN_EQ || ret->kind == TOKEN_AND || ret->kind == TOKEN_OR)
		return 0;
	if (c == '=' || c == '&' || c == '|')
		return cel_error_at(err, EINVAL, lexer->source, ret->at, "'%c' is no operator; did you mean '%c%c'?", c,
				    c, c);
	if (c > ' ' && c < 0x7f)
		return cel_error_at(err, EINVAL, lexer->source, ret->at, "unexpected character '%c'", c);
	return cel_error_at(err, EINVAL, lexer->source, ret->at, "unexpected character (byte 0x%02x)", (unsigned)c);
}
