/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/error.h"
#include "base/utf8.h"
#include "match/regex_tree.h"

#define SHOWN_MAX 60 /* bytes of the pattern in an error */

struct flags {
	bool fold, lines, newline; /* i, m, s; U changes nothing here */
};

struct parser {
	struct str pattern;
	size_t at;
	struct arena *arena;
	struct error *err;
	int result; /* negative errno of the first error */
	unsigned depth;
	struct flags flags;
	size_t ranges; /* of all classes so far */
};

static struct regex_node *parse_choice(struct parser *p);

static void *fail(struct parser *p, size_t at, const char *what)
{
	size_t shown = p->pattern.len < SHOWN_MAX ? p->pattern.len : SHOWN_MAX;

	while (shown && shown < p->pattern.len && ((unsigned char)p->pattern.p[shown] & 0xc0) == 0x80)
		shown--; /* not within a character */
	if (!p->result)
		p->result = error_set(p->err, EINVAL, "invalid regular expression '%.*s%s': byte %zu: %s", (int)shown,
				      p->pattern.p, shown < p->pattern.len ? "..." : "", at + 1, what);
	return NULL;
}

static void *fail_limit(struct parser *p, const char *what, unsigned limit)
{
	if (!p->result)
		p->result = error_set(p->err, E2BIG, "regular expression too large: %s: at most %u", what, limit);
	return NULL;
}

static void *allocate(struct parser *p, size_t n)
{
	void *memory = p->result ? NULL : arena_alloc(p->arena, n);

	if (!memory && !p->result)
		p->result = error_set(p->err, ENOMEM, "the regular expression needs more memory than there is");
	return memory;
}

static bool at_end(const struct parser *p)
{
	return p->at >= p->pattern.len || p->result;
}

/* The byte at the parser or `ahead` of it, 0 behind the end. */
static char peek(const struct parser *p, size_t ahead)
{
	return p->pattern.len - p->at > ahead && p->at <= p->pattern.len ? p->pattern.p[p->at + ahead] : '\0';
}

static bool accept(struct parser *p, const char *text)
{
	struct str rest = str_from(p->pattern, p->at), want = str_of(text);

	if (p->result || !str_starts(rest, want))
		return false;
	p->at += want.len;
	return true;
}

static struct regex_node *node_new(struct parser *p, enum regex_kind kind)
{
	struct regex_node *node = allocate(p, sizeof *node);

	if (node)
		*node = (struct regex_node){ .kind = kind };
	return node;
}

static struct regex_node *node_assert(struct parser *p, enum regex_assert what)
{
	struct regex_node *node = node_new(p, REGEX_ASSERT);

	if (node)
		node->assert_kind = what;
	return node;
}

static struct regex_node *node_class(struct parser *p, struct regex_class *set)
{
	struct regex_node *node = node_new(p, REGEX_CLASS);

	p->ranges += set->n;
	if (p->ranges > REGEX_RANGES_MAX || (set->failed && set->n >= REGEX_CLASS_RANGES_MAX / 2))
		return fail_limit(p, "ranges of characters", REGEX_RANGES_MAX);
	if (set->failed) {
		p->at = p->pattern.len;
		return allocate(p, SIZE_MAX); /* says that there is no memory */
	}
	regex_class_tidy(set);
	if (!node)
		return NULL;
	node->range = set->range;
	node->ranges = set->n;
	return node;
}

static struct regex_node *node_character(struct parser *p, uint32_t point)
{
	struct regex_class set = { .arena = p->arena };
	struct regex_node *node;

	if (p->flags.fold) {
		regex_class_add(&set, point, point, true);
		regex_class_tidy(&set);
		if (set.failed || set.n > 1 || set.range[0].low != set.range[0].high)
			return node_class(p, &set);
	}
	node = node_new(p, REGEX_CHARACTER);
	if (node)
		node->point = point;
	return node;
}

static struct regex_node *node_dot(struct parser *p)
{
	struct regex_class set = { .arena = p->arena };

	regex_class_add(&set, 0, p->flags.newline ? REGEX_POINT_MAX : '\n' - 1, false);
	if (!p->flags.newline)
		regex_class_add(&set, '\n' + 1, REGEX_POINT_MAX, false);
	return node_class(p, &set);
}

/* --- characters and escapes --- */

static uint32_t point_read(struct parser *p)
{
	uint32_t point = 0;
	unsigned n = utf8_length(str_from(p->pattern, p->at), &point);

	if (!n)
		fail(p, p->at, "malformed UTF-8");
	p->at += n;
	return point;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* After "\x": two digits, or any number of them in braces. */
static uint32_t hex_read(struct parser *p, size_t from)
{
	bool braces = accept(p, "{");
	uint32_t point = 0;
	size_t digits = 0;

	for (; (braces || digits < 2) && hex_value(peek(p, 0)) >= 0 && point <= REGEX_POINT_MAX; digits++)
		point = point << 4 | (uint32_t)hex_value(p->pattern.p[p->at++]);
	if ((braces ? !digits || !accept(p, "}") : digits < 2) || point > REGEX_POINT_MAX)
		fail(p, from, "want \\xHH or \\x{H...} up to 10FFFF");
	return point;
}

/* An escape that stands for one character, the parser at its backslash. */
static uint32_t escape_read(struct parser *p)
{
	static const char from[] = "afnrtv", to[] = "\a\f\n\r\t\v";
	size_t begin = p->at++;
	char c = peek(p, 0);
	const char *simple = c ? strchr(from, c) : NULL;
	uint32_t point = 0;

	if (at_end(p)) {
		fail(p, begin, "a backslash at the end");
		return 0;
	}
	p->at++;
	if (simple)
		return (uint32_t)to[simple - from];
	if (c == 'x')
		return hex_read(p, begin);
	if (c == '0' || (c >= '1' && c <= '7' && peek(p, 0) >= '0' && peek(p, 0) <= '7')) {
		point = (uint32_t)(c - '0');
		for (int i = 0; i < 2 && peek(p, 0) >= '0' && peek(p, 0) <= '7'; i++)
			point = point << 3 | (uint32_t)(p->pattern.p[p->at++] - '0');
		return point;
	}
	if (c >= '1' && c <= '9')
		fail(p, begin, "there are no references to groups");
	else if ((unsigned char)c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '8' || c == '9')
		fail(p, begin, "unknown escape");
	return (unsigned char)c;
}

/* --- classes --- */

/* \d and the like, \p and the like; true if there was one (or an error). */
static bool escape_class_read(struct parser *p, struct regex_class *set)
{
	char c = peek(p, 1);
	size_t begin = p->at;
	struct str name;
	ptrdiff_t close;

	if (peek(p, 0) != '\\' || !c)
		return false;
	if (regex_class_add_perl(set, c, p->flags.fold)) {
		p->at += 2;
		return true;
	}
	if (c != 'p' && c != 'P')
		return false;
	p->at += 2;
	name = str_from(p->pattern, p->at);
	if (accept(p, "{")) {
		name = str_from(name, 1);
		close = str_find(name, '}');
		name.len = close < 0 ? 0 : (size_t)close;
		p->at += name.len + 1;
	} else {
		name.len = utf8_length(name, NULL);
		p->at += name.len;
	}
	if (!regex_class_add_unicode(set, name, c == 'P', p->flags.fold))
		fail(p, begin,
		     "unknown Unicode class; there are Any, L, Lu, Ll, M, N, Nd, P, S, Z, Latin, Greek, Cyrillic, Han");
	return true;
}

/* [:alpha:] inside a class; true if there was one (or an error). */
static bool posix_read(struct parser *p, struct regex_class *set)
{
	struct str rest = str_from(p->pattern, p->at), name = str_from(rest, 2);
	size_t n = 0;
	bool negated;

	if (!str_starts(rest, STR("[:")))
		return false;
	while (n < name.len && !str_starts(str_from(name, n), STR(":]")))
		n++;
	if (n == name.len)
		return false; /* "[:" without ":]" is two characters */
	name.len = n;
	negated = str_starts(name, STR("^"));
	if (!regex_class_add_posix(set, str_from(name, negated), negated, p->flags.fold))
		fail(p, p->at,
		     "unknown class; there are [:alnum:], [:alpha:], [:ascii:], [:blank:], [:cntrl:], [:digit:], "
		     "[:graph:], "
		     "[:lower:], [:print:], [:punct:], [:space:], [:upper:], [:word:], [:xdigit:]");
	p->at += n + 4;
	return true;
}

static uint32_t class_point_read(struct parser *p, size_t begin)
{
	if (p->at >= p->pattern.len)
		fail(p, begin, "missing ']'");
	if (p->result)
		return 0;
	return peek(p, 0) == '\\' ? escape_read(p) : point_read(p);
}

static struct regex_node *parse_class(struct parser *p)
{
	struct regex_class set = { .arena = p->arena };
	size_t begin = p->at++;
	bool negated = accept(p, "^");

	for (bool first = true; !p->result && !set.failed && (first || peek(p, 0) != ']'); first = false) {
		size_t from = p->at;
		uint32_t low, high;

		if (posix_read(p, &set) || escape_class_read(p, &set))
			continue;
		low = high = class_point_read(p, begin);
		if (peek(p, 0) == '-' && peek(p, 1) != ']' && p->pattern.len - p->at >= 2) {
			p->at++;
			high = class_point_read(p, begin);
		}
		if (high < low)
			fail(p, from, "a range that ends before it begins");
		if (!p->result)
			regex_class_add(&set, low, high, p->flags.fold);
	}
	if (p->result)
		return NULL;
	p->at++;
	if (negated && !set.failed)
		regex_class_negate(&set);
	return node_class(p, &set);
}

/* --- groups --- */

/* After "(?": "flags)" or "flags:"; *ret_open: a group begins. */
static void flags_read(struct parser *p, size_t begin, bool *ret_open)
{
	bool minus = false;

	for (;;) {
		char c = peek(p, 0);

		p->at++;
		if (c == 'i') {
			p->flags.fold = !minus;
		} else if (c == 'm') {
			p->flags.lines = !minus;
		} else if (c == 's') {
			p->flags.newline = !minus;
		} else if (c == '-' && !minus && peek(p, 0) != ')' && peek(p, 0) != ':') {
			minus = true;
		} else if (c != 'U') {
			*ret_open = c == ':';
			if (c != ':' && c != ')')
				fail(p, begin,
				     "unsupported group; there are (a), (?:a), (?P<name>a), (?<name>a), (?ims-U:a), "
				     "(?i)");
			return;
		}
	}
}

/* Skips the name of a group and the '>' behind it. */
static void name_read(struct parser *p, size_t begin)
{
	struct str rest = str_from(p->pattern, p->at);
	ptrdiff_t close = str_find(rest, '>');
	bool ok = close > 0;

	for (ptrdiff_t i = 0; i < close; i++) {
		char c = rest.p[i];

		ok = ok && (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_');
	}
	if (!ok)
		fail(p, begin, "a group's name has letters, digits and '_' only, and '>' behind it");
	else
		p->at += (size_t)close + 1;
}

/* NULL without an error: flags only, nothing that could be repeated. */
static struct regex_node *parse_group(struct parser *p)
{
	struct flags before = p->flags;
	struct regex_node *node;
	size_t begin = p->at++;
	bool open = true;

	if (accept(p, "?P<") || (peek(p, 1) == '<' && peek(p, 2) != '=' && peek(p, 2) != '!' && accept(p, "?<")))
		name_read(p, begin);
	else if (accept(p, "?"))
		flags_read(p, begin, &open);
	if (!open || p->result)
		return NULL;
	if (p->depth == REGEX_DEPTH_MAX)
		return fail_limit(p, "groups inside each other", REGEX_DEPTH_MAX);
	p->depth++;
	node = parse_choice(p);
	p->depth--;
	p->flags = before;
	if (!accept(p, ")"))
		return fail(p, begin, "missing ')'");
	return node;
}

/* --- repetition --- */

/* "{n}", "{n,}" or "{n,m}": false if it is none, so a literal brace. */
static bool counts_read(struct parser *p, int32_t *ret_least, int32_t *ret_most)
{
	int32_t count[2] = { 0, -1 };
	size_t at = p->at + 1;

	for (int i = 0; i < 2; i++) {
		size_t digits = 0;

		count[i] = 0;
		for (; at < p->pattern.len && p->pattern.p[at] >= '0' && p->pattern.p[at] <= '9'; at++, digits++)
			if (count[i] <= REGEX_REPEAT_MAX)
				count[i] = count[i] * 10 + (p->pattern.p[at] - '0');
		if (!digits && i)
			count[i] = -1;
		else if (!digits || (digits > 1 && p->pattern.p[at - digits] == '0'))
			return false;
		if (i == 0 && at < p->pattern.len && p->pattern.p[at] == ',') {
			at++;
			continue;
		}
		if (i == 0)
			count[1] = count[0];
		break;
	}
	if (at >= p->pattern.len || p->pattern.p[at] != '}')
		return false;
	p->at = at + 1;
	*ret_least = count[0];
	*ret_most = count[1];
	return true;
}

/* Are counts, those inside each other multiplied, at most `most`? */
static bool counts_fit(const struct regex_node *node, int32_t most)
{
	if (node->kind == REGEX_REPEAT && node->counted) {
		int32_t count = node->most < 0 ? node->least : node->most;

		if (!node->most)
			return true;
		if (count > most)
			return false;
		if (count > 0)
			most /= count;
	}
	for (const struct regex_node *part = node->part; part; part = part->next)
		if (!counts_fit(part, most))
			return false;
	return true;
}

/* What follows `node`: at most one repetition, with a '?' that says "lazy". */
static struct regex_node *parse_repeat(struct parser *p, struct regex_node *node)
{
	size_t begin = p->at;
	int32_t least = 0, most = -1;
	bool counted = false;
	struct regex_node *repeat;

	switch (peek(p, 0)) {
	case '*':
		p->at++;
		break;
	case '+':
		least = 1;
		p->at++;
		break;
	case '?':
		most = 1;
		p->at++;
		break;
	case '{':
		counted = counts_read(p, &least, &most);
		if (counted)
			break;
		return node;
	default:
		return node;
	}
	(void)accept(p, "?");
	if (most >= 0 && most < least)
		return fail(p, begin, "a repetition of at least more than at most");
	repeat = node_new(p, REGEX_REPEAT);
	if (!repeat)
		return NULL;
	repeat->counted = counted;
	repeat->least = least;
	repeat->most = most;
	repeat->part = node;
	if (!counts_fit(repeat, REGEX_REPEAT_MAX))
		return fail(p, begin, "a repetition of more than 1000 (those inside each other are multiplied)");
	if (strchr("*+?", peek(p, 0)) && peek(p, 0))
		return fail(p, begin, "a repetition of a repetition needs a group");
	if (peek(p, 0) == '{') {
		size_t at = p->at;

		if (counts_read(p, &least, &most))
			return fail(p, begin, "a repetition of a repetition needs a group");
		p->at = at;
	}
	return repeat;
}

/* --- sequence and choice --- */

static struct regex_node *parse_escape(struct parser *p)
{
	static const struct {
		char letter;
		enum regex_assert what;
	} asserts[] = {
		{ 'A', ASSERT_TEXT_BEGIN }, { 'z', ASSERT_TEXT_END }, { 'b', ASSERT_WORD }, { 'B', ASSERT_NO_WORD }
	};
	struct regex_class set = { .arena = p->arena };

	for (size_t i = 0; i < sizeof asserts / sizeof *asserts; i++)
		if (peek(p, 1) == asserts[i].letter) {
			p->at += 2;
			return node_assert(p, asserts[i].what);
		}
	if (escape_class_read(p, &set))
		return p->result ? NULL : node_class(p, &set);
	return node_character(p, escape_read(p));
}

static struct regex_node *parse_atom(struct parser *p)
{
	switch (peek(p, 0)) {
	case '(':
		return parse_group(p);
	case '[':
		return parse_class(p);
	case '.':
		p->at++;
		return node_dot(p);
	case '^':
		p->at++;
		return node_assert(p, p->flags.lines ? ASSERT_LINE_BEGIN : ASSERT_TEXT_BEGIN);
	case '$':
		p->at++;
		return node_assert(p, p->flags.lines ? ASSERT_LINE_END : ASSERT_TEXT_END);
	case '\\':
		return parse_escape(p);
	case '*':
	case '+':
	case '?':
		return fail(p, p->at, "a repetition of nothing");
	default:
		return node_character(p, point_read(p));
	}
}

/* Links of a node's parts in order. */
struct parts {
	struct regex_node *first, *last;
};

static void part_add(struct parts *parts, struct regex_node *node)
{
	if (parts->last)
		parts->last->next = node;
	else
		parts->first = node;
	parts->last = node;
}

/* Nothing, the one part, or all of them below a node. */
static struct regex_node *parts_close(struct parser *p, struct parts *parts, enum regex_kind kind)
{
	struct regex_node *node;

	if (p->result || (parts->first && parts->first == parts->last))
		return p->result ? NULL : parts->first;
	node = node_new(p, parts->first ? kind : REGEX_EMPTY);
	if (node)
		node->part = parts->first;
	return node;
}

static struct regex_node *parse_sequence(struct parser *p)
{
	struct parts parts = { 0 };

	while (!at_end(p) && peek(p, 0) != '|' && peek(p, 0) != ')') {
		struct regex_node *node;
		bool brace = peek(p, 0) == '{';
		int32_t least, most;
		size_t at = p->at;

		if (accept(p, "\\Q")) {
			while (!at_end(p) && !accept(p, "\\E")) {
				node = node_character(p, point_read(p));
				if (!at_end(p) && str_starts(str_from(p->pattern, p->at), STR("\\E")) && node) {
					p->at += 2;
					node = parse_repeat(p, node);
					if (node)
						part_add(&parts, node);
					break;
				}
				if (node)
					part_add(&parts, node);
			}
			continue;
		}
		if (brace && counts_read(p, &least, &most))
			return fail(p, at, "a repetition of nothing");
		node = parse_atom(p);
		if (!node)
			continue; /* flags, or an error */
		node = parse_repeat(p, node);
		if (node)
			part_add(&parts, node);
	}
	return parts_close(p, &parts, REGEX_SEQUENCE);
}

static struct regex_node *parse_choice(struct parser *p)
{
	struct parts parts = { 0 };

	do {
		struct regex_node *node = parse_sequence(p);

		if (p->result)
			return NULL;
		part_add(&parts, node);
	} while (accept(p, "|"));
	return parts_close(p, &parts, REGEX_CHOICE);
}

int regex_parse(struct str pattern, struct arena *arena, struct regex_node **ret, struct error *err)
{
	struct parser p = { .pattern = pattern, .arena = arena, .err = err };
	struct regex_node *node;

	if (pattern.len > REGEX_PATTERN_MAX)
		fail_limit(&p, "bytes", REGEX_PATTERN_MAX);
	node = p.result ? NULL : parse_choice(&p);
	if (!p.result && p.at < pattern.len)
		fail(&p, p.at, "unexpected ')'");
	if (p.result)
		return p.result;
	*ret = node;
	return 0;
}
