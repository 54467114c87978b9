/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/state.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "oci/json_text.h"

/* Follows one JSON object through pieces of input just far enough to see where it ends. */
struct json_extent {
	int64_t depth;
	bool in_string, is_escaped, is_done;
};

static void extent_feed(struct json_extent *extent, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !extent->is_done; i++) {
		if (extent->is_escaped) {
			extent->is_escaped = false;
		} else if (extent->in_string) {
			extent->is_escaped = p[i] == '\\';
			extent->in_string = p[i] != '"';
		} else if (p[i] == '"') {
			extent->in_string = true;
		} else if (p[i] == '{' || p[i] == '[') {
			extent->depth++;
		} else if (p[i] == '}' || p[i] == ']') {
			extent->is_done = --extent->depth <= 0;
		}
	}
}

/* Returns 1 when `fd` can be read, else a negative errno. */
static int wait_readable(int fd, int64_t deadline_ns, const sigset_t *mask, struct error *err)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left = deadline_ns - clock_now_ns(CLOCK_MONOTONIC);
	struct timespec timeout;
	int r;

	if (left < 0)
		left = 0;
	timeout = (struct timespec){ .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	r = ppoll(&poll_fd, 1, &timeout, mask);
	if (r < 0)
		return error_errno(err, errno, "standard input");
	if (!r)
		return error_set(err, ETIMEDOUT, "standard input: no complete OCI state within the time-out");
	return 1;
}

int state_read(int fd, int64_t deadline_ns, const sigset_t *mask, struct arena *arena, struct str *ret_text,
	       struct error *err)
{
	struct json_extent extent = { 0 };
	size_t before = arena->used;
	size_t len = 0;
	char *text = arena_alloc(arena, STATE_MAX_BYTES + 1);

	if (!text)
		return error_set(err, ENOMEM, "standard input: out of memory");
	while (!extent.is_done) {
		int r = wait_readable(fd, deadline_ns, mask, err);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(fd, text + len, STATE_MAX_BYTES + 1 - len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0 && errno != EBADF)
			return error_errno(err, errno, "standard input");
		if (n <= 0)
			break;
		extent_feed(&extent, text + len, (size_t)n);
		len += (size_t)n;
		if (len > STATE_MAX_BYTES)
			return error_set(err, EFBIG, "standard input: more than %d bytes of OCI state",
					 STATE_MAX_BYTES);
	}
	arena->used = before;              /* give back what was not needed: the last allocation shrinks */
	(void)arena_alloc(arena, len + 1); /* fits: it did above */
	*ret_text = (struct str){ text, len };
	return 0;
}

static bool is_blank(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.p[i]) || !text.p[i])
			return false;
	return true;
}

/* A process id: decimal, no sign, no exponent. */
static int pid_parse(struct str text, int64_t *ret_pid)
{
	int64_t pid = 0;

	if (text.len > 10)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -EINVAL;
		pid = pid * 10 + (text.p[i] - '0');
	}
	*ret_pid = pid;
	return 0;
}

enum { SEEN_ID = 1, SEEN_BUNDLE = 2, SEEN_PID = 4 };

static int once(unsigned *seen, unsigned bit, const char *key, struct error *err)
{
	if (*seen & bit)
		return error_set(err, EINVAL, "%s is there twice", key);
	*seen |= bit;
	return 0;
}

static int members_parse(struct json_reader *reader, struct arena *arena, struct oci_state *state, struct error *err)
{
	unsigned seen = 0;
	int event;

	while ((event = json_next(reader, err)) == JSON_KEY) {
		struct str key = reader->text;
		int r = 0;

		if (json_string_is(key, STR("id"))) {
			r = once(&seen, SEEN_ID, "id", err);
			if (r >= 0)
				r = json_text_value(reader, json_next(reader, err), arena, "id", &state->id, err);
		} else if (json_string_is(key, STR("bundle"))) {
			r = once(&seen, SEEN_BUNDLE, "bundle", err);
			if (r >= 0)
				r = json_text_value(reader, json_next(reader, err), arena, "bundle", &state->bundle,
						    err);
		} else if (json_string_is(key, STR("pid"))) {
			r = once(&seen, SEEN_PID, "pid", err);
			if (r >= 0)
				r = json_next(reader, err);
			if (r >= 0 && r != JSON_NULL && (r != JSON_NUMBER || pid_parse(reader->text, &state->pid) < 0))
				return error_set(err, EINVAL, "pid: want a process id, at byte %zu", reader->at);
		} else {
			r = json_next(reader, err);
			if (r >= 0)
				r = json_skip(reader, (enum json_event)r, err);
		}
		if (r < 0)
			return r;
	}
	return event;
}

int state_parse(struct str text, struct arena *arena, struct oci_state *ret_state, struct error *err)
{
	struct oci_state state = { 0 };
	struct json_reader reader;
	int r;

	if (is_blank(text)) {
		*ret_state = state;
		return 0;
	}
	json_reader_init(&reader, text);
	r = json_next(&reader, err);
	if (r >= 0 && r != JSON_OBJECT_BEGIN)
		r = error_set(err, EINVAL, "not a JSON object");
	if (r >= 0)
		r = members_parse(&reader, arena, &state, err);
	if (r >= 0)
		r = json_next(&reader, err); /* JSON_END, or what is wrong behind the object */
	if (r >= 0 && state.bundle.len && state.bundle.p[0] != '/')
		r = error_set(err, EINVAL, "bundle '%.*s' is not an absolute path", (int)state.bundle.len,
			      state.bundle.p);
	if (r < 0)
		return error_wrap(err, r, "cannot read the OCI state on standard input");
	*ret_state = state;
	return 0;
}
