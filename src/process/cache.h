/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/process/cache.h: the processes of the host, fed by the kernel's exec, fork and exit records and by one scan of
 * /proc. An entry is one program image: exec makes a new one, whose parent (after an exec without fork) is the previous
 * image of the same pid. Entries are counted references: whoever holds one may read it for as long as it likes. Their
 * content does not change, but for `parent`, `exited`, `cgroup` and `container`. One thread.
 *
 * Bounded by number and bytes: forks share the texts of their parent; what has exited is kept for a grace time, then
 * only as a parent of what lives; over a limit the least recently used go first, living ones included (counted), and
 * the later events of such a process carry a stand-in with PROCESS_UNKNOWN.
 */
#ifndef PROCESS_CACHE_H
#define PROCESS_CACHE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "process/flags.h"

struct process_cache;

/* The texts of a program image, shared by its forks. NUL-terminated, as the kernel gave them (not always UTF-8). */
struct process_image {
	uint32_t refs;
	uint32_t bytes;        /* allocated */
	const char *binary;    /* absolute where cwd is known */
	const char *arguments; /* argv[1..] joined */
	const char *cwd;
};

struct process {
	uint32_t refs;
	uint32_t flags;           /* enum process_flag */
	uint32_t pid;             /* thread group, initial pid namespace */
	uint32_t ppid;            /* 0: none */
	uint32_t nspid;           /* in the innermost pid namespace; 0: not known */
	uint64_t ktime_ns;        /* CLOCK_BOOTTIME of exec, fork, or start (scan): with pid the key */
	uint64_t parent_ktime_ns; /* of the parent's image; 0: not known */
	uint32_t parent_pid;      /* of the parent's image: after exec without fork the own pid */
	bool exited;
	uint64_t cgroup;             /* id of the task's cgroup when last seen */
	uint64_t container;          /* cgroup id of the registered container; 0: none */
	struct process *parent;      /* reference; NULL: not known (any more) */
	struct process_image *image; /* never NULL */
	struct abi_creds creds;
	__u32 ns[ABI_NS_COUNT];
	/* the cache's own */
	struct process *hash_next, *newer, *older;
	uint64_t exit_ns;
	bool indexed;
	struct process_cache *cache;
};

struct process_cache_options {
	size_t limit;       /* entries; 0: 65536 */
	size_t limit_bytes; /* of entries and texts; 0: 32 MiB */
	uint64_t grace_ns;  /* exited ones stay that long; 0: 10 s */
};

struct process_cache_stats {
	uint64_t entries, bytes; /* now, references included */
	uint64_t evicted;        /* living processes dropped because of a limit */
	uint64_t misses;         /* lookups of a pid that is not known */
	uint64_t refused;        /* records that made no entry: no memory, or a single one over the limit */
};

/* NULL: no memory. `options` may be NULL. Holds the kernel's entry (pid 0, "<kernel>") from the start. */
struct process_cache *process_cache_new(const struct process_cache_options *options);
/* No reference may be held any more. */
void process_cache_free(struct process_cache *cache);

/*
 * Each takes a valid record (event/record.h) and returns the entry that it is about, borrowed until the next call with
 * this cache (process_ref keeps it), or NULL: none (exit of an unknown process; counted refusal). exec   the new image
 *   fork   the child; NULL for a mere thread
 *   exit   the process, with exited set; its parent is still there until the next call
 */
struct process *process_cache_exec(struct process_cache *cache, const struct abi_exec *record);
struct process *process_cache_fork(struct process_cache *cache, const struct abi_fork *record);
struct process *process_cache_exit(struct process_cache *cache, const struct abi_exit *record);

/* What a scan of /proc found (process/proc_scan.h). An entry that is there already wins: then NULL. */
struct process_found {
	uint32_t pid, ppid, nspid;
	uint32_t flags; /* besides PROCESS_PROCFS */
	uint64_t ktime_ns;
	const char *binary, *arguments, *cwd;
	struct abi_creds creds;
	uint64_t cgroup, container;
};
struct process *process_cache_found(struct process_cache *cache, const struct process_found *found);
/* The living entry of `pid`, which turns out to be in `container`; NULL: not known. Borrowed. */
struct process *process_cache_place(struct process_cache *cache, uint32_t pid, uint64_t container);

/* The current image of `pid` (or what has exited within the grace time); NULL: not known, counted as a miss. Borrowed.
 */
struct process *process_cache_get(struct process_cache *cache, uint32_t pid);

/* True if a process of `container` is known to live. Walks all entries. */
bool process_cache_lives_in(const struct process_cache *cache, uint64_t container);

/* Drops what exited more than grace_ns before now_ns (CLOCK_BOOTTIME). Call now and then. Returns how many. */
size_t process_cache_expire(struct process_cache *cache, uint64_t now_ns);

void process_cache_stats(const struct process_cache *cache, struct process_cache_stats *ret_stats);

struct process *process_ref(struct process *process);
void process_unref(struct process *process); /* NULL: nothing */

#endif
