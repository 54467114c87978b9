/* SPDX-License-Identifier: Apache-2.0 */
#include "match/cel/zone.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"

static const char no_zone[] = "no such time zone", bad_offset[] = "a time zone is a name, or an offset as +02:00";

/* [+-]HH:MM, up to 23:59. */
static bool offset_read(struct str text, int32_t *ret)
{
	int32_t part[2] = { 0, 0 }, limit[2] = { 23, 59 }, sign = 1;

	if (text.len && (text.p[0] == '+' || text.p[0] == '-')) {
		sign = text.p[0] == '-' ? -1 : 1;
		text = str_from(text, 1);
	}
	for (size_t i = 0; i < 2; i++) {
		size_t digits = 0;

		for (; digits < text.len && text.p[digits] >= '0' && text.p[digits] <= '9'; digits++)
			part[i] = digits < 2 ? part[i] * 10 + (text.p[digits] - '0') : 99;
		if (!digits || part[i] > limit[i])
			return false;
		text = str_from(text, digits);
		if (i == 0 && (!text.len || text.p[0] != ':'))
			return false;
		text = str_from(text, i == 0);
	}
	*ret = sign * (part[0] * 3600 + part[1] * 60);
	return !text.len;
}

/* A name is made of parts that begin with a letter, so it leaves the folder in no way. */
static bool is_name(struct str zone)
{
	bool begins = true;

	if (zone.len > ZONE_NAME_MAX)
		return false;
	for (size_t i = 0; i < zone.len; i++) {
		char c = zone.p[i];
		bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		if (!letter && (begins || (!(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '+' && c != '/')))
			return false;
		begins = c == '/';
	}
	return zone.len && !begins;
}

static const char *file_offset(const char *dir, struct str zone, int64_t seconds, char memory[ZONE_FILE_MAX],
			       int32_t *ret)
{
	static const char no_file[] = "not the file of a time zone";
	char path[512];
	struct buf name = buf_over(path, sizeof path);
	auto_close int fd = -1;
	struct stat st;
	size_t n = 0;
	ssize_t got;

	buf_text(&name, dir);
	buf_byte(&name, '/');
	buf_str(&name, zone);
	if (name.overflow || (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
		return no_zone;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return no_file;
	while ((got = read(fd, memory + n, ZONE_FILE_MAX - n)) > 0)
		n += (size_t)got;
	if (got < 0 || n == ZONE_FILE_MAX)
		return no_file;
	return zone_file_offset((struct str){ memory, n }, seconds, ret);
}

const char *zone_offset(const char *dir, struct str zone, int64_t seconds, char memory[ZONE_FILE_MAX],
			int32_t *ret_offset)
{
	if (!zone.len || str_is(zone, "UTC")) {
		*ret_offset = 0;
		return NULL;
	}
	if (str_find(zone, ':') >= 0)
		return offset_read(zone, ret_offset) ? NULL : bad_offset;
	return is_name(zone) ? file_offset(dir, zone, seconds, memory, ret_offset) : no_zone;
}
