/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/file_sink.h: events as JSON lines to a file, mode 0600, O_APPEND, or to standard output. Lines gather in
 * memory and go out with file_sink_flush, one write(2) a batch. A disk that fails or a pipe that nobody reads costs
 * events (counted), never the loop's time: what cannot block is written at once, pipes and terminals in pieces that
 * they take without waiting. The program ignores SIGPIPE. A line is written whole or, if the write fails in its middle,
 * completed by the next flush: lines never tear.
 */
#ifndef EVENT_FILE_SINK_H
#define EVENT_FILE_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "event/pipeline.h"

struct error;
struct file_sink;

struct file_sink_options {
	const char *filename; /* "-": standard output */
	size_t buffer_bytes;  /* lines that wait at most; 0: 1 MiB */
	/* Told when writing begins to fail (code > 0: errno) and when it works again (code 0), once each. May be NULL.
	 */
	void (*trouble)(void *context, int code);
	void *context;
};

struct file_sink_stats {
	uint64_t lines, bytes; /* written */
	uint64_t dropped;      /* events lost because the buffer was full, or single lines larger than it */
	uint64_t write_errors; /* failed writes */
	size_t waiting;        /* bytes in the buffer */
};

/* -EISDIR; -errno of open; -ENOMEM. */
int file_sink_new(const struct file_sink_options *options, struct file_sink **ret_sink, struct error *err);
/* Flushes what goes without waiting, closes. */
void file_sink_free(struct file_sink *sink);

/* The sink to link into a pipeline; lives as long as the file sink. */
struct event_sink *file_sink_event_sink(struct file_sink *sink);

/* Writes what waits. Call after each batch of records and from a timer while `waiting` > 0. 0, or -errno (also told).
 */
int file_sink_flush(struct file_sink *sink);

void file_sink_stats(const struct file_sink *sink, struct file_sink_stats *ret_stats);

#endif
