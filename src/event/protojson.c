/* SPDX-License-Identifier: Apache-2.0 */
#include "event/protojson.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "process/base64.h"

typedef ProtobufCFieldDescriptor field_t;

static int message_write(struct buf *out, const ProtobufCMessage *message, unsigned depth);

/* --- well-known types --- */

static int duration_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	const Google__Protobuf__Duration *duration = (const Google__Protobuf__Duration *)message;
	int64_t seconds = duration->seconds;
	int32_t nanos = duration->nanos;

	if (nanos <= -1000000000 || nanos >= 1000000000 || (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0) ||
	    seconds > INT64_C(315576000000) || seconds < -INT64_C(315576000000))
		return -EINVAL;
	buf_printf(out, "\"%s%lld", seconds < 0 || nanos < 0 ? "-" : "", llabs(seconds));
	nanos = abs(nanos);
	if (nanos % 1000)
		buf_printf(out, ".%09d", nanos);
	else if (nanos % 1000000)
		buf_printf(out, ".%06d", nanos / 1000);
	else if (nanos)
		buf_printf(out, ".%03d", nanos / 1000000);
	buf_text(out, "s\"");
	(void)depth;
	return 0;
}

static int timestamp_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	const Google__Protobuf__Timestamp *time = (const Google__Protobuf__Timestamp *)message;

	/* nanoseconds in 64 bits end in 2262: the events' clock does not reach further either */
	if (time->nanos < 0 || time->nanos >= NS_PER_S || time->seconds >= INT64_MAX / NS_PER_S ||
	    time->seconds < INT64_MIN / NS_PER_S)
		return -EINVAL;
	buf_byte(out, '"');
	clock_write_rfc3339(out, time->seconds * NS_PER_S + time->nanos, -1);
	buf_byte(out, '"');
	(void)depth;
	return 0;
}

static int field_mask_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	const Google__Protobuf__FieldMask *mask = (const Google__Protobuf__FieldMask *)message;

	buf_byte(out, '"');
	for (size_t i = 0; i < mask->n_paths; i++) {
		if (i)
			buf_byte(out, ',');
		for (const char *p = mask->paths[i]; *p; p++) {
			if (*p == '_' && islower((unsigned char)p[1]))
				buf_byte(out, (char)toupper((unsigned char)*++p));
			else if (isalnum((unsigned char)*p) || *p == '.')
				buf_byte(out, *p);
			else
				return -EINVAL; /* no path of a schema, and it would need escapes */
		}
	}
	buf_byte(out, '"');
	(void)depth;
	return 0;
}

static int wrapper_write(struct buf *out, const ProtobufCMessage *message, unsigned depth);
static int any_write(struct buf *out, const ProtobufCMessage *message, unsigned depth);

static const struct {
	const ProtobufCMessageDescriptor *descriptor;
	int (*write)(struct buf *out, const ProtobufCMessage *message, unsigned depth);
} well_known[] = {
	{ &google__protobuf__timestamp__descriptor, timestamp_write },
	{ &google__protobuf__uint32_value__descriptor, wrapper_write },
	{ &google__protobuf__bool_value__descriptor, wrapper_write },
	{ &google__protobuf__int32_value__descriptor, wrapper_write },
	{ &google__protobuf__string_value__descriptor, wrapper_write },
	{ &google__protobuf__int64_value__descriptor, wrapper_write },
	{ &google__protobuf__uint64_value__descriptor, wrapper_write },
	{ &google__protobuf__bytes_value__descriptor, wrapper_write },
	{ &google__protobuf__double_value__descriptor, wrapper_write },
	{ &google__protobuf__float_value__descriptor, wrapper_write },
	{ &google__protobuf__duration__descriptor, duration_write },
	{ &google__protobuf__field_mask__descriptor, field_mask_write },
	{ &google__protobuf__any__descriptor, any_write },
};
#define WELL_KNOWN (sizeof well_known / sizeof *well_known)

static int any_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	const Google__Protobuf__Any *any = (const Google__Protobuf__Any *)message;
	const char *slash = strrchr(any->type_url, '/');
	ProtobufCMessage *inner;
	size_t i = 0;
	int r;

	if (!slash)
		return -EINVAL;
	while (i < WELL_KNOWN && strcmp(well_known[i].descriptor->name, slash + 1))
		i++;
	if (i == WELL_KNOWN)
		return -EINVAL;
	inner = protobuf_c_message_unpack(well_known[i].descriptor, NULL, any->value.len, any->value.data);
	if (!inner)
		return -EINVAL;
	buf_text(out, "{\"@type\":");
	json_write_string(out, str_of(any->type_url));
	buf_text(out, ",\"value\":");
	r = message_write(out, inner, depth + 1);
	buf_byte(out, '}');
	protobuf_c_message_free_unpacked(inner, NULL);
	return r;
}

/* --- values --- */

static void double_write(struct buf *out, double value, int digits)
{
	if (isnan(value))
		buf_text(out, "\"NaN\"");
	else if (isinf(value))
		buf_text(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		buf_printf(out, "%.*g", digits, value);
}

/* One value of the field's type at `at`; a member of an array has the same layout as a lone one. */
static int value_write(struct buf *out, const field_t *field, const void *at, unsigned depth)
{
	const ProtobufCEnumValue *word;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		buf_printf(out, "%d", *(const int32_t *)at);
		return 0;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		buf_u64(out, *(const uint32_t *)at);
		return 0;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		buf_printf(out, "\"%lld\"", (long long)*(const int64_t *)at);
		return 0;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		buf_byte(out, '"');
		buf_u64(out, *(const uint64_t *)at);
		buf_byte(out, '"');
		return 0;
	case PROTOBUF_C_TYPE_BOOL:
		buf_text(out, *(const protobuf_c_boolean *)at ? "true" : "false");
		return 0;
	case PROTOBUF_C_TYPE_FLOAT:
		double_write(out, (double)*(const float *)at, 9);
		return 0;
	case PROTOBUF_C_TYPE_DOUBLE:
		double_write(out, *(const double *)at, 17);
		return 0;
	case PROTOBUF_C_TYPE_ENUM:
		word = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)at);
		if (word)
			json_write_string(out, str_of(word->name));
		else
			buf_printf(out, "%d", *(const int *)at);
		return 0;
	case PROTOBUF_C_TYPE_STRING:
		json_write_string(out, str_of(*(char *const *)at));
		return 0;
	case PROTOBUF_C_TYPE_BYTES:
		buf_byte(out, '"');
		base64_write(out, ((const ProtobufCBinaryData *)at)->data, ((const ProtobufCBinaryData *)at)->len);
		buf_byte(out, '"');
		return 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return message_write(out, *(ProtobufCMessage *const *)at, depth + 1);
	}
	return -EINVAL;
}

static size_t value_size(const field_t *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

/* True if a lone value outside a oneof is its type's zero, which is left out. */
static bool is_default(const field_t *field, const void *at)
{
	static const char zero[8];

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return !*(char *const *)at || !**(char *const *)at;
	case PROTOBUF_C_TYPE_BYTES:
		return !((const ProtobufCBinaryData *)at)->len;
	case PROTOBUF_C_TYPE_MESSAGE:
		return !*(ProtobufCMessage *const *)at;
	default:
		return !memcmp(at, zero, value_size(field));
	}
}

static int wrapper_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	const field_t *field = &message->descriptor->fields[0];

	return value_write(out, field, (const char *)message + field->offset, depth);
}

/* --- maps and lists --- */

/* "pod_labels" and "PodLabelsEntry" */
static bool is_entry_name(const char *field, const char *type)
{
	bool up = true;

	for (; *field; field++) {
		if (*field == '_') {
			up = true;
			continue;
		}
		if (*type++ != (up ? toupper((unsigned char)*field) : *field))
			return false;
		up = false;
	}
	return !strcmp(type, "Entry");
}

static bool is_map(const field_t *field)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;

	return field->type == PROTOBUF_C_TYPE_MESSAGE && field->label == PROTOBUF_C_LABEL_REPEATED &&
	       entry->n_fields == 2 && !strcmp(entry->fields[0].name, "key") &&
	       !strcmp(entry->fields[1].name, "value") && entry->fields[0].type == PROTOBUF_C_TYPE_STRING &&
	       is_entry_name(field->name, entry->short_name);
}

static const char *map_key(const ProtobufCMessage *entry)
{
	const char *key = *(char *const *)((const char *)entry + entry->descriptor->fields[0].offset);

	return key ? key : "";
}

static int map_order(const void *a, const void *b)
{
	return strcmp(map_key(*(ProtobufCMessage *const *)a), map_key(*(ProtobufCMessage *const *)b));
}

static int map_write(struct buf *out, ProtobufCMessage *const *entries, size_t n, unsigned depth)
{
	auto_free ProtobufCMessage **sorted = calloc(n, sizeof(void *));
	int r = 0;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, entries, n * sizeof(void *));
	qsort(sorted, n, sizeof(void *), map_order);
	buf_byte(out, '{');
	for (size_t i = 0; i < n && r >= 0; i++) {
		const field_t *value = &sorted[i]->descriptor->fields[1];
		const char *at = (const char *)sorted[i] + value->offset;

		if (i)
			buf_byte(out, ',');
		json_write_string(out, str_of(map_key(sorted[i])));
		buf_byte(out, ':');
		if (value->type == PROTOBUF_C_TYPE_MESSAGE && is_default(value, at))
			buf_text(out, "{}");
		else
			r = value_write(out, value, at, depth);
	}
	buf_byte(out, '}');
	return r;
}

static int list_write(struct buf *out, const field_t *field, const char *values, size_t n, unsigned depth)
{
	int r = 0;

	if (is_map(field))
		return map_write(out, (ProtobufCMessage *const *)values, n, depth);
	buf_byte(out, '[');
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (i)
			buf_byte(out, ',');
		r = value_write(out, field, values + i * value_size(field), depth);
	}
	buf_byte(out, ']');
	return r;
}

/* --- messages --- */

static bool is_oneof(const field_t *field)
{
	return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

/*
 * The member of a oneof that is set takes the place of the oneof's first member: so keys come in the order of the
 * schema's declarations although the descriptors are sorted by number. NULL: nothing to write at `field`'s place.
 */
static const field_t *oneof_member(const ProtobufCMessage *message, const field_t *field)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	uint32_t number;

	for (const field_t *earlier = field; earlier-- > descriptor->fields;)
		if (is_oneof(earlier) && earlier->quantifier_offset == field->quantifier_offset)
			return NULL;
	number = *(const uint32_t *)((const char *)message + field->quantifier_offset);
	return number ? protobuf_c_message_descriptor_get_field(descriptor, number) : NULL;
}

static int fields_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const char *comma = "";

	buf_byte(out, '{');
	for (unsigned i = 0; i < descriptor->n_fields && !out->overflow; i++) {
		const field_t *field = &descriptor->fields[i];
		const char *at;
		size_t n = 0;
		int r;

		if (is_oneof(field)) {
			field = oneof_member(message, field);
			if (!field)
				continue;
		}
		at = (const char *)message + field->offset;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			n = *(const size_t *)((const char *)message + field->quantifier_offset);
			if (!n)
				continue;
		} else if ((!is_oneof(field) || field->type == PROTOBUF_C_TYPE_MESSAGE) && is_default(field, at)) {
			continue;
		}
		buf_text(out, comma);
		comma = ",";
		json_write_string(out, str_of(field->name));
		buf_byte(out, ':');
		if (n)
			r = list_write(out, field, *(const char *const *)at, n, depth);
		else
			r = value_write(out, field, at, depth);
		if (r < 0)
			return r;
	}
	buf_byte(out, '}');
	return 0;
}

static int message_write(struct buf *out, const ProtobufCMessage *message, unsigned depth)
{
	if (depth > PROTOJSON_DEPTH_MAX)
		return -E2BIG;
	for (size_t i = 0; i < WELL_KNOWN; i++)
		if (message->descriptor == well_known[i].descriptor)
			return well_known[i].write(out, message, depth);
	return fields_write(out, message, depth);
}

int protojson_write(struct buf *out, const ProtobufCMessage *message)
{
	int r = message_write(out, message, 0);

	return r < 0 ? r : out->overflow ? -ENOBUFS : 0;
}
