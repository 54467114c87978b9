/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value.h"

#include <errno.h>

static const struct limits {
	int64_t min;
	uint64_t max;
	const char *text;
} limits[] = {
	[ABI_T_S32] = { INT32_MIN, INT32_MAX, "-2147483648 to 2147483647" },
	[ABI_T_U32] = { 0, UINT32_MAX, "0 to 4294967295" },
	[ABI_T_S64] = { INT64_MIN, INT64_MAX, "-9223372036854775808 to 9223372036854775807" },
	[ABI_T_U64] = { 0, UINT64_MAX, "0 to 18446744073709551615" },
	[ABI_T_STRING] = { 0, 0, "" },
	[ABI_T_SYSCALL] = { 0, UINT32_MAX, "0 to 4294967295" },
};

static bool is_signed(enum abi_type type)
{
	return limits[type].min < 0;
}

static unsigned base_take(struct str *digits)
{
	unsigned base = 10;
	size_t prefix = 0;

	if (digits->len > 1 && digits->p[0] == '0') {
		switch (digits->p[1] | 0x20) {
		case 'x':
			base = 16;
			prefix = 2;
			break;
		case 'o':
			base = 8;
			prefix = 2;
			break;
		case 'b':
			base = 2;
			prefix = 2;
			break;
		default:
			base = 8;
			prefix = 1;
		}
	}
	*digits = str_from(*digits, prefix);
	return base;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

int value_integer(struct str text, enum abi_type type, uint64_t *ret_value)
{
	const struct limits *limit = &limits[type];
	struct str digits = text;
	bool minus = text.len && text.p[0] == '-', over = false;
	uint64_t value = 0;
	unsigned base;

	if (minus || (text.len && text.p[0] == '+'))
		digits = str_from(text, 1);
	base = base_take(&digits);
	if (!digits.len)
		return -EINVAL;
	for (size_t i = 0; i < digits.len; i++) {
		unsigned digit = digit_of(digits.p[i]);

		if (digit >= base)
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / base)
			over = true;
		value = value * base + digit;
	}
	if (over)
		return -ERANGE;
	if (minus) {
		/* -(min + 1) + 1: the distance of min from 0 without overflow */
		if (value && (limit->min == 0 || value > (uint64_t)(-(limit->min + 1)) + 1))
			return -ERANGE;
		value = 0 - value;
	} else if (value > limit->max) {
		return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

int value_range(struct str text, enum abi_type type, uint64_t ret_values[2])
{
	ptrdiff_t colon = str_find(text, ':');
	uint64_t low, high;
	int r;

	if (colon < 0)
		return -EINVAL;
	r = value_integer((struct str){ text.p, (size_t)colon }, type, &low);
	if (!r)
		r = value_integer(str_from(text, (size_t)colon + 1), type, &high);
	if (r)
		return r;
	if (is_signed(type) ? (int64_t)low > (int64_t)high : low > high)
		return -EDOM;
	ret_values[0] = low;
	ret_values[1] = high;
	return 0;
}

const char *value_limits(enum abi_type type)
{
	return limits[type].text;
}
