/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

#define CUT_MARK "\xe2\x80\xa6" /* U+2026 */
#define LINE_RESERVE 16         /* kept free for `,"cut":true}` and the line's end */
#define LEVEL_OFFSET_MAX 1000
#define REST_MS 50 /* for the rest of a line that was taken in part */

static const struct {
	const char *name;
	enum log_level level;
} level_names[] = {
	{ "trace", LOG_TRACE },  { "debug", LOG_DEBUG }, { "info", LOG_INFO },   { "warn", LOG_WARN },
	{ "warning", LOG_WARN }, { "error", LOG_ERROR }, { "fatal", LOG_ERROR }, { "panic", LOG_ERROR },
};

int log_level_parse(struct str text, enum log_level *ret_level)
{
	size_t name_len = 0;
	int offset = 0;

	while (name_len < text.len && text.p[name_len] != '+' && text.p[name_len] != '-')
		name_len++;
	if (name_len + 1 == text.len)
		return -EINVAL; /* a sign without a number */
	for (size_t i = name_len + 1; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || offset > LEVEL_OFFSET_MAX)
			return -EINVAL;
		offset = offset * 10 + (text.p[i] - '0');
	}
	if (offset > LEVEL_OFFSET_MAX)
		return -EINVAL;
	for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
		if (strlen(level_names[i].name) != name_len || strncasecmp(text.p, level_names[i].name, name_len) != 0)
			continue;
		if (name_len < text.len && text.p[name_len] == '-')
			offset = -offset;
		*ret_level = (enum log_level)((int)level_names[i].level + offset);
		return 0;
	}
	return -EINVAL;
}

static bool is_json(const struct log_line *line)
{
	return line->log->format != LOG_TEXT && line->log->format != LOG_TEXT_TS;
}

static void int_write(struct buf *out, int64_t value)
{
	if (value < 0)
		buf_byte(out, '-');
	buf_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* A level between two names is the lower name and the distance: "INFO+2"; below debug: "DEBUG-4". */
static void level_write(struct buf *out, enum log_level level, bool upper)
{
	static const char names[2][4][6] = { { "debug", "info", "warn", "error" },
					     { "DEBUG", "INFO", "WARN", "ERROR" } };
	int l = (int)level;
	int index = l < LOG_INFO ? 0 : l < LOG_WARN ? 1 : l < LOG_ERROR ? 2 : 3;
	int offset = l - (index - 1) * 4;

	buf_text(out, names[upper][index]);
	if (offset > 0)
		buf_byte(out, '+');
	if (offset)
		int_write(out, offset);
}

/* Needs no quotes in the text form: printable ASCII without space, '"', '=' and '\\'. */
static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '=' || text.p[i] == '\\')
			return false;
	return text.len > 0;
}

static void string_write(const struct log_line *line, struct buf *out, struct str text)
{
	if (is_json(line) || !is_plain(text))
		json_write_string(out, text);
	else
		buf_str(out, text);
}

/* As string_write; beyond the limit a mark stands for the rest. The cut never splits a character. */
static void value_write(const struct log_line *line, struct buf *out, struct str value)
{
	char head[LOG_VALUE_MAX + sizeof CUT_MARK];
	size_t n = LOG_VALUE_MAX;

	if (value.len <= LOG_VALUE_MAX) {
		string_write(line, out, value);
		return;
	}
	for (size_t back = 1; back <= 3; back++)
		if (((unsigned char)value.p[n - back] & 0xc0) != 0x80) { /* where the last character begins */
			if (utf8_length((struct str){ value.p + n - back, back }, NULL) != back)
				n -= back;
			break;
		}
	memcpy(head, value.p, n);
	memcpy(head + n, CUT_MARK, sizeof CUT_MARK - 1);
	string_write(line, out, (struct str){ head, n + sizeof CUT_MARK - 1 });
}

/* Writes the separator and the key; returns where the field begins, so that one that does not fit can be taken back. */
static size_t field_begin(struct log_line *line, const char *key)
{
	size_t begin = line->out.len;

	if (is_json(line)) {
		buf_text(&line->out, begin > 1 ? "," : "");
		json_write_string(&line->out, str_of(key));
		buf_byte(&line->out, ':');
	} else {
		buf_text(&line->out, begin ? " " : "");
		string_write(line, &line->out, str_of(key));
		buf_byte(&line->out, '=');
	}
	return begin;
}

static void field_end(struct log_line *line, size_t begin)
{
	if (!line->out.overflow)
		return;
	line->out.overflow = false;
	line->out.len = begin;
	line->text[begin] = '\0';
	line->cut = true;
}

void log_begin(struct log_line *line, struct log *log, enum log_level level, const char *msg)
{
	size_t begin;

	line->log = log && log->fd >= 0 && level >= log->level ? log : NULL;
	line->cut = false;
	line->out = buf_over(line->text, LOG_LINE_MAX - LINE_RESERVE);
	if (!line->log)
		return;
	if (is_json(line))
		buf_byte(&line->out, '{');
	if (log->format != LOG_TEXT && log->format != LOG_JSON_LOWER) {
		(void)field_begin(line, "time"); /* the head always fits: no need to take it back */
		if (is_json(line))
			buf_byte(&line->out, '"');
		clock_write_rfc3339(&line->out, clock_now_ns(CLOCK_REALTIME), log->format == LOG_JSON ? 9 : 0);
		if (is_json(line))
			buf_byte(&line->out, '"');
	}
	(void)field_begin(line, "level");
	if (is_json(line))
		buf_byte(&line->out, '"');
	level_write(&line->out, level, log->format == LOG_JSON);
	if (is_json(line))
		buf_byte(&line->out, '"');
	begin = field_begin(line, "msg");
	value_write(line, &line->out, str_of(msg));
	field_end(line, begin);
}

void log_str(struct log_line *line, const char *key, struct str value)
{
	size_t begin;

	if (!line->log)
		return;
	begin = field_begin(line, key);
	value_write(line, &line->out, value);
	field_end(line, begin);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	log_str(line, key, str_of(value));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
	size_t begin;

	if (!line->log)
		return;
	begin = field_begin(line, key);
	int_write(&line->out, value);
	field_end(line, begin);
}

void log_bool(struct log_line *line, const char *key, bool value)
{
	size_t begin;

	if (!line->log)
		return;
	begin = field_begin(line, key);
	buf_text(&line->out, value ? "true" : "false");
	field_end(line, begin);
}

void log_raw(struct log_line *line, const char *key, struct str json)
{
	size_t begin, value;

	if (!line->log)
		return;
	begin = field_begin(line, key);
	value = line->out.len;
	if (is_json(line))
		buf_str(&line->out, json);
	else
		string_write(line, &line->out, json);
	field_end(line, begin);
	for (size_t i = value; i < line->out.len; i++)
		if (line->text[i] == '\n' || line->text[i] == '\r')
			line->text[i] = ' '; /* white space between tokens: a line stays one line */
}

void log_output_never_waits(struct log *log)
{
	char path[] = "/proc/self/fd/0123456789";
	struct buf text = buf_over(path, sizeof path);
	struct stat st;
	int fd;

	if (fstat(log->fd, &st) < 0 || S_ISREG(st.st_mode))
		return;
	log->never_waits = true;
	buf_printf(&text, "/proc/self/fd/%d", log->fd);
	fd = S_ISFIFO(st.st_mode) ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	if (fd >= 0) /* else a line over PIPE_BUF may wait after all */
		log->fd = fd;
}

static bool has_room(const struct log *log, int timeout_ms)
{
	struct pollfd output = { .fd = log->fd, .events = POLLOUT };

	return poll(&output, 1, timeout_ms) > 0;
}

static int line_write(struct log *log, struct str text)
{
	int patience_ms = 0;

	while (text.len) {
		ssize_t n;

		if (log->never_waits && !has_room(log, patience_ms))
			return -EAGAIN;
		n = write(log->fd, text.p, text.len);
		if (n < 0 && errno == EINTR)
			continue;
		patience_ms = REST_MS;
		if (n <= 0)
			return n ? -errno : -EIO;
		text = str_from(text,
				(size_t)n); /* a short write is rare: half a line would be worse than a torn one */
	}
	return 0;
}

int log_end(struct log_line *line)
{
	struct log *log = line->log;
	int result;

	if (!log)
		return 0;
	line->log = NULL; /* a field after the end is a no-op */
	line->out.size = LOG_LINE_MAX;
	if (log->format == LOG_TEXT || log->format == LOG_TEXT_TS)
		buf_text(&line->out, line->cut ? " cut=true\n" : "\n");
	else
		buf_text(&line->out, line->cut ? ",\"cut\":true}\n" : "}\n");
	result = line_write(log, (struct str){ line->text, line->out.len });
	if (result < 0) {
		log->dropped++;
		log->last_errno = -result;
	}
	return result;
}

int log_event(struct log *log, enum log_level level, const char *msg, ...)
{
	struct log_line line;
	const char *key;
	va_list args;

	log_begin(&line, log, level, msg);
	va_start(args, msg);
	while ((key = va_arg(args, const char *)))
		log_text(&line, key, va_arg(args, const char *));
	va_end(args);
	return log_end(&line);
}
