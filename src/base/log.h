/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/log.h: structured log lines. A line is built in the caller's memory and goes out in one write(2), so lines
 * of several processes on one O_APPEND file never tear. Values are escaped: no value can forge a line or a key.
 *   LOG_JSON        {"time":"2026-01-02T03:04:05.678901234Z","level":"INFO","msg":"...","key":"value",...}
 *   LOG_JSON_LOWER  {"level":"info","msg":"...",...}, LOG_JSON_TS the same with "time" in seconds first
 *   LOG_TEXT        level=info msg="..." key=value, LOG_TEXT_TS the same with time=... first; what is not plain is
 *                  quoted
 * Levels between two names are the lower one and the distance ("INFO+2"); trace is "debug-4", as the agent writes it.
 * Sources: the hook's log format (JSON, upper case), the agent's --log-format.
 * Library code returns errors; only programs log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct error;

#define LOG_LINE_MAX 16384 /* bytes of one line; longer lines lose fields, and end in "cut":true */
#define LOG_VALUE_MAX 1024 /* bytes of one value before escaping; cut values end in "…" and are followed by nothing */

enum log_level { LOG_TRACE = -8, LOG_DEBUG = -4, LOG_INFO = 0, LOG_WARN = 4, LOG_ERROR = 8 };
enum log_format {
	LOG_JSON,
	LOG_TEXT,
	LOG_JSON_LOWER /* agent: lower-case levels, time optional */,
	LOG_TEXT_TS,
	LOG_JSON_TS
};

struct log {
	int fd;               /* borrowed; -1: no lines are built, none are counted */
	enum log_level level; /* lines below it are not built */
	enum log_format format;
	bool never_waits; /* a line for which there is no room now is lost: log_output_never_waits */
	uint64_t dropped; /* lines that could not be written */
	int last_errno;   /* of the last failed write, 0 = none */
};

/*
 * Parses trace, debug, info, warn(ing), error, fatal, panic (both as error) in any letter case, with an offset within
 * ±1000 ("info+2"). Returns 0; -EINVAL leaves *ret_level alone.
 */
int log_level_parse(struct str text, enum log_level *ret_level);

/*
 * For a program that must not stand still when nobody reads its log: lines that a pipe, socket or terminal does not
 * take are lost and counted. A pipe is opened anew, so that others who write to it are not affected. Files are left as
 * they are. log->fd may be another one afterwards, which stays open.
 */
void log_output_never_waits(struct log *log);

/* One line in the making: caller's stack. */
struct log_line {
	struct log *log; /* NULL: below the level, every call is a no-op */
	struct buf out;
	bool cut;
	char text[LOG_LINE_MAX];
};

/* Starts a line; time is CLOCK_REALTIME now, UTC. */
void log_begin(struct log_line *line, struct log *log, enum log_level level, const char *msg);
void log_text(struct log_line *line, const char *key, const char *value); /* NULL value: "" */
void log_str(struct log_line *line, const char *key, struct str value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_bool(struct log_line *line, const char *key, bool value);
void log_raw(struct log_line *line, const char *key, struct str json); /* `json` is valid JSON of ours */
/* Ends the line and writes it. Returns 0 or -errno of the write (also counted in log->dropped). */
int log_end(struct log_line *line);

/* Shorthand: a line with up to `pairs` key, value texts: LOG_KV("key", value, "key2", value2), NULL ends. */
int log_event(struct log *log, enum log_level level, const char *msg,
	      ... /* const char *key, const char *value …, NULL */) __attribute__((sentinel));

#endif
