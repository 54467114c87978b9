/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "match/regex.h"

#define SECONDS_MAX 10 /* under sanitizers on a busy machine */

static char memory[8u << 20] __attribute__((aligned(16)));

/* What Go's regexp says of each is the same, of errors that there is one. */
static const struct {
	const char *pattern, *text;
	int want; /* 1 matches, 0 doesn't, -EINVAL: refused, with these words */
	const char *words;
} cases[] = {
	/* literals */
	{ "abc", "xabcx", 1, NULL },
	{ "abc", "ab", 0, NULL },
	{ "", "", 1, NULL },
	{ "", "anything", 1, NULL },
	{ "a", "", 0, NULL },
	{ "\303\251", "caf\303\251", 1, NULL },
	{ "\303\251", "cafe", 0, NULL },
	{ "\346\227\245\346\234\254", "x\346\227\245\346\234\254y", 1, NULL },
	{ "a b", "a b", 1, NULL },
	/* any character */
	{ ".", "", 0, NULL },
	{ ".", "a", 1, NULL },
	{ ".", "\012", 0, NULL },
	{ "(?s).", "\012", 1, NULL },
	{ "a.c", "abc", 1, NULL },
	{ "a.c", "a\012c", 0, NULL },
	{ "^..$", "\346\227\245\346\234\254", 1, NULL },
	{ "^.$", "\346\227\245\346\234\254", 0, NULL },
	/* classes */
	{ "[abc]", "b", 1, NULL },
	{ "[abc]", "d", 0, NULL },
	{ "[^abc]", "b", 0, NULL },
	{ "[^abc]", "d", 1, NULL },
	{ "[^abc]", "\012", 1, NULL },
	{ "[a-c]", "b", 1, NULL },
	{ "[a-c]", "d", 0, NULL },
	{ "[a-]", "-", 1, NULL },
	{ "[-a]", "-", 1, NULL },
	{ "[]a]", "]", 1, NULL },
	{ "[^]a]", "]", 0, NULL },
	{ "[^]a]", "b", 1, NULL },
	{ "[a\\]b]", "]", 1, NULL },
	{ "[\303\240-\303\276]", "\303\251", 1, NULL },
	{ "[a-z&&b]", "&", 1, NULL },
	{ "[.]", "a", 0, NULL },
	{ "[.]", ".", 1, NULL },
	{ "[$^]", "^", 1, NULL },
	{ "[^^]", "^", 0, NULL },
	{ "[[:alpha:]]", "a", 1, NULL },
	{ "[[:alpha:]]", "1", 0, NULL },
	{ "[[:^alpha:]]", "1", 1, NULL },
	{ "[[:digit:]]", "5", 1, NULL },
	{ "[[:upper:]]", "a", 0, NULL },
	{ "[[:lower:]]", "a", 1, NULL },
	{ "[[:space:]]", "\013", 1, NULL },
	{ "[[:punct:]]", "!", 1, NULL },
	{ "[[:punct:]]", "a", 0, NULL },
	{ "[[:word:]]", "_", 1, NULL },
	{ "[[:xdigit:]]", "g", 0, NULL },
	{ "[[:xdigit:]]", "F", 1, NULL },
	{ "[[:cntrl:]]", "\001", 1, NULL },
	{ "[[:print:]]", "\001", 0, NULL },
	{ "[[:graph:]]", " ", 0, NULL },
	{ "[[:blank:]]", "\011", 1, NULL },
	{ "[[:ascii:]]", "\303\251", 0, NULL },
	{ "[[:alnum:][:punct:]]", "\303\251", 0, NULL },
	{ "[[:alpha", NULL, -EINVAL, "byte 1: missing ']'" },
	{ "[[:alpha:]", NULL, -EINVAL, "byte 1: missing ']'" },
	{ "[[:foo:]]", NULL, -EINVAL, "byte 2: unknown class" },
	{ "[\\d]", "5", 1, NULL },
	{ "[\\D]", "5", 0, NULL },
	{ "[^\\d]", "5", 0, NULL },
	{ "[\\w-]", "-", 1, NULL },
	{ "[a-\\d]", NULL, -EINVAL, "byte 4: unknown escape" },
	{ "[b-a]", NULL, -EINVAL, "byte 2: a range that ends before it begins" },
	{ "[a", NULL, -EINVAL, "byte 1: missing ']'" },
	{ "[", NULL, -EINVAL, "byte 1: missing ']'" },
	{ "[]", NULL, -EINVAL, "byte 1: missing ']'" },
	{ "[^]", NULL, -EINVAL, "byte 1: missing ']'" },
	/* perl classes */
	{ "\\d", "5", 1, NULL },
	{ "\\d", "a", 0, NULL },
	{ "\\d", "\331\243", 0, NULL },
	{ "\\D", "5", 0, NULL },
	{ "\\s", "\011", 1, NULL },
	{ "\\s", "\013", 0, NULL },
	{ "\\s", "\302\240", 0, NULL },
	{ "\\S", " ", 0, NULL },
	{ "\\w", "_", 1, NULL },
	{ "\\w", "\303\251", 0, NULL },
	{ "\\W", "\303\251", 1, NULL },
	/* unicode classes */
	{ "\\pL", "\303\251", 1, NULL },
	{ "\\pL", "1", 0, NULL },
	{ "\\PL", "1", 1, NULL },
	{ "\\p{L}", "\303\251", 1, NULL },
	{ "\\p{^L}", "\303\251", 0, NULL },
	{ "\\P{^L}", "\303\251", 1, NULL },
	{ "\\p{Lu}", "\303\211", 1, NULL },
	{ "\\p{Lu}", "\303\251", 0, NULL },
	{ "\\p{Ll}", "\303\251", 1, NULL },
	{ "\\p{N}", "\302\275", 1, NULL },
	{ "\\p{Nd}", "\302\275", 0, NULL },
	{ "\\p{Nd}", "\331\243", 1, NULL },
	{ "\\pM", "\314\201", 1, NULL },
	{ "\\pP", "!", 1, NULL },
	{ "\\pS", "\342\202\254", 1, NULL },
	{ "\\pZ", "\302\240", 1, NULL },
	{ "\\p{Greek}", "\316\273", 1, NULL },
	{ "\\p{Greek}", "a", 0, NULL },
	{ "\\p{Cyrillic}", "\321\217", 1, NULL },
	{ "\\p{Latin}", "a", 1, NULL },
	{ "\\p{Han}", "\346\227\245", 1, NULL },
	{ "\\p{Any}", "x", 1, NULL },
	{ "\\PN", "5", 0, NULL },
	{ "[\\pL\\d]", "5", 1, NULL },
	{ "[^\\pL]", "\303\251", 0, NULL },
	{ "\\p{Foo}", NULL, -EINVAL, "byte 1: unknown Unicode class" },
	{ "\\pX", NULL, -EINVAL, "byte 1: unknown Unicode class" },
	{ "\\p{L", NULL, -EINVAL, "byte 1: unknown Unicode class" },
	{ "\\p", NULL, -EINVAL, "byte 1: unknown Unicode class" },
	/* escapes */
	{ "\\.", "a", 0, NULL },
	{ "\\.", ".", 1, NULL },
	{ "\\*", "*", 1, NULL },
	{ "\\", NULL, -EINVAL, "byte 1: a backslash at the end" },
	{ "\\a", "\007", 1, NULL },
	{ "\\f", "\014", 1, NULL },
	{ "\\n", "\012", 1, NULL },
	{ "\\r", "\015", 1, NULL },
	{ "\\t", "\011", 1, NULL },
	{ "\\v", "\013", 1, NULL },
	{ "\\x41", "A", 1, NULL },
	{ "\\x4", NULL, -EINVAL, "byte 1: want \\xHH or \\x{H...} up to 10FFFF" },
	{ "\\x{41}", "A", 1, NULL },
	{ "\\x{1F600}", "\360\237\230\200", 1, NULL },
	{ "\\x{110000}", NULL, -EINVAL, "byte 1: want \\xHH or \\x{H...} up to 10FFFF" },
	{ "\\x{}", NULL, -EINVAL, "byte 1: want \\xHH or \\x{H...} up to 10FFFF" },
	{ "\\101", "A", 1, NULL },
	{ "\\12", "\012", 1, NULL },
	{ "\\0", "\001", 0, NULL },
	{ "\\1", NULL, -EINVAL, "byte 1: there are no references to groups" },
	{ "\\8", NULL, -EINVAL, "byte 1: there are no references to groups" },
	{ "\\_", "_", 1, NULL },
	{ "\\\303\251", NULL, -EINVAL, "byte 1: unknown escape" },
	{ "\\q", NULL, -EINVAL, "byte 1: unknown escape" },
	{ "\\C", NULL, -EINVAL, "byte 1: unknown escape" },
	{ "\\Z", NULL, -EINVAL, "byte 1: unknown escape" },
	{ "\\Qa.b\\E", "a.b", 1, NULL },
	{ "\\Qa.b\\E", "axb", 0, NULL },
	{ "\\Qa.b", "a.b", 1, NULL },
	{ "\\Qab\\E*$", "a", 1, NULL },
	{ "\\Q\\E", "x", 1, NULL },
	{ "a\\", NULL, -EINVAL, "byte 2: a backslash at the end" },
	/* groups */
	{ "(a)", "a", 1, NULL },
	{ "(ab)+", "abab", 1, NULL },
	{ "(?:ab)+$", "aba", 0, NULL },
	{ "(?P<n>a)", "a", 1, NULL },
	{ "(?<n>a)", "a", 1, NULL },
	{ "(?P<n>a)(?P<n>b)", "ab", 1, NULL },
	{ "(?P<1n>a)", "a", 1, NULL },
	{ "(?P<>a)", NULL, -EINVAL, "byte 1: a group's name has letters, digits and '_' only, and '>' behind it" },
	{ "(?P<n a>a)", NULL, -EINVAL, "byte 1: a group's name has letters, digits and '_' only, and '>' behind it" },
	{ "(?P<n", NULL, -EINVAL, "byte 1: a group's name has letters, digits and '_' only, and '>' behind it" },
	{ "(", NULL, -EINVAL, "byte 1: missing ')'" },
	{ ")", NULL, -EINVAL, "byte 1: unexpected ')'" },
	{ "(a", NULL, -EINVAL, "byte 1: missing ')'" },
	{ "a)", NULL, -EINVAL, "byte 2: unexpected ')'" },
	{ "()", "a", 1, NULL },
	{ "(?:)", "a", 1, NULL },
	{ "(?=a)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?!a)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?<=a)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?<!a)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?>a)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?#a)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?P=n)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?a)", NULL, -EINVAL, "byte 1: unsupported group" },
	/* choice */
	{ "a|b", "b", 1, NULL },
	{ "a|b", "c", 0, NULL },
	{ "^(a|b)$", "b", 1, NULL },
	{ "^(a|)$", "", 1, NULL },
	{ "|a", "x", 1, NULL },
	{ "a|", "x", 1, NULL },
	{ "^(|b)$", "b", 1, NULL },
	{ "(a|b|c)d", "cd", 1, NULL },
	/* repetition */
	{ "^a*$", "", 1, NULL },
	{ "^a*$", "aaa", 1, NULL },
	{ "^a+$", "", 0, NULL },
	{ "^a+$", "aaa", 1, NULL },
	{ "^a?$", "a", 1, NULL },
	{ "^a?$", "aa", 0, NULL },
	{ "^a{2}$", "aa", 1, NULL },
	{ "^a{2}$", "a", 0, NULL },
	{ "^a{2,}$", "aaa", 1, NULL },
	{ "^a{2,}$", "a", 0, NULL },
	{ "^a{1,2}$", "aa", 1, NULL },
	{ "^a{1,2}$", "aaa", 0, NULL },
	{ "^a{0}$", "", 1, NULL },
	{ "^a{0}$", "a", 0, NULL },
	{ "^a{0,0}b$", "b", 1, NULL },
	{ "^a{,2}$", "a{,2}", 1, NULL },
	{ "a{", "a{", 1, NULL },
	{ "a{x}", "a{x}", 1, NULL },
	{ "a{1", "a{1", 1, NULL },
	{ "{", "{", 1, NULL },
	{ "^(ab){2}$", "abab", 1, NULL },
	{ "^(a*)*$", "aaa", 1, NULL },
	{ "^(a*)+b$", "aab", 1, NULL },
	{ "^(a?){3}$", "aa", 1, NULL },
	{ "^(a|ab)(c|bcd)$", "abcd", 1, NULL },
	{ "^a*?$", "aa", 1, NULL },
	{ "^a+?$", "aa", 1, NULL },
	{ "^a?\?$", "a", 1, NULL },
	{ "^a{1,2}?$", "aa", 1, NULL },
	{ "*", NULL, -EINVAL, "byte 1: a repetition of nothing" },
	{ "+", NULL, -EINVAL, "byte 1: a repetition of nothing" },
	{ "?", NULL, -EINVAL, "byte 1: a repetition of nothing" },
	{ "{1}", NULL, -EINVAL, "byte 1: a repetition of nothing" },
	{ "(*a)", NULL, -EINVAL, "byte 2: a repetition of nothing" },
	{ "|*", NULL, -EINVAL, "byte 2: a repetition of nothing" },
	{ "a**", NULL, -EINVAL, "byte 2: a repetition of a repetition needs a group" },
	{ "a*+", NULL, -EINVAL, "byte 2: a repetition of a repetition needs a group" },
	{ "a+?*", NULL, -EINVAL, "byte 2: a repetition of a repetition needs a group" },
	{ "a{1}{2}", NULL, -EINVAL, "byte 2: a repetition of a repetition needs a group" },
	{ "a{2,1}", NULL, -EINVAL, "byte 2: a repetition of at least more than at most" },
	{ "a{1000}", "a", 0, NULL },
	{ "a{1001}", NULL, -EINVAL, "byte 2: a repetition of more than 1000 (those inside each other are multiplied)" },
	{ "a{1,1001}", NULL, -EINVAL,
	  "byte 2: a repetition of more than 1000 (those inside each other are multiplied)" },
	{ "(a{1000}){2}", NULL, -EINVAL,
	  "byte 10: a repetition of more than 1000 (those inside each other are multiplied)" },
	{ "(a{10}){100}", "a", 0, NULL },
	{ "(a{11}){100}", NULL, -EINVAL,
	  "byte 8: a repetition of more than 1000 (those inside each other are multiplied)" },
	{ "(a{0}){1000}", "a", 1, NULL },
	/* assertions */
	{ "^a", "ab", 1, NULL },
	{ "^a", "ba", 0, NULL },
	{ "a$", "ba", 1, NULL },
	{ "a$", "ab", 0, NULL },
	{ "a$", "a\012", 0, NULL },
	{ "(?m)^a", "b\012a", 1, NULL },
	{ "(?m)a$", "a\012b", 1, NULL },
	{ "\\Aa", "b\012a", 0, NULL },
	{ "(?m)\\Aa", "b\012a", 0, NULL },
	{ "a\\z", "a\012", 0, NULL },
	{ "\\ba", "ba", 0, NULL },
	{ "\\ba", "b a", 1, NULL },
	{ "\\Ba", "ba", 1, NULL },
	{ "a\\b", "\303\251", 0, NULL },
	{ "\\b", "", 0, NULL },
	{ "\\B", "", 1, NULL },
	{ "^$", "", 1, NULL },
	{ "^$", "a", 0, NULL },
	{ "(?m)^$", "a\012\012b", 1, NULL },
	{ "$^", "", 1, NULL },
	{ "(^a|b)", "ab", 1, NULL },
	{ "^*", "a", 1, NULL },
	{ "a^b", "ab", 0, NULL },
	/* flags */
	{ "(?i)abc", "ABC", 1, NULL },
	{ "(?i)abc", "AbC", 1, NULL },
	{ "(?i)\303\211", "\303\251", 1, NULL },
	{ "(?i)\321\217", "\320\257", 1, NULL },
	{ "(?i)\317\203", "\317\202", 1, NULL },
	{ "(?i)k", "\342\204\252", 1, NULL },
	{ "(?i)s", "\305\277", 1, NULL },
	{ "(?i)[a-c]", "B", 1, NULL },
	{ "(?i)[^a]", "A", 0, NULL },
	{ "(?i)\\x41", "a", 1, NULL },
	{ "(?i)\303\237", "\341\272\236", 1, NULL },
	{ "(?i:a)b", "AB", 0, NULL },
	{ "(?i:a)b", "Ab", 1, NULL },
	{ "a(?i)b", "aB", 1, NULL },
	{ "a(?i)b", "AB", 0, NULL },
	{ "(a(?i)b)c", "aBC", 0, NULL },
	{ "(?i)a(?-i)b", "AB", 0, NULL },
	{ "(?i-s:a.)", "A\012", 0, NULL },
	{ "(?s-i:a.)", "a\012", 1, NULL },
	{ "(?U)a+", "aa", 1, NULL },
	{ "(?im)^b", "A\012B", 1, NULL },
	{ "(?ims-U:a.b)", "A\012B", 1, NULL },
	{ "(?-)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?i-)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?)", "a", 1, NULL },
	{ "(?--i)", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?i", NULL, -EINVAL, "byte 1: unsupported group" },
	{ "(?i)\\d", "5", 1, NULL },
	{ "(?i)\\w", "\342\204\252", 1, NULL },
	/* search */
	{ "bc", "abcd", 1, NULL },
	{ "b+", "aabbcc", 1, NULL },
	{ "foo.*bar", "xfoo--barx", 1, NULL },
	{ "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!", 0, NULL },
	{ "^(([a-z])+.)+[A-Z]([a-z])+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, NULL },
	{ "^kube-(system|public)$", "kube-system", 1, NULL },
	{ "^kube-(system|public)$", "kube-systems", 0, NULL },
	{ "^registry\\.example\\.com/.*@sha256:[0-9a-f]{64}$",
	  "registry.example.com/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 1, NULL },
	{ "^registry\\.example\\.com/.*@sha256:[0-9a-f]{64}$", "registry.example.com/a@sha256:0123", 0, NULL },
	{ "^([0-9]{1,3}\\.){3}[0-9]{1,3}$", "192.168.0.1", 1, NULL },
	{ "^([0-9]{1,3}\\.){3}[0-9]{1,3}$", "192.168.0", 0, NULL },
};

static int search(struct str pattern, struct str text, struct error *err)
{
	struct arena arena = arena_over(memory, sizeof memory);
	const struct regex *regex;
	size_t used;
	int r = regex_compile(pattern, &arena, &regex, err);

	if (r < 0)
		return r;
	used = arena.used;
	r = regex_search(regex, text, &arena, NULL);
	assert_int_equal(arena.used, used);
	return r;
}

static void patterns_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = { 0 };
		int r = search(str_of(cases[i].pattern), str_of(cases[i].text), &err);

		if (r != cases[i].want || (r < 0 && !strstr(err.text, cases[i].words)))
			fail_msg("'%s' in '%s': %d %s", cases[i].pattern, cases[i].text ? cases[i].text : "", r,
				 err.text);
	}
	(void)state;
}

/* Each pattern of the table cut at each byte, copied to fit exactly: an answer or an error with a text. */
static void patterns_may_be_cut_anywhere(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t n = 0; n < strlen(cases[i].pattern); n++) {
			struct error err = { 0 };
			char *cut = malloc(n + 1);
			int r;

			assert_non_null(cut);
			memcpy(cut, cases[i].pattern, n);
			r = search((struct str){ cut, n }, str_of(cases[i].text), &err);
			if (r < 0 && !err.text[0])
				fail_msg("'%.*s': no text", (int)n, cut);
			free(cut);
		}
	(void)state;
}

static void malformed_text_is_u_fffd_byte_by_byte(void **state)
{
	static const struct {
		const char *pattern, *text;
		int want;
	} row[] = {
		{ "^.$", "\xff", 1 },        { "^..$", "\xc3\x28", 1 },        { "^...$", "\xe2\x82x", 1 },
		{ "\\x{fffd}", "a\x80", 1 }, { "^\\x{fffd}$", "\xff\xff", 0 }, { "^[^a]$", "\xff", 1 },
		{ "^\\w$", "\xff", 0 },
	};
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (search(str_of(row[i].pattern), str_of(row[i].text), &err) != row[i].want)
			fail_msg("row %zu", i);
	assert_int_equal(search(STR("a\xff"), STR("a"), &err), -EINVAL);
	assert_non_null(strstr(err.text, "byte 2: malformed UTF-8"));
	assert_int_equal(search((struct str){ "a\0b", 3 }, (struct str){ "xa\0b", 4 }, &err), 1);
	(void)state;
}

static struct str repeated(const char *head, const char *part, size_t n, const char *tail)
{
	static char text[1u << 20];
	struct buf out = buf_over(text, sizeof text);

	buf_text(&out, head);
	for (size_t i = 0; i < n; i++)
		buf_text(&out, part);
	buf_text(&out, tail);
	return (struct str){ text, out.len };
}

static void limits_are_named(void **state)
{
	static const struct {
		const char *head, *part, *tail;
		size_t fits, too_many;
		const char *words;
	} row[] = {
		{ "", "a", "", REGEX_PATTERN_MAX, REGEX_PATTERN_MAX + 1, "bytes: at most 4096" },
		{ "", "(", "", 0, REGEX_DEPTH_MAX + 1, "groups inside each other: at most 250" },
		{ "", "a{1000}", "", 16, 17, "instructions, repetitions written out: at most 16384" },
		{ "(?i)", "\\pL", "", 5, 1000, "ranges of characters: at most 65536" },
		{ "(?i)[", "\\pL", "]", 2, 1000, "ranges of characters: at most 65536" },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct error err = { 0 };

		if (search(repeated(row[i].head, row[i].part, row[i].fits, row[i].tail), STR(""), &err) < 0)
			fail_msg("row %zu: %s", i, err.text);
		if (search(repeated(row[i].head, row[i].part, row[i].too_many, row[i].tail), STR(""), &err) != -E2BIG ||
		    !strstr(err.text, row[i].words))
			fail_msg("row %zu: %s", i, err.text);
	}
	(void)state;
}

/* Patterns that stall backtracking matchers, against 20 KB: linear. Steps end what is too long. */
static void nothing_stalls(void **state)
{
	static const char *const pattern[] = {
		"(a*)*$",         "(a|a)*b",   "(a+)+b", "(.*)(.*)(.*)(.*)x", "^(([a-z])+.)+[A-Z]$",
		"(a?){30}a{30}b", "a{1,1000}b"
	};
	struct str text = repeated("", "a", 20000, "!");

	for (size_t i = 0; i < sizeof pattern / sizeof *pattern; i++) {
		struct arena arena = arena_over(memory, sizeof memory);
		const struct regex *regex;
		struct timespec begin, end;
		uint64_t steps = 1000;

		assert_int_equal(regex_compile(str_of(pattern[i]), &arena, &regex, NULL), 0);
		(void)clock_gettime(CLOCK_MONOTONIC, &begin);
		(void)regex_search(regex, text, &arena, NULL);
		(void)clock_gettime(CLOCK_MONOTONIC, &end);
		if (end.tv_sec - begin.tv_sec > SECONDS_MAX)
			fail_msg("%s takes %lld s", pattern[i], (long long)(end.tv_sec - begin.tv_sec));
		assert_int_equal(regex_search(regex, text, &arena, &steps), -ETIME);
		assert_int_equal(steps, 0);
	}
	(void)state;
}

static void memory_may_run_out_anywhere(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int r = -ENOMEM;

		for (size_t size = 0; r == -ENOMEM; size += 16 + size / 16) {
			struct arena arena = arena_over(memory, size);
			const struct regex *regex;

			if (size > sizeof memory)
				fail_msg("'%s': never enough", cases[i].pattern);
			r = regex_compile(str_of(cases[i].pattern), &arena, &regex, NULL);
			if (r == 0)
				r = regex_search(regex, str_of(cases[i].text), &arena, NULL);
		}
		if (r != cases[i].want)
			fail_msg("'%s': %d", cases[i].pattern, r);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_follow_the_table),
		cmocka_unit_test(patterns_may_be_cut_anywhere),
		cmocka_unit_test(malformed_text_is_u_fffd_byte_by_byte),
		cmocka_unit_test(limits_are_named),
		cmocka_unit_test(nothing_stalls),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
