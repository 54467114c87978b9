/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/zone.h"

#include <stdint.h>

#define HEADER 44              /* bytes: "TZif", version, 15 unused, six counts */
#define OFFSET_MAX (26 * 3600) /* RFC 9636: at most 26 hours either way */

static const char malformed[] = "the file of the time zone is malformed";

struct counts {
	uint64_t isut, isstd, leap, time, type, chars; /* in the file's order */
};

static uint64_t big_endian(const char *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

/* Reads a header at the start of `file`; false: it is none. */
static bool header_read(struct str file, struct counts *ret)
{
	uint64_t *count[] = { &ret->isut, &ret->isstd, &ret->leap, &ret->time, &ret->type, &ret->chars };

	if (file.len < HEADER || !str_starts(file, STR("TZif")))
		return false;
	for (size_t i = 0; i < sizeof count / sizeof *count; i++)
		*count[i] = big_endian(file.p + 20 + 4 * i, 4);
	return true;
}

/* Bytes of the data behind a header whose times have `width` bytes. Counts have 32 bits, so no sum wraps. */
static uint64_t data_size(const struct counts *n, unsigned width)
{
	return n->time * (width + 1) + n->type * 6 + n->chars + n->leap * (width + 4) + n->isstd + n->isut;
}

static const char *type_offset(const char *types, uint64_t type, const struct counts *n, int32_t *ret)
{
	int32_t offset;

	if (type >= n->type)
		return malformed;
	offset = (int32_t)(uint32_t)big_endian(types + 6 * type, 4);
	if (offset > OFFSET_MAX || offset < -OFFSET_MAX)
		return malformed;
	*ret = offset;
	return NULL;
}

static int64_t time_at(const char *times, uint64_t i, unsigned width)
{
	uint64_t value = big_endian(times + i * width, width);

	return width == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

/* The footer "\n<rule>\n", empty if it is not there. */
static struct str footer_of(struct str rest)
{
	ptrdiff_t end;

	if (!rest.len || rest.p[0] != '\n')
		return (struct str){ 0 };
	rest = str_from(rest, 1);
	end = str_find(rest, '\n');
	return (struct str){ rest.p, end > 0 ? (size_t)end : 0 };
}

const char *zone_file_offset(struct str file, int64_t seconds, int32_t *ret_offset)
{
	struct counts n;
	unsigned width = 4;
	const char *times, *types;
	uint64_t low = 0, high;
	struct str footer;

	if (!header_read(file, &n))
		return malformed;
	if (file.p[4] >= '2') { /* the same again with 64 bits */
		uint64_t first = HEADER + data_size(&n, 4);

		if (first > file.len)
			return malformed;
		file = str_from(file, (size_t)first);
		width = 8;
		if (!header_read(file, &n))
			return malformed;
	}
	if (data_size(&n, width) > file.len - HEADER)
		return malformed;
	times = file.p + HEADER;
	types = times + n.time * (width + 1);
	footer = footer_of(str_from(file, HEADER + (size_t)data_size(&n, width)));
	if (n.time && seconds < time_at(times, 0, width))
		return type_offset(types, 0, &n, ret_offset); /* RFC 9636: type 0 before the first change */
	if (footer.len && (!n.time || seconds >= time_at(times, n.time - 1, width)))
		return zone_rule_offset(footer, seconds, ret_offset) ? NULL : malformed;
	if (!n.time)
		return type_offset(types, 0, &n, ret_offset);
	for (high = n.time; high - low > 1;) { /* times[low] <= seconds < times[high] */
		uint64_t middle = low + (high - low) / 2;

		if (time_at(times, middle, width) <= seconds)
			low = middle;
		else
			high = middle;
	}
	return type_offset(types, (unsigned char)times[n.time * width + low], &n, ret_offset);
}
