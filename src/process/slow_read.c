/* SPDX-License-Identifier: Apache-2.0 */
#include "process/slow_read.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum stage { NO_READ, READS, HAS_READ };

/* A thread and its read. Whoever is the last to need it frees it: the caller, or the thread when it was left behind. */
struct worker {
	struct slow_reader *reader;
	enum stage stage;
	bool is_left; /* nobody waits for it any more */
	int fd;
	size_t size;
	ssize_t result;
	char bytes[SLOW_READ_BYTES_MAX];
};

struct slow_reader {
	pthread_mutex_t lock; /* of all, but for what a worker in stage READS reads into */
	pthread_cond_t changed;
	struct worker *worker; /* the one at hand, or NULL */
	int stuck;
	bool is_freed;
};

static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, bytes + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

/* With the lock held, which it gives back. */
static void reader_drop(struct slow_reader *reader)
{
	bool is_last = reader->is_freed && !reader->worker && !reader->stuck;

	(void)pthread_mutex_unlock(&reader->lock);
	if (!is_last)
		return;
	(void)pthread_cond_destroy(&reader->changed);
	(void)pthread_mutex_destroy(&reader->lock);
	free(reader);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct slow_reader *reader = worker->reader;
	ssize_t result;

	(void)pthread_mutex_lock(&reader->lock);
	while (!worker->is_left) {
		if (worker->stage != READS) {
			(void)pthread_cond_wait(&reader->changed, &reader->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&reader->lock);
		result = read_all(worker->fd, worker->bytes, worker->size);
		(void)close(take_fd(&worker->fd)); /* only read */
		(void)pthread_mutex_lock(&reader->lock);
		worker->result = result;
		worker->stage = HAS_READ;
		(void)pthread_cond_broadcast(&reader->changed);
	}
	reader->stuck--; /* as it was counted when it was left */
	if (worker->fd >= 0)
		(void)close(worker->fd); /* left before it had begun */
	free(worker);
	reader_drop(reader);
	return NULL;
}

struct slow_reader *slow_reader_new(void)
{
	struct slow_reader *reader = calloc(1, sizeof *reader);
	pthread_condattr_t monotonic;

	if (!reader)
		return NULL;
	(void)pthread_mutex_init(&reader->lock, NULL); /* none of these fails on Linux */
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&reader->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return reader;
}

void slow_reader_free(struct slow_reader *reader)
{
	if (!reader)
		return;
	(void)pthread_mutex_lock(&reader->lock);
	reader->is_freed = true;
	if (reader->worker) { /* it waits for work: it is not stuck, but counts as such until it has gone */
		reader->worker->is_left = true;
		reader->stuck++;
		reader->worker = NULL;
		(void)pthread_cond_broadcast(&reader->changed);
	}
	reader_drop(reader);
}

/* With the lock held: makes the thread. Signals are the program's. */
static int worker_start(struct slow_reader *reader)
{
	struct worker *worker = calloc(1, sizeof *worker);
	sigset_t all, before;
	pthread_t thread;
	int r;

	if (!worker)
		return -ENOMEM;
	worker->reader = reader;
	worker->fd = -1;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, work, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free(worker);
		return -r;
	}
	(void)pthread_detach(thread); /* it is ours */
	reader->worker = worker;
	return 0;
}

/* With the lock held, and a worker at hand. */
static ssize_t worker_read(struct slow_reader *reader, char *memory, const struct timespec *end)
{
	struct worker *worker = reader->worker;

	worker->stage = READS;
	(void)pthread_cond_broadcast(&reader->changed);
	while (worker->stage == READS) {
		if (pthread_cond_timedwait(&reader->changed, &reader->lock, end) == 0 || worker->stage != READS)
			continue;
		worker->is_left = true;
		reader->worker = NULL;
		reader->stuck++;
		return -ETIMEDOUT;
	}
	worker->stage = NO_READ;
	if (worker->result > 0)
		memcpy(memory, worker->bytes, (size_t)worker->result);
	return worker->result;
}

ssize_t slow_read(struct slow_reader *reader, int fd, char *memory, size_t size, int timeout_ms)
{
	int64_t end_ns = clock_now_ns(CLOCK_MONOTONIC) + timeout_ms * (NS_PER_S / 1000);
	const struct timespec end = { .tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S };
	auto_close int own_fd = fd;
	ssize_t r = 0;

	(void)pthread_mutex_lock(&reader->lock);
	if (!reader->worker)
		r = reader->stuck >= SLOW_READ_STUCK_MAX ? -EBUSY : worker_start(reader);
	if (r >= 0) {
		reader->worker->fd = take_fd(&own_fd);
		reader->worker->size = size < SLOW_READ_BYTES_MAX ? size : SLOW_READ_BYTES_MAX;
		r = worker_read(reader, memory, &end);
	}
	(void)pthread_mutex_unlock(&reader->lock);
	return r;
}
