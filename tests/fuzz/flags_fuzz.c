/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An argument a line, for a table with a flag of each type and an arena that can run out. Whatever they are: the result
 * is one of the header's; a failure leaves a text; what is in force, printed, reads back as the same; --help fits in
 * 100 columns.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/flags.h"

#define ARGUMENTS_MAX 64

struct conf {
	const char *text;
	bool truth;
	int64_t number, time, bytes;
	struct flag_list list;
};

static const struct flag rows[] = {
	{ "text", FLAG_STRING, offsetof(struct conf, text), "x", "TEXT", "a text" },
	{ "truth", FLAG_BOOL, offsetof(struct conf, truth), "false", NULL, "a bool" },
	{ "number", FLAG_INT, offsetof(struct conf, number), "-1", "N", "a number" },
	{ "time-limit", FLAG_DURATION, offsetof(struct conf, time), "10s", "DURATION", "a time" },
	{ "bytes", FLAG_SIZE, offsetof(struct conf, bytes), "64K", "SIZE", "a size" },
	{ "list-of-names", FLAG_LIST, offsetof(struct conf, list), "a,b", "NAME,...", "a list" },
	{ 0 },
};
static const struct flag_set set = { "fuzz [flags]", "Nothing.", rows };

/* Before a comma such an item cannot be written: the list would read the comma as its own. */
static bool is_list_printable(const struct flag_list *list)
{
	for (size_t i = 0; i + 1 < list->n; i++) {
		size_t len = strlen(list->item[i]), backslashes = 0;

		while (backslashes < len && list->item[i][len - 1 - backslashes] == '\\')
			backslashes++;
		if (backslashes % 2)
			return false;
	}
	return true;
}

static void values_check(const struct conf *conf, size_t size)
{
	size_t room = size * 2 + 256, memory_size = size * 8 + 8192;
	char *first = malloc(room), *second = malloc(room), *memory = malloc(memory_size);
	struct arena arena = arena_over(memory, memory_size);
	struct flag_parse parse;
	struct conf again;

	assert(!flags_init(&parse, &set, &again, &arena, NULL));
	for (const struct flag *flag = rows; flag->name; flag++) {
		struct buf a = buf_over(first, room), b = buf_over(second, room);

		if (flag->type == FLAG_LIST && !is_list_printable(&conf->list))
			continue;
		flags_print_value(flag, conf, &a);
		assert(!a.overflow);
		assert(!flags_set(&parse, FLAG_FROM_ARGV, str_of(flag->name), (struct str){ a.p, a.len }, NULL));
		flags_print_value(flag, &again, &b);
		assert(a.len == b.len && !memcmp(a.p, b.p, a.len));
	}
	assert(again.number == conf->number && again.time == conf->time && again.bytes == conf->bytes);
	free(first);
	free(second);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), program[] = "fuzz", *argv[ARGUMENTS_MAX + 2] = { program };
	char memory[8192];
	struct arena arena = arena_over(memory, sizeof memory);
	struct error err = { 0 };
	struct flag_parse parse;
	struct conf conf;
	int argc = 1, result;

	for (char *at = text; at && argc <= ARGUMENTS_MAX; argc++) {
		argv[argc] = at;
		at = strchr(at, '\n');
		if (at)
			*at++ = '\0';
	}
	assert(!flags_init(&parse, &set, &conf, &arena, NULL));
	result = flags_parse_argv(&parse, argc, argv, &err);
	assert(result == 0 || result == -EINVAL || result == -ENOMEM);
	assert(!result == !err.text[0] && err.code == -result);
	if (!result) {
		assert(parse.arguments < (size_t)argc && !parse.argument[parse.arguments]);
		values_check(&conf, size);
	}
	(void)flags_nearest(&set, str_of(text)); /* any length */
	free(text);
	return 0;
}
