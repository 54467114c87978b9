/* SPDX-License-Identifier: Apache-2.0 */
#include "event/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define PIECE_BYTES 4096 /* PIPE_BUF: a pipe that polls as writable takes that much without waiting */

struct file_sink {
	struct event_sink sink;
	struct file_sink_options options;
	struct file_sink_stats stats;
	int fd;
	bool waits; /* a write may block: pipe, terminal, socket */
	bool in_trouble;
	char *buffer; /* `waiting` bytes, perhaps from the middle of a line on */
};

static void send_line(void *context, struct event *event)
{
	struct file_sink *sink = context;
	struct str line = event_json(event);

	if (!line.len)
		return; /* counted by the pipeline */
	if (line.len >= sink->options.buffer_bytes - sink->stats.waiting)
		(void)file_sink_flush(sink); /* told and counted there */
	if (line.len >= sink->options.buffer_bytes - sink->stats.waiting) {
		sink->stats.dropped++;
		return;
	}
	memcpy(sink->buffer + sink->stats.waiting, line.p, line.len);
	sink->buffer[sink->stats.waiting + line.len] = '\n';
	sink->stats.waiting += line.len + 1;
}

static int output_open(const char *filename, struct error *err)
{
	/* O_NONBLOCK: a FIFO without a reader is an error now instead of an agent that hangs */
	int fd = open(filename, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the file for events: %s", filename);
	return fd;
}

int file_sink_new(const struct file_sink_options *options, struct file_sink **ret_sink, struct error *err)
{
	struct file_sink *sink = calloc(1, sizeof *sink);
	struct stat st;
	int r;

	if (!sink)
		return error_set(err, ENOMEM, "cannot open the file for events: out of memory");
	sink->options = *options;
	sink->fd = -1;
	if (!sink->options.buffer_bytes)
		sink->options.buffer_bytes = 1 << 20;
	sink->sink = (struct event_sink){ .send = send_line, .context = sink };
	sink->buffer = malloc(sink->options.buffer_bytes);
	if (!sink->buffer) {
		r = error_set(err, ENOMEM, "cannot open the file for events: out of memory");
		goto fail;
	}
	if (!strcmp(options->filename, "-")) {
		sink->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		r = sink->fd < 0 ? error_errno(err, errno, "cannot write events to standard output") : 0;
	} else {
		r = sink->fd = output_open(options->filename, err);
	}
	if (r < 0)
		goto fail;
	sink->waits = fstat(sink->fd, &st) || !S_ISREG(st.st_mode);
	*ret_sink = sink;
	return 0;
fail:
	file_sink_free(sink);
	return r;
}

void file_sink_free(struct file_sink *sink)
{
	if (!sink)
		return;
	if (sink->fd >= 0) {
		(void)file_sink_flush(sink); /* told and counted there */
		(void)close(sink->fd);       /* nothing that could be done about it */
	}
	free(sink->buffer);
	free(sink);
}

struct event_sink *file_sink_event_sink(struct file_sink *sink)
{
	return &sink->sink;
}

static void trouble(struct file_sink *sink, int code)
{
	bool was = sink->in_trouble;

	sink->in_trouble = code;
	if (code)
		sink->stats.write_errors++;
	if (was != sink->in_trouble && sink->options.trouble)
		sink->options.trouble(sink->options.context, code);
}

static void written(struct file_sink *sink, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sink->stats.lines += sink->buffer[i] == '\n';
	sink->stats.bytes += n;
	sink->stats.waiting -= n;
	memmove(sink->buffer, sink->buffer + n, sink->stats.waiting);
}

int file_sink_flush(struct file_sink *sink)
{
	while (sink->stats.waiting) {
		struct pollfd ready = { .fd = sink->fd, .events = POLLOUT };
		size_t want = sink->stats.waiting;
		ssize_t n;

		if (sink->waits) {
			if (poll(&ready, 1, 0) <= 0)
				return 0; /* nobody reads: later */
			want = want > PIECE_BYTES ? PIECE_BYTES : want;
		}
		n = write(sink->fd, sink->buffer, want);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			int code = n ? errno : EIO;

			trouble(sink, code);
			return -code;
		}
		written(sink, (size_t)n);
		trouble(sink, 0);
	}
	return 0;
}

void file_sink_stats(const struct file_sink *sink, struct file_sink_stats *ret_stats)
{
	*ret_stats = sink->stats;
}
