/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: an error comes again, the end stays the end, nesting is balanced, strings decode to UTF-8 and
 * survive being written and read again, and what was read, written down anew, gives the same events.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

static void string_check(struct str raw)
{
	size_t size = raw.len * 3 + 1; /* each malformed byte becomes three */
	char *text = malloc(size), *written = malloc(size * 6 + 2);
	struct buf out = buf_over(text, size), again = buf_over(written, size * 6 + 2);
	int result = json_string_decode(raw, &out);

	assert(result == 0 || result == -EINVAL);
	if (!result) {
		struct str decoded = { text, out.len };
		struct json_reader reader;

		assert(json_string_is(raw, decoded));
		for (size_t at = 0, n; at < decoded.len; at += n)
			assert((n = utf8_length(str_from(decoded, at), NULL)));
		json_write_string(&again, decoded);
		assert(!again.overflow);
		json_reader_init(&reader, (struct str){ written, again.len });
		assert(json_next(&reader, NULL) == JSON_STRING && json_string_is(reader.text, decoded));
		assert(json_next(&reader, NULL) == JSON_END);
	}
	free(text);
	free(written);
}

/* Writes the event so that a reader sees it again, with the separator that the last event calls for. */
static void event_write(struct buf *out, int last, int event, struct str text)
{
	static const char *const fixed[] = {
		[JSON_OBJECT_BEGIN] = "{", [JSON_OBJECT_END] = "}", [JSON_ARRAY_BEGIN] = "[", [JSON_ARRAY_END] = "]",
		[JSON_TRUE] = "true",      [JSON_FALSE] = "false",  [JSON_NULL] = "null",
	};
	bool opened = last == JSON_OBJECT_BEGIN || last == JSON_ARRAY_BEGIN || last == JSON_KEY || last == JSON_END;

	if (!opened && event != JSON_OBJECT_END && event != JSON_ARRAY_END)
		buf_byte(out, ',');
	if (fixed[event]) {
		buf_text(out, fixed[event]);
		return;
	}
	buf_text(out, event == JSON_NUMBER ? "" : "\"");
	buf_str(out, text);
	buf_text(out, event == JSON_NUMBER ? "" : event == JSON_KEY ? "\":" : "\"");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };
	char *copy = malloc(size * 2 + 64);
	struct buf out = buf_over(copy, size * 2 + 64);
	struct json_reader reader, second;
	struct error err = { 0 }, same = { 0 };
	int event, last = JSON_END;
	size_t events = 0;

	json_reader_init(&reader, input);
	while ((event = json_next(&reader, &err)) > JSON_END) {
		assert(reader.depth <= JSON_DEPTH_MAX && reader.at <= size && ++events <= size);
		if (event == JSON_KEY || event == JSON_STRING)
			string_check(reader.text);
		event_write(&out, last, event, reader.text);
		last = event;
	}
	assert(json_next(&reader, &same) == event && !strcmp(err.text, same.text));
	if (event == JSON_END) {
		assert(!reader.depth && reader.at == size && !out.overflow);
		json_reader_init(&reader, input);
		json_reader_init(&second, (struct str){ copy, out.len });
		do {
			event = json_next(&reader, NULL);
			assert(event == json_next(&second, NULL) && str_equal(reader.text, second.text));
		} while (event);
		json_reader_init(&reader, input);
		event = json_next(&reader, NULL);
		assert(!json_skip(&reader, (enum json_event)event, NULL) && json_next(&reader, NULL) == JSON_END);
	} else {
		assert(event == -EINVAL || event == -E2BIG);
	}
	free(copy);
	return 0;
}
