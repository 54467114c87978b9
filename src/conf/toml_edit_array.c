/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of an array that come and go, its lines and comments staying. */
#include "conf/toml_edit_state.h"

#include <errno.h>
#include <stdlib.h>

/* Offset of the next byte from `at` on that is neither white space nor a line end nor in a comment. */
static size_t blank_skip(struct str text, size_t at)
{
	while (at < text.len) {
		if (text.p[at] == '#') {
			ptrdiff_t n = str_find(str_from(text, at), '\n');

			at = n < 0 ? text.len : at + (size_t)n;
		} else if (!strchr(" \t\r\n", text.p[at])) {
			break;
		} else {
			at++;
		}
	}
	return at;
}

static size_t spaces_skip(struct str text, size_t at)
{
	while (at < text.len && (text.p[at] == ' ' || text.p[at] == '\t'))
		at++;
	return at;
}

/* Offset of the comma behind an element; 0 if there is none. */
static size_t comma_behind(const struct toml *doc, const struct toml_node *element)
{
	size_t at = blank_skip(doc->text, toml_behind(doc, element->text));

	return doc->text.p[at] == ',' ? at : 0;
}

/* Takes [begin, end) out, and what would be left of an empty line, or the spaces that parted it from its neighbour. */
static int cut(struct toml_edit *edit, size_t begin, size_t end, bool last, struct error *err)
{
	const struct toml *doc = edit->doc;
	size_t line = toml_line_begin(doc, begin), behind = spaces_skip(doc->text, end);
	bool first = spaces_skip(doc->text, line) == begin;
	struct toml_text none = { 0 };

	if (first && behind == toml_line_end(doc, end)) {
		begin = line;
		end = behind;
		end += doc->text.p[end] == '\r';
		end += doc->text.p[end] == '\n';
	} else if (last && !first) {
		while (doc->text.p[begin - 1] == ' ' || doc->text.p[begin - 1] == '\t')
			begin--;
	} else {
		end = behind;
	}
	return toml_edit_splice(edit, begin, end - begin, &none, err);
}

/*
 * One element and the comma behind it. They are cut apart where a comment stands between them, which stays. `last`:
 * none of those behind it stays.
 */
static int element_cut(struct toml_edit *edit, const struct toml_node *element, bool last, struct error *err)
{
	const struct toml *doc = edit->doc;
	size_t begin = toml_at(doc, element->text.p), end = toml_behind(doc, element->text);
	size_t comma = comma_behind(doc, element);
	int result;

	if (!comma)
		return cut(edit, begin, end, last, err);
	if (spaces_skip(doc->text, end) == comma)
		return cut(edit, begin, comma + 1, last, err);
	result = cut(edit, begin, end, last, err);
	return result < 0 ? result : cut(edit, comma, comma + 1, last, err);
}

int toml_edit_array_remove(struct toml_edit *edit, const struct toml_node *array, const bool *drop, struct error *err)
{
	const struct toml_node *kept = NULL, *element = array->first;
	bool open = array->last && !comma_behind(edit->doc, array->last);
	size_t last_kept = 0, index = 0;
	int result = toml_edit_mean_elements(edit, array, drop, NULL, 0, err);

	for (; element; element = element->next, index++) {
		if (drop[index])
			continue;
		kept = element;
		last_kept = index + 1;
	}
	index = 0;
	for (element = array->first; !result && element; element = element->next, index++) {
		struct toml_text none = { 0 };

		if (drop[index])
			result = element_cut(edit, element, index >= last_kept, err);
		else if (element == kept && open &&
			 element->next) /* its comma would be the last thing in an array without one there */
			result = toml_edit_splice(edit, comma_behind(edit->doc, element), 1, &none, err);
	}
	return result;
}

/* ", VALUE" for each; `trailing` puts the comma behind it. `lead`: what goes before each value. */
static void values_add(struct toml_text *text, const char *const *values, size_t n, struct str lead, bool trailing)
{
	for (size_t i = 0; i < n; i++) {
		if (i && !trailing)
			toml_text_add(text, STR(","));
		toml_text_add(text, lead);
		toml_text_add(text, str_of(values[i]));
		if (trailing)
			toml_text_add(text, STR(","));
	}
}

static int append_to_empty(struct toml_edit *edit, const struct toml_node *array, const char *const *values, size_t n,
			   struct error *err)
{
	struct toml_text text = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i)
			toml_text_add(&text, STR(", "));
		toml_text_add(&text, str_of(values[i]));
	}
	return toml_edit_splice(edit, toml_at(edit->doc, array->text.p) + 1, 0, &text, err);
}

int toml_edit_array_append(struct toml_edit *edit, const struct toml_node *array, const char *const *values, size_t n,
			   struct error *err)
{
	const struct toml *doc = edit->doc;
	struct toml_text text = { 0 }, lead = { 0 }, comma = { 0 };
	size_t begin, end, behind, at;
	bool own_line;
	int result = toml_edit_mean_elements(edit, array, NULL, values, n, err);

	if (result < 0)
		return result;
	if (!array->last)
		return append_to_empty(edit, array, values, n, err);
	begin = toml_at(doc, array->last->text.p);
	end = toml_behind(doc, array->last->text);
	behind = comma_behind(doc, array->last);
	own_line = spaces_skip(doc->text, toml_line_begin(doc, begin)) == begin;
	if (!own_line) {
		if (!behind)
			toml_text_add(&text, STR(","));
		values_add(&text, values, n, STR(" "), behind != 0);
		return toml_edit_splice(edit, behind ? behind + 1 : end, 0, &text, err);
	}
	if (!behind) {
		toml_text_add(&comma, STR(","));
		result = toml_edit_splice(edit, end, 0, &comma, err);
		if (result < 0)
			return result;
	}
	toml_text_add(&lead, toml_line_break(doc, behind ? behind : end));
	toml_text_add(&lead, toml_indent(doc, begin));
	values_add(&text, values, n, (struct str){ lead.p, lead.len }, behind != 0);
	text.failed |= lead.failed;
	free(lead.p);
	at = spaces_skip(doc->text, behind ? behind + 1 : end);
	/* Below a comment on the last element's line; before a bracket that stands there. */
	if (doc->text.p[at] == '#' || at == toml_line_end(doc, at))
		at = toml_line_end(doc, at);
	else
		at = behind ? behind + 1 : end;
	return toml_edit_splice(edit, at, 0, &text, err);
}
