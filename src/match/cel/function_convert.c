/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between types. Source: CEL language definition, "List of Standard Definitions"; texts as cel-go's. */
#include "match/cel/eval.h"

#include <math.h>

#include "base/utf8.h"
#include "match/cel/number_text.h"
#include "match/cel/time_text.h"

#define PRINTED_MAX 400 /* bytes of a printed number, timestamp or duration */

static const double two_to_63 = 9223372036854775808.0, two_to_64 = 18446744073709551616.0;

/* The text of a value on its way in is read byte by byte. */
static void text_step(struct cel_eval *eval, const struct cel_value *arg)
{
	if (arg->kind == CEL_STRING || arg->kind == CEL_BYTES)
		(void)cel_step(eval, arg->text.len / 16 + 1);
}

struct cel_value cel_run_dyn(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	return *arg;
}

struct cel_value cel_run_type(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	return cel_type_value(arg->kind);
}

struct cel_value cel_run_bool(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	static const char *const yes[] = { "true", "True", "TRUE", "t", "T", "1" };
	static const char *const no[] = { "false", "False", "FALSE", "f", "F", "0" };

	if (arg->kind == CEL_BOOL)
		return *arg;
	if (arg->kind != CEL_STRING)
		return cel_fault_kinds(eval, node, arg, n);
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (str_is(arg->text, yes[i]) || str_is(arg->text, no[i]))
			return cel_bool(str_is(arg->text, yes[i]));
	return cel_fault_with(eval, node, "not a bool", *arg);
}

struct cel_value cel_run_bytes(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
			       size_t n)
{
	if (arg->kind != CEL_STRING && arg->kind != CEL_BYTES)
		return cel_fault_kinds(eval, node, arg, n);
	return cel_bytes(arg->text);
}

struct cel_value cel_run_double(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				size_t n)
{
	double d;

	text_step(eval, arg);
	switch (arg->kind) {
	case CEL_DOUBLE:
		return *arg;
	case CEL_INT:
		return cel_double((double)arg->i);
	case CEL_UINT:
		return cel_double((double)arg->u);
	case CEL_STRING:
		return number_read_double(arg->text, &d) ? cel_double(d)
							 : cel_fault_with(eval, node, "not a double", *arg);
	default:
		return cel_fault_kinds(eval, node, arg, n);
	}
}

struct cel_value cel_run_int(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	int64_t i;

	text_step(eval, arg);
	switch (arg->kind) {
	case CEL_INT:
		return *arg;
	case CEL_UINT:
		return arg->u > INT64_MAX ? cel_fault(eval, node, "integer overflow") : cel_int((int64_t)arg->u);
	case CEL_DOUBLE: /* -2^63 itself is refused too: it may stand for something below */
		return arg->d > -two_to_63 && arg->d < two_to_63 ? cel_int((int64_t)arg->d)
								 : cel_fault(eval, node, "integer overflow");
	case CEL_STRING:
		return number_read_int(arg->text, &i) ? cel_int(i) : cel_fault_with(eval, node, "not an int", *arg);
	case CEL_TIMESTAMP:
		return cel_int(arg->seconds);
	case CEL_DURATION:
		return cel_int(arg->duration);
	default:
		return cel_fault_kinds(eval, node, arg, n);
	}
}

struct cel_value cel_run_uint(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	uint64_t u;

	text_step(eval, arg);
	switch (arg->kind) {
	case CEL_UINT:
		return *arg;
	case CEL_INT:
		return arg->i < 0 ? cel_fault(eval, node, "unsigned integer overflow") : cel_uint((uint64_t)arg->i);
	case CEL_DOUBLE:
		return arg->d >= 0 && arg->d < two_to_64 ? cel_uint((uint64_t)arg->d)
							 : cel_fault(eval, node, "unsigned integer overflow");
	case CEL_STRING:
		return number_read_uint(arg->text, &u) ? cel_uint(u) : cel_fault_with(eval, node, "not a uint", *arg);
	default:
		return cel_fault_kinds(eval, node, arg, n);
	}
}

struct cel_value cel_run_timestamp(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				   size_t n)
{
	int64_t seconds;
	int32_t nsec = 0;

	text_step(eval, arg);
	if (arg->kind == CEL_TIMESTAMP)
		return *arg;
	if (arg->kind == CEL_INT)
		seconds = arg->i;
	else if (arg->kind != CEL_STRING)
		return cel_fault_kinds(eval, node, arg, n);
	else if (!time_read_timestamp(arg->text, &seconds, &nsec))
		return cel_fault_with(eval, node, "not a timestamp as \"2006-01-02T15:04:05Z\"", *arg);
	if (seconds < CEL_TIME_MIN || seconds > CEL_TIME_MAX)
		return cel_fault_with(eval, node, "timestamp overflow: beyond the years 1 to 9999", *arg);
	return cel_timestamp(seconds, nsec);
}

struct cel_value cel_run_duration(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				  size_t n)
{
	int64_t duration;

	text_step(eval, arg);
	if (arg->kind == CEL_DURATION)
		return *arg;
	if (arg->kind != CEL_STRING)
		return cel_fault_kinds(eval, node, arg, n);
	if (!time_read_duration(arg->text, &duration))
		return cel_fault_with(eval, node, "not a duration as \"1h30m\" or \"0.5s\", or beyond 292 years", *arg);
	return cel_duration(duration);
}

static bool is_utf8(struct str text)
{
	unsigned n;

	for (size_t at = 0; at < text.len; at += n) {
		n = utf8_length(str_from(text, at), NULL);
		if (!n)
			return false;
	}
	return true;
}

/* As cel-go: seconds as a double, whole ones and the rest apart. From 104 days on nanoseconds get lost. */
static void print_seconds(struct buf *out, int64_t duration)
{
	int64_t whole = duration / 1000000000, rest = duration % 1000000000;

	number_print_double(out, (double)whole + (double)rest / 1e9, NUMBER_PLAIN);
	buf_byte(out, 's');
}

struct cel_value cel_run_string(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				size_t n)
{
	char memory[PRINTED_MAX], *text;
	struct buf out = buf_over(memory, sizeof memory);

	text_step(eval, arg);
	switch (arg->kind) {
	case CEL_STRING:
		return *arg;
	case CEL_BYTES:
		return is_utf8(arg->text) ? cel_string(arg->text)
					  : cel_fault(eval, node, "these bytes are not UTF-8, so no string");
	case CEL_BOOL:
		return cel_string(arg->truth ? STR("true") : STR("false"));
	case CEL_INT:
		number_print_int(&out, arg->i);
		break;
	case CEL_UINT:
		buf_u64(&out, arg->u);
		break;
	case CEL_DOUBLE:
		number_print_double(&out, arg->d, NUMBER_SHORT);
		(void)cel_step(eval, 100); /* shortest digits are found by trying */
		break;
	case CEL_TIMESTAMP:
		time_print_timestamp(&out, arg->seconds, arg->nsec);
		break;
	case CEL_DURATION:
		print_seconds(&out, arg->duration);
		(void)cel_step(eval, 100);
		break;
	default:
		return cel_fault_kinds(eval, node, arg, n);
	}
	text = cel_allocate(eval, out.len);
	if (!text)
		return cel_null();
	memcpy(text, memory, out.len);
	return cel_string((struct str){ text, out.len });
}
