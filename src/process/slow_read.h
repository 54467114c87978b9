/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/slow_read.h: reads what may never come. The command line of a process lies in its memory, and whoever
 * reads it waits for that memory's lock: one thread in a page fault on a file server that does not answer, and one in
 * munmap(2), and the reader waits as long as the server is silent (ps hangs then, too). So a thread reads, and is left
 * behind if it takes too long.
 */
#ifndef PROCESS_SLOW_READ_H
#define PROCESS_SLOW_READ_H

#include <stddef.h>
#include <sys/types.h>

struct slow_reader;

#define SLOW_READ_BYTES_MAX 4096
#define SLOW_READ_STUCK_MAX 8 /* threads that are left behind at a time */

/* NULL: no memory. The thread begins with the first read. */
struct slow_reader *slow_reader_new(void);
/* Threads that are stuck end by themselves when their read does. NULL is allowed. */
void slow_reader_free(struct slow_reader *reader);

/*
 * Reads from `fd` (takes it) until its end or `size` bytes, at most SLOW_READ_BYTES_MAX. Returns how many;
 * -ETIMEDOUT; -EBUSY too many reads are stuck already; -errno of read or of making a thread; -ENOMEM.
 */
ssize_t slow_read(struct slow_reader *reader, int fd, char *memory, size_t size, int timeout_ms);

#endif
