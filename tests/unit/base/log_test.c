/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "temp_dir.h"

/* A log whose lines come back as text. */
struct sink {
	struct log log;
	char text[LOG_LINE_MAX * 4];
};

static int sink_make(void **state)
{
	static struct sink sink;

	sink.log = (struct log){ .fd = memfd_create("log", MFD_CLOEXEC) };
	*state = &sink;
	return sink.log.fd < 0 ? -1 : 0;
}

static int sink_done(void **state)
{
	return close(((struct sink *)*state)->log.fd);
}

/* What was written since the last call; without its time, which is "T", where there is one. */
static const char *sink_take(struct sink *sink)
{
	ssize_t n = pread(sink->log.fd, sink->text, sizeof sink->text - 1, 0);
	char *time, *end;

	assert_true(n >= 0);
	sink->text[n] = '\0';
	assert_false(ftruncate(sink->log.fd, 0) || lseek(sink->log.fd, 0, SEEK_SET));
	time = strstr(sink->text, "time");
	if (!time)
		return sink->text;
	time += strcspn(time, ":=") + 1;
	time += *time == '"';
	end = time + strcspn(time, "\", ");
	assert_true(end[-1] == 'Z' && time[10] == 'T' && end - time == (sink->log.format == LOG_JSON ? 30 : 20));
	*time = 'T';
	memmove(time + 1, end, strlen(end) + 1);
	return sink->text;
}

static void each_form_has_its_keys_in_order(void **state)
{
	static const struct {
		enum log_format format;
		const char *want;
	} rows[] = {
		{ LOG_JSON,
		  "{\"time\":\"T\",\"level\":\"WARN\",\"msg\":\"two words\",\"b\":\"x y\",\"a\":\"\",\"n\":-5,"
		  "\"ok\":true,\"o\":{\"k\":1}}\n" },
		{ LOG_JSON_LOWER,
		  "{\"level\":\"warn\",\"msg\":\"two words\",\"b\":\"x y\",\"a\":\"\",\"n\":-5,\"ok\":true,"
		  "\"o\":{\"k\":1}}\n" },
		{ LOG_JSON_TS,
		  "{\"time\":\"T\",\"level\":\"warn\",\"msg\":\"two words\",\"b\":\"x y\",\"a\":\"\",\"n\":-5,"
		  "\"ok\":true,\"o\":{\"k\":1}}\n" },
		{ LOG_TEXT, "level=warn msg=\"two words\" b=\"x y\" a=\"\" n=-5 ok=true o=\"{\\\"k\\\":1}\"\n" },
		{ LOG_TEXT_TS,
		  "time=T level=warn msg=\"two words\" b=\"x y\" a=\"\" n=-5 ok=true o=\"{\\\"k\\\":1}\"\n" },
	};
	struct sink *sink = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct log_line line;
		const char *got;

		sink->log.format = rows[i].format;
		log_begin(&line, &sink->log, LOG_WARN, "two words");
		log_text(&line, "b", "x y");
		log_text(&line, "a", NULL);
		log_int(&line, "n", -5);
		log_bool(&line, "ok", true);
		log_raw(&line, "o", STR("{\"k\":1}"));
		assert_int_equal(log_end(&line), 0);
		got = sink_take(sink);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("form %zu: %s", i, got);
	}
	sink->log.format = LOG_JSON;
}

static const struct {
	const char *why, *value, *json, *text;
} values[] = {
	{ "a word", "tenant-a", "tenant-a", "tenant-a" },
	{ "a second line", "a\nlevel=error", "a\\nlevel=error", "\"a\\nlevel=error\"" },
	{ "a carriage return", "a\rb", "a\\rb", "\"a\\rb\"" },
	{ "another key, JSON", "x\",\"forged\":\"y", "x\\\",\\\"forged\\\":\\\"y", "\"x\\\",\\\"forged\\\":\\\"y\"" },
	{ "another key, text", "x forged=y", "x forged=y", "\"x forged=y\"" },
	{ "an equals sign", "a=b", "a=b", "\"a=b\"" },
	{ "a backslash", "a\\", "a\\\\", "\"a\\\\\"" },
	{ "a terminal's escape", "\x1b[2J", "\\u001b[2J", "\"\\u001b[2J\"" },
	{ "a terminal's escape in one character",
	  "\xc2\x9b"
	  "2J",
	  "\\u009b2J", "\"\\u009b2J\"" },
	{ "Unicode's line break",
	  "a\xe2\x80\xa8"
	  "b",
	  "a\\u2028b", "\"a\\u2028b\"" },
	{ "malformed UTF-8", "a\xff", "a\xef\xbf\xbd", "\"a\xef\xbf\xbd\"" },
	{ "UTF-8", "\xc3\xa9", "\xc3\xa9", "\"\xc3\xa9\"" },
	{ "HTML", "<&>", "<&>", "<&>" },
};

static void no_value_forges_a_line_or_a_key(void **state)
{
	struct sink *sink = *state;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char want[256];
		const char *got;

		sink->log.format = LOG_JSON_LOWER;
		(void)log_event(&sink->log, LOG_INFO, values[i].value, "k", values[i].value, (char *)NULL);
		(void)snprintf(want, sizeof want, "{\"level\":\"info\",\"msg\":\"%s\",\"k\":\"%s\"}\n", values[i].json,
			       values[i].json);
		got = sink_take(sink);
		if (strcmp(got, want) != 0)
			fail_msg("%s: %s", values[i].why, got);
		sink->log.format = LOG_TEXT;
		(void)log_event(&sink->log, LOG_INFO, values[i].value, "k", values[i].value, (char *)NULL);
		(void)snprintf(want, sizeof want, "level=info msg=%s k=%s\n", values[i].text, values[i].text);
		got = sink_take(sink);
		if (strcmp(got, want) != 0)
			fail_msg("%s: %s", values[i].why, got);
	}
	sink->log.format = LOG_JSON;
}

/* The last character before the limit is of 1..4 bytes and the limit falls on each of them. */
static void a_long_value_is_cut_between_characters(void **state)
{
	static const char *const last[] = { "a",    "\xc3\xa9",        "\xe2\x82\xac", "\xf0\x9f\x98\x80",
					    "\xff", "\x80\x80\x80\x80" };
	struct sink *sink = *state;

	sink->log.format = LOG_JSON_LOWER;
	for (size_t c = 0; c < sizeof last / sizeof *last; c++)
		for (size_t before = LOG_VALUE_MAX - 5; before <= LOG_VALUE_MAX; before++) {
			char value[LOG_VALUE_MAX + 32];
			const char *got;
			size_t len;

			memset(value, 'v', before);
			(void)snprintf(value + before, sizeof value - before, "%sEND-OF-IT", last[c]);
			(void)log_event(&sink->log, LOG_INFO, "m", "k", value, (char *)NULL);
			got = strstr(sink_take(sink), "\"k\":\"") + 5;
			len = strlen(got);
			if (len < 6 || strcmp(got + len - 6, "\xe2\x80\xa6\"}\n") != 0 ||
			    (c < 4 && strstr(got, "\xef\xbf\xbd")) || (c < 4 && len - 6 > LOG_VALUE_MAX) ||
			    len - 6 < LOG_VALUE_MAX - 8)
				fail_msg("character %zu at %zu: %zu, ...%s", c, before, len,
					 got + (len > 40 ? len - 40 : 0));
		}
	sink->log.format = LOG_JSON;
}

static void a_value_at_the_limit_is_whole(void **state)
{
	struct sink *sink = *state;
	char value[LOG_VALUE_MAX + 1];

	memset(value, 'v', LOG_VALUE_MAX);
	value[LOG_VALUE_MAX] = '\0';
	(void)log_event(&sink->log, LOG_INFO, "m", "k", value, (char *)NULL);
	assert_null(strstr(sink_take(sink), "\xe2\x80\xa6"));
}

static void a_line_over_the_limit_loses_fields_and_says_so(void **state)
{
	struct sink *sink = *state;

	for (int format = LOG_JSON; format <= LOG_JSON_TS; format++) {
		struct json_reader reader;
		struct log_line line;
		char value[LOG_VALUE_MAX];
		const char *got;
		int event;

		sink->log.format = (enum log_format)format;
		memset(value, '\x01', sizeof value); /* six bytes each */
		log_begin(&line, &sink->log, LOG_INFO, "m");
		for (int i = 0; i < 10; i++)
			log_str(&line, "big", (struct str){ value, sizeof value });
		log_raw(&line, "raw", (struct str){ line.text, LOG_LINE_MAX });
		log_int(&line, "last", 7);
		assert_int_equal(log_end(&line), 0);
		got = sink_take(sink);
		assert_true(strlen(got) <= LOG_LINE_MAX && strchr(got, '\n') == got + strlen(got) - 1);
		if (format == LOG_TEXT || format == LOG_TEXT_TS) {
			assert_non_null(strstr(got, " last=7 cut=true\n"));
			continue;
		}
		assert_non_null(strstr(got, ",\"last\":7,\"cut\":true}\n"));
		json_reader_init(&reader, str_of(got));
		while ((event = json_next(&reader, NULL)) > JSON_END)
			;
		assert_int_equal(event, JSON_END);
	}
	sink->log.format = LOG_JSON;
}

static void raw_json_stays_on_the_line(void **state)
{
	struct sink *sink = *state;
	struct log_line line;

	sink->log.format = LOG_JSON_LOWER;
	log_begin(&line, &sink->log, LOG_INFO, "m");
	log_raw(&line, "o", STR("{\n\t\"a\": 1\r\n}"));
	(void)log_end(&line);
	assert_string_equal(sink_take(sink), "{\"level\":\"info\",\"msg\":\"m\",\"o\":{ \t\"a\": 1  }}\n");
	sink->log.format = LOG_JSON;
}

static void levels_are_written_as_name_and_distance(void **state)
{
	static const struct {
		int level;
		const char *upper, *lower;
	} rows[] = {
		{ -8, "DEBUG-4", "debug-4" },    { -5, "DEBUG-1", "debug-1" }, { -4, "DEBUG", "debug" },
		{ -1, "DEBUG+3", "debug+3" },    { 0, "INFO", "info" },        { 2, "INFO+2", "info+2" },
		{ 4, "WARN", "warn" },           { 7, "WARN+3", "warn+3" },    { 8, "ERROR", "error" },
		{ 100, "ERROR+92", "error+92" },
	};
	struct sink *sink = *state;

	sink->log.level = (enum log_level) - 100;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char want[64];

		(void)log_event(&sink->log, (enum log_level)rows[i].level, "m", (char *)NULL);
		(void)snprintf(want, sizeof want, "{\"time\":\"T\",\"level\":\"%s\",\"msg\":\"m\"}\n", rows[i].upper);
		assert_string_equal(sink_take(sink), want);
		sink->log.format = LOG_TEXT;
		(void)log_event(&sink->log, (enum log_level)rows[i].level, "m", (char *)NULL);
		(void)snprintf(want, sizeof want, "level=%s msg=m\n", rows[i].lower);
		assert_string_equal(sink_take(sink), want);
		sink->log.format = LOG_JSON;
	}
	sink->log.level = LOG_INFO;
}

static void level_names_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int want; /* 99: refused */
	} rows[] = {
		{ "info", 0 },
		{ "INFO", 0 },
		{ "Warn", 4 },
		{ "warning", 4 },
		{ "error", 8 },
		{ "debug", -4 },
		{ "trace", -8 },
		{ "info+2", 2 },
		{ "WARN-1", 3 },
		{ "debug-4", -8 },
		{ "error+1000", 1008 },
		{ "", 99 },
		{ "inf", 99 },
		{ "infos", 99 },
		{ "info+", 99 },
		{ "info-", 99 },
		{ "info+x", 99 },
		{ "info+1x", 99 },
		{ " info", 99 },
		{ "+2", 99 },
		{ "2", 99 },
		{ "info+1001", 99 },
		{ "info+99999999999999999999", 99 },
		{ "info+-2", 99 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum log_level level = (enum log_level)99;
		int result = log_level_parse(str_of(rows[i].text), &level);

		if ((int)level != rows[i].want || (result != 0) != (rows[i].want == 99))
			fail_msg("'%s': %d, %d", rows[i].text, result, (int)level);
	}
	(void)state;
}

static void what_is_below_the_level_is_not_written(void **state)
{
	struct sink *sink = *state;

	sink->log.level = LOG_WARN;
	assert_int_equal(log_event(&sink->log, LOG_INFO, "m", "k", "v", (char *)NULL), 0);
	assert_string_equal(sink_take(sink), "");
	assert_int_equal(log_event(&sink->log, LOG_WARN, "m", "k", "v", (char *)NULL), 0);
	assert_string_not_equal(sink_take(sink), "");
	sink->log.level = LOG_INFO;
	assert_int_equal(log_event(NULL, LOG_ERROR, "m", "k", "v", (char *)NULL), 0);
	assert_int_equal(log_event(&(struct log){ .fd = -1 }, LOG_ERROR, "m", "k", "v", (char *)NULL), 0);
}

static void nothing_is_added_after_the_end(void **state)
{
	struct sink *sink = *state;
	struct log_line line;

	log_begin(&line, &sink->log, LOG_INFO, "m");
	assert_int_equal(log_end(&line), 0);
	log_text(&line, "k", "v");
	log_int(&line, "k", 1);
	log_bool(&line, "k", true);
	log_raw(&line, "k", STR("{}"));
	assert_int_equal(log_end(&line), 0);
	assert_string_equal(sink_take(sink), "{\"time\":\"T\",\"level\":\"INFO\",\"msg\":\"m\"}\n");
}

static void a_line_that_cannot_be_written_is_counted(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct log log = { .fd = full };

	assert_true(full >= 0);
	assert_int_equal(log_event(&log, LOG_INFO, "m", (char *)NULL), -ENOSPC);
	assert_int_equal(log_event(&log, LOG_INFO, "m", (char *)NULL), -ENOSPC);
	assert_int_equal(log.dropped, 2);
	assert_int_equal(log.last_errno, ENOSPC);
	assert_int_equal(close(full), 0);
	(void)state;
}

/* Processes on one file, opened to append, as hooks are: every line is whole. */
static void lines_of_several_processes_never_tear(void **state)
{
	enum { PROCESSES = 4, LINES = 200 };
	struct temp_dir dir;
	char line[LOG_LINE_MAX];
	int lines = 0;
	FILE *file;

	assert_int_equal(temp_dir_make(&dir), 0);
	for (int i = 0; i < PROCESSES; i++)
		if (!fork()) {
			struct log log = { .fd = openat(dir.fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
							0600) };
			char value[900];

			memset(value, 'a' + i, sizeof value - 1);
			value[sizeof value - 1] = '\0';
			for (int j = 0; j < LINES; j++)
				(void)log_event(&log, LOG_INFO, "m", "k", value, "l", value, (char *)NULL);
			_exit(log.dropped ? 1 : 0);
		}
	for (int i = 0; i < PROCESSES; i++) {
		int status = 1;

		assert_true(wait(&status) > 0 && !status);
	}
	file = fdopen(openat(dir.fd, "log", O_RDONLY | O_CLOEXEC), "r");
	assert_non_null(file);
	for (; fgets(line, sizeof line, file); lines++) {
		size_t len = strlen(line);

		if (len < 1800 || line[len - 1] != '\n' || line[0] != '{' ||
		    strspn(strstr(line, "\"k\":\"") + 5, "abcd") != 899)
			fail_msg("line %d: %s", lines, line);
	}
	assert_int_equal(lines, PROCESSES * LINES);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(temp_dir_remove(&dir), 0);
	(void)state;
}

/* A reader that stands still costs lines, never time; what it gets is whole. */
static void a_pipe_that_nobody_reads_costs_lines(void **state)
{
	static char text[1 << 20], value[LOG_VALUE_MAX];
	int ends[2], lines = 0, written = 0;
	ssize_t n = 0, r;
	struct log log = { .level = LOG_INFO };

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log.fd = ends[1];
	log_output_never_waits(&log);
	assert_true(log.never_waits && log.fd != ends[1]);
	assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	memset(value, 'v', sizeof value - 1);
	for (int i = 0; i < 500; i++) /* lines beyond PIPE_BUF, too */
		written += !log_event(&log, LOG_INFO, "m", "a", value, "b", i % 3 ? value : "", "c", value, "d", value,
				      "e", value, (char *)NULL);
	assert_true(written > 5 && log.dropped == 500 - (unsigned)written && log.last_errno == EAGAIN);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while ((r = read(ends[0], text + n, sizeof text - 1 - (size_t)n)) > 0)
		n += r;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		lines += line[0] == '{' && end[-1] == '}';
	assert_int_equal(lines, written);
	assert_int_equal(log_event(&log, LOG_INFO, "again", (char *)NULL), 0);
	(void)close(log.fd);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_has_its_keys_in_order),
		cmocka_unit_test(no_value_forges_a_line_or_a_key),
		cmocka_unit_test(a_long_value_is_cut_between_characters),
		cmocka_unit_test(a_value_at_the_limit_is_whole),
		cmocka_unit_test(a_line_over_the_limit_loses_fields_and_says_so),
		cmocka_unit_test(raw_json_stays_on_the_line),
		cmocka_unit_test(levels_are_written_as_name_and_distance),
		cmocka_unit_test(level_names_are_parsed),
		cmocka_unit_test(what_is_below_the_level_is_not_written),
		cmocka_unit_test(nothing_is_added_after_the_end),
		cmocka_unit_test(a_line_that_cannot_be_written_is_counted),
		cmocka_unit_test(lines_of_several_processes_never_tear),
		cmocka_unit_test(a_pipe_that_nobody_reads_costs_lines),
	};

	return cmocka_run_group_tests(tests, sink_make, sink_done);
}
