/* SPDX-License-Identifier: Apache-2.0 */
/* Splices, what they mean, and the proof that the new text says exactly that. */
#include "conf/toml_edit_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

static int no_memory(struct error *err)
{
	return error_set(err, ENOMEM, "not enough memory to edit the configuration");
}

void toml_text_add(struct toml_text *text, struct str more)
{
	if (text->failed || !more.len)
		return;
	if (more.len > text->size - text->len) {
		size_t size = text->size ? text->size : 128;
		char *p;

		while (more.len > size - text->len)
			size *= 2; /* lengths are those of a document, far from SIZE_MAX */
		p = realloc(text->p, size);
		if (!p) {
			text->failed = true;
			return;
		}
		text->p = p;
		text->size = size;
	}
	memcpy(text->p + text->len, more.p, more.len);
	text->len += more.len;
}

void toml_text_key(struct toml_text *text, struct str key)
{
	size_t size = key.len * 6 + 3;
	auto_free char *room = malloc(size);
	struct buf out = buf_over(room, room ? size : 0);

	text->failed |= !room;
	toml_write_key(&out, key);
	toml_text_add(text, (struct str){ room, out.len });
}

size_t toml_line_begin(const struct toml *doc, size_t offset)
{
	while (offset && doc->text.p[offset - 1] != '\n')
		offset--;
	return !offset && str_starts(doc->text, STR("\xef\xbb\xbf")) ? 3 : offset;
}

size_t toml_line_end(const struct toml *doc, size_t offset)
{
	ptrdiff_t n;
	size_t end;

	if (offset >= doc->text.len)
		return doc->text.len;
	n = str_find((struct str){ doc->text.p + offset, doc->text.len - offset }, '\n');
	end = n < 0 ? doc->text.len : offset + (size_t)n;
	return n > 0 && doc->text.p[end - 1] == '\r' ? end - 1 : end;
}

struct str toml_line_break(const struct toml *doc, size_t offset)
{
	size_t end = toml_line_end(doc, offset);

	if (end == doc->text.len)
		end = toml_line_end(doc, 0);
	return str_starts(str_from(doc->text, end), STR("\r\n")) ? STR("\r\n") : STR("\n");
}

struct str toml_indent(const struct toml *doc, size_t offset)
{
	size_t begin = toml_line_begin(doc, offset), end = begin;

	while (end < doc->text.len && (doc->text.p[end] == ' ' || doc->text.p[end] == '\t'))
		end++;
	return (struct str){ doc->text.p + begin, end - begin };
}

int toml_edit_refuse(const struct toml_edit *edit, const struct toml_node *node, const char *why, struct error *err)
{
	unsigned line, column;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	toml_path(node, &out); /* cut is fine */
	toml_position(edit->doc, toml_offset(edit->doc, node), &line, &column);
	return error_set(err, ENOTSUP, "line %u, column %u: %s: %s", line, column, path, why);
}

int toml_edit_reachable(const struct toml_edit *edit, const struct toml_node *node, struct error *err)
{
	for (const struct toml_node *up = node->parent; up; up = up->parent)
		if (up->type == TOML_ARRAY)
			return toml_edit_refuse(edit, node, "lies in an array; such a place is not edited", err);
	return 0;
}

int toml_edit_splice(struct toml_edit *edit, size_t at, size_t remove, struct toml_text *text, struct error *err)
{
	struct toml_splice *more;

	if (text->failed || edit->splice_count >= TOML_EDITS_MAX) {
		free(take(text->p));
		return text->failed ? no_memory(err) : error_set(err, E2BIG, "more than %d changes", TOML_EDITS_MAX);
	}
	more = realloc(edit->splices, (edit->splice_count + 1) * sizeof *more);
	if (!more) {
		free(take(text->p));
		return no_memory(err);
	}
	edit->splices = more;
	more[edit->splice_count++] = (struct toml_splice){ at, remove, take(text->p), text->len };
	return 0;
}

/* The document "v = VALUE", which holds what is wanted in its only key. */
static int want_parse(struct str value, struct toml **ret, struct error *err)
{
	struct toml_text text = { 0 };
	int result;

	toml_text_add(&text, STR("v = "));
	toml_text_add(&text, value);
	result = text.failed ? no_memory(err) : toml_parse((struct str){ text.p, text.len }, ret, err);
	free(text.p);
	if (result == -EINVAL) /* a value of the caller's that is none */
		return error_wrap(err, -EBADMSG, "the new value is not TOML");
	return result;
}

/* The next meaning, with the path node.rest.key. */
static int meaning_add(struct toml_edit *edit, const struct toml_node *node, const char *const *rest, struct str key,
		       struct toml_meaning **ret, struct error *err)
{
	size_t depth = node->depth + (key.p != NULL), bytes = key.len, i;
	struct toml_meaning *more;
	struct str *path;
	char *room;

	if (edit->meaning_count >= TOML_EDITS_MAX)
		return error_set(err, E2BIG, "more than %d changes", TOML_EDITS_MAX);
	for (const struct toml_node *up = node; up->parent; up = up->parent)
		bytes += up->key.len;
	for (i = 0; rest && rest[i]; i++)
		bytes += strlen(rest[i]);
	depth += i;
	more = realloc(edit->meanings, (edit->meaning_count + 1) * sizeof *more);
	if (more)
		edit->meanings = more;
	path = more ? malloc(depth * sizeof *path + bytes + 1) : NULL;
	if (!path)
		return no_memory(err);
	for (const struct toml_node *up = node; up->parent; up = up->parent)
		path[up->depth - 1] = up->key;
	for (i = 0; rest && rest[i]; i++)
		path[node->depth + i] = str_of(rest[i]);
	if (key.p)
		path[depth - 1] = key;
	room = (char *)(path + depth);
	for (i = 0; i < depth; i++) {
		if (path[i].len)
			memcpy(room, path[i].p, path[i].len);
		path[i].p = room;
		room += path[i].len;
	}
	*ret = &more[edit->meaning_count++];
	**ret = (struct toml_meaning){ .path = path, .depth = depth };
	return 0;
}

int toml_edit_mean(struct toml_edit *edit, const struct toml_node *node, const char *const *rest, struct str key,
		   const char *value, struct error *err)
{
	struct toml_meaning *meaning;
	int result = toml_edit_reachable(edit, node, err);

	if (!result)
		result = meaning_add(edit, node, rest, key, &meaning, err);
	return result < 0 ? result : want_parse(str_of(value), &meaning->want, err);
}

int toml_edit_mean_elements(struct toml_edit *edit, const struct toml_node *array, const bool *drop,
			    const char *const *added, size_t n, struct error *err)
{
	struct toml_text text = { 0 };
	struct toml_meaning *meaning;
	int result = toml_edit_reachable(edit, array, err);

	if (!result)
		result = meaning_add(edit, array, NULL, (struct str){ 0 }, &meaning, err);
	if (result < 0)
		return result;
	meaning->what = TOML_MEANT_ELEMENTS;
	meaning->array = array;
	if (drop) {
		meaning->drop = malloc(array->children + 1);
		if (!meaning->drop)
			return no_memory(err);
		memcpy(meaning->drop, drop, array->children * sizeof *drop);
	}
	toml_text_add(&text, STR("["));
	for (size_t i = 0; i < n; i++) {
		toml_text_add(&text, str_of(added[i]));
		toml_text_add(&text, STR(", "));
	}
	toml_text_add(&text, STR("]"));
	result = text.failed ? no_memory(err) : want_parse((struct str){ text.p, text.len }, &meaning->want, err);
	free(text.p);
	return result;
}

/* By place; of several at one place the one that was asked for first comes first. */
static int splice_compare(const void *a, const void *b)
{
	const struct toml_splice *x = *(struct toml_splice *const *)a, *y = *(struct toml_splice *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int splices_write(const struct toml_edit *edit, struct toml_text *out, struct error *err)
{
	auto_free struct toml_splice **order = malloc((edit->splice_count + 1) * sizeof *order);
	size_t at = 0;

	if (!order)
		return no_memory(err);
	for (size_t i = 0; i < edit->splice_count; i++)
		order[i] = &edit->splices[i];
	qsort(order, edit->splice_count, sizeof *order, splice_compare);
	for (size_t i = 0; i < edit->splice_count; i++) {
		const struct toml_splice *splice = order[i];

		if (splice->at < at)
			return error_set(err, EBADMSG, "two changes of the configuration overlap at byte %zu", at);
		toml_text_add(out, (struct str){ edit->doc->text.p + at, splice->at - at });
		toml_text_add(out, (struct str){ splice->text, splice->len });
		at = splice->at + splice->remove;
	}
	toml_text_add(out, str_from(edit->doc->text, at));
	toml_text_add(out, (struct str){ "", 1 });
	return out->failed ? no_memory(err) : 0;
}

/* Whether what was meant is so. */
static bool meaning_holds(const struct toml_meaning *meaning, const struct toml *old, const struct toml *new)
{
	const struct toml_node *want = meaning->want->root->first, *node = new->root, *element;
	size_t index = 0;

	for (size_t i = 0; node && i < meaning->depth; i++)
		node = toml_get(new, node, meaning->path[i]);
	if (!node)
		return false;
	if (meaning->what == TOML_MEANT_VALUE)
		return toml_equal(meaning->want, want, new, node);
	if (node->type != TOML_ARRAY)
		return false;
	element = node->first;
	for (const struct toml_node *kept = meaning->array->first; kept; kept = kept->next, index++) {
		if (meaning->drop && meaning->drop[index])
			continue;
		if (!element || !toml_equal(old, kept, new, element))
			return false;
		element = element->next;
	}
	for (const struct toml_node *added = want->first; added; added = added->next) {
		if (!element || !toml_equal(meaning->want, added, new, element))
			return false;
		element = element->next;
	}
	return !element;
}

/* 2: a change of this very node was asked for; 1: of something below it; 0: of neither. */
static int meant_at(const struct toml_edit *edit, const struct toml_node *node)
{
	struct str path[TOML_DEPTH_MAX + 1];
	int best = 0;

	for (const struct toml_node *up = node; up->parent; up = up->parent)
		path[up->depth - 1] = up->key;
	for (size_t i = 0; i < edit->meaning_count && best < 2; i++) {
		const struct toml_meaning *meaning = &edit->meanings[i];
		size_t depth = 0;

		if (meaning->depth < node->depth)
			continue;
		while (depth < node->depth && str_equal(path[depth], meaning->path[depth]))
			depth++;
		if (depth == node->depth)
			best = meaning->depth == depth ? 2 : 1;
	}
	return best;
}

struct compare {
	const struct toml_edit *edit;
	struct error *err;
};

/* A key that only the new document has: all that is in it must have been asked for. */
static bool addition_meant(const struct toml_edit *edit, const struct toml_node *node)
{
	int meant = meant_at(edit, node);

	if (meant != 1)
		return meant == 2;
	for (const struct toml_node *child = node->first; child; child = child->next)
		if (node->type != TOML_TABLE || !addition_meant(edit, child))
			return false;
	return node->type == TOML_TABLE;
}

static int difference_check(void *user, const struct toml_node *x, const struct toml_node *y)
{
	const struct compare *compare = user;
	char path[256];
	struct buf out = buf_over(path, sizeof path);

	if (y && (x ? meant_at(compare->edit, y) == 2 : addition_meant(compare->edit, y)))
		return 0;
	toml_path(x ? x : y, &out); /* cut is fine */
	return error_set(compare->err, EBADMSG, "the edit would change %s, which nobody asked for", path);
}

int toml_edit_apply(const struct toml_edit *edit, char **ret_text, size_t *ret_len, struct error *err)
{
	struct compare compare = { edit, err };
	struct toml_text out = { 0 };
	auto_toml struct toml *new = NULL;
	auto_free char *text = NULL;
	int result = splices_write(edit, &out, err);

	text = out.p;
	if (result < 0)
		return result;
	result = toml_parse((struct str){ text, out.len - 1 }, &new, err);
	if (result == -EINVAL)
		return error_wrap(err, -EBADMSG, "the edited configuration is not TOML");
	if (result < 0)
		return result;
	for (size_t i = 0; i < edit->meaning_count; i++)
		if (!meaning_holds(&edit->meanings[i], edit->doc, new))
			return error_set(err, EBADMSG, "the edit would not do what was asked for (change %zu)", i + 1);
	result = toml_diff(edit->doc, new, difference_check, &compare);
	if (result < 0)
		return result;
	*ret_text = take(text);
	*ret_len = out.len - 1;
	return 0;
}

void toml_edit_done(struct toml_edit *edit)
{
	for (size_t i = 0; i < edit->splice_count; i++)
		free(edit->splices[i].text);
	for (size_t i = 0; i < edit->meaning_count; i++) {
		free(edit->meanings[i].path);
		free(edit->meanings[i].drop);
		toml_free(edit->meanings[i].want);
	}
	free(edit->splices);
	free(edit->meanings);
	*edit = (struct toml_edit){ .doc = edit->doc };
}
