/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte is the form, each further line a value. Whatever they are: what comes out is one line, within the
 * limit, without control characters, in UTF-8; a JSON form is one object whose keys are ours in their order, whatever
 * the values hold.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

static void json_check(struct str line, enum log_format format)
{
	static const char *const head[] = { "time", "level", "msg" };
	size_t key = format == LOG_JSON_LOWER ? 1 : 0;
	struct json_reader reader;
	int event;

	json_reader_init(&reader, line);
	assert(json_next(&reader, NULL) == JSON_OBJECT_BEGIN);
	while ((event = json_next(&reader, NULL)) == JSON_KEY) {
		bool last = json_string_is(reader.text, STR("cut"));

		assert(last || json_string_is(reader.text, key < 3 ? str_of(head[key]) : STR("value")));
		key++;
		event = json_next(&reader, NULL);
		assert(event == JSON_STRING || event == JSON_NUMBER || event == JSON_TRUE);
		assert(reader.text.len <= 6 * LOG_VALUE_MAX + 3);
		if (last)
			assert(event == JSON_TRUE &&
			       reader.at == line.len - 2); /* the object's end and the line's follow */
	}
	assert(event == JSON_OBJECT_END && json_next(&reader, NULL) == JSON_END && key >= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[LOG_LINE_MAX + 1];
	static int fd = -1;
	struct log log = { .format = (enum log_format)(size ? data[0] % 5 : 0) };
	struct str rest = { (const char *)data + !!size, size - !!size };
	struct log_line line;
	ssize_t n;

	if (fd < 0)
		fd = memfd_create("log", MFD_CLOEXEC);
	assert(fd >= 0 && !ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET));
	log.fd = fd;
	log_begin(&line, &log, LOG_WARN, "fuzz");
	while (rest.len) {
		ptrdiff_t end = str_find(rest, '\n');
		size_t value = end < 0 ? rest.len : (size_t)end;

		if (rest.p[0] == '#') /* so that values with line feeds come too */
			value = rest.len;
		log_str(&line, "value", (struct str){ rest.p, value });
		rest = str_from(rest, value + 1);
	}
	log_int(&line, "value", (int64_t)size - 100);
	assert(!log_end(&line));
	n = pread(fd, text, sizeof text, 0);
	assert(n > 0 && n <= LOG_LINE_MAX && !log.dropped && text[n - 1] == '\n');
	for (size_t at = 0, step; at < (size_t)n - 1; at += step) {
		uint32_t point;

		step = utf8_length((struct str){ text + at, (size_t)n - 1 - at }, &point);
		assert(step && point >= ' ' && (point < 0x7f || point >= 0xa0) && point != 0x2028 && point != 0x2029);
	}
	if (log.format != LOG_TEXT && log.format != LOG_TEXT_TS)
		json_check((struct str){ text, (size_t)n }, log.format);
	return 0;
}
