/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/ask/ask_log.h: the hook's log: the file, and what the lines of one createRuntime have in common. Source of
 * keys, their order and the messages: behaviour of the original hook.
 */
#ifndef ASK_ASK_LOG_H
#define ASK_ASK_LOG_H

#include "base/log.h"
#include "ask/ask_request.h"

/*
 * Opens (makes) the log file for appending; a missing folder is made (0755). Returns the descriptor, which lasts as
 * long as the process, or -errno.
 */
int ask_log_open(const char *path, struct error *err);

/* Context of the lines of a createRuntime hook. */
struct ask_log {
	struct log *log;
	char start_time[40];                   /* UTC, RFC 3339 */
	const struct ask_container *container; /* NULL until the request is known: then the req-… keys appear */
	struct arena *arena;                   /* for req-annotations, at debug level only */
	int64_t begin_ns;                      /* CLOCK_MONOTONIC: what `duration` counts from */
};

void ask_log_init(struct ask_log *ask_log, struct log *log, int64_t unix_ns, int64_t begin_ns, struct arena *arena);

/* Begins a line with the context's keys; the caller adds its own and ends it. */
void ask_log_begin(struct ask_log *ask_log, struct log_line *line, enum log_level level, const char *msg);

/* The last key of a line about an outcome: "duration", the seconds since begin_ns, as 0.000345. */
void ask_log_duration(const struct ask_log *ask_log, struct log_line *line);

/* Adds all annotations as an object with sorted keys; nothing if they do not fit a line. */
void ask_log_annotations(struct ask_log *ask_log, struct log_line *line, const char *key, const struct spec *spec);

#endif
