/* SPDX-License-Identifier: Apache-2.0 */
#include "event/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define PIECE_BYTES 4096 /* PIPE_BUF: a pipe that polls as writable takes that much without waiting */
#define AGAIN_MS 200     /* between tries while writing fails */
#define GATHER_MS 20     /* for more lines to come, so that one wake-up serves them all */
#define LEAVE_MS 100     /* for the thread to leave a wait when it is told to give up, or to be freed */

/* Lines, perhaps from the middle of one on. */
struct lines {
	char *text;
	size_t len;
};

struct file_sink {
	struct event_sink sink;
	struct file_sink_options options;
	int fd;
	bool waits;    /* a write may block for want of a reader: pipe, terminal, socket */
	int code_told; /* the caller's: what `trouble` was told last */
	bool has_thread, is_ended;
	pthread_t thread;
	int give_up_fd; /* eventfd: wakes the thread from its wait for a reader */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;  /* for the thread: lines, or the end */
	pthread_cond_t rest;  /* for the caller: a buffer was written, or could not be, or the thread has ended */
	struct lines filling, writing; /* the latter's text is the thread's own while it is `busy` */
	size_t written;                /* bytes of `writing` that are out */
	bool idle;                     /* the thread waits for the first line */
	bool hurry;                    /* somebody waits for it, or the buffer is half full */
	bool busy, stops, gives_up, is_over;
	int code; /* of the last write: 0 or errno */
	struct file_sink_stats stats;
};

static size_t count_lines(const char *text, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

static struct timespec after_ms(int ms)
{
	int64_t at = clock_now_ns(CLOCK_MONOTONIC) + ms * (NS_PER_S / 1000);

	return (struct timespec){ .tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S };
}

/* --- the thread --- */

/* False: it is told to give up. */
static bool reader_wait(struct file_sink *sink)
{
	struct pollfd ready[] = { { .fd = sink->fd, .events = POLLOUT }, { .fd = sink->give_up_fd, .events = POLLIN } };

	(void)poll(ready, 2, -1); /* a signal: the write will tell */
	return !ready[1].revents;
}

/* With the lock held before and after. One write; false: that was the end. */
static bool write_some(struct file_sink *sink)
{
	const char *text = sink->writing.text + sink->written;
	size_t want = sink->writing.len - sink->written;
	bool goes_on = true, was_last;
	struct timespec again;
	ssize_t n = -1;
	int code = 0;

	(void)pthread_mutex_unlock(&sink->lock);
	if (sink->waits) {
		goes_on = reader_wait(sink);
		want = want > PIECE_BYTES ? PIECE_BYTES : want;
	}
	if (goes_on) {
		n = write(sink->fd, text, want);
		code = n > 0 ? 0 : n ? errno : EIO;
	}
	(void)pthread_mutex_lock(&sink->lock);
	if (!goes_on || code == EAGAIN || code == EINTR)
		return goes_on && !sink->gives_up;
	sink->code = code;
	if (!code) {
		sink->stats.lines += count_lines(text, (size_t)n);
		sink->stats.bytes += (size_t)n;
		sink->written += (size_t)n;
		return !sink->gives_up;
	}
	sink->stats.write_errors++;
	(void)pthread_cond_broadcast(&sink->rest);
	was_last = sink->stops;
	again = after_ms(AGAIN_MS);
	while (!sink->stops && pthread_cond_timedwait(&sink->work, &sink->lock, &again) == 0)
		;         /* woken for new lines */
	return !was_last; /* at the end there is one more try */
}

/* With the lock held: until there are lines, and a moment longer. */
static void lines_wait(struct file_sink *sink)
{
	struct timespec end;

	sink->idle = true;
	while (!sink->filling.len && !sink->stops)
		(void)pthread_cond_wait(&sink->work, &sink->lock);
	sink->idle = false;
	end = after_ms(GATHER_MS);
	while (!sink->hurry && !sink->stops && pthread_cond_timedwait(&sink->work, &sink->lock, &end) == 0)
		;
	sink->hurry = false;
}

static void *write_lines(void *context)
{
	struct file_sink *sink = context;
	bool goes_on = true;

	(void)pthread_mutex_lock(&sink->lock);
	while (goes_on) {
		lines_wait(sink);
		if (!sink->filling.len)
			break;
		struct lines empty = { .text = sink->writing.text };

		sink->writing = sink->filling;
		sink->filling = empty;
		sink->written = 0;
		sink->busy = true;
		while (goes_on && sink->written < sink->writing.len)
			goes_on = write_some(sink);
		sink->busy = false;
		(void)pthread_cond_broadcast(&sink->rest);
	}
	sink->is_over = true;
	(void)pthread_cond_broadcast(&sink->rest);
	(void)pthread_mutex_unlock(&sink->lock);
	return NULL;
}

/* Signals are the program's. */
static int thread_start(struct file_sink *sink)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&sink->thread, NULL, write_lines, sink);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	sink->has_thread = !r;
	return -r;
}

/* --- life --- */

static void send_line(void *context, struct event *event)
{
	struct file_sink *sink = context;
	struct str line = event_json(event);
	struct lines *filling = &sink->filling;

	if (!line.len)
		return; /* counted by the pipeline */
	(void)pthread_mutex_lock(&sink->lock);
	if (sink->is_ended || line.len >= sink->options.buffer_bytes - filling->len) {
		sink->stats.dropped++;
	} else {
		memcpy(filling->text + filling->len, line.p, line.len);
		filling->text[filling->len + line.len] = '\n';
		filling->len += line.len + 1;
		if (filling->len > sink->options.buffer_bytes / 2 && !sink->hurry) {
			sink->hurry = true;
			(void)pthread_cond_signal(&sink->work);
		}
	}
	(void)pthread_mutex_unlock(&sink->lock);
}

static int output_open(const char *filename, struct error *err)
{
	/* O_NONBLOCK: a FIFO without a reader is an error now instead of an agent that hangs */
	int fd = open(filename, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the file for events: %s", filename);
	return fd;
}

static void locks_init(struct file_sink *sink)
{
	pthread_condattr_t monotonic;

	(void)pthread_mutex_init(&sink->lock, NULL); /* none of these fails on Linux */
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&sink->work, &monotonic);
	(void)pthread_cond_init(&sink->rest, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

int file_sink_new(const struct file_sink_options *options, struct file_sink **ret_sink, struct error *err)
{
	struct file_sink *sink = calloc(1, sizeof *sink);
	struct stat st;
	int r;

	if (!sink)
		return error_set(err, ENOMEM, "cannot open the file for events: out of memory");
	sink->options = *options;
	sink->fd = sink->give_up_fd = -1;
	if (!sink->options.buffer_bytes)
		sink->options.buffer_bytes = 1 << 20;
	sink->sink = (struct event_sink){ .send = send_line, .context = sink };
	locks_init(sink);
	sink->filling.text = malloc(sink->options.buffer_bytes);
	sink->writing.text = malloc(sink->options.buffer_bytes);
	if (!sink->filling.text || !sink->writing.text) {
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
	sink->give_up_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = sink->give_up_fd < 0 ? -errno : thread_start(sink);
	if (r < 0) {
		(void)error_errno(err, -r, "cannot start the writer of events");
		goto fail;
	}
	*ret_sink = sink;
	return 0;
fail:
	file_sink_free(sink);
	return r;
}

void file_sink_free(struct file_sink *sink)
{
	bool is_stuck;

	if (!sink)
		return;
	(void)file_sink_end(sink, LEAVE_MS); /* counted there */
	(void)pthread_mutex_lock(&sink->lock);
	is_stuck = sink->has_thread && !sink->is_over;
	(void)pthread_mutex_unlock(&sink->lock);
	if (is_stuck) {
		(void)pthread_detach(sink->thread); /* all of it stays with the thread */
		return;
	}
	if (sink->has_thread)
		(void)pthread_join(sink->thread, NULL); /* it has nothing left to do */
	if (sink->fd >= 0)
		(void)close(sink->fd); /* nothing that could be done about it */
	if (sink->give_up_fd >= 0)
		(void)close(sink->give_up_fd);
	(void)pthread_cond_destroy(&sink->work);
	(void)pthread_cond_destroy(&sink->rest);
	(void)pthread_mutex_destroy(&sink->lock);
	free(sink->filling.text);
	free(sink->writing.text);
	free(sink);
}

struct event_sink *file_sink_event_sink(struct file_sink *sink)
{
	return &sink->sink;
}

void file_sink_flush(struct file_sink *sink)
{
	int code;

	(void)pthread_mutex_lock(&sink->lock);
	code = sink->code;
	if (sink->filling.len && sink->idle)
		(void)pthread_cond_signal(&sink->work);
	(void)pthread_mutex_unlock(&sink->lock);
	if (!code != !sink->code_told && sink->options.trouble)
		sink->options.trouble(sink->options.context, code);
	sink->code_told = code;
}

/* With the lock held: until nothing waits, writing fails (a try that began after this call), or `end`. */
static int rest_wait(struct file_sink *sink, const struct timespec *end)
{
	uint64_t errors = sink->stats.write_errors;
	int r = 0;

	sink->hurry = true;
	(void)pthread_cond_signal(&sink->work);
	while (!r && (sink->filling.len || sink->busy) && !sink->is_over) {
		r = -pthread_cond_timedwait(&sink->rest, &sink->lock, end);
		if (!r && sink->stats.write_errors != errors)
			r = -sink->code;
	}
	return r;
}

int file_sink_drain(struct file_sink *sink, int timeout_ms)
{
	struct timespec end = after_ms(timeout_ms);
	int r;

	(void)pthread_mutex_lock(&sink->lock);
	r = rest_wait(sink, &end);
	(void)pthread_mutex_unlock(&sink->lock);
	file_sink_flush(sink);
	return r;
}

/* With the lock held: the thread has LEAVE_MS to leave its wait. */
static void give_up(struct file_sink *sink)
{
	struct timespec end = after_ms(LEAVE_MS);
	uint64_t one = 1;

	sink->gives_up = true;
	(void)!write(sink->give_up_fd, &one, sizeof one); /* cannot fail: nobody else writes */
	(void)pthread_cond_signal(&sink->work);
	while (!sink->is_over && pthread_cond_timedwait(&sink->rest, &sink->lock, &end) == 0)
		;
}

int file_sink_end(struct file_sink *sink, int timeout_ms)
{
	struct timespec end = after_ms(timeout_ms);
	size_t lost;
	int r = 0;

	if (sink->is_ended || !sink->has_thread)
		return 0;
	(void)pthread_mutex_lock(&sink->lock);
	sink->is_ended = true;
	sink->stops = true;
	r = rest_wait(sink, &end);
	if (!sink->is_over)
		give_up(sink);
	/* what it writes does not change: to be read here even if it is stuck */
	lost = count_lines(sink->writing.text + sink->written, sink->writing.len - sink->written) +
	       count_lines(sink->filling.text, sink->filling.len);
	sink->stats.dropped += lost;
	if (!r && lost)
		r = -(sink->code ? sink->code : ETIMEDOUT);
	(void)pthread_mutex_unlock(&sink->lock);
	return r;
}

void file_sink_stats(struct file_sink *sink, struct file_sink_stats *ret_stats)
{
	(void)pthread_mutex_lock(&sink->lock);
	*ret_stats = sink->stats;
	ret_stats->waiting = sink->filling.len + (sink->writing.len - sink->written);
	(void)pthread_mutex_unlock(&sink->lock);
}
