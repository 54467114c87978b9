/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/value.h: the values of the Common Expression Language, what is equal, what comes first, and how they
 * are written down. A value is 24 bytes, passed by copy; what it points to (text, items, entries) is borrowed and never
 * changed. Source: CEL language definition, "Values", "Equality", "Ordering". Pure, any thread.
 */
#ifndef MATCH_CEL_VALUE_H
#define MATCH_CEL_VALUE_H

#include "base/buf.h"

enum cel_kind {
	CEL_ABSENT, /* of a binding: the variable has no value; using it is an evaluation error */
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING,
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_TYPE,
	CEL_TIMESTAMP,
	CEL_DURATION, /* CEL_BOOL to CEL_DURATION and CEL_NULL have a name in the language */
	CEL_DYN,
	CEL_PARAM, /* of types only: any value; a type not known yet */
	CEL_FAULT, /* inside the evaluator only: an evaluation error on its way up */
};

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the range of a timestamp, in seconds since 1970. */
#define CEL_TIME_MIN (-62135596800)
#define CEL_TIME_MAX 253402300799

struct cel_fault;
struct cel_list;
struct cel_map;

struct cel_value {
	enum cel_kind kind;
	int32_t nsec; /* of a timestamp: 0..999999999, counted upwards from `seconds` */
	union {
		bool truth;
		int64_t i;
		uint64_t u;
		double d;
		struct str text; /* string: UTF-8 by agreement, malformed bytes count as a character each; bytes:
				    anything */
		const struct cel_list *list;
		const struct cel_map *map;
		enum cel_kind type; /* parameters of a type are not part of a type value: type([1]) == list */
		int64_t seconds;    /* timestamp */
		int64_t duration;   /* nanoseconds */
		const struct cel_fault *fault;
	};
};

struct cel_list {
	const struct cel_value *item;
	size_t n;
};

struct cel_entry {
	struct cel_value key, value; /* key: bool, int, uint or string; no two are equal */
};

struct cel_map {
	const struct cel_entry *entry;
	size_t n;
};

static inline struct cel_value cel_null(void)
{
	return (struct cel_value){ .kind = CEL_NULL };
}

static inline struct cel_value cel_bool(bool truth)
{
	return (struct cel_value){ .kind = CEL_BOOL, .truth = truth };
}

static inline struct cel_value cel_int(int64_t i)
{
	return (struct cel_value){ .kind = CEL_INT, .i = i };
}

static inline struct cel_value cel_uint(uint64_t u)
{
	return (struct cel_value){ .kind = CEL_UINT, .u = u };
}

static inline struct cel_value cel_double(double d)
{
	return (struct cel_value){ .kind = CEL_DOUBLE, .d = d };
}

static inline struct cel_value cel_string(struct str text)
{
	return (struct cel_value){ .kind = CEL_STRING, .text = text };
}

static inline struct cel_value cel_bytes(struct str bytes)
{
	return (struct cel_value){ .kind = CEL_BYTES, .text = bytes };
}

static inline struct cel_value cel_type_value(enum cel_kind type)
{
	return (struct cel_value){ .kind = CEL_TYPE, .type = type };
}

static inline struct cel_value cel_timestamp(int64_t seconds, int32_t nsec)
{
	return (struct cel_value){ .kind = CEL_TIMESTAMP, .nsec = nsec, .seconds = seconds };
}

static inline struct cel_value cel_duration(int64_t nanoseconds)
{
	return (struct cel_value){ .kind = CEL_DURATION, .duration = nanoseconds };
}

static inline struct cel_value cel_list(const struct cel_list *list)
{
	return (struct cel_value){ .kind = CEL_LIST, .list = list };
}

static inline struct cel_value cel_map(const struct cel_map *map)
{
	return (struct cel_value){ .kind = CEL_MAP, .map = map };
}

/*
 * Are they equal? Numbers are compared by value whatever their kind (1 == 1u == 1.0; with a double as doubles), NaN
 * equals nothing, lists and maps element by element, other kinds never mix. Nothing is an error. Each comparison takes
 * one step, texts one more for each 64 bytes, from *steps; when they run out the answer is false and *steps 0, so ask
 * for that before using the answer.
 */
bool cel_equal(struct cel_value a, struct cel_value b, uint64_t *steps);

/*
 * Orders two values: *ret is negative, 0 or positive. False if the kinds have no order: only bool, timestamp, duration,
 * string, bytes, and numbers of whatever kind have one. With a NaN on either side: true, and *ret_nan is set.
 */
bool cel_compare(struct cel_value a, struct cel_value b, int *ret, bool *ret_nan);

/* The value of `key` in the map, or NULL. Steps as cel_equal. */
const struct cel_value *cel_map_find(const struct cel_map *map, struct cel_value key, uint64_t *steps);

/* "int", "google.protobuf.Timestamp", …: the name that the language has for the kind of a value. */
const char *cel_kind_name(enum cel_kind kind);

/* As an expression of the language that yields the value: 1, 1u, 1.0, "a\n", b"\377", [1], {"a": 1}, timestamp("…"),
 * int. */
void cel_value_print(struct buf *out, struct cel_value value);

/*
 * As JSON (proto3's mapping): bytes in base64, timestamps and durations as strings, NaN and infinities as strings, keys
 * as strings, a type as its name. Integers beyond 2^53 are strings, as there.
 */
void cel_value_print_json(struct buf *out, struct cel_value value);

#endif
