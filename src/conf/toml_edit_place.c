/* SPDX-License-Identifier: Apache-2.0 */
/* Where a new key or table goes, and how it has to be spelled there. */
#include "conf/toml_edit_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

#define UNIT STR("  ") /* of indentation, where nothing shows another one */

static bool is_within(const struct toml_node *node, const struct toml_node *table)
{
	while (node && node->depth > table->depth)
		node = node->parent;
	return node == table;
}

/* The inline table that `node` is, or lies in; NULL outside. */
static const struct toml_node *inline_around(const struct toml_node *node)
{
	while (node && !(node->type == TOML_TABLE && node->origin == TOML_VALUE))
		node = node->parent;
	return node;
}

/* "a.b." of the tables between `from` (not in it) and `to` (in it), keys as they were written first. */
static void prefix_add(struct toml_text *text, const struct toml_node *from, const struct toml_node *to)
{
	if (to == from)
		return;
	prefix_add(text, from, to->parent);
	toml_text_add(text, to->name);
	toml_text_add(text, STR("."));
}

static void assignment_add(struct toml_text *text, struct str value)
{
	toml_text_add(text, STR(" = "));
	toml_text_add(text, value);
}

/* What was put into an empty inline table already, or NULL: a second key needs a comma then. */
static struct toml_splice *splice_find(struct toml_edit *edit, size_t at)
{
	for (size_t i = 0; i < edit->splice_count; i++)
		if (edit->splices[i].at == at)
			return &edit->splices[i];
	return NULL;
}

/* Behind an inline table's last key; the closing bracket stays where it is. `entry`: "key = value". */
static int inline_add(struct toml_edit *edit, const struct toml_node *table, struct toml_text *entry, struct error *err)
{
	const struct toml *doc = edit->doc;
	size_t close = toml_behind(doc, table->text) - 1, at = close;
	struct toml_text text = { 0 };
	struct toml_splice *before;
	bool is_empty;

	while (doc->text.p[at - 1] == ' ' || doc->text.p[at - 1] == '\t')
		at--;
	is_empty = doc->text.p[at - 1] == '{';
	before = is_empty ? splice_find(edit, at) : NULL;
	if (before)
		toml_text_add(&text, (struct str){ before->text, before->len - 1 }); /* its last byte is the space */
	toml_text_add(&text, is_empty && !before ? STR(" ") : STR(", "));
	toml_text_add(&text, (struct str){ entry->p, entry->len });
	if (is_empty)
		toml_text_add(&text, STR(" "));
	text.failed |= entry->failed;
	if (!before || text.failed)
		return toml_edit_splice(edit, at, is_empty ? close - at : 0, &text, err);
	free(before->text);
	before->text = text.p;
	before->len = text.len;
	return 0;
}

/* The last key = value that stands directly under a header (or before the first one: `header` NULL), or NULL. */
static const struct toml_statement *section_end(const struct toml *doc, const struct toml_statement *header)
{
	const struct toml_statement *last = NULL, *statement = header ? header->next : doc->first;

	for (; statement && statement->kind == TOML_KEY_VALUE; statement = statement->next)
		last = statement;
	return last;
}

static size_t statement_end(const struct toml *doc, const struct toml_statement *statement)
{
	return toml_line_end(doc, toml_behind(doc, statement->text));
}

/* What keys under `header` are indented by, more than it is; where it has none, what its neighbours do. */
static struct str indent_unit(const struct toml *doc, const struct toml_statement *header)
{
	for (const struct toml_statement *near = header; near; near = near->prev) {
		struct str outer, inner;

		if (near->kind == TOML_KEY_VALUE || !near->next || near->next->kind != TOML_KEY_VALUE)
			continue;
		outer = toml_indent(doc, toml_at(doc, near->text.p));
		inner = toml_indent(doc, toml_at(doc, near->next->text.p));
		return str_starts(inner, outer) ? str_from(inner, outer.len) : (struct str){ 0 };
	}
	return UNIT;
}

/* A line of its own below the line that ends at `at`. Takes `line`. */
static int line_add(struct toml_edit *edit, size_t at, struct str indent, struct toml_text *line, struct error *err)
{
	struct toml_text text = { 0 };

	toml_text_add(&text, toml_line_break(edit->doc, at));
	toml_text_add(&text, indent);
	toml_text_add(&text, (struct str){ line->p, line->len });
	text.failed |= line->failed;
	return toml_edit_splice(edit, at, 0, &text, err);
}

/* A first line of the text, below a byte order mark. */
static int first_line(struct toml_edit *edit, struct toml_text *line, struct error *err)
{
	struct str text = edit->doc->text;

	toml_text_add(line, toml_line_break(edit->doc, 0));
	return toml_edit_splice(edit, str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0, 0, line, err);
}

/*
 * The last dotted key that says something within `table`, seen from the section that the table was named in: a header
 * may have opened a table below it since, whose keys are no neighbours.
 */
static const struct toml_statement *last_dotted(const struct toml *doc, const struct toml_node *table)
{
	const struct toml_statement *statement = doc->last;

	while (statement && (statement->kind != TOML_KEY_VALUE || !is_within(statement->node, table) ||
			     !is_within(table, statement->table)))
		statement = statement->prev;
	return statement;
}

/* key = value into a table that is there. `after`: a statement of it, or NULL. */
static int entry_add(struct toml_edit *edit, const struct toml_node *table, const struct toml_statement *after,
		     struct str key, struct str value, struct error *err)
{
	const struct toml_node *around = inline_around(table);
	const struct toml *doc = edit->doc;
	struct toml_text entry = { 0 };
	const struct toml_statement *header = table->origin == TOML_HEADER ? table->statement : NULL;
	struct toml_text indent = { 0 };
	int result;

	if (around) {
		prefix_add(&entry, around, table);
	} else if (table->origin == TOML_DOTTED) {
		if (!after)
			after = last_dotted(doc, table);
		prefix_add(&entry, after->table, table);
	} else if (!after) {
		after = section_end(doc, header);
	}
	toml_text_key(&entry, key);
	assignment_add(&entry, value);
	if (around) {
		result = inline_add(edit, around, &entry, err);
	} else if (after) {
		result = line_add(edit, statement_end(doc, after), toml_indent(doc, toml_at(doc, after->text.p)),
				  &entry, err);
	} else if (header) {
		toml_text_add(&indent, toml_indent(doc, toml_at(doc, header->text.p)));
		toml_text_add(&indent, indent_unit(doc, header));
		entry.failed |= indent.failed;
		result = line_add(edit, statement_end(doc, header), (struct str){ indent.p, indent.len }, &entry, err);
	} else {
		result = first_line(edit, &entry, err);
	}
	free(entry.p); /* first_line took it: then this is NULL */
	free(indent.p);
	return result;
}

int toml_edit_insert(struct toml_edit *edit, const struct toml_node *table, const struct toml_node *after,
		     struct str key, const char *value, struct error *err)
{
	int result;

	if (table->type != TOML_TABLE)
		return toml_edit_refuse(edit, table, "is no table, so nothing can be added to it", err);
	assert(!toml_get(edit->doc, table, key));
	if (table->origin == TOML_IMPLIED) {
		const char *path[TOML_DEPTH_MAX + 1];
		struct toml_text texts[TOML_DEPTH_MAX] = { 0 };
		struct toml_text name = { 0 };
		bool failed = false;

		toml_text_add(&name, key);
		toml_text_add(&name, (struct str){ "", 1 });
		failed |= name.failed;
		for (const struct toml_node *up = table; up->parent; up = up->parent) {
			struct toml_text *text = &texts[up->depth - 1];

			toml_text_add(text, up->key);
			toml_text_add(text, (struct str){ "", 1 });
			failed |= text->failed;
			path[up->depth - 1] = text->p;
		}
		path[table->depth] = NULL;
		result = failed ? error_set(err, ENOMEM, "not enough memory to edit the configuration")
				: toml_edit_table(edit, path, &(struct toml_pair){ name.p, value }, 1, err);
		for (size_t i = 0; i < table->depth; i++)
			free(texts[i].p);
		free(name.p);
		return result;
	}
	result = toml_edit_mean(edit, table, NULL, key, value, err);
	if (result < 0)
		return result;
	return entry_add(edit, table, after ? after->statement : NULL, key, str_of(value), err);
}

int toml_edit_set(struct toml_edit *edit, const struct toml_node *table, struct str key, const char *value,
		  struct error *err)
{
	const struct toml_node *old = toml_get(edit->doc, table, key);
	struct toml_text text = { 0 };
	int result;

	if (!old)
		return toml_edit_insert(edit, table, NULL, key, value, err);
	if (old->origin != TOML_VALUE)
		return toml_edit_refuse(edit, old, "is a table of its own, so it cannot be given another value", err);
	result = toml_edit_mean(edit, table, NULL, key, value, err);
	if (result < 0)
		return result;
	toml_text_add(&text, str_of(value));
	return toml_edit_splice(edit, toml_at(edit->doc, old->text.p), old->text.len, &text, err);
}

int toml_edit_prepend(struct toml_edit *edit, struct str key, const char *value, struct error *err)
{
	struct toml_text line = { 0 };
	int result = toml_edit_mean(edit, edit->doc->root, NULL, key, value, err);

	if (result < 0)
		return result;
	toml_text_key(&line, key);
	assignment_add(&line, str_of(value));
	return first_line(edit, &line, err);
}

/* --- new tables --- */

/* The last header within `scope`, and the last of them that is of `depth` below `parent` (for its indentation). */
struct neighbours {
	const struct toml_statement *last, *sibling;
};

static struct neighbours neighbours_find(const struct toml *doc, const struct toml_node *scope,
					 const struct toml_node *parent, size_t depth)
{
	struct neighbours found = { 0 };

	for (const struct toml_statement *at = doc->last; at; at = at->prev) {
		if (at->kind == TOML_KEY_VALUE)
			continue;
		if (!found.last && scope->parent && is_within(at->node, scope))
			found.last = at;
		if (!found.sibling && at->node->depth == depth && parent && parent->parent &&
		    is_within(at->node, parent))
			found.sibling = at;
	}
	return found;
}

/* Comments right below a section's last line belong to it, unless a statement follows them without an empty line. */
static size_t comments_skip(const struct toml *doc, size_t end)
{
	size_t at = end;

	for (;;) {
		size_t begin = toml_line_end(doc, at), mark;

		begin += begin < doc->text.len && doc->text.p[begin] == '\r';
		begin += begin < doc->text.len;
		if (begin >= doc->text.len)
			return at;
		mark = begin + toml_indent(doc, begin).len;
		if (mark >= doc->text.len || doc->text.p[mark] == '\n' || doc->text.p[mark] == '\r')
			return at;
		if (doc->text.p[mark] != '#')
			return end;
		at = toml_line_end(doc, mark);
	}
}

static void spaces_add(struct toml_text *text, struct str indent, struct str unit, size_t units)
{
	toml_text_add(text, indent);
	while (units--)
		toml_text_add(text, unit);
}

/* The keys of `path`, the first `n` of them, dotted. */
static void path_add(struct toml_text *text, const char *const path[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			toml_text_add(text, STR("."));
		toml_text_key(text, str_of(path[i]));
	}
}

/* "[path]", then a line a pair. `depth` is that of the table's header; lines are parted, not ended, by the line break.
 */
static void table_write(struct toml_text *text, const char *const path[], size_t depth, const struct toml_pair *pairs,
			size_t n, struct str indent, struct str unit, size_t units, struct str line_break)
{
	spaces_add(text, indent, unit, units);
	toml_text_add(text, STR("["));
	path_add(text, path, depth);
	toml_text_add(text, STR("]"));
	for (size_t i = 0; i < n; i++) {
		toml_text_add(text, line_break);
		spaces_add(text, indent, unit, units + 1);
		toml_text_key(text, str_of(pairs[i].key));
		assignment_add(text, str_of(pairs[i].value));
	}
}

/* Headers at the end of the text: one for each level that is not there. */
static int table_append(struct toml_edit *edit, const char *const path[], size_t depth, const struct toml_pair *pairs,
			size_t n, struct error *err)
{
	struct str all = edit->doc->text, line_break = toml_line_break(edit->doc, edit->doc->text.len);
	bool ended = !all.len || all.p[all.len - 1] == '\n';
	struct toml_text text = { 0 };

	if (!ended)
		toml_text_add(&text, line_break);
	for (size_t level = 1; level <= depth; level++) {
		if (level > 1)
			toml_text_add(&text, line_break);
		table_write(&text, path, level, pairs, level == depth ? n : 0, (struct str){ 0 }, UNIT, level - 1,
			    line_break);
	}
	if (ended)
		toml_text_add(&text, line_break);
	return toml_edit_splice(edit, all.len, 0, &text, err);
}

/* A header below the last section of `scope`. */
static int table_below(struct toml_edit *edit, const struct toml_node *scope, const char *const path[], size_t depth,
		       const struct toml_pair *pairs, size_t n, struct error *err)
{
	const struct toml *doc = edit->doc;
	const struct toml_node *parent = scope->depth == depth       ? scope->parent
					 : scope->depth + 1 == depth ? scope
								     : NULL;
	struct neighbours near = neighbours_find(doc, scope, parent, depth);
	const struct toml_statement *end = section_end(doc, near.last);
	const struct toml_statement *model = near.sibling ? near.sibling : near.last;
	struct str indent = toml_indent(doc, toml_at(doc, model->text.p)), unit = indent_unit(doc, near.last);
	size_t at = comments_skip(doc, statement_end(doc, end ? end : near.last));
	struct str line_break = toml_line_break(doc, at);
	struct toml_text text = { 0 };

	toml_text_add(&text, line_break);
	/* A header that is less deep than ours is our parent's, so we stand further in than it. */
	table_write(&text, path, depth, pairs, n, indent, unit, model->node->depth < depth, line_break);
	return toml_edit_splice(edit, at, 0, &text, err);
}

/* rest.of.path = { pairs } into an inline table, or rest.of.path.key = value lines beside dotted keys. */
static int table_in_place(struct toml_edit *edit, const struct toml_node *scope, const char *const rest[],
			  const struct toml_pair *pairs, size_t n, struct error *err)
{
	const struct toml_node *around = inline_around(scope);
	const struct toml_statement *after = around ? NULL : last_dotted(edit->doc, scope);
	struct toml_text text = { 0 };
	size_t depth = 0;
	int result;

	while (rest[depth])
		depth++;
	for (size_t i = 0; !around && i < n; i++) {
		if (i) {
			toml_text_add(&text, toml_line_break(edit->doc, statement_end(edit->doc, after)));
			toml_text_add(&text, toml_indent(edit->doc, toml_at(edit->doc, after->text.p)));
		}
		prefix_add(&text, after->table, scope);
		path_add(&text, rest, depth);
		toml_text_add(&text, STR("."));
		toml_text_key(&text, str_of(pairs[i].key));
		assignment_add(&text, str_of(pairs[i].value));
	}
	if (around) {
		prefix_add(&text, around, scope);
		path_add(&text, rest, depth);
		toml_text_add(&text, STR(" = { "));
		for (size_t i = 0; i < n; i++) {
			if (i)
				toml_text_add(&text, STR(", "));
			toml_text_key(&text, str_of(pairs[i].key));
			assignment_add(&text, str_of(pairs[i].value));
		}
		toml_text_add(&text, STR(" }"));
	}
	result = around ? inline_add(edit, around, &text, err)
			: line_add(edit, statement_end(edit->doc, after),
				   toml_indent(edit->doc, toml_at(edit->doc, after->text.p)), &text, err);
	free(text.p);
	return result;
}

int toml_edit_table(struct toml_edit *edit, const char *const path[], const struct toml_pair *pairs, size_t n,
		    struct error *err)
{
	const struct toml_node *scope = edit->doc->root, *child;
	size_t depth = 0, there = 0;
	int result = 0;

	while (path[depth])
		depth++;
	while (there < depth && (child = toml_get(edit->doc, scope, str_of(path[there])))) {
		if (child->type != TOML_TABLE)
			return toml_edit_refuse(edit, child, "is no table, so nothing can be added to it", err);
		scope = child;
		there++;
	}
	assert(n && (there < depth || scope->origin == TOML_IMPLIED));
	for (size_t i = 0; !result && i < n; i++)
		result = toml_edit_mean(edit, scope, path + there, str_of(pairs[i].key), pairs[i].value, err);
	if (result < 0)
		return result;
	if (!scope->parent)
		return table_append(edit, path, depth, pairs, n, err);
	if (scope->origin == TOML_VALUE || scope->origin == TOML_DOTTED)
		return table_in_place(edit, scope, path + there, pairs, n, err);
	return table_below(edit, scope, path, depth, pairs, n, err);
}
