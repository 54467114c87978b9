/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "guard_page.h"

/* Reads to the end or to the first error, which is returned. */
static int document_read(struct str text, struct error *err)
{
	struct json_reader reader;
	int event;

	json_reader_init(&reader, text);
	do
		event = json_next(&reader, err);
	while (event > JSON_END);
	return event;
}

static const struct {
	const char *why;
	struct str text;
	int want;
} documents[] = {
	{ "a number", STR("0"), 0 },
	{ "minus zero", STR("-0"), 0 },
	{ "all parts of a number", STR("-12.50e+3"), 0 },
	{ "a capital exponent", STR("1E-9"), 0 },
	{ "a string", STR("\"\""), 0 },
	{ "words", STR("[true,false,null]"), 0 },
	{ "empty object, empty array", STR("{\"a\":{},\"b\":[]}"), 0 },
	{ "white space everywhere", STR(" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n"), 0 },
	{ "every escape", STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83d\\uDe00\""), 0 },
	{ "DEL in a string", STR("\"\x7f\""), 0 },
	{ "a key twice", STR("{\"a\":1,\"a\":2}"), 0 },
	{ "an empty key", STR("{\"\":0}"), 0 },

	{ "nothing", STR(""), -EINVAL },
	{ "only white space", STR(" \n"), -EINVAL },
	{ "a byte order mark", STR("\xef\xbb\xbf{}"), -EINVAL },
	{ "two documents", STR("{} {}"), -EINVAL },
	{ "text behind the document", STR("1 x"), -EINVAL },
	{ "a leading zero", STR("01"), -EINVAL },
	{ "minus and a leading zero", STR("-01"), -EINVAL },
	{ "plus", STR("+1"), -EINVAL },
	{ "only minus", STR("-"), -EINVAL },
	{ "no digit before the point", STR(".5"), -EINVAL },
	{ "no digit after the point", STR("5."), -EINVAL },
	{ "no digit in the exponent", STR("5e"), -EINVAL },
	{ "no digit after the exponent's sign", STR("5e+"), -EINVAL },
	{ "hexadecimal", STR("0x10"), -EINVAL },
	{ "infinity", STR("Infinity"), -EINVAL },
	{ "not a number", STR("NaN"), -EINVAL },
	{ "a word in capitals", STR("True"), -EINVAL },
	{ "a word cut", STR("tru"), -EINVAL },
	{ "a word too long", STR("nullx"), -EINVAL },
	{ "a comma at an array's end", STR("[1,]"), -EINVAL },
	{ "a comma at an object's end", STR("{\"a\":1,}"), -EINVAL },
	{ "a comma first", STR("[,1]"), -EINVAL },
	{ "two commas", STR("[1,,2]"), -EINVAL },
	{ "no comma", STR("[1 2]"), -EINVAL },
	{ "no colon", STR("{\"a\" 1}"), -EINVAL },
	{ "no value", STR("{\"a\":}"), -EINVAL },
	{ "no key", STR("{:1}"), -EINVAL },
	{ "a key without quotes", STR("{a:1}"), -EINVAL },
	{ "a number as key", STR("{1:1}"), -EINVAL },
	{ "single quotes", STR("{'a':1}"), -EINVAL },
	{ "a colon in an array", STR("[\"a\":1]"), -EINVAL },
	{ "closed by the other bracket", STR("[1}"), -EINVAL },
	{ "an object closed by the other bracket", STR("{\"a\":1]"), -EINVAL },
	{ "not closed", STR("[[1]"), -EINVAL },
	{ "closed once too often", STR("[1]]"), -EINVAL },
	{ "a comment", STR("{} // x"), -EINVAL },
	{ "a line feed in a string", STR("\"a\nb\""), -EINVAL },
	{ "a tab in a string", STR("\"a\tb\""), -EINVAL },
	{ "a NUL in a string", STR("\"a\0b\""), -EINVAL },
	{ "a NUL behind a backslash", STR("\"\\\0\""), -EINVAL },
	{ "a NUL in place of a value", STR("\0"), -EINVAL },
	{ "an unknown escape", STR("\"\\x41\""), -EINVAL },
	{ "a capital U", STR("\"\\U0041\""), -EINVAL },
	{ "three digits", STR("\"\\u041\""), -EINVAL },
	{ "digits cut", STR("\"\\u004"), -EINVAL },
	{ "escape cut", STR("\"\\"), -EINVAL },
	{ "a letter that is no digit", STR("\"\\u00g1\""), -EINVAL },
	{ "a form feed as white space", STR("\f1"), -EINVAL },
	{ "a no-break space as white space",
	  STR("\xc2\xa0"
	      "1"),
	  -EINVAL },
};

static void documents_follow_the_standard(void **state)
{
	struct guard_page guard;

	assert_int_equal(guard_page_make(&guard, 4096), 0);
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		struct str text = documents[i].text;
		struct error err = { 0 };
		int got;

		text.p = guard_page_lay(&guard, text.p, text.len);
		got = document_read(text, &err);
		if (got != documents[i].want || !got != !err.code || (got && !strstr(err.text, "byte ")))
			fail_msg("%s: %d, '%s'", documents[i].why, got, err.text);
	}
	guard_page_done(&guard);
	(void)state;
}

/* Cut anywhere, a captured config.json is malformed and nothing beyond the cut is read. */
static void fixtures_are_read_whole_and_cut_at_each_byte(void **state)
{
	struct guard_page guard;
	glob_t found;

	assert_int_equal(glob(FIXTURES "/oci/*/config.json", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 15);
	assert_int_equal(guard_page_make(&guard, 1 << 20), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		auto_free char *text = NULL;
		struct error err = { 0 };
		size_t len;

		if (file_read_at(AT_FDCWD, found.gl_pathv[i], 1 << 20, &text, &len, &err) < 0)
			fail_msg("%s", err.text);
		while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
			len--;
		if (document_read((struct str){ guard_page_lay(&guard, text, len), len }, &err) != 0)
			fail_msg("%s: %s", found.gl_pathv[i], err.text);
		/* Reading is quadratic here: every byte for three runtimes' files, a stride through the rest. */
		for (size_t cut = 0; cut < len; cut += i % 7 == 0 ? 1 : 97)
			if (document_read((struct str){ guard_page_lay(&guard, text, cut), cut }, &err) != -EINVAL)
				fail_msg("%s cut at %zu: %s", found.gl_pathv[i], cut, err.text);
	}
	globfree(&found);
	guard_page_done(&guard);
	(void)state;
}

static void an_error_tells_its_place_and_comes_again(void **state)
{
	struct error err = { 0 }, again = { 0 };
	struct json_reader reader;

	json_reader_init(&reader, STR("{\"a\": [1, x]}"));
	for (int i = 0; i < 4; i++)
		assert_true(json_next(&reader, &err) > 0);
	assert_int_equal(json_next(&reader, &err), -EINVAL);
	assert_string_equal(err.text, "malformed JSON: byte 10: expected a value");
	assert_int_equal(json_next(&reader, &again), -EINVAL);
	assert_string_equal(again.text, err.text);
	(void)state;
}

static void nesting_has_a_limit(void **state)
{
	for (int object = 0; object < 2; object++)
		for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
			char text[JSON_DEPTH_MAX * 6 + 64];
			struct buf out = buf_over(text, sizeof text);
			int got;

			for (size_t i = 0; i < depth; i++)
				buf_text(&out, i + 1 == depth ? "[" : object ? "{\"a\":" : "[");
			for (size_t i = 0; i < depth; i++)
				buf_text(&out, i && object ? "}" : "]");
			got = document_read((struct str){ text, out.len }, NULL);
			if (got != (depth > JSON_DEPTH_MAX ? -E2BIG : 0))
				fail_msg("%zu levels, objects %d: %d", depth, object, got);
		}
	(void)state;
}

static void levels_remember_what_they_are(void **state)
{
	/* Each level is of the other kind: a bit of the level above or below would show. */
	static const int want[] = { JSON_ARRAY_BEGIN, JSON_OBJECT_BEGIN, JSON_KEY,        JSON_ARRAY_BEGIN,
				    JSON_ARRAY_END,   JSON_KEY,          JSON_STRING,     JSON_OBJECT_END,
				    JSON_NUMBER,      JSON_OBJECT_BEGIN, JSON_OBJECT_END, JSON_ARRAY_END,
				    JSON_END,         JSON_END };
	struct json_reader reader;

	json_reader_init(&reader, STR("[{\"a\":[],\"b\":\"c\"},1,{}]"));
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(json_next(&reader, NULL), want[i]);
	(void)state;
}

static void skipping_ends_behind_the_value(void **state)
{
	static const char *const values[] = {
		"1", "\"x\"", "null", "{}", "[]", "[[1,{\"a\":[]}],2]", "{\"a\":{\"b\":[{}]}}"
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char text[128];
		struct buf out = buf_over(text, sizeof text);
		struct json_reader reader;
		int event;

		buf_printf(&out, "{\"skipped\":%s,\"next\":7}", values[i]);
		json_reader_init(&reader, (struct str){ text, out.len });
		(void)json_next(&reader, NULL);
		(void)json_next(&reader, NULL);
		event = json_next(&reader, NULL);
		if (json_skip(&reader, (enum json_event)event, NULL) || json_next(&reader, NULL) != JSON_KEY ||
		    !str_is(reader.text, "next"))
			fail_msg("%s", values[i]);
	}
	(void)state;
}

static void skipping_tells_what_is_malformed(void **state)
{
	struct json_reader reader;
	struct error err = { 0 };

	json_reader_init(&reader, STR("[[1,2"));
	assert_int_equal(json_next(&reader, NULL), JSON_ARRAY_BEGIN);
	assert_int_equal(json_skip(&reader, JSON_ARRAY_BEGIN, &err), -EINVAL);
	assert_int_equal(err.code, EINVAL);
	(void)state;
}

static const struct {
	const char *why;
	struct str raw;
	int want;
	const char *text;
} strings[] = {
	{ "empty", STR(""), 0, "" },
	{ "plain", STR("kube-system"), 0, "kube-system" },
	{ "every escape", STR("\\\"\\\\\\/\\b\\f\\n\\r\\t"), 0, "\"\\/\b\f\n\r\t" },
	{ "ASCII by number", STR("k\\u0075be"), 0, "kube" },
	{ "digits of both cases", STR("\\u00eA"), 0, "\xc3\xaa" },
	{ "three bytes", STR("\\u20ac"), 0, "\xe2\x82\xac" },
	{ "a pair", STR("\\ud83d\\ude00"), 0, "\xf0\x9f\x98\x80" },
	{ "the last pair", STR("\\udbff\\udfff"), 0, "\xf4\x8f\xbf\xbf" },
	{ "a high half alone", STR("\\ud83dx"), 0, "\xef\xbf\xbdx" },
	{ "a low half alone", STR("\\ude00x"), 0, "\xef\xbf\xbdx" },
	{ "two high halves and a low one", STR("\\ud83d\\ud83d\\ude00"), 0, "\xef\xbf\xbd\xf0\x9f\x98\x80" },
	{ "two low halves", STR("\\udc00\\udc00"), 0, "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "a high half before another character", STR("\\ud83d\\u0041"), 0,
	  "\xef\xbf\xbd"
	  "A" },
	{ "a high half at the end", STR("\\ud83d"), 0, "\xef\xbf\xbd" },
	{ "UTF-8 as it is", STR("\xc3\xa9\xf0\x9f\x98\x80"), 0, "\xc3\xa9\xf0\x9f\x98\x80" },
	{ "malformed UTF-8, byte by byte",
	  STR("a\xff\xe2\x82"
	      "b"),
	  0,
	  "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	  "b" },
	{ "a surrogate in UTF-8", STR("\xed\xa0\x80"), 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "a NUL by number", STR("a\\u0000b"), -EINVAL, "a" },
	{ "a NUL as it is", STR("a\0b"), -EINVAL, "a" },
	{ "never out of a reader: backslash at the end", STR("a\\"), -EINVAL, "a" },
	{ "never out of a reader: an unknown escape", STR("a\\x"), -EINVAL, "a" },
	{ "never out of a reader: few digits", STR("a\\u12"), -EINVAL, "a" },
};

static void strings_are_decoded(void **state)
{
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		size_t len = strlen(strings[i].text);
		char text[128];
		struct buf out = buf_over(text, sizeof text), exact = buf_over(text, len + 1),
			   small = buf_over(text, len);
		struct str want = { strings[i].text, len };
		int got = json_string_decode(strings[i].raw, &exact);

		if (got != strings[i].want || strcmp(text, strings[i].text) != 0)
			fail_msg("%s: %d, '%s'", strings[i].why, got, text);
		if (!got && len && json_string_decode(strings[i].raw, &small) != -ENOBUFS)
			fail_msg("%s: a byte too little was enough", strings[i].why);
		if (json_string_is(strings[i].raw, want) != !got)
			fail_msg("%s: compares otherwise", strings[i].why);
		buf_str(&out, want);
		buf_byte(&out, 'x');
		if (json_string_is(strings[i].raw, (struct str){ text, len + 1 }) ||
		    (len && json_string_is(strings[i].raw, (struct str){ text, len - 1 })))
			fail_msg("%s: equals what is longer or shorter", strings[i].why);
	}
	(void)state;
}

static const struct {
	const char *why;
	struct str text;
	const char *json;
} written[] = {
	{ "absent", { NULL, 0 }, "\"\"" },
	{ "plain", STR("<a href='x'>&</a>"), "\"<a href='x'>&</a>\"" },
	{ "quotes and backslashes", STR("a\"b\\c"), "\"a\\\"b\\\\c\"" },
	{ "short escapes", STR("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
	{ "other control characters", STR("\0\x1b\x7f"), "\"\\u0000\\u001b\\u007f\"" },
	{ "C1 controls and Unicode's line breaks", STR("\xc2\x85\xc2\x9b\xe2\x80\xa8\xe2\x80\xa9"),
	  "\"\\u0085\\u009b\\u2028\\u2029\"" },
	{ "UTF-8 stays", STR("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "malformed UTF-8",
	  STR("a\xff"
	      "b\xe2\x80"),
	  "\"a\xef\xbf\xbd"
	  "b\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void strings_are_written(void **state)
{
	for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
		char text[128];
		struct buf out = buf_over(text, sizeof text);

		json_write_string(&out, written[i].text);
		if (strcmp(text, written[i].json) != 0 || document_read((struct str){ text, out.len }, NULL))
			fail_msg("%s: %s", written[i].why, text);
		for (size_t size = 0; size < out.len + 1; size++) {
			char small[128];
			struct buf cut = buf_over(small, size);

			json_write_string(&cut, written[i].text);
			if (!cut.overflow)
				fail_msg("%s: %zu bytes were enough", written[i].why, size);
		}
	}
	(void)state;
}

/* Strings are scanned in words: each length, with what ends or breaks one at each place, and bytes that are nearly
 * that. */
static void every_byte_counts_at_every_place(void **state)
{
	static const unsigned char bytes[] = { '"',  '\\', 0,    0x1f, 0x20, 0x21, 0x23,
					       0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff };
	char text[64];

	for (size_t len = 0; len < 40; len++)
		for (size_t at = 0; at < len; at++)
			for (size_t b = 0; b < sizeof bytes; b++) {
				bool is_bad = bytes[b] < 0x20 ||
					      bytes[b] == '\\'; /* an escape of '.' or of the quote */
				struct json_reader reader;
				size_t want = bytes[b] == '"' ? at : len;
				int event;

				text[0] = '"';
				memset(text + 1, '.', len);
				text[1 + at] = (char)bytes[b];
				text[1 + len] = '"';
				json_reader_init(&reader, (struct str){ text, len + 2 });
				event = json_next(&reader, NULL);
				if (is_bad ? event != -EINVAL : event != JSON_STRING || reader.text.len != want)
					fail_msg("length %zu, byte %02x at %zu: %d", len, bytes[b], at, event);
			}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_counts_at_every_place),
		cmocka_unit_test(documents_follow_the_standard),
		cmocka_unit_test(fixtures_are_read_whole_and_cut_at_each_byte),
		cmocka_unit_test(an_error_tells_its_place_and_comes_again),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(levels_remember_what_they_are),
		cmocka_unit_test(skipping_ends_behind_the_value),
		cmocka_unit_test(skipping_tells_what_is_malformed),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(strings_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
