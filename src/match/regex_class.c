/* SPDX-License-Identifier: Apache-2.0 */
#include "match/regex_class.h"

#include <stdlib.h>

#include "match/regex.h"
#include "match/regex_unicode.h"

#define FOLD_ROUNDS                                                                                       \
	3 /* at most four characters differ in case only: k, K, Kelvin's sign; three steps reach them all \
	   */

static void range_add(struct regex_class *set, uint32_t low, uint32_t high)
{
	if (set->failed)
		return;
	if (set->n == set->room) {
		size_t room = set->room ? set->room * 2 : 8;
		struct regex_range *more = room <= REGEX_CLASS_RANGES_MAX ? arena_alloc(set->arena, room * sizeof *more)
									  : NULL;

		if (!more) {
			set->failed = true;
			return;
		}
		if (set->n)
			memcpy(more, set->range, set->n * sizeof *more);
		set->range = more;
		set->room = room;
	}
	set->range[set->n++] = (struct regex_range){ low, high };
}

static int range_order(const void *a, const void *b)
{
	const struct regex_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

void regex_class_tidy(struct regex_class *set)
{
	size_t n;

	if (set->failed || !set->n)
		return;
	for (n = 1; n < set->n && set->range[n - 1].low <= set->range[n].low;)
		n++;
	if (n < set->n)
		qsort(set->range, set->n, sizeof *set->range, range_order);
	n = 0;
	for (size_t i = 1; i < set->n; i++) {
		struct regex_range *last = &set->range[n], next = set->range[i];

		if (next.low <= last->high + 1)
			last->high = next.high > last->high ? next.high : last->high;
		else
			set->range[++n] = next;
	}
	set->n = n + 1;
}

/* The first of the tidy ranges [0..n) that ends at `point` or later; n if there is none. */
static size_t range_find(const struct regex_class *set, size_t n, uint32_t point)
{
	size_t first = 0;

	while (first < n) {
		size_t middle = first + (n - first) / 2;

		if (set->range[middle].high < point)
			first = middle + 1;
		else
			n = middle;
	}
	return first;
}

static void missing_add(struct regex_class *set, size_t n, uint32_t low, uint32_t high)
{
	size_t i = range_find(set, n, low);

	if (i == n || set->range[i].low > low || set->range[i].high < high)
		range_add(set, low, high);
}

/* Adds the successors, among those that differ in case only, of what a row of the table has in common with a range. */
static void folds_add(struct regex_class *set, size_t n, const struct regex_fold *fold, struct regex_range range)
{
	uint32_t from = range.low > fold->low ? range.low : fold->low, delta = (uint32_t)fold->delta;
	uint32_t to = range.high < fold->high ? range.high : fold->high;

	from += (from - fold->low) % fold->stride;
	if (fold->stride == 1) {
		missing_add(set, n, from + delta, to + delta);
		return;
	}
	for (; from <= to; from += fold->stride)
		missing_add(set, n, from + delta, from + delta);
}

/* Adds all that differs in case only. */
static void class_fold(struct regex_class *set)
{
	for (int round = 0; round < FOLD_ROUNDS; round++) {
		size_t n;

		regex_class_tidy(set);
		n = set->n;
		if (!n || set->failed)
			return;
		for (size_t i = 0; i < regex_fold_count && regex_fold[i].low <= set->range[n - 1].high; i++)
			for (size_t j = range_find(set, n, regex_fold[i].low);
			     j < n && set->range[j].low <= regex_fold[i].high && !set->failed; j++)
				folds_add(set, n, &regex_fold[i], set->range[j]);
		if (set->n == n)
			return;
	}
	regex_class_tidy(set);
}

void regex_class_negate(struct regex_class *set)
{
	struct regex_class other = { .arena = set->arena };
	uint32_t next = 0;

	regex_class_tidy(set);
	for (size_t i = 0; i < set->n && !set->failed; i++) {
		if (set->range[i].low > next)
			range_add(&other, next, set->range[i].low - 1);
		next = set->range[i].high + 1;
	}
	if (next <= REGEX_POINT_MAX)
		range_add(&other, next, REGEX_POINT_MAX);
	other.failed = other.failed || set->failed;
	*set = other;
}

/* Adds what `part` holds, or what it doesn't. */
static void class_join(struct regex_class *set, struct regex_class *part, bool negated)
{
	if (negated)
		regex_class_negate(part);
	for (size_t i = 0; i < part->n; i++)
		range_add(set, part->range[i].low, part->range[i].high);
	set->failed = set->failed || part->failed;
}

void regex_class_add(struct regex_class *set, uint32_t low, uint32_t high, bool fold)
{
	struct regex_class part = { .arena = set->arena };

	if (!fold) {
		range_add(set, low, high);
		return;
	}
	range_add(&part, low, high);
	class_fold(&part);
	class_join(set, &part, false);
}

/* ASCII classes as pairs of first and last character. */
static void pairs_add(struct regex_class *set, const char *pairs, bool negated, bool fold)
{
	struct regex_class part = { .arena = set->arena };

	for (; pairs[0]; pairs += 2)
		range_add(&part, (uint32_t)pairs[0], (uint32_t)pairs[1]);
	if (fold)
		class_fold(&part);
	class_join(set, &part, negated);
}

bool regex_class_add_perl(struct regex_class *set, char letter, bool fold)
{
	switch (letter | 0x20) {
	case 'd':
		pairs_add(set, "09", letter == 'D', fold);
		return true;
	case 's':
		pairs_add(set, "\t\n\f\r  ", letter == 'S', fold);
		return true;
	case 'w':
		pairs_add(set, "09AZ__az", letter == 'W', fold);
		return true;
	default:
		return false;
	}
}

bool regex_class_add_posix(struct regex_class *set, struct str name, bool negated, bool fold)
{
	static const struct {
		const char *name, *pairs;
	} classes[] = {
		{ "alnum", "09AZaz" },   { "alpha", "AZaz" },
		{ "ascii", "\1\177" }, /* and NUL, below */
		{ "blank", "\t\t  " },   { "cntrl", "\1\37\177\177" },
		{ "digit", "09" },       { "graph", "!~" },
		{ "lower", "az" },       { "print", " ~" },
		{ "punct", "!/:@[`{~" }, { "space", "\t\r  " },
		{ "upper", "AZ" },       { "word", "09AZ__az" },
		{ "xdigit", "09AFaf" },
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		struct regex_class part = { .arena = set->arena };

		if (!str_is(name, classes[i].name))
			continue;
		pairs_add(&part, classes[i].pairs, false, fold);
		if (classes[i].pairs[0] == '\1')
			regex_class_add(&part, 0, 0, false);
		class_join(set, &part, negated);
		return true;
	}
	return false;
}

bool regex_class_add_unicode(struct regex_class *set, struct str name, bool negated, bool fold)
{
	struct regex_class part = { .arena = set->arena };

	if (str_starts(name, STR("^"))) {
		negated = !negated;
		name = str_from(name, 1);
	}
	if (str_is(name, "Any")) {
		regex_class_add(&part, 0, REGEX_POINT_MAX, false);
		class_join(set, &part, negated);
		return true;
	}
	for (size_t i = 0; i < regex_unicode_count; i++) {
		if (!str_is(name, regex_unicode[i].name))
			continue;
		for (size_t j = 0; j < regex_unicode[i].n; j++)
			range_add(&part, REGEX_PACKED_LOW(regex_unicode[i].packed[j]),
				  REGEX_PACKED_HIGH(regex_unicode[i].packed[j]));
		if (fold)
			class_fold(&part);
		class_join(set, &part, negated);
		return true;
	}
	return false;
}
