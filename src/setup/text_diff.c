/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/text_diff.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"

struct lines {
	struct str *line; /* each with its line feed, if it has one */
	bool *changed;    /* taken out (of the old text), put in (of the new one) */
	size_t n;
};

static int no_memory(struct error *err)
{
	return error_set(err, ENOMEM, "not enough memory to compare two texts");
}

static int lines_split(struct lines *all, struct str text)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n' || i + 1 == text.len;
	all->line = malloc((n + 1) * sizeof *all->line);
	all->changed = calloc(n + 1, sizeof *all->changed);
	if (!all->line || !all->changed)
		return -ENOMEM;
	while (at < text.len) {
		ptrdiff_t end = str_find(str_from(text, at), '\n');
		size_t len = end < 0 ? text.len - at : (size_t)end + 1;

		all->line[all->n++] = (struct str){ text.p + at, len };
		at += len;
	}
	return 0;
}

static void lines_free(struct lines *all)
{
	free(all->line);
	free(all->changed);
}

/*
 * Marks what changed between a[begin, a_end) and b[begin, b_end). `trail` holds, for each number of changes d, how far
 * each diagonal -d..d got; the way back through it is the shortest script.
 */
static int middle_mark(struct lines *a, size_t a_end, struct lines *b, size_t b_end, size_t begin)
{
	ptrdiff_t n = (ptrdiff_t)(a_end - begin), m = (ptrdiff_t)(b_end - begin), max = TEXT_DIFF_CHANGES_MAX, d, k, x,
		  y;
	const struct str *p = a->line + begin, *q = b->line + begin;
	auto_free ptrdiff_t *far = calloc((size_t)(2 * max + 3), sizeof *far),
			    **trail = calloc((size_t)max + 1, sizeof *trail);
	ptrdiff_t *v = far ? far + max + 1 : NULL;
	bool found = false;
	int result = far && trail ? 0 : -ENOMEM;

	for (d = 0; !result && !found && d <= max && d <= n + m; d++) {
		for (k = -d; k <= d; k += 2) {
			x = k == -d || (k != d && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1;
			y = x - k;
			while (x < n && y < m && x >= 0 && y >= 0 && str_equal(p[x], q[y])) {
				x++;
				y++;
			}
			v[k] = x;
			found |= x >= n && y >= m;
		}
		trail[d] = malloc((size_t)(2 * d + 1) * sizeof **trail);
		if (trail[d])
			memcpy(trail[d], v - d, (size_t)(2 * d + 1) * sizeof **trail);
		else
			result = -ENOMEM;
	}
	if (!result && !found) {
		memset(a->changed + begin, true, (size_t)n);
		memset(b->changed + begin, true, (size_t)m);
	}
	x = n;
	y = m;
	for (d--; !result && found && d > 0; d--) {
		const ptrdiff_t *before = trail[d - 1] + d - 1; /* indexed by diagonal, -(d-1)..d-1 */
		bool down;

		k = x - y;
		down = k == -d || (k != d && (k - 1 < -(d - 1) || (k + 1 <= d - 1 && before[k - 1] < before[k + 1])));
		k += down ? 1 : -1;
		x = before[k];
		y = x - k;
		if (down)
			b->changed[begin + (size_t)y] = true;
		else
			a->changed[begin + (size_t)x] = true;
	}
	for (d = 0; trail && d <= max; d++)
		free(trail[d]);
	return result;
}

static void line_write(FILE *out, char sign, struct str line)
{
	(void)fputc(sign, out); /* errors of `out` are the caller's */
	(void)fwrite(line.p, 1, line.len, out);
	if (!str_ends(line, STR("\n")))
		(void)fputs("\n\\ No newline at end of file\n", out);
}

static void range_write(FILE *out, char sign, size_t begin, size_t n)
{
	(void)fprintf(out, " %c%zu", sign, n ? begin + 1 : begin);
	if (n != 1)
		(void)fprintf(out, ",%zu", n);
}

static void hunk_write(FILE *out, const struct lines *a, size_t i, size_t i_end, const struct lines *b, size_t j,
		       size_t j_end)
{
	(void)fputs("@@", out);
	range_write(out, '-', i, i_end - i);
	range_write(out, '+', j, j_end - j);
	(void)fputs(" @@\n", out);
	while (i < i_end || j < j_end) {
		if (i < i_end && a->changed[i])
			line_write(out, '-', a->line[i++]);
		else if (j < j_end && b->changed[j])
			line_write(out, '+', b->line[j++]);
		else {
			line_write(out, ' ', a->line[i++]);
			j++;
		}
	}
}

/* Hunks: changes with their context; two of them that would touch are one. */
static void hunks_write(FILE *out, const struct lines *a, const struct lines *b)
{
	size_t i = 0, j = 0;

	for (;;) {
		size_t i_begin, j_begin, i_end, j_end, same = 0;

		while (i < a->n && j < b->n && !a->changed[i] && !b->changed[j]) {
			i++;
			j++;
		}
		if (i == a->n && j == b->n)
			return;
		same = i < TEXT_DIFF_CONTEXT ? i : TEXT_DIFF_CONTEXT;
		i_begin = i - same;
		j_begin = j - same;
		i_end = i;
		j_end = j;
		for (same = 0; (i < a->n || j < b->n) && same <= 2 * TEXT_DIFF_CONTEXT;) {
			if (i < a->n && a->changed[i]) {
				i_end = ++i;
				j_end = j;
				same = 0;
			} else if (j < b->n && b->changed[j]) {
				j_end = ++j;
				i_end = i;
				same = 0;
			} else {
				i++;
				j++;
				same++;
			}
		}
		i = i_end;
		j = j_end;
		same = a->n - i_end < TEXT_DIFF_CONTEXT ? a->n - i_end : TEXT_DIFF_CONTEXT;
		hunk_write(out, a, i_begin, i_end + same, b, j_begin, j_end + same);
	}
}

int text_diff_write(FILE *out, const char *from, struct str a, const char *to, struct str b, struct error *err)
{
	struct lines old = { 0 }, new = { 0 };
	size_t begin = 0, a_end, b_end;
	int result = 0;

	if (str_equal(a, b))
		return 0;
	if (lines_split(&old, a) < 0 || lines_split(&new, b) < 0)
		result = -ENOMEM;
	a_end = old.n;
	b_end = new.n;
	while (!result && begin < a_end && begin < b_end && str_equal(old.line[begin], new.line[begin]))
		begin++;
	while (!result && a_end > begin && b_end > begin && str_equal(old.line[a_end - 1], new.line[b_end - 1])) {
		a_end--;
		b_end--;
	}
	if (!result)
		result = middle_mark(&old, a_end, &new, b_end, begin);
	if (!result) {
		(void)fprintf(out, "--- %s\n+++ %s\n", from, to);
		hunks_write(out, &old, &new);
	}
	lines_free(&old);
	lines_free(&new);
	return result < 0 ? no_memory(err) : 0;
}
