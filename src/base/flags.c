/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flags.h"

#include <assert.h>
#include <errno.h>

#include "base/error.h"

#define NAME_MAX_COMPARED 64 /* longer names are not worth a suggestion */
#define SHOWN(text) (int)((text).len < 80 ? (text).len : 80), (text).p ? (text).p : "" /* "%.*s" in an error */

static int out_of_memory(struct error *err)
{
	return error_set(err, ENOMEM, "the options need more memory than is set aside for them");
}

const struct flag *flags_find(const struct flag_set *set, struct str name)
{
	for (const struct flag *flag = set->flags; flag->name; flag++)
		if (str_is(name, flag->name))
			return flag;
	return NULL;
}

static char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c == '_' ? '-' : c;
}

/* Insertions, deletions and replacements that turn one name into the other (Levenshtein). */
static unsigned distance(struct str a, struct str b)
{
	unsigned row[NAME_MAX_COMPARED + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < b.len; j++) {
			unsigned best = diagonal + (folded(a.p[i]) != folded(b.p[j]));

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			row[j + 1] = best;
		}
	}
	return row[b.len];
}

const struct flag *flags_nearest(const struct flag_set *set, struct str name)
{
	const struct flag *nearest = NULL;
	unsigned limit = name.len < 6 ? 1 : (unsigned)(name.len < 12 ? 2 : name.len / 4);

	if (name.len > NAME_MAX_COMPARED)
		return NULL;
	for (const struct flag *flag = set->flags; flag->name; flag++) {
		struct str known = str_of(flag->name);
		unsigned steps = known.len > NAME_MAX_COMPARED ? limit + 1 : distance(name, known);

		if (steps < limit + !nearest) {
			nearest = flag;
			limit = steps;
		}
	}
	return nearest;
}

static int unknown(const struct flag_set *set, struct str name, struct error *err)
{
	const struct flag *nearest = flags_nearest(set, name);

	if (nearest)
		return error_set(err, ENOENT, "unknown flag --%.*s; did you mean --%s?", SHOWN(name), nearest->name);
	return error_set(err, ENOENT, "unknown flag --%.*s; --help lists the flags", SHOWN(name));
}

/*
 * Lists grow without a member for their capacity: it is always the least power of two that is >= n and >= 4, so the
 * time to grow is when n is that power (or there is nothing yet).
 */
static int list_add(struct flag_list *list, struct str item, struct arena *arena)
{
	bool full = !list->n || (list->n >= 4 && !(list->n & (list->n - 1)));
	char *copy = arena_copy(arena, item);

	if (!copy)
		return -ENOMEM;
	if (full) {
		size_t capacity = list->n ? list->n * 2 : 4;
		const char **more = capacity < SIZE_MAX / sizeof *more ? arena_alloc(arena, capacity * sizeof *more)
								       : NULL;

		if (!more)
			return -ENOMEM;
		if (list->n)
			memcpy(more, list->item, list->n * sizeof *more);
		list->item = more;
	}
	list->item[list->n++] = copy;
	return 0;
}

/* Splits `value` at commas; "\," is a comma within an item, any other backslash stands for itself. */
static int list_split(struct flag_list *list, struct str value, struct arena *arena)
{
	char *text = arena_copy(arena, value); /* items are cut out of this copy, without their escapes */
	size_t begin = 0, end = 0;

	if (!text)
		return -ENOMEM;
	for (size_t at = 0; at <= value.len; at++) {
		int result;

		if (at < value.len && value.p[at] != ',') {
			if (value.p[at] == '\\' && at + 1 < value.len) {
				if (value.p[at + 1] != ',')
					text[end++] = '\\';
				at++;
			}
			text[end++] = value.p[at];
			continue;
		}
		if (end == begin)
			continue;
		result = list_add(list, (struct str){ text + begin, end - begin }, arena);
		if (result < 0)
			return result;
		begin = end;
	}
	return 0;
}

/* What a value of `flag` is before it is known to be in force. */
union value {
	bool truth;
	int64_t number;
	const char *text;
	struct flag_list list;
};

static int value_parse(const struct flag *flag, struct str text, union value *value, struct arena *arena,
		       struct error *err)
{
	switch (flag->type) {
	case FLAG_BOOL:
		return flags_bool(text, &value->truth, err);
	case FLAG_INT:
		return flags_int(text, &value->number, err);
	case FLAG_DURATION:
		return flags_duration(text, &value->number, err);
	case FLAG_SIZE:
		return flags_size(text, &value->number, err);
	case FLAG_STRING:
		value->text = arena_copy(arena, text);
		return value->text ? 0 : out_of_memory(err);
	case FLAG_LIST:
		return list_split(&value->list, text, arena) < 0 ? out_of_memory(err) : 0;
	}
	return error_set(err, EINVAL, "its row has no type"); /* our mistake, found by flags_init */
}

static void value_put(const struct flag *flag, void *conf, const union value *value)
{
	void *at = (char *)conf + flag->offset;

	switch (flag->type) {
	case FLAG_BOOL:
		*(bool *)at = value->truth;
		return;
	case FLAG_INT:
	case FLAG_DURATION:
	case FLAG_SIZE:
		*(int64_t *)at = value->number;
		return;
	case FLAG_STRING:
		*(const char **)at = value->text;
		return;
	case FLAG_LIST:
		*(struct flag_list *)at = value->list;
		return;
	}
}

static int row_set(struct flag_parse *parse, enum flag_source source, const struct flag *flag, struct str text,
		   struct error *err)
{
	unsigned char *in_force = &parse->source[flag - parse->set->flags];
	size_t used = parse->arena->used;
	union value value = { .list = { NULL, 0 } };
	int result;

	if (memchr(text.len ? text.p : "", '\0', text.len))
		return error_set(err, EINVAL, "--%s: the value holds a NUL byte", flag->name);
	if (flag->type == FLAG_LIST && source == FLAG_FROM_ARGV && *in_force == source)
		value.list = *(const struct flag_list *)((const char *)parse->conf + flag->offset);
	result = value_parse(flag, text, &value, parse->arena, err);
	if (result < 0) {
		parse->arena->used = used;
		return error_wrap(err, result == -ENOMEM ? result : -EINVAL, "--%s", flag->name);
	}
	if (source < *in_force) {
		parse->arena->used = used;
		return 0;
	}
	value_put(flag, parse->conf, &value);
	*in_force = (unsigned char)source;
	return 0;
}

int flags_set(struct flag_parse *parse, enum flag_source source, struct str name, struct str value, struct error *err)
{
	const struct flag *flag = flags_find(parse->set, name);

	return flag ? row_set(parse, source, flag, value, err) : unknown(parse->set, name, err);
}

int flags_set_items(struct flag_parse *parse, enum flag_source source, struct str name, const struct str *item,
		    size_t n, struct error *err)
{
	const struct flag *flag = flags_find(parse->set, name);
	struct flag_list list = { NULL, 0 };

	if (!flag)
		return unknown(parse->set, name, err);
	if (flag->type != FLAG_LIST)
		return error_set(err, EINVAL, "--%s: takes one value, not a list", flag->name);
	if (source < parse->source[flag - parse->set->flags])
		return 0;
	for (size_t i = 0; i < n; i++)
		if (item[i].len && list_add(&list, item[i], parse->arena) < 0)
			return error_wrap(err, out_of_memory(err), "--%s", flag->name);
	*(struct flag_list *)((char *)parse->conf + flag->offset) = list;
	parse->source[flag - parse->set->flags] = (unsigned char)source;
	return 0;
}

int flags_init(struct flag_parse *parse, const struct flag_set *set, void *conf, struct arena *arena, struct error *err)
{
	size_t rows = 0;

	*parse = (struct flag_parse){ .set = set, .conf = conf, .arena = arena };
	for (const struct flag *flag = set->flags; flag->name; flag++) {
		int result;

		if (++rows > FLAGS_MAX)
			return error_set(err, EINVAL, "the table of flags has more than %d rows", FLAGS_MAX);
		result = row_set(parse, FLAG_FROM_DEFAULT, flag, str_of(flag->def), err);
		if (result < 0)
			return error_wrap(err, result, "wrong default");
	}
	return 0;
}

/* One argument that begins with "--"; `next` may serve as its value, then *ret_took_next. */
static int argument_parse(struct flag_parse *parse, struct str text, const char *next, bool *ret_took_next,
			  struct error *err)
{
	ptrdiff_t equals = str_find(text, '=');
	struct str name = equals < 0 ? text : (struct str){ text.p, (size_t)equals };
	const struct flag *flag = flags_find(parse->set, name);

	*ret_took_next = false;
	if (!flag) {
		(void)unknown(parse->set, name, err);
		if (err)
			err->code = EINVAL;
		return -EINVAL;
	}
	if (equals >= 0)
		return row_set(parse, FLAG_FROM_ARGV, flag, str_from(text, (size_t)equals + 1), err);
	if (flag->type == FLAG_BOOL || (flag->value && flag->value[0] == '['))
		return row_set(parse, FLAG_FROM_ARGV, flag, STR("true"), err);
	if (!next)
		return error_set(err, EINVAL, "--%s: needs a value", flag->name);
	if (next[0] == '-' && next[1])
		return error_set(err, EINVAL, "--%s: needs a value; one that begins with '-' is written --%s=%.80s",
				 flag->name, flag->name, next);
	*ret_took_next = true;
	return row_set(parse, FLAG_FROM_ARGV, flag, str_of(next), err);
}

/* Whether the program is only asked about itself: then nothing else matters, wrong flags included. */
static bool question_find(struct flag_parse *parse, int argc, char *const argv[])
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			parse->help = true;
		else if (!strcmp(argv[i], "--version") && !flags_find(parse->set, STR("version")))
			parse->version = true;
	}
	return parse->help || parse->version;
}

int flags_parse_argv(struct flag_parse *parse, int argc, char *const argv[], struct error *err)
{
	bool flags_ended = false;

	parse->arguments = 0;
	parse->argument = arena_alloc(parse->arena, ((size_t)(argc > 0 ? argc : 0) + 1) * sizeof *parse->argument);
	if (!parse->argument)
		return out_of_memory(err);
	parse->argument[0] = NULL;
	if (question_find(parse, argc, argv))
		return 0;
	for (int i = 1; i < argc; i++) {
		bool took_next;
		int result;

		if (flags_ended || argv[i][0] != '-' || !argv[i][1]) {
			parse->argument[parse->arguments++] = argv[i];
			parse->argument[parse->arguments] = NULL;
			continue;
		}
		if (argv[i][1] != '-')
			return error_set(err, EINVAL,
					 "unknown flag %.80s; flags begin with two dashes, --help lists them", argv[i]);
		if (!argv[i][2]) {
			flags_ended = true;
			continue;
		}
		result = argument_parse(parse, str_of(argv[i] + 2), i + 1 < argc ? argv[i + 1] : NULL, &took_next, err);
		if (result < 0)
			return result;
		i += took_next;
	}
	return 0;
}
