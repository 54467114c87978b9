/* SPDX-License-Identifier: Apache-2.0 */
/* The --help text. */
#include "base/flags.h"

#define WIDTH 100
#define HELP_COLUMN_MAX 34 /* a flag that reaches further has its help on the next line */

/* "--flag WORD", but "--flag[=WORD]" */
static bool is_apart(const struct flag *flag)
{
	return flag->value[0] != '[';
}

static size_t row_length(const struct flag *flag)
{
	size_t value = flag->value ? strlen(flag->value) + is_apart(flag) : 0;

	return strlen("  --") + strlen(flag->name) + value;
}

static size_t help_column(const struct flag_set *set)
{
	size_t column = strlen("  -h, --help  ");

	for (const struct flag *flag = set->flags; flag->name; flag++)
		if (row_length(flag) + 2 > column && row_length(flag) + 2 <= HELP_COLUMN_MAX)
			column = row_length(flag) + 2;
	return column;
}

static void spaces_add(struct buf *out, size_t n)
{
	while (n--)
		buf_byte(out, ' ');
}

/* Where the next output line of `text` ends: the last space that keeps it within `room`, else a hard cut. */
static size_t line_break(struct str text, size_t room)
{
	size_t end = room;

	if (text.len <= room)
		return text.len;
	while (end && text.p[end] != ' ')
		end--;
	return end ? end : room;
}

static void wrap(struct buf *out, struct str text, size_t column)
{
	for (bool first = true; text.len; first = false) {
		size_t n = line_break(text, WIDTH - column);

		spaces_add(out, first ? 0 : column);
		buf_add(out, text.p, n);
		buf_byte(out, '\n');
		while (n < text.len && text.p[n] == ' ')
			n++;
		text = str_from(text, n);
	}
}

static void row_write(struct buf *out, struct str head, const char *help, const char *def, size_t column)
{
	char text[1024];
	struct buf all = buf_over(text, sizeof text);

	buf_str(out, head);
	if (head.len + 2 > column) {
		buf_byte(out, '\n');
		spaces_add(out, column);
	} else {
		spaces_add(out, column - head.len);
	}
	buf_text(&all, help);
	if (def) {
		buf_text(&all, " (default ");
		buf_text(&all, def);
		buf_byte(&all, ')');
	}
	out->overflow |= all.overflow;
	wrap(out, (struct str){ text, all.len }, column);
}

void flags_help(const struct flag_set *set, struct buf *out)
{
	size_t column = help_column(set);

	buf_text(out, "Usage: ");
	wrap(out, str_of(set->usage), strlen("Usage: "));
	if (set->about) {
		buf_byte(out, '\n');
		buf_text(out, set->about);
		buf_byte(out, '\n');
	}
	buf_text(out, "\nFlags:\n");
	for (const struct flag *flag = set->flags; flag->name; flag++) {
		char text[WIDTH + 1];
		struct buf head = buf_over(text, sizeof text);
		bool shown = flag->def && *flag->def && flag->type != FLAG_BOOL;

		buf_text(&head, "  --");
		buf_text(&head, flag->name);
		if (flag->value) {
			if (is_apart(flag))
				buf_byte(&head, ' ');
			buf_text(&head, flag->value);
		}
		out->overflow |= head.overflow;
		row_write(out, (struct str){ text, head.len }, flag->help, shown ? flag->def : NULL, column);
	}
	row_write(out, STR("  -h, --help"), "print this text", NULL, column);
	if (!flags_find(set, STR("version")))
		row_write(out, STR("  --version"), "print the version", NULL, column);
}
