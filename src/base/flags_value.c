/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of values, both ways. */
#include <errno.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/flags.h"

#define SHOWN(text) (int)((text).len < 80 ? (text).len : 80), (text).p ? (text).p : "" /* "%.*s" in an error */

int flags_bool(struct str text, bool *ret_value, struct error *err)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true },   { "1", true },  { "t", true },  { "yes", true },
		{ "false", false }, { "0", false }, { "f", false }, { "no", false },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == text.len && !strncasecmp(words[i].word, text.p, text.len)) {
			*ret_value = words[i].value;
			return 0;
		}
	return error_set(err, EINVAL, "'%.*s' is neither true nor false", SHOWN(text));
}

/* Decimal digits at *at; false on overflow. Leaves *at where they end. */
static bool digits_read(struct str text, size_t *at, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool fits = true;

	for (; *at < text.len && text.p[*at] >= '0' && text.p[*at] <= '9'; ++*at) {
		fits = fits && !__builtin_mul_overflow(value, 10u, &value) &&
		       !__builtin_add_overflow(value, (uint64_t)(text.p[*at] - '0'), &value);
	}
	*ret_value = value;
	return fits;
}

static bool sign_read(struct str text, size_t *at)
{
	bool minus = text.len && text.p[0] == '-';

	*at = minus || (text.len && text.p[0] == '+');
	return minus;
}

int flags_int(struct str text, int64_t *ret_value, struct error *err)
{
	size_t at, begin;
	bool minus = sign_read(text, &at);
	uint64_t value;
	bool fits;

	begin = at;
	fits = digits_read(text, &at, &value);
	if (at == begin || at != text.len)
		return error_set(err, EINVAL, "'%.*s' is not a whole number", SHOWN(text));
	if (!fits || value > (uint64_t)INT64_MAX + minus)
		return error_set(err, ERANGE, "'%.*s' is out of range", SHOWN(text));
	*ret_value = (int64_t)(minus ? -value : value);
	return 0;
}

int flags_size(struct str text, int64_t *ret_bytes, struct error *err)
{
	static const char units[] = "KMG";
	size_t at = 0;
	uint64_t value;
	bool fits = digits_read(text, &at, &value);
	size_t digits = at;

	if (at < text.len && text.p[at]) {
		const char *unit = strchr(units, text.p[at] & ~0x20);

		for (const char *u = units; unit && u <= unit; u++)
			fits = fits && !__builtin_mul_overflow(value, 1024u, &value);
		at += unit && *unit;
	}
	if (!digits || at != text.len)
		return error_set(err, EINVAL, "'%.*s' is not a size; write for example 65536, 64K, 8M or 1G",
				 SHOWN(text));
	if (!fits || value > INT64_MAX)
		return error_set(err, ERANGE, "'%.*s' is out of range", SHOWN(text));
	*ret_bytes = (int64_t)value;
	return 0;
}

static const struct {
	struct str name;
	int64_t ns;
} units[] = {
	/* a name that is the beginning of another stands behind it */
	{ STR("ns"), 1 },           { STR("us"), 1000 },    { STR("\xc2\xb5s"), 1000 }, /* U+00B5 micro sign */
	{ STR("\xce\xbcs"), 1000 },                                                     /* U+03BC Greek mu */
	{ STR("ms"), NS_PER_MS },   { STR("s"), NS_PER_S }, { STR("m"), 60 * NS_PER_S }, { STR("h"), 3600 * NS_PER_S },
};

/* One "1.5h" of a duration at *at, added to *total. */
static int duration_part(struct str text, size_t *at, uint64_t *total)
{
	size_t begin = *at, dots = 0, u = 0;
	uint64_t whole, part;
	double fraction = 0, scale = 1;
	bool fits = digits_read(text, at, &whole);

	if (*at < text.len && text.p[*at] == '.') {
		for (++*at, dots = 1; *at < text.len && text.p[*at] >= '0' && text.p[*at] <= '9'; ++*at) {
			if (scale > 1e15)
				continue; /* below a nanosecond in any unit */
			fraction = fraction * 10 + (text.p[*at] - '0');
			scale *= 10;
		}
	}
	if (*at == begin + dots)
		return -EINVAL;
	while (u < sizeof units / sizeof *units && !str_starts(str_from(text, *at), units[u].name))
		u++;
	if (u == sizeof units / sizeof *units)
		return -EINVAL;
	*at += units[u].name.len;
	if (!fits || __builtin_mul_overflow(whole, (uint64_t)units[u].ns, &part) ||
	    __builtin_add_overflow(part, (uint64_t)(fraction * ((double)units[u].ns / scale)), &part) ||
	    __builtin_add_overflow(*total, part, total) || *total > INT64_MAX)
		return -ERANGE;
	return 0;
}

int flags_duration(struct str text, int64_t *ret_ns, struct error *err)
{
	size_t at, begin;
	bool minus = sign_read(text, &at);
	uint64_t total = 0;
	int result = at < text.len ? 0 : -EINVAL;

	begin = at;
	if (str_is(str_from(text, at), "0"))
		at = text.len;
	while (!result && at < text.len)
		result = duration_part(text, &at, &total);
	if (result == -EINVAL && begin < text.len) {
		uint64_t ignored;

		at = begin;
		(void)digits_read(text, &at, &ignored);
		if (at == text.len)
			return error_set(err, EINVAL,
					 "'%.*s' is a duration without a unit; write for example %.*ss or %.*sms",
					 SHOWN(text), SHOWN(text), SHOWN(text));
	}
	if (result == -EINVAL)
		return error_set(err, EINVAL, "'%.*s' is not a duration; write for example 10s, 300ms or 1m30s",
				 SHOWN(text));
	if (result == -ERANGE)
		return error_set(err, ERANGE, "'%.*s' is too long a duration", SHOWN(text));
	if (minus && total)
		return error_set(err, ERANGE, "'%.*s': a duration must not be negative", SHOWN(text));
	*ret_ns = (int64_t)total;
	return 0;
}

/* value / unit with up to nine decimals, without trailing zeros. */
static void decimal_write(uint64_t value, uint64_t unit, struct buf *out)
{
	buf_u64(out, value / unit);
	if (value % unit)
		buf_byte(out, '.');
	for (uint64_t rest = value % unit; rest; rest %= unit) {
		unit /= 10;
		buf_byte(out, (char)('0' + rest / unit));
	}
}

void flags_print_duration(int64_t ns, struct buf *out)
{
	uint64_t value = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	uint64_t minutes = value / (60 * (uint64_t)NS_PER_S);

	if (ns < 0)
		buf_byte(out, '-');
	if (!value || value >= (uint64_t)NS_PER_S) {
		if (minutes >= 60) {
			buf_u64(out, minutes / 60);
			buf_byte(out, 'h');
		}
		if (minutes) {
			buf_u64(out, minutes % 60);
			buf_byte(out, 'm');
		}
		decimal_write(value % (60 * (uint64_t)NS_PER_S), (uint64_t)NS_PER_S, out);
		buf_byte(out, 's');
	} else if (value >= (uint64_t)NS_PER_MS) {
		decimal_write(value, (uint64_t)NS_PER_MS, out);
		buf_text(out, "ms");
	} else if (value >= 1000) {
		decimal_write(value, 1000, out);
		buf_text(out, "\xc2\xb5s");
	} else {
		buf_u64(out, value);
		buf_text(out, "ns");
	}
}

static void list_print(const struct flag_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++) {
		buf_text(out, i ? "," : "");
		for (const char *c = list->item[i]; *c; c++) {
			buf_text(out, *c == ',' ? "\\" : "");
			buf_byte(out, *c);
		}
	}
}

void flags_print_value(const struct flag *flag, const void *conf, struct buf *out)
{
	const void *at = (const char *)conf + flag->offset;
	int64_t number;

	switch (flag->type) {
	case FLAG_BOOL:
		buf_text(out, *(const bool *)at ? "true" : "false");
		return;
	case FLAG_STRING:
		buf_text(out, *(const char *const *)at ? *(const char *const *)at : "");
		return;
	case FLAG_LIST:
		list_print(at, out);
		return;
	case FLAG_DURATION:
		flags_print_duration(*(const int64_t *)at, out);
		return;
	case FLAG_INT:
	case FLAG_SIZE:
		number = *(const int64_t *)at;
		if (number < 0)
			buf_byte(out, '-');
		buf_u64(out, number < 0 ? -(uint64_t)number : (uint64_t)number);
		return;
	}
}
