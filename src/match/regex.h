/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/regex.h: regular expressions with RE2's syntax, "does it match anywhere?", in time linear in the text: no
 * pattern and no text can stall. UTF-8, by characters; a malformed byte is a U+FFFD of its own. What a match is depends
 * on no preference, so lazy and greedy are the same here, and groups capture nothing. Source: RE2's syntax page; where
 * versions differ, Go's regexp/syntax with the flags of regexp.Compile. Memory is the caller's arena; no globals, any
 * thread.
 *
 *   literals, . [abc] [^a-z] [[:alpha:]] [[:^alpha:]] \d \D \s \S \w \W (ASCII)
 *   \pN \p{Greek} \PN \p{^Greek}   of the Unicode classes: Any L Lu Ll M N Nd P S Z, Latin Greek Cyrillic Han; others:
 * error \a \f \n \r \t \v \ooo \xHH \x{H…} \Q…\E and '\' before punctuation (a) (?P<name>a) (?<name>a) (?:a) (?i)
 * (?ims-U:a) a|b a* a+ a? a{n} a{n,} a{n,m} and each with '?'; n, m and the product of nested ones at most 1000 ^ $ \A
 * \z \b \B, (?m): ^ and $ at lines, (?s): . takes \n, (?i): Unicode's simple folding As in RE2, not there: \C \Z \1
 * (?=a) (?!a) (?<=a) (?<!a) a** a*+ (?>a).
 */
#ifndef MATCH_REGEX_H
#define MATCH_REGEX_H

#include "base/arena.h"

struct error;
struct regex;

#define REGEX_PATTERN_MAX 4096  /* bytes of a pattern */
#define REGEX_DEPTH_MAX 250     /* groups inside each other */
#define REGEX_REPEAT_MAX 1000   /* of {n,m}, nested ones multiplied (RE2's) */
#define REGEX_PROGRAM_MAX 16384 /* instructions, {n,m} written out: what a character of the text can cost */
#define REGEX_RANGES_MAX 65536  /* ranges of characters in all classes, before they are joined */

/*
 * Compiles into the arena; 8 bytes an instruction, more while compiling. -EINVAL: wrong, "invalid regular expression
 * '…': byte 3: …"; -E2BIG: a limit above; -ENOMEM: the arena is exhausted.
 */
int regex_compile(struct str pattern, struct arena *arena, const struct regex **ret, struct error *err);

/*
 * 1 if `text` matches somewhere, else 0. Uses 24 bytes an instruction of the arena and gives them back; -ENOMEM: they
 * are not there. Takes a step from *steps for each 8 instructions looked at; -ETIME: they ran out (NULL: no limit).
 */
int regex_search(const struct regex *regex, struct str text, struct arena *scratch, uint64_t *steps);

#endif
