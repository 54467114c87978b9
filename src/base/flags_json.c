/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flags_json.h"

#include <errno.h>

#include "base/error.h"
#include "base/json.h"

#define KEY_MAX 128 /* longer keys are no flag's */

enum spelling { SPELT_UNKNOWN, SPELT_CAMEL, SPELT_SNAKE };

/* Whether `key` is the flag's name with '-' as '_' (log_fname). */
static bool is_snake(const char *name, struct str key)
{
	size_t i = 0;

	while (i < key.len && name[i] && key.p[i] == (name[i] == '-' ? '_' : name[i]))
		i++;
	return i == key.len && !name[i];
}

/* Whether `key` is the flag's name with "-x" as 'X' (logFname). */
static bool is_camel(const char *name, struct str key)
{
	size_t i = 0;

	for (; *name; name++, i++) {
		char want = *name;

		if (want == '-' && name[1]) {
			want = *++name;
			if (want >= 'a' && want <= 'z')
				want = (char)(want - ('a' - 'A'));
		}
		if (i == key.len || key.p[i] != want)
			return false;
	}
	return i == key.len;
}

static const struct flag *row_find(const struct flag_set *set, struct str key, enum spelling *ret_spelling)
{
	for (const struct flag *flag = set->flags; flag->name; flag++)
		if (is_snake(flag->name, key)) {
			*ret_spelling = SPELT_SNAKE;
			return flag;
		}
	for (const struct flag *flag = set->flags; flag->name; flag++)
		if (is_camel(flag->name, key)) {
			*ret_spelling = SPELT_CAMEL;
			return flag;
		}
	*ret_spelling = SPELT_UNKNOWN;
	return NULL;
}

/* Decodes the reader's last string into the arena. */
static int text_take(const struct json_reader *reader, struct arena *arena, struct str *ret_text, struct error *err)
{
	struct buf out = buf_over(arena->p + arena->used, arena->size - arena->used);
	int result = json_string_decode(reader->text, &out);

	if (result == -ENOBUFS || !out.size)
		return error_set(err, ENOMEM, "the options need more memory than is set aside for them");
	if (result < 0)
		return error_set(err, EINVAL, "the text holds a NUL character");
	arena->used += out.len + 1;
	*ret_text = (struct str){ out.p, out.len };
	return 0;
}

static int number_check(const struct flag *flag, struct str number, struct error *err)
{
	int64_t value;

	if (flag->type != FLAG_INT && flag->type != FLAG_SIZE && flag->type != FLAG_DURATION)
		return error_set(err, EINVAL, "a number is no value for it");
	if (flags_int(number, &value, NULL) < 0)
		return error_set(err, EINVAL, "%.*s is not a whole number that fits",
				 (int)(number.len < 80 ? number.len : 80), number.p);
	if (flag->type != FLAG_INT && value < 0)
		return error_set(err, EINVAL, "it must not be negative");
	return 0;
}

static int number_set(struct flag_parse *parse, const struct flag *flag, struct str number, struct error *err)
{
	char text[32];
	struct buf out = buf_over(text, sizeof text);
	int result = number_check(flag, number, err);

	if (result < 0)
		return error_wrap(err, result, "--%s", flag->name);
	buf_str(&out, number);
	if (flag->type == FLAG_DURATION)
		buf_text(&out, "ns");
	return flags_set(parse, FLAG_FROM_CONFIG, str_of(flag->name), (struct str){ text, out.len }, err);
}

/* The array's first event was read. Its items are counted first: the reader is a value, a copy of it looks ahead. */
static int list_set(struct flag_parse *parse, const struct flag *flag, struct json_reader *reader, struct error *err)
{
	struct json_reader ahead = *reader;
	struct str *item;
	size_t n = 0;

	for (int event; (event = json_next(&ahead, err)) != JSON_ARRAY_END; n++) {
		if (event < 0)
			return event;
		if (event != JSON_STRING)
			return error_set(err, EINVAL, "--%s: item %zu is not a string", flag->name, n + 1);
		if (n == FLAGS_JSON_LIST_MAX)
			return error_set(err, E2BIG, "--%s: more than %d items", flag->name, FLAGS_JSON_LIST_MAX);
	}
	item = arena_alloc(parse->arena, n * sizeof *item);
	if (!item)
		return error_set(err, ENOMEM, "--%s: the options need more memory than is set aside for them",
				 flag->name);
	for (size_t i = 0; i < n; i++) {
		int result = json_next(reader, err);

		if (result >= 0)
			result = text_take(reader, parse->arena, &item[i], err);
		if (result < 0)
			return error_wrap(err, result, "--%s: item %zu", flag->name, i + 1);
	}
	*reader = ahead;
	return flags_set_items(parse, FLAG_FROM_CONFIG, str_of(flag->name), item, n, err);
}

/* `event` began the value. */
static int value_set(struct flag_parse *parse, const struct flag *flag, struct json_reader *reader, int event,
		     struct error *err)
{
	struct str name = str_of(flag->name), text = { NULL, 0 };
	int result;

	switch (event) {
	case JSON_NULL:
		return 0;
	case JSON_STRING:
		result = text_take(reader, parse->arena, &text, err);
		if (result < 0)
			return error_wrap(err, result, "--%s", flag->name);
		return flags_set(parse, FLAG_FROM_CONFIG, name, text, err);
	case JSON_NUMBER:
		return number_set(parse, flag, reader->text, err);
	case JSON_TRUE:
	case JSON_FALSE:
		if (flag->type != FLAG_BOOL)
			return error_set(err, EINVAL, "--%s: a boolean is no value for it", flag->name);
		return flags_set(parse, FLAG_FROM_CONFIG, name, event == JSON_TRUE ? STR("true") : STR("false"), err);
	case JSON_ARRAY_BEGIN:
		if (flag->type == FLAG_LIST)
			return list_set(parse, flag, reader, err);
		return error_set(err, EINVAL, "--%s: an array is no value for it", flag->name);
	default:
		return error_set(err, EINVAL, "--%s: an object is no value for it", flag->name);
	}
}

static int unknown_tell(const struct flag_set *set, struct str key, const struct flags_unknown *unknown,
			struct error *err)
{
	const struct flag *nearest = flags_nearest(set, key);
	char name[KEY_MAX];
	struct buf out = buf_over(name, sizeof name);

	if (unknown) {
		unknown->report(unknown->user, key, nearest);
		return 0;
	}
	if (!nearest)
		return error_set(err, ENOENT, "unknown key '%.*s'", (int)(key.len < 80 ? key.len : 80), key.p);
	for (const char *c = nearest->name; *c; c++)
		buf_byte(&out, *c == '-' ? '_' : *c);
	return error_set(err, ENOENT, "unknown key '%.*s'; did you mean '%s'?", (int)(key.len < 80 ? key.len : 80),
			 key.p, name);
}

/* One key and its value, if it is spelt as this walk wants. `seen` is a bit per row. */
static int member_read(struct flag_parse *parse, struct json_reader *reader, enum spelling walk, uint64_t *seen,
		       const struct flags_unknown *unknown, struct error *err)
{
	char text[KEY_MAX];
	struct buf key = buf_over(text, sizeof text);
	bool fits = !json_string_decode(reader->text, &key);
	struct str raw = reader->text;
	enum spelling spelling = SPELT_UNKNOWN;
	const struct flag *flag = fits ? row_find(parse->set, (struct str){ text, key.len }, &spelling) : NULL;
	int event = json_next(reader, err);
	size_t row;

	if (event < 0)
		return event;
	if (spelling != walk)
		return json_skip(reader, (enum json_event)event, err);
	if (!flag) {
		int result = unknown_tell(parse->set, fits ? (struct str){ text, key.len } : raw, unknown, err);

		return result < 0 ? result : json_skip(reader, (enum json_event)event, err);
	}
	row = (size_t)(flag - parse->set->flags);
	if (seen[row / 64] >> (row % 64) & 1)
		return error_set(err, EINVAL, "the key '%s' stands twice", text);
	seen[row / 64] |= UINT64_C(1) << (row % 64);
	return value_set(parse, flag, reader, event, err);
}

/* Each walk takes one spelling: of two values from one source the later set one is in force, so the preferred comes
 * last. */
static int walk_once(struct flag_parse *parse, struct str text, enum spelling walk, const struct flags_unknown *unknown,
		     struct error *err)
{
	uint64_t seen[FLAGS_MAX / 64] = { 0 };
	struct json_reader reader;
	int event;

	json_reader_init(&reader, text);
	(void)json_next(&reader, err); /* the object's beginning, seen before */
	while ((event = json_next(&reader, err)) == JSON_KEY) {
		event = member_read(parse, &reader, walk, seen, unknown, err);
		if (event < 0)
			break;
	}
	return event < 0 ? event : 0;
}

int flags_json_read(struct flag_parse *parse, struct str text, const struct flags_unknown *unknown, struct error *err)
{
	static const enum spelling walks[] = { SPELT_UNKNOWN, SPELT_CAMEL, SPELT_SNAKE };
	struct json_reader reader;
	int first, event;

	json_reader_init(&reader, text);
	first = event = json_next(&reader, err);
	while (event > JSON_END)
		event = json_next(&reader, err);
	if (event < 0)
		return event;
	if (first != JSON_OBJECT_BEGIN)
		return error_set(err, EINVAL, "the options must be one JSON object");
	for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
		int result = walk_once(parse, text, walks[i], unknown, err);

		if (result < 0)
			return result;
	}
	return 0;
}

static void key_write(const char *name, struct buf *out)
{
	buf_text(out, "  \"");
	for (; *name; name++)
		buf_byte(out, *name == '-' ? '_' : *name);
	buf_text(out, "\": ");
}

static void list_write(const struct flag_list *list, struct buf *out)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		buf_text(out, i ? ", " : "");
		json_write_string(out, str_of(list->item[i]));
	}
	buf_byte(out, ']');
}

static void value_write(const struct flag *flag, const void *conf, struct buf *out)
{
	const void *at = (const char *)conf + flag->offset;
	char memory[64];
	struct buf text = buf_over(memory, sizeof memory);

	switch (flag->type) {
	case FLAG_LIST:
		list_write(at, out);
		return;
	case FLAG_STRING:
		json_write_string(out, str_of(*(const char *const *)at));
		return;
	case FLAG_DURATION:
		flags_print_value(flag, conf, &text);
		json_write_string(out, (struct str){ memory, text.len });
		return;
	case FLAG_BOOL:
	case FLAG_INT:
	case FLAG_SIZE:
		flags_print_value(flag, conf, out);
		return;
	}
}

static bool is_named(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

void flags_json_write(const struct flag_set *set, const void *conf, const char *const *skip, struct buf *out)
{
	const char *between = "{\n";

	for (const struct flag *flag = set->flags; flag->name; flag++) {
		if (is_named(skip, flag->name))
			continue;
		buf_text(out, between);
		key_write(flag->name, out);
		value_write(flag, conf, out);
		between = ",\n";
	}
	buf_text(out, between[0] == '{' ? "{}\n" : "\n}\n");
}
