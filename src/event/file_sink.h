/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/file_sink.h: events as JSON lines to a file, mode 0600, O_APPEND, or to standard output. Lines gather in a
 * buffer and a thread of the sink's own writes them, many with one write(2): a disk that hangs, one that is full, or a
 * pipe that nobody reads costs events (counted), never the caller's time. The program ignores SIGPIPE. A write that
 * fails in the middle of a line is completed later: lines never tear. All calls come from one thread, as does
 * `trouble`.
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
	size_t buffer_bytes;  /* of each of two buffers: one gathers lines, one is being written; 0: 1 MiB */
	/* Told by file_sink_flush that writing fails (code > 0: errno) or works again (code 0), once each. May be NULL.
	 */
	void (*trouble)(void *context, int code);
	void *context;
};

struct file_sink_stats {
	uint64_t lines, bytes; /* written */
	uint64_t dropped;      /* events lost: the buffer was full, a line larger than it, not written at the end */
	uint64_t write_errors; /* failed writes */
	size_t waiting;        /* bytes in both buffers */
};

/* -EISDIR; -ENXIO a FIFO without a reader; -errno of open and of making the thread; -ENOMEM. */
int file_sink_new(const struct file_sink_options *options, struct file_sink **ret_sink, struct error *err);
/*
 * Frees it; file_sink_end with a moment of patience if that was not called. If the thread is stuck in a write that does
 * not return, its memory stays with it until the process ends. NULL is allowed.
 */
void file_sink_free(struct file_sink *sink);

/* The sink to link into a pipeline; lives as long as the file sink. */
struct event_sink *file_sink_event_sink(struct file_sink *sink);

/* Wakes the thread if lines wait, and tells of trouble. Call after each batch of records, and now and then. */
void file_sink_flush(struct file_sink *sink);
/* The same, and waits until all is written: 0; -errno writing fails; -ETIMEDOUT. */
int file_sink_drain(struct file_sink *sink, int timeout_ms);
/* No more events: writes what waits within the time, the rest counts as dropped. Returns as file_sink_drain. */
int file_sink_end(struct file_sink *sink, int timeout_ms);

void file_sink_stats(struct file_sink *sink, struct file_sink_stats *ret_stats);

#endif
