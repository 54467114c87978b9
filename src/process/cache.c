/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "process/arguments.h"
#include "process/path.h"

struct list {
	struct process *oldest, *newest;
};

struct process_cache {
	struct process **bucket;
	size_t mask;
	struct list live;       /* least recently used first */
	struct list exited;     /* first to exit first */
	struct process *kernel; /* pid 0; in no list */
	struct process_cache_options options;
	struct process_cache_stats stats;
};

#define FLAGS_OF_IMAGE                                                                                       \
	(PROCESS_ARGS_CUT | PROCESS_PATH_ERROR | PROCESS_ARGS_ERROR | PROCESS_ROOT_CWD | PROCESS_CWD_ERROR | \
	 PROCESS_CWD_CUT)

/* --- images --- */

static struct process_image *image_new(struct process_cache *cache, const char *binary, const char *arguments,
				       const char *cwd)
{
	size_t binary_size = strlen(binary) + 1, arguments_size = strlen(arguments) + 1, cwd_size = strlen(cwd) + 1;
	size_t bytes = sizeof(struct process_image) + binary_size + arguments_size + cwd_size;
	struct process_image *image = bytes < UINT32_MAX ? malloc(bytes) : NULL;
	char *at;

	if (!image)
		return NULL;
	at = (char *)(image + 1);
	*image = (struct process_image){
		.refs = 1,
		.bytes = (uint32_t)bytes,
		.binary = memcpy(at, binary, binary_size),
		.arguments = memcpy(at + binary_size, arguments, arguments_size),
		.cwd = memcpy(at + binary_size + arguments_size, cwd, cwd_size),
	};
	cache->stats.bytes += bytes;
	return image;
}

static void image_unref(struct process_cache *cache, struct process_image *image)
{
	if (!image || --image->refs)
		return;
	cache->stats.bytes -= image->bytes;
	free(image);
}

/* --- entries --- */

/* Takes the reference on `image`, also when it fails. The caller gets the index's reference. */
static struct process *process_new(struct process_cache *cache, struct process_image *image, uint32_t pid,
				   uint64_t ktime_ns)
{
	struct process *process = image ? calloc(1, sizeof *process) : NULL;

	if (!process) {
		image_unref(cache, image);
		cache->stats.refused++;
		return NULL;
	}
	process->refs = 1;
	process->pid = pid;
	process->ktime_ns = ktime_ns;
	process->image = image;
	process->cache = cache;
	cache->stats.bytes += sizeof *process;
	cache->stats.entries++;
	return process;
}

struct process *process_ref(struct process *process)
{
	process->refs++;
	return process;
}

void process_unref(struct process *process)
{
	while (process && !--process->refs) {
		struct process_cache *cache = process->cache;
		struct process *parent = process->parent;

		image_unref(cache, process->image);
		cache->stats.bytes -= sizeof *process;
		cache->stats.entries--;
		free(process);
		process = parent; /* a loop: chains must not use up the stack */
	}
}

static void parent_set(struct process *process, struct process *parent, uint32_t ppid)
{
	process->parent_pid = parent ? parent->pid : ppid;
	process->parent_ktime_ns = parent ? parent->ktime_ns : 0;
	process->parent = parent ? process_ref(parent) : NULL;
}

/* --- index --- */

static struct process **slot(const struct process_cache *cache, uint32_t pid)
{
	return &cache->bucket[(pid * UINT32_C(0x9e3779b1) >> 7) & cache->mask];
}

static struct process *find(const struct process_cache *cache, uint32_t pid)
{
	struct process *process = *slot(cache, pid);

	while (process && process->pid != pid)
		process = process->hash_next;
	return process;
}

static struct list *list_of(struct process_cache *cache, const struct process *process)
{
	return process->exited ? &cache->exited : &cache->live;
}

static void list_append(struct process_cache *cache, struct process *process)
{
	struct list *list = list_of(cache, process);

	process->older = list->newest;
	process->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = process;
	list->newest = process;
}

static void list_remove(struct process_cache *cache, struct process *process)
{
	struct list *list = list_of(cache, process);

	*(process->older ? &process->older->newer : &list->oldest) = process->newer;
	*(process->newer ? &process->newer->older : &list->newest) = process->older;
}

/*
 * Gives the index's reference back. What is not current any more is only of use as somebody's parent, for which its own
 * fields suffice: letting go of its parent keeps a program that calls exec in a loop from growing a chain.
 */
static void unindex(struct process_cache *cache, struct process *process)
{
	struct process **at = slot(cache, process->pid);
	struct process *parent = process->parent;

	while (*at != process)
		at = &(*at)->hash_next;
	*at = process->hash_next;
	list_remove(cache, process);
	process->indexed = false;
	process->parent = NULL;
	process_unref(parent);
	process_unref(process);
}

static bool over_limit(const struct process_cache *cache)
{
	return cache->stats.entries > cache->options.limit || cache->stats.bytes > cache->options.limit_bytes;
}

/* Makes `process` the current image of its pid and drops others if there are too many. NULL if it must go itself. */
static struct process *enter(struct process_cache *cache, struct process *process)
{
	struct process *old = find(cache, process->pid);
	struct process **at;

	if (old)
		unindex(cache, old);
	at = slot(cache, process->pid);
	process->hash_next = *at;
	*at = process;
	process->indexed = true;
	list_append(cache, process);
	while (over_limit(cache)) {
		struct process *victim = cache->exited.oldest ? cache->exited.oldest : cache->live.oldest;

		if (victim == process) {
			cache->stats.refused++;
			unindex(cache, process);
			return NULL;
		}
		if (!victim->exited)
			cache->stats.evicted++;
		unindex(cache, victim);
	}
	return process;
}

/* --- life --- */

struct process_cache *process_cache_new(const struct process_cache_options *options)
{
	struct process_cache *cache = calloc(1, sizeof *cache);
	size_t buckets = 64;

	if (!cache)
		return NULL;
	if (options)
		cache->options = *options;
	if (!cache->options.limit)
		cache->options.limit = 65536;
	if (!cache->options.limit_bytes)
		cache->options.limit_bytes = 32 << 20;
	if (!cache->options.grace_ns)
		cache->options.grace_ns = UINT64_C(10000000000);
	while (buckets < cache->options.limit / 4)
		buckets *= 2;
	cache->mask = buckets - 1;
	cache->bucket = calloc(buckets, sizeof(struct process *));
	if (cache->bucket)
		cache->kernel = process_new(cache, image_new(cache, "<kernel>", "", ""), 0, 1);
	if (!cache->kernel) {
		process_cache_free(cache);
		return NULL;
	}
	cache->kernel->flags = PROCESS_PROCFS;
	cache->kernel->parent_ktime_ns = 1; /* its own id is its parent's, as in the original */
	return cache;
}

void process_cache_free(struct process_cache *cache)
{
	if (!cache)
		return;
	while (cache->exited.oldest)
		unindex(cache, cache->exited.oldest);
	while (cache->live.oldest)
		unindex(cache, cache->live.oldest);
	process_unref(cache->kernel);
	assert(!cache->stats.entries);
	free(cache->bucket);
	free(cache);
}

/* --- records --- */

static const char *text_of(struct str bytes, char *memory, size_t size)
{
	struct buf out = buf_over(memory, size);

	buf_str(&out, bytes);
	return memory;
}

static struct process_image *image_of_exec(struct process_cache *cache, const struct abi_exec *record,
					   uint32_t *ret_flags)
{
	char name[ABI_EXEC_PATH_MAX + 1], cwd[ABI_EXEC_TEXT + 2], binary[sizeof name + sizeof cwd];
	char arguments[2 * ABI_EXEC_ARGS_MAX + 2];
	struct str path = { record->text, record->path_len };
	struct str argv = { record->text + record->path_len, record->args_len };
	struct str components = { argv.p + argv.len, record->cwd_len };
	struct buf cwd_out = buf_over(cwd, sizeof cwd);
	struct buf binary_out = buf_over(binary, sizeof binary);
	struct buf arguments_out = buf_over(arguments, sizeof arguments);
	uint32_t flags = 0;

	if (record->flags & ABI_EXEC_CWD_ERROR)
		flags |= PROCESS_CWD_ERROR;
	else
		path_from_components(&cwd_out, components);
	if (record->flags & ABI_EXEC_CWD_CUT)
		flags |= PROCESS_CWD_CUT;
	else if (!strcmp(cwd, "/"))
		flags |= PROCESS_ROOT_CWD;
	path_join(&binary_out, cwd, text_of(path, name, sizeof name));
	arguments_write(&arguments_out, argv);
	if (record->flags & ABI_EXEC_ARGS_CUT)
		flags |= PROCESS_ARGS_CUT;
	if (record->flags & ABI_EXEC_ARGS_ERROR)
		flags |= PROCESS_ARGS_ERROR;
	if (record->flags & ABI_EXEC_PATH_ERROR)
		flags |= PROCESS_PATH_ERROR;
	*ret_flags = flags;
	return image_new(cache, binary, arguments, cwd);
}

static void touch(struct process_cache *cache, struct process *process)
{
	if (process == cache->kernel || process->exited)
		return;
	list_remove(cache, process);
	list_append(cache, process);
}

static struct process *living(struct process_cache *cache, uint32_t pid)
{
	struct process *process = pid ? find(cache, pid) : cache->kernel;

	if (!process || process->exited)
		return NULL;
	touch(cache, process);
	return process;
}

struct process *process_cache_exec(struct process_cache *cache, const struct abi_exec *record)
{
	uint32_t flags, pid = record->h.pid;
	struct process_image *image = image_of_exec(cache, record, &flags);
	struct process *process = pid ? process_new(cache, image, pid, record->h.ktime) : NULL;
	struct process *old = pid ? living(cache, pid) : NULL;
	struct process *parent;

	if (!process) {
		if (!pid)
			image_unref(cache, image);
		return NULL;
	}
	process->flags = flags | PROCESS_EXECVE;
	process->ppid = record->ppid;
	process->nspid = record->nspid;
	process->cgroup = record->h.cgroup;
	process->container = record->h.container;
	process->creds = record->creds;
	memcpy(process->ns, record->ns, sizeof process->ns);
	if (old && !(old->flags & (PROCESS_EXECVE | PROCESS_PROCFS))) {
		/* the fork before this exec: the parent is whoever forked, even if it is gone by now */
		process->flags |= PROCESS_CLONE | (old->flags & PROCESS_INIT_TREE);
		parent_set(process, old->parent, old->parent_pid);
		if (!process->parent)
			process->parent_ktime_ns = old->parent_ktime_ns;
		parent = process->parent;
	} else {
		parent = old ? old : living(cache, record->ppid);
		parent_set(process, parent, record->ppid);
	}
	if (!parent)
		process->flags |= PROCESS_MISS;
	if (record->flags & ABI_EXEC_PID1 || (parent && parent->flags & PROCESS_INIT_TREE))
		process->flags |= PROCESS_INIT_TREE;
	return enter(cache, process);
}

struct process *process_cache_fork(struct process_cache *cache, const struct abi_fork *record)
{
	struct process *parent, *process;

	if (record->h.pid != record->h.tid || !record->h.pid || record->h.pid == record->ppid)
		return NULL;
	parent = living(cache, record->ppid);
	if (!parent) {
		cache->stats.misses++;
		return NULL;
	}
	parent->image->refs++;
	process = process_new(cache, parent->image, record->h.pid, record->h.ktime);
	if (!process)
		return NULL;
	process->flags = PROCESS_CLONE | (parent->flags & (FLAGS_OF_IMAGE | PROCESS_INIT_TREE));
	if (record->nspid == 1)
		process->flags |= PROCESS_INIT_TREE;
	process->ppid = record->ppid;
	process->nspid = record->nspid;
	process->cgroup = record->h.cgroup;
	process->container = record->h.container;
	process->creds = parent->creds;
	memcpy(process->ns, parent->ns, sizeof process->ns);
	parent_set(process, parent, record->ppid);
	return enter(cache, process);
}

struct process *process_cache_exit(struct process_cache *cache, const struct abi_exit *record)
{
	struct process *process = find(cache, record->h.pid);

	if (!process || process->exited) {
		cache->stats.misses++;
		return NULL;
	}
	list_remove(cache, process);
	process->exited = true;
	process->exit_ns = record->h.ktime;
	if (record->h.container)
		process->container = record->h.container;
	list_append(cache, process);
	return process;
}

struct process *process_cache_found(struct process_cache *cache, const struct process_found *found)
{
	struct process *process, *parent;

	if (!found->pid || find(cache, found->pid))
		return NULL;
	process = process_new(cache, image_new(cache, found->binary, found->arguments, found->cwd), found->pid,
			      found->ktime_ns);
	if (!process)
		return NULL;
	process->flags = found->flags | PROCESS_PROCFS;
	process->ppid = found->ppid;
	process->nspid = found->nspid;
	process->cgroup = found->cgroup;
	process->container = found->container;
	process->creds = found->creds;
	parent = living(cache, found->ppid);
	parent_set(process, parent, found->ppid);
	if (found->nspid == 1 || (parent && parent->flags & PROCESS_INIT_TREE))
		process->flags |= PROCESS_INIT_TREE;
	return enter(cache, process);
}

struct process *process_cache_place(struct process_cache *cache, uint32_t pid, uint64_t container)
{
	struct process *process = pid ? living(cache, pid) : NULL;

	if (process)
		process->container = container;
	return process;
}

struct process *process_cache_get(struct process_cache *cache, uint32_t pid)
{
	struct process *process = pid ? find(cache, pid) : cache->kernel;

	if (process)
		touch(cache, process);
	else
		cache->stats.misses++;
	return process;
}

bool process_cache_lives_in(const struct process_cache *cache, uint64_t container)
{
	const struct process *process = cache->live.newest;

	while (process && process->container != container)
		process = process->older;
	return process;
}

size_t process_cache_expire(struct process_cache *cache, uint64_t now_ns)
{
	size_t n = 0;

	while (cache->exited.oldest) {
		struct process *process = cache->exited.oldest;

		if (now_ns < process->exit_ns || now_ns - process->exit_ns <= cache->options.grace_ns)
			break;
		unindex(cache, process);
		n++;
	}
	return n;
}

void process_cache_stats(const struct process_cache *cache, struct process_cache_stats *ret_stats)
{
	*ret_stats = cache->stats;
}
