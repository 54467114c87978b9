/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flags_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#define NAME_LIMIT 128 /* longer names are no flag's */

static void dir_close(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* read only: nothing to lose */
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct str trimmed(struct str text)
{
	while (text.len && is_space(text.p[0]))
		text = str_from(text, 1);
	while (text.len && is_space(text.p[text.len - 1]))
		text.len--;
	return text;
}

/* The flag called `name` in small letters, '_' being '-' if `underscores`. */
static const struct flag *row_find(const struct flag_set *set, struct str name, bool underscores)
{
	char text[NAME_LIMIT];

	if (name.len >= sizeof text)
		return NULL;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		text[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : underscores && c == '_' ? '-' : c;
	}
	return flags_find(set, (struct str){ text, name.len });
}

static int unknown_tell(const struct flag_set *set, struct str name, const struct flags_unknown *unknown,
			struct error *err)
{
	const struct flag *nearest = flags_nearest(set, name);

	if (unknown) {
		unknown->report(unknown->user, name, nearest);
		return 0;
	}
	if (nearest)
		return error_set(err, ENOKEY, "unknown setting; did you mean that of --%s?", nearest->name);
	return error_set(err, ENOKEY, "unknown setting; --help lists what there is");
}

/* White space parts the items of a list: made into commas, of which superfluous ones do no harm. */
static int list_set(struct flag_parse *parse, enum flag_source source, const struct flag *flag, struct str value,
		    struct error *err)
{
	auto_free char *text = malloc(value.len + 1);

	if (!text)
		return error_errno(err, ENOMEM, "--%s", flag->name);
	for (size_t i = 0; i < value.len; i++)
		text[i] = is_space(value.p[i]) ? ',' : value.p[i];
	return flags_set(parse, source, str_of(flag->name), (struct str){ text, value.len }, err);
}

static int value_set(struct flag_parse *parse, enum flag_source source, const struct flag *flag, struct str value,
		     struct error *err)
{
	if (flag->type == FLAG_LIST)
		return list_set(parse, source, flag, value, err);
	if (!value.len && flag->type != FLAG_STRING)
		value = STR("0"); /* every other type reads it: false, 0, no time */
	return flags_set(parse, source, str_of(flag->name), value, err);
}

static int entry_read(struct flag_parse *parse, int dir_fd, const char *name, uint64_t *seen,
		      const struct flags_unknown *unknown, struct error *err)
{
	const struct flag *flag = row_find(parse->set, str_of(name), false);
	auto_free char *text = NULL;
	struct stat st;
	size_t len, row;
	int result;

	if (name[0] == '.' || (!fstatat(dir_fd, name, &st, 0) && S_ISDIR(st.st_mode)))
		return 0;
	if (!flag)
		return unknown_tell(parse->set, str_of(name), unknown, err);
	row = (size_t)(flag - parse->set->flags);
	if (seen[row / 64] >> (row % 64) & 1)
		return error_set(err, EINVAL, "a second file for --%s", flag->name);
	seen[row / 64] |= UINT64_C(1) << (row % 64);
	result = file_read_at(dir_fd, name, FLAGS_DIR_VALUE_MAX, &text, &len, err);
	if (result < 0)
		return result;
	return value_set(parse, FLAG_FROM_CONFIG, flag, trimmed((struct str){ text, len }), err);
}

int flags_dir_read(struct flag_parse *parse, const char *path, const struct flags_unknown *unknown, struct error *err)
{
	__attribute__((cleanup(dir_close))) DIR *dir = opendir(path);
	uint64_t seen[FLAGS_MAX / 64] = { 0 };

	if (!dir)
		return error_errno(err, errno, "cannot read the settings directory %s", path);
	for (;;) {
		struct dirent *entry;
		int result;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno ? error_errno(err, errno, "cannot read the settings directory %s", path) : 0;
		result = entry_read(parse, dirfd(dir), entry->d_name, seen, unknown, err);
		if (result < 0)
			return error_wrap(err, result, "%s/%s", path, entry->d_name);
	}
}

/*
 * Whether Kubernetes may have made the variable for a Service whose name begins as the prefix does (service links):
 * …SERVICE_HOST, …SERVICE_PORT, …SERVICE_PORT_<name>, …PORT, …PORT_<number>_TCP, …PORT_<number>_TCP_ADDR and so on.
 */
static bool is_service_link(struct str rest)
{
	static const struct str marks[] = { STR("SERVICE_HOST"), STR("SERVICE_PORT"), STR("PORT") };

	for (size_t at = 0; at < rest.len; at++) {
		struct str tail = str_from(rest, at);

		if (at && rest.p[at - 1] != '_')
			continue;
		for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
			struct str after = str_from(tail, marks[i].len);

			if (!str_starts(tail, marks[i]))
				continue;
			if (!after.len || (i == 1 && after.p[0] == '_') ||
			    (i == 2 && after.len > 1 && after.p[0] == '_' && after.p[1] >= '0' && after.p[1] <= '9'))
				return true;
		}
	}
	return false;
}

static int variable_read(struct flag_parse *parse, struct str rest, const struct flags_unknown *unknown,
			 struct error *err)
{
	ptrdiff_t equals = str_find(rest, '=');
	struct str name = { rest.p, equals < 0 ? rest.len : (size_t)equals };
	struct str value = str_from(rest, name.len + 1);
	const struct flag *flag = row_find(parse->set, name, true);

	if (!value.len)
		return 0;
	if (!flag)
		return is_service_link(name) ? 0 : unknown_tell(parse->set, name, unknown, err);
	if (value.len > FLAGS_DIR_VALUE_MAX)
		return error_set(err, EFBIG, "longer than %d bytes", FLAGS_DIR_VALUE_MAX);
	return value_set(parse, FLAG_FROM_ENVIRONMENT, flag, value, err);
}

int flags_env_read(struct flag_parse *parse, const char *prefix, char *const environment[],
		   const struct flags_unknown *unknown, struct error *err)
{
	struct str head = str_of(prefix);

	for (char *const *at = environment; *at; at++) {
		struct str variable = str_of(*at);
		ptrdiff_t equals;
		int result;

		if (!str_starts(variable, head))
			continue;
		result = variable_read(parse, str_from(variable, head.len), unknown, err);
		if (result == 0)
			continue;
		equals = str_find(variable, '=');
		return error_wrap(err, result, "%.*s", (int)(equals < 0 || equals > 80 ? 80 : equals), *at);
	}
	return 0;
}
