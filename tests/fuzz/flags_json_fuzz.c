/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the file: the result is one of the header's with a text; what is not JSON sets nothing; every text that was
 * set is UTF-8; the command line's rank is never beaten; reading the same file again changes nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/flags_json.h"
#include "base/json.h"
#include "base/utf8.h"

struct conf {
	const char *text, *mine;
	bool truth;
	int64_t number, time, bytes;
	struct flag_list list;
};

static const struct flag rows[] = {
	{ "log-fname", FLAG_STRING, offsetof(struct conf, text), "x", "TEXT", "a text" },
	{ "mine", FLAG_STRING, offsetof(struct conf, mine), "x", "TEXT", "set by the command line" },
	{ "disable-grpc", FLAG_BOOL, offsetof(struct conf, truth), "false", NULL, "a bool" },
	{ "number", FLAG_INT, offsetof(struct conf, number), "-1", "N", "a number" },
	{ "grpc-timeout", FLAG_DURATION, offsetof(struct conf, time), "10s", "DURATION", "a time" },
	{ "rb-size", FLAG_SIZE, offsetof(struct conf, bytes), "64K", "SIZE", "a size" },
	{ "fail-allow-namespaces", FLAG_LIST, offsetof(struct conf, list), "a,b", "NAME,...", "a list" },
	{ 0 },
};
static const struct flag_set set = { "fuzz [flags]", "Nothing.", rows };

static void print_all(const struct conf *conf, struct buf *out)
{
	for (const struct flag *flag = rows; flag->name; flag++) {
		flags_print_value(flag, conf, out);
		buf_byte(out, '\n');
	}
	assert(!out->overflow);
}

static void utf8_check(const char *text)
{
	struct str all = str_of(text);

	for (size_t at = 0, n; at < all.len; at += n)
		assert((n = utf8_length(str_from(all, at), NULL)));
}

static void report(void *user, struct str name, const struct flag *nearest)
{
	assert(!nearest || flags_find(&set, str_of(nearest->name)) == nearest);
	*(size_t *)user += name.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char memory[65536], first[1 << 17], second[1 << 17];
	struct buf before = buf_over(first, sizeof first), after = buf_over(second, sizeof second);
	struct arena arena = arena_over(memory, sizeof memory);
	struct str text = { (const char *)data, size };
	struct flags_unknown unknown = { report, &size };
	struct error err = { 0 };
	struct flag_parse parse;
	struct conf conf;
	struct json_reader reader;
	int result, event;

	assert(!flags_init(&parse, &set, &conf, &arena, NULL));
	assert(!flags_set(&parse, FLAG_FROM_ARGV, STR("mine"), STR("kept"), NULL));
	print_all(&conf, &before);
	result = flags_json_read(&parse, text, &unknown, &err);
	assert(result == 0 || result == -EINVAL || result == -E2BIG || result == -ENOMEM);
	assert(!result == !err.text[0] && !strcmp(conf.mine, "kept"));
	utf8_check(conf.text);
	for (size_t i = 0; i < conf.list.n; i++)
		utf8_check(conf.list.item[i]);
	print_all(&conf, &after);
	json_reader_init(&reader, text);
	while ((event = json_next(&reader, NULL)) > JSON_END)
		;
	if (event < 0)
		assert(result < 0 && before.len == after.len && !memcmp(first, second, before.len));
	if (!result && arena.used < sizeof memory / 2) {
		before = buf_over(first, sizeof first);
		assert(!flags_json_read(&parse, text, &unknown, &err));
		print_all(&conf, &before);
		assert(before.len == after.len && !memcmp(first, second, before.len));
	}
	return 0;
}
