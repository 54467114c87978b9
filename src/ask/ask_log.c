/* SPDX-License-Identifier: Apache-2.0 */
#include "ask/ask_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

/* openat throughout: musl's open() adds a system call for kernels before 2.6.23. */
#define OPEN_FLAGS                                                                                        \
	(O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) /* a FIFO must not hold us up \
									     */

static void parents_make(const char *path)
{
	char copy[PATH_MAX];
	struct buf text = buf_over(copy, sizeof copy);

	buf_text(&text, path);
	if (text.overflow)
		return; /* open will say so */
	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(copy, 0755); /* open tells whether it worked */
		*at = '/';
	}
}

int ask_log_open(const char *path, struct error *err)
{
	int fd = openat(AT_FDCWD, path, OPEN_FLAGS, 0644);

	if (fd < 0 && errno == ENOENT && path[0]) {
		parents_make(path);
		fd = openat(AT_FDCWD, path, OPEN_FLAGS, 0644);
	}
	if (fd < 0)
		return error_errno(err, errno, "open %s", path);
	return fd;
}

void ask_log_init(struct ask_log *ask_log, struct log *log, int64_t unix_ns, int64_t begin_ns, struct arena *arena)
{
	struct buf time = buf_over(ask_log->start_time, sizeof ask_log->start_time);

	clock_write_rfc3339(&time, unix_ns, 9);
	ask_log->log = log;
	ask_log->arena = arena;
	ask_log->container = NULL;
	ask_log->begin_ns = begin_ns;
}

void ask_log_duration(const struct ask_log *ask_log, struct log_line *line)
{
	uint64_t us = (uint64_t)(clock_now_ns(CLOCK_MONOTONIC) - ask_log->begin_ns) / 1000;
	char text[32];
	struct buf out = buf_over(text, sizeof text);

	buf_u64(&out, us / 1000000);
	buf_byte(&out, '.');
	for (uint64_t unit = 100000; unit; unit /= 10)
		buf_byte(&out, (char)('0' + us / unit % 10));
	log_raw(line, "duration", (struct str){ text, out.len });
}

/* Bytewise, the shorter first: the order of Go's maps in JSON. */
static bool is_before(struct str a, struct str b)
{
	int order = memcmp(a.p ? a.p : "", b.p ? b.p : "", a.len < b.len ? a.len : b.len);

	return order ? order < 0 : a.len < b.len;
}

void ask_log_annotations(struct ask_log *ask_log, struct log_line *line, const char *key, const struct spec *spec)
{
	size_t before = ask_log->arena->used;
	char *memory = arena_alloc(ask_log->arena, LOG_LINE_MAX);
	struct buf out = buf_over(memory, memory ? LOG_LINE_MAX : 0);
	const struct spec_annotation *last = NULL;

	buf_byte(&out, '{');
	for (size_t n = 0; n < spec->annotations && !out.overflow;
	     n++) { /* a line holds few: no need to sort in place */
		const struct spec_annotation *next = NULL;

		for (size_t i = 0; i < spec->annotations; i++) {
			const struct spec_annotation *one = &spec->annotation[i];

			if ((!last || is_before(last->key, one->key)) && (!next || is_before(one->key, next->key)))
				next = one;
		}
		if (!next)
			break;
		if (last)
			buf_byte(&out, ',');
		json_write_string(&out, next->key);
		buf_byte(&out, ':');
		json_write_string(&out, next->value);
		last = next;
	}
	buf_byte(&out, '}');
	if (!out.overflow)
		log_raw(line, key, (struct str){ out.p, out.len });
	ask_log->arena->used = before;
}

void ask_log_begin(struct ask_log *ask_log, struct log_line *line, enum log_level level, const char *msg)
{
	const struct ask_container *container = ask_log->container;

	log_begin(line, ask_log->log, level, msg);
	log_text(line, "hook", "createRuntime");
	log_text(line, "start-time", ask_log->start_time);
	if (!container)
		return;
	log_str(line, "req-cgroups", container->cgroup_path);
	log_str(line, "req-rootdir", container->root_dir);
	log_str(line, "req-containerName", container->identity.container_name);
	log_str(line, "req-containerID", container->identity.container_id);
	log_str(line, "req-containerImage", container->identity.image);
	log_str(line, "req-podName", container->identity.pod_name);
	log_str(line, "req-podUID", container->identity.pod_uid);
	log_str(line, "req-podNamespace", container->identity.pod_namespace);
	if (ask_log->log->level <= LOG_DEBUG)
		ask_log_annotations(ask_log, line, "req-annotations", &container->spec);
}
