/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/hook_drop_in.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/flags_json.h"
#include "base/json.h"

#define HOOK_ENV "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void item(struct buf *out, struct str text)
{
	buf_text(out, ",\n         ");
	json_write_string(out, text);
}

void hook_drop_in_write(const struct hook_drop_in *drop_in, struct buf *out)
{
	int64_t seconds = (drop_in->hook_timeout_ns + NS_PER_S - 1) / NS_PER_S + HOOK_TIMEOUT_MARGIN_S;

	buf_text(out, "{\n   \"version\": \"1.0.0\",\n   \"hook\": {\n      \"path\": ");
	json_write_string(out, str_of(drop_in->path));
	buf_text(out, ",\n      \"args\": [\n         ");
	json_write_string(out, str_of(drop_in->path));
	item(out, STR("createRuntime"));
	if (drop_in->log) {
		item(out, STR("--log-fname"));
		item(out, str_of(drop_in->log));
	}
	if (drop_in->runtime) {
		char text[128];
		struct buf flag = buf_over(text, sizeof text);

		buf_printf(&flag, "--runtime=%s", drop_in->runtime);
		out->overflow |= flag.overflow;
		item(out, (struct str){ text, flag.len });
	}
	for (const char *const *arg = drop_in->args; arg && *arg; arg++)
		item(out, str_of(*arg));
	buf_text(out, "\n      ],\n      \"env\": [\n         \"" HOOK_ENV "\"");
	if (drop_in->sum)
		buf_printf(out, ",\n         \"" HOOK_SUM_NAME "=%s\"", drop_in->sum);
	buf_text(out, "\n      ],\n      \"timeout\": ");
	buf_u64(out, (uint64_t)seconds);
	buf_text(out, "\n   },\n   \"when\": {\n      \"always\": true\n   },\n   \"stages\": [\n      "
		      "\"createRuntime\"\n   ]\n}");
}

void hook_drop_in_sum(struct str text, char sum[SHA256_TEXT])
{
	static const char name[] = "\"" HOOK_SUM_NAME "=";
	const char *at = text.len ? memmem(text.p, text.len, name, sizeof name - 1) : NULL;
	struct str rest = at ? str_from(text, (size_t)(at - text.p) + sizeof name - 1) : (struct str){ 0 };

	sum[0] = '\0';
	if (rest.len < SHA256_TEXT || rest.p[SHA256_TEXT - 1] != '"')
		return;
	for (size_t i = 0; i < SHA256_TEXT - 1; i++)
		if (!rest.p[i] || !strchr("0123456789abcdef", rest.p[i]))
			return;
	memcpy(sum, rest.p, SHA256_TEXT - 1);
	sum[SHA256_TEXT - 1] = '\0';
}

bool hook_args_have(const char *const *args, const char *name)
{
	for (; args && *args; args++) {
		struct str arg = str_of(*args);

		if (!str_starts(arg, STR("--")) || !str_starts(str_from(arg, 2), str_of(name)))
			continue;
		arg = str_from(arg, 2 + strlen(name));
		if (!arg.len || arg.p[0] == '=')
			return true;
	}
	return false;
}

struct timeout_conf {
	int64_t ns;
};

static const struct flag timeout_rows[] = {
	{ "grpc-timeout", FLAG_DURATION, offsetof(struct timeout_conf, ns), "10s", "DURATION", "the hook's deadline" },
	{ 0 },
};

static void other_option(void *user, struct str name, const struct flag *nearest)
{
	(void)user; /* the hook's other options are its own business */
	(void)name;
	(void)nearest;
}

int hook_timeout_find(const char *const *args, struct str config, int64_t *ret_ns, struct error *err)
{
	static const struct flag_set set = { "", NULL, timeout_rows };
	static const struct flags_unknown unknown = { other_option, NULL };
	char memory[4096];
	struct arena arena = arena_over(memory, sizeof memory);
	struct timeout_conf conf;
	struct flag_parse parse;
	int result = flags_init(&parse, &set, &conf, &arena, err);

	if (result >= 0 && config.len)
		result = flags_json_read(&parse, config, &unknown, err);
	if (result < 0)
		return error_wrap(err, -EINVAL, "the hook's configuration file");
	for (; args && *args; args++) {
		struct str arg = str_of(*args), value;

		if (str_starts(arg, STR("--grpc-timeout=")))
			value = str_from(arg, strlen("--grpc-timeout="));
		else if (str_is(arg, "--grpc-timeout") && args[1])
			value = str_of(*++args);
		else
			continue;
		result = flags_set(&parse, FLAG_FROM_ARGV, STR("grpc-timeout"), value, err);
		if (result < 0)
			return error_wrap(err, -EINVAL, "among the hook's arguments");
	}
	*ret_ns = conf.ns;
	return 0;
}

/* What the reader is looking at: the names of the keys that lead there. */
struct look {
	struct json_reader reader;
	char path[PATH_MAX];
	bool has_path, is_create;
};

static int hook_object(struct look *look)
{
	int event;

	while ((event = json_next(&look->reader, NULL)) == JSON_KEY) {
		struct str key = look->reader.text;
		int n = 0;

		event = json_next(&look->reader, NULL);
		if (json_string_is(key, STR("path")) && event == JSON_STRING) {
			struct buf out = buf_over(look->path, sizeof look->path);

			look->has_path = json_string_decode(look->reader.text, &out) >= 0;
			continue;
		}
		if (!json_string_is(key, STR("args")) || event != JSON_ARRAY_BEGIN) {
			if (event < 0 || json_skip(&look->reader, (enum json_event)event, NULL) < 0)
				return -EINVAL;
			continue;
		}
		while ((event = json_next(&look->reader, NULL)) == JSON_STRING)
			if (++n == 2)
				look->is_create = json_string_is(look->reader.text, STR("createRuntime"));
		if (event != JSON_ARRAY_END)
			return -EINVAL;
	}
	return event == JSON_OBJECT_END ? 0 : -EINVAL;
}

bool hook_drop_in_is_ours(struct str text, const char *binary, char *ret_path, size_t size)
{
	struct look look = { 0 };
	struct str path;
	int event;

	json_reader_init(&look.reader, text);
	if (json_next(&look.reader, NULL) != JSON_OBJECT_BEGIN)
		return false;
	while ((event = json_next(&look.reader, NULL)) == JSON_KEY) {
		bool hook = json_string_is(look.reader.text, STR("hook"));

		event = json_next(&look.reader, NULL);
		if (hook && event == JSON_OBJECT_BEGIN
			    ? hook_object(&look) < 0
			    : event < 0 || json_skip(&look.reader, (enum json_event)event, NULL) < 0)
			return false;
	}
	if (event != JSON_OBJECT_END || json_next(&look.reader, NULL) != JSON_END || !look.has_path || !look.is_create)
		return false;
	path = str_of(look.path);
	if (!str_is(str_from(path, (size_t)(str_find_last(path, '/') + 1)), binary))
		return false;
	if (ret_path) {
		struct buf out = buf_over(ret_path, size);

		buf_str(&out, path);
	}
	return true;
}

/* The reader stands behind the '{' of `when`. */
static bool is_always(struct json_reader *reader)
{
	bool always = false, other = false;
	int event;

	while ((event = json_next(reader, NULL)) == JSON_KEY) {
		bool named = json_string_is(reader->text, STR("always"));

		event = json_next(reader, NULL);
		if (named)
			always = event == JSON_TRUE;
		other |= !named;
		if (event < 0 || json_skip(reader, (enum json_event)event, NULL) < 0)
			return false;
	}
	return event == JSON_OBJECT_END && always && !other;
}

/* The reader stands behind the '[' of `stages`. */
static bool has_stage(struct json_reader *reader)
{
	bool found = false;

	while (json_next(reader, NULL) == JSON_STRING)
		found |= json_string_is(reader->text, STR("createRuntime"));
	return found;
}

const char *hook_drop_in_gap(struct str text)
{
	struct json_reader reader;
	bool always = false, stage = false;
	int event;

	json_reader_init(&reader, text);
	if (json_next(&reader, NULL) != JSON_OBJECT_BEGIN)
		return "its stages do not name createRuntime";
	while (json_next(&reader, NULL) == JSON_KEY) {
		bool when = json_string_is(reader.text, STR("when")),
		     stages = json_string_is(reader.text, STR("stages"));

		event = json_next(&reader, NULL);
		if (when && event == JSON_OBJECT_BEGIN)
			always = is_always(&reader);
		else if (stages && event == JSON_ARRAY_BEGIN)
			stage = has_stage(&reader);
		else if (event < 0 || json_skip(&reader, (enum json_event)event, NULL) < 0)
			break;
	}
	if (!stage)
		return "its stages do not name createRuntime";
	return always ? NULL : "its conditions (when) leave containers out";
}
