/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic, order, equality, indexing. Source: CEL language definition, "Numeric Values", "Overflow", "Equality". */
#include "match/cel/eval.h"

#include <math.h>

#define SECOND 1000000000ll

static const char int_overflow[] = "integer overflow", uint_overflow[] = "unsigned integer overflow";
static const char by_zero[] = "division by zero", modulus_by_zero[] = "modulus by zero";

static bool both(const struct cel_value *arg, enum cel_kind kind)
{
	return arg[0].kind == kind && arg[1].kind == kind;
}

static struct cel_value time_add(struct cel_eval *eval, const struct cel_node *node, struct cel_value time,
				 int64_t duration)
{
	int64_t seconds = time.seconds + duration / SECOND, nsec = time.nsec + duration % SECOND;

	if (nsec < 0 || nsec >= SECOND) {
		seconds += nsec < 0 ? -1 : 1;
		nsec += nsec < 0 ? SECOND : -SECOND;
	}
	if (seconds < CEL_TIME_MIN || seconds > CEL_TIME_MAX)
		return cel_fault(eval, node, "timestamp overflow: beyond the years 1 to 9999");
	return cel_timestamp(seconds, (int32_t)nsec);
}

/* Texts or lists one behind the other. */
static struct cel_value text_add(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg)
{
	struct str a = arg[0].text, b = arg[1].text;
	struct cel_value sum = arg[0];
	char *text;

	if (a.len > CEL_TEXT_MAX || b.len > CEL_TEXT_MAX - a.len)
		return cel_stop_limit(eval, node, "the text becomes too long (bytes)", CEL_TEXT_MAX);
	if (!cel_step(eval, (a.len + b.len) / 64 + 1) || !(text = cel_allocate(eval, a.len + b.len)))
		return sum;
	if (a.len)
		memcpy(text, a.p, a.len);
	if (b.len)
		memcpy(text + a.len, b.p, b.len);
	sum.text = (struct str){ text, a.len + b.len };
	return sum;
}

static struct cel_value list_add(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg)
{
	const struct cel_list *a = arg[0].list, *b = arg[1].list;
	struct cel_list *sum;
	struct cel_value *item;

	if (a->n > CEL_ITEMS_MAX || b->n > CEL_ITEMS_MAX - a->n)
		return cel_stop_limit(eval, node, "the list becomes too long", CEL_ITEMS_MAX);
	sum = cel_allocate(eval, sizeof *sum);
	item = cel_allocate(eval, (a->n + b->n) * sizeof *item);
	if (!cel_step(eval, (a->n + b->n) / 4 + 1) || !sum || !item)
		return arg[0];
	if (a->n)
		memcpy(item, a->item, a->n * sizeof *item);
	if (b->n)
		memcpy(item + a->n, b->item, b->n * sizeof *item);
	*sum = (struct cel_list){ item, a->n + b->n };
	return cel_list(sum);
}

struct cel_value cel_run_add(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	int64_t i;
	uint64_t u;

	if (both(arg, CEL_INT))
		return __builtin_add_overflow(arg[0].i, arg[1].i, &i) ? cel_fault(eval, node, int_overflow)
								      : cel_int(i);
	if (both(arg, CEL_UINT))
		return __builtin_add_overflow(arg[0].u, arg[1].u, &u) ? cel_fault(eval, node, uint_overflow)
								      : cel_uint(u);
	if (both(arg, CEL_DOUBLE))
		return cel_double(arg[0].d + arg[1].d);
	if (both(arg, CEL_STRING) || both(arg, CEL_BYTES))
		return text_add(eval, node, arg);
	if (both(arg, CEL_LIST))
		return list_add(eval, node, arg);
	if (both(arg, CEL_DURATION))
		return __builtin_add_overflow(arg[0].duration, arg[1].duration, &i)
			       ? cel_fault(eval, node, "duration overflow")
			       : cel_duration(i);
	if (arg[0].kind == CEL_TIMESTAMP && arg[1].kind == CEL_DURATION)
		return time_add(eval, node, arg[0], arg[1].duration);
	if (arg[0].kind == CEL_DURATION && arg[1].kind == CEL_TIMESTAMP)
		return time_add(eval, node, arg[1], arg[0].duration);
	return cel_fault_kinds(eval, node, arg, n);
}

struct cel_value cel_run_subtract(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				  size_t n)
{
	int64_t i;
	uint64_t u;

	if (both(arg, CEL_INT))
		return __builtin_sub_overflow(arg[0].i, arg[1].i, &i) ? cel_fault(eval, node, int_overflow)
								      : cel_int(i);
	if (both(arg, CEL_UINT))
		return __builtin_sub_overflow(arg[0].u, arg[1].u, &u) ? cel_fault(eval, node, uint_overflow)
								      : cel_uint(u);
	if (both(arg, CEL_DOUBLE))
		return cel_double(arg[0].d - arg[1].d);
	if (both(arg, CEL_DURATION))
		return __builtin_sub_overflow(arg[0].duration, arg[1].duration, &i)
			       ? cel_fault(eval, node, "duration overflow")
			       : cel_duration(i);
	if (both(arg, CEL_TIMESTAMP)) {
		/* The seconds' difference fits, a timestamp's range is small. */
		if (__builtin_mul_overflow(arg[0].seconds - arg[1].seconds, SECOND, &i) ||
		    __builtin_add_overflow(i, (int64_t)arg[0].nsec - arg[1].nsec, &i))
			return cel_fault(eval, node, "duration overflow: more than 292 years");
		return cel_duration(i);
	}
	if (arg[0].kind == CEL_TIMESTAMP && arg[1].kind == CEL_DURATION) {
		if (arg[1].duration == INT64_MIN)
			return cel_fault(eval, node, "duration overflow");
		return time_add(eval, node, arg[0], -arg[1].duration);
	}
	return cel_fault_kinds(eval, node, arg, n);
}

struct cel_value cel_run_multiply(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				  size_t n)
{
	int64_t i;
	uint64_t u;

	if (both(arg, CEL_INT))
		return __builtin_mul_overflow(arg[0].i, arg[1].i, &i) ? cel_fault(eval, node, int_overflow)
								      : cel_int(i);
	if (both(arg, CEL_UINT))
		return __builtin_mul_overflow(arg[0].u, arg[1].u, &u) ? cel_fault(eval, node, uint_overflow)
								      : cel_uint(u);
	if (both(arg, CEL_DOUBLE))
		return cel_double(arg[0].d * arg[1].d);
	return cel_fault_kinds(eval, node, arg, n);
}

struct cel_value cel_run_divide(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				size_t n)
{
	if (both(arg, CEL_DOUBLE))
		return cel_double(arg[0].d / arg[1].d); /* by zero: infinity or NaN, as IEEE 754 has it */
	if (!both(arg, CEL_INT) && !both(arg, CEL_UINT))
		return cel_fault_kinds(eval, node, arg, n);
	if (!arg[1].u)
		return cel_fault(eval, node, by_zero);
	if (arg[0].kind == CEL_UINT)
		return cel_uint(arg[0].u / arg[1].u);
	if (arg[0].i == INT64_MIN && arg[1].i == -1)
		return cel_fault(eval, node, int_overflow);
	return cel_int(arg[0].i / arg[1].i);
}

struct cel_value cel_run_modulo(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				size_t n)
{
	if (!both(arg, CEL_INT) && !both(arg, CEL_UINT))
		return cel_fault_kinds(eval, node, arg, n);
	if (!arg[1].u)
		return cel_fault(eval, node, modulus_by_zero);
	if (arg[0].kind == CEL_UINT)
		return cel_uint(arg[0].u % arg[1].u);
	if (arg[0].i == INT64_MIN && arg[1].i == -1)
		return cel_fault(eval, node, int_overflow);
	return cel_int(arg[0].i % arg[1].i);
}

struct cel_value cel_run_negate(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				size_t n)
{
	if (arg->kind == CEL_DOUBLE)
		return cel_double(-arg->d);
	if (arg->kind != CEL_INT)
		return cel_fault_kinds(eval, node, arg, n);
	return arg->i == INT64_MIN ? cel_fault(eval, node, int_overflow) : cel_int(-arg->i);
}

struct cel_value cel_run_not(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	return arg->kind == CEL_BOOL ? cel_bool(!arg->truth) : cel_fault_kinds(eval, node, arg, n);
}

struct order {
	bool less, equal, more;
};

static struct cel_value ordered(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				struct order yes)
{
	bool nan, text = arg[0].kind == CEL_STRING || arg[0].kind == CEL_BYTES;
	int order;

	if (!cel_compare(arg[0], arg[1], &order, &nan))
		return cel_fault_kinds(eval, node, arg, 2);
	if (text)
		(void)cel_step(eval, arg[0].text.len / 64 + 1);
	return cel_bool(!nan && (order < 0 ? yes.less : order ? yes.more : yes.equal));
}

struct cel_value cel_run_less(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	return ordered(eval, node, arg, (struct order){ .less = true });
}

struct cel_value cel_run_less_equal(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				    size_t n)
{
	return ordered(eval, node, arg, (struct order){ .less = true, .equal = true });
}

struct cel_value cel_run_greater(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				 size_t n)
{
	return ordered(eval, node, arg, (struct order){ .more = true });
}

struct cel_value cel_run_greater_equal(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				       size_t n)
{
	return ordered(eval, node, arg, (struct order){ .more = true, .equal = true });
}

struct cel_value cel_run_equal(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
			       size_t n)
{
	return cel_bool(cel_equal(arg[0], arg[1], &eval->steps) && cel_step(eval, 1));
}

struct cel_value cel_run_not_equal(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
				   size_t n)
{
	return cel_bool(!cel_equal(arg[0], arg[1], &eval->steps) && cel_step(eval, 1));
}

/* The index that a number is, whatever its kind. False: it has a fraction, or is negative or huge. */
static bool index_of(struct cel_value number, uint64_t *ret)
{
	if (number.kind == CEL_DOUBLE) {
		if (!(number.d >= 0 && number.d < 4294967296.0) || number.d != floor(number.d))
			return false;
		*ret = (uint64_t)number.d;
		return true;
	}
	*ret = number.u;
	return number.kind == CEL_UINT || number.i >= 0;
}

struct cel_value cel_run_index(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg,
			       size_t n)
{
	const struct cel_value *found;
	uint64_t at;

	if (arg[0].kind == CEL_MAP) {
		found = cel_map_find(arg[0].map, arg[1], &eval->steps);
		if (!cel_step(eval, 1) || found)
			return found ? *found : cel_null();
		return cel_fault_with(eval, node, "no such key", arg[1]);
	}
	if (arg[0].kind != CEL_LIST || (arg[1].kind != CEL_INT && arg[1].kind != CEL_UINT && arg[1].kind != CEL_DOUBLE))
		return cel_fault_kinds(eval, node, arg, n);
	if (!index_of(arg[1], &at) || at >= arg[0].list->n)
		return cel_fault_with(eval, node, "index out of range", arg[1]);
	return arg[0].list->item[at];
}

struct cel_value cel_run_in(struct cel_eval *eval, const struct cel_node *node, const struct cel_value *arg, size_t n)
{
	bool found = false;

	if (arg[1].kind == CEL_MAP) {
		found = cel_map_find(arg[1].map, arg[0], &eval->steps);
	} else if (arg[1].kind == CEL_LIST) {
		for (size_t i = 0; i < arg[1].list->n && eval->steps && !found; i++)
			found = cel_equal(arg[1].list->item[i], arg[0], &eval->steps);
	} else {
		return cel_fault_kinds(eval, node, arg, n);
	}
	return cel_bool(found && cel_step(eval, 1));
}
