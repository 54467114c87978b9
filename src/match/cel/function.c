/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/function.h"

#define ORDERED "bb:b ii:b uu:b dd:b ss:b yy:b tt:b DD:b"
#define TIME_PART "t:i ts:i"

const struct cel_function cel_functions[] = {
	[OPERATOR_ADD] = { "_+_", "ii:i uu:u dd:d ss:s yy:y ll:l DD:D Dt:t tD:t", NULL, cel_run_add },
	[OPERATOR_SUBTRACT] = { "_-_", "ii:i uu:u dd:d DD:D tD:t tt:D", NULL, cel_run_subtract },
	[OPERATOR_MULTIPLY] = { "_*_", "ii:i uu:u dd:d", NULL, cel_run_multiply },
	[OPERATOR_DIVIDE] = { "_/_", "ii:i uu:u dd:d", NULL, cel_run_divide },
	[OPERATOR_MODULO] = { "_%_", "ii:i uu:u", NULL, cel_run_modulo },
	[OPERATOR_NEGATE] = { "-_", "i:i d:d", NULL, cel_run_negate },
	[OPERATOR_NOT] = { "!_", "b:b", NULL, cel_run_not },
	[OPERATOR_LESS] = { "_<_", ORDERED, NULL, cel_run_less },
	[OPERATOR_LESS_EQUAL] = { "_<=_", ORDERED, NULL, cel_run_less_equal },
	[OPERATOR_GREATER] = { "_>_", ORDERED, NULL, cel_run_greater },
	[OPERATOR_GREATER_EQUAL] = { "_>=_", ORDERED, NULL, cel_run_greater_equal },
	[OPERATOR_EQUAL] = { "_==_", "AA:b", NULL, cel_run_equal },
	[OPERATOR_NOT_EQUAL] = { "_!=_", "AA:b", NULL, cel_run_not_equal },
	[OPERATOR_INDEX] = { "_[_]", "li:A mA:B", NULL, cel_run_index },
	[OPERATOR_IN] = { "_in_", "Al:b Am:b", NULL, cel_run_in },
	{ "bool", "b:b s:b", NULL, cel_run_bool },
	{ "bytes", "y:y s:y", NULL, cel_run_bytes },
	{ "contains", NULL, "ss:b", cel_run_contains },
	{ "double", "d:d i:d s:d u:d", NULL, cel_run_double },
	{ "duration", "D:D s:D", NULL, cel_run_duration },
	{ "dyn", "A:*", NULL, cel_run_dyn },
	{ "endsWith", NULL, "ss:b", cel_run_ends_with },
	{ "getDate", NULL, TIME_PART, cel_run_time_part },
	{ "getDayOfMonth", NULL, TIME_PART, cel_run_time_part },
	{ "getDayOfWeek", NULL, TIME_PART, cel_run_time_part },
	{ "getDayOfYear", NULL, TIME_PART, cel_run_time_part },
	{ "getFullYear", NULL, TIME_PART, cel_run_time_part },
	{ "getHours", NULL, TIME_PART " D:i", cel_run_time_part },
	{ "getMilliseconds", NULL, TIME_PART " D:i", cel_run_time_part },
	{ "getMinutes", NULL, TIME_PART " D:i", cel_run_time_part },
	{ "getMonth", NULL, TIME_PART, cel_run_time_part },
	{ "getSeconds", NULL, TIME_PART " D:i", cel_run_time_part },
	{ "int", "i:i d:i D:i s:i t:i u:i", NULL, cel_run_int },
	{ "matches", "ss:b", "ss:b", cel_run_matches },
	{ "size", "s:i y:i l:i m:i", "s:i y:i l:i m:i", cel_run_size },
	{ "startsWith", NULL, "ss:b", cel_run_starts_with },
	{ "string", "s:s b:s y:s d:s D:s i:s t:s u:s", NULL, cel_run_string },
	{ "timestamp", "t:t i:t s:t", NULL, cel_run_timestamp },
	{ "type", "A:T", NULL, cel_run_type },
	{ "uint", "u:u d:u i:u s:u", NULL, cel_run_uint },
};

const size_t cel_function_count = sizeof cel_functions / sizeof *cel_functions;

const struct cel_function *cel_function_find(struct str name)
{
	for (size_t i = OPERATOR_IN + 1; i < cel_function_count; i++)
		if (str_is(name, cel_functions[i].name))
			return &cel_functions[i];
	return NULL;
}

bool cel_function_is(const struct cel_function *function, enum cel_operator op)
{
	return function == &cel_functions[op];
}
