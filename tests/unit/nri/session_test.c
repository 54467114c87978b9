/* SPDX-License-Identifier: Apache-2.0 */
/* What real runtimes sent, cut anywhere, and what no runtime should send. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "nri/nri_session.h"
#include "rpc/pb_read.h"
#include "runtime.h"

#define TRACE_MAX 65536

struct trace {
	struct buf out;
	char text[TRACE_MAX];
	const char *refuse; /* this event is answered with an error */
	bool injects;
	size_t answer_bytes; /* each event is answered with an annotation of this size */
	char *filler;
};

static void on_list_begin(void *user)
{
	buf_text(&((struct trace *)user)->out, "list ");
}

static void on_list_pod(void *user, const struct nri_pod *pod)
{
	buf_printf(&((struct trace *)user)->out, "p:%.*s ", (int)pod->name.len, pod->name.p);
}

static void on_list_container(void *user, const struct nri_container *container)
{
	buf_printf(&((struct trace *)user)->out, "c:%.*s/%d ", (int)container->name.len, container->name.p,
		   (int)container->state);
}

static void on_list_end(void *user)
{
	buf_text(&((struct trace *)user)->out, "end ");
}

static int on_event(void *user, const struct nri_request *request, struct buf *answer, struct error *err)
{
	static const char *const brief[NRI_EVENTS] = { "",        "run",   "stop-pod", "rm-pod",   "create",
						       "created", "start", "started",  "update",   "updated",
						       "stop",    "rm",    "upd-pod",  "updd-pod", "validate" };
	struct trace *trace = user;

	buf_printf(&trace->out, "%s ", brief[request->event]);
	if (request->pod.name.len && !str_is(request->pod.name, "web-0"))
		buf_text(&trace->out, "WRONG-POD ");
	if (!request->timeout_ns)
		buf_text(&trace->out, "NO-TIMEOUT ");
	if (trace->refuse && !strcmp(trace->refuse, brief[request->event]))
		return error_set(err, EACCES, "not today");
	if (trace->injects && request->event == NRI_CREATE_CONTAINER) {
		const struct str args[] = { STR("hook-dump.sh"), STR("createRuntime") },
				 env[] = { STR("HOOK_TAG=nri-inject") };
		const struct nri_hook hook = {
			.path = STR("/mnt/testbed/hook-dump.sh"), .arg = args, .args = 2, .env = env, .envs = 1
		};
		size_t mark = nri_adjust_open(answer);

		nri_adjust_hook(answer, NRI_HOOK_CREATE_RUNTIME, &hook);
		nri_adjust_close(answer, mark);
	}
	if (trace->answer_bytes)
		nri_adjust_annotation(answer, STR("k"), (struct str){ trace->filler, trace->answer_bytes });
	return 0;
}

static const struct nri_plugin plugin = {
	.name = "test",
	.index = "10",
	.events = NRI_RANGE_NEW,
	.list_begin = on_list_begin,
	.list_pod = on_list_pod,
	.list_container = on_list_container,
	.list_end = on_list_end,
	.event = on_event,
};

/* Feeds `bytes` in pieces of `first`, then `step` bytes; what came out is appended to `sent`. */
static int run(struct trace *trace, struct str bytes, size_t first, size_t step, struct buf *sent, struct error *err)
{
	struct nri_plugin mine = plugin;
	struct nri_session *session;
	size_t n = first;
	int r = 0;

	trace->out = buf_over(trace->text, sizeof trace->text);
	mine.user = trace;
	session = nri_session_new(&mine, 1);
	assert_non_null(session);
	while (bytes.len && r >= 0) {
		struct str out;
		char *copy;

		if (n > bytes.len)
			n = bytes.len;
		copy = malloc(n ? n : 1); /* exact fit: the sanitizer sees one byte too many */
		assert_non_null(copy);
		memcpy(copy, bytes.p, n);
		r = nri_session_feed(session, copy, n, 2, err);
		free(copy);
		bytes = str_from(bytes, n);
		n = step;
		out = nri_session_out(session);
		if (sent)
			buf_str(sent, out);
		nri_session_sent(session, out.len);
	}
	buf_printf(&trace->out, "phase=%d bad=%d refused=%d", (int)nri_session_phase(session),
		   (int)nri_session_counts(session)->bad_requests, (int)nri_session_counts(session)->refused);
	nri_session_free(session);
	return r;
}

static char *capture(const char *which, const char *file, size_t *ret_len)
{
	char path[1024];
	char *bytes = NULL;
	struct buf text = buf_over(path, sizeof path);

	buf_printf(&text, "%s/nri/%s/%s", FIXTURES, which, file);
	assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 20, &bytes, ret_len, NULL), 0);
	return bytes;
}

#define OLD "list end run create created start started stop rm stop-pod rm-pod "
#define NEW "list end run create validate created start started stop rm stop-pod rm-pod "
static const struct {
	const char *capture, *want;
} captures[] = {
	{ "containerd-1.7.27/full", OLD },
	{ "containerd-1.7.27/inject", OLD },
	{ "containerd-1.7.27/failcreate", "list end run create stop rm stop-pod rm-pod " },
	{ "containerd-1.7.27/failstart", "list end run create created start stop rm stop-pod rm-pod " },
	{ "containerd-1.7.27/slowstart", "list end run create created start " },
	{ "containerd-1.7.27/sync", "list p:web-0 c:app/3 c:init/1 end start " },
	{ "containerd-2.1.5/full", OLD },
	{ "containerd-2.1.5/inject", OLD },
	{ "containerd-2.1.5/failstart", "list end run create created start stop rm stop-pod rm-pod " },
	{ "containerd-2.1.5/sync", "list p:web-0 c:app/3 c:init/1 end start " },
	{ "containerd-2.3.4/full", NEW },
	{ "containerd-2.3.4/inject", NEW },
	{ "containerd-2.3.4/failstart", "list end run create validate created start stop rm stop-pod rm-pod " },
	{ "containerd-2.3.4/slowcreate-not-subscribed", "list end run create " },
	{ "containerd-2.3.4/slowcreate-validator-subscribed", "list end run create " },
	{ "containerd-2.3.4/slowstart", "list end run create validate created start " },
	{ "containerd-2.3.4/sync", "list p:web-0 c:app/3 c:init/1 end start " },
	{ "containerd-2.3.4/systemd-cgroups", NEW },
	/* the method that was answered "unimplemented" is sent once more, as StateChange */
	{ "containerd-2.3.4/unimplemented-fallback",
	  "list end run run create validate created start started stop rm stop-pod rm-pod " },
	{ "cri-o-1.37.0/full", NEW },
	{ "cri-o-1.37.0/inject", NEW },
	{ "cri-o-1.37.0/failcreate", "list end run create stop-pod rm-pod " },
	{ "cri-o-1.37.0/failstart", NEW },
	{ "cri-o-1.37.0/slowcreate-validator-subscribed", "list end run create " },
	{ "cri-o-1.37.0/slowstart", "list end run create validate created start " },
	{ "cri-o-1.37.0/sync", "list p:web-0 c:app/1 c:app/3 end start " },
};

static void captured_streams_give_their_events_cut_anywhere(void **state)
{
	static struct trace trace, other;

	(void)state;
	for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
		const char *name = captures[i].capture;
		struct error err = { 0 };
		size_t len;
		auto_free char *bytes = capture(name, "runtime-to-plugin.bin", &len);
		auto_free char *sent_memory = malloc(65536), *again_memory = malloc(65536);
		struct buf sent = buf_over(sent_memory, 65536);

		if (run(&trace, (struct str){ bytes, len }, len, len, &sent, &err) < 0)
			fail_msg("%s: %s", name, err.text);
		if (!str_starts(str_of(trace.text), str_of(captures[i].want)) || !strstr(trace.text, "phase=2 bad=0"))
			fail_msg("%s: '%s', want '%s'", name, trace.text, captures[i].want);
		for (size_t step = 1; step < len; step = step < 4 ? step + 1 : step * 2 + 1) {
			struct buf again = buf_over(again_memory, 65536);

			if (run(&other, (struct str){ bytes, len }, step, step, &again, &err) < 0)
				fail_msg("%s in pieces of %zu: %s", name, step, err.text);
			if (strcmp(trace.text, other.text) || again.len != sent.len ||
			    memcmp(again.p, sent.p, sent.len))
				fail_msg("%s in pieces of %zu: '%s', want '%s'", name, step, other.text, trace.text);
		}
		for (size_t cut = 0; cut <= len; cut += i ? 97 : 1) {
			struct buf again = buf_over(again_memory, 65536);

			if (run(&other, (struct str){ bytes, len }, cut, len, &again, &err) < 0)
				fail_msg("%s cut at %zu: %s", name, cut, err.text);
			if (strcmp(trace.text, other.text) || again.len != sent.len ||
			    memcmp(again.p, sent.p, sent.len))
				fail_msg("%s cut at %zu: '%s', want '%s'", name, cut, other.text, trace.text);
		}
	}
}

static void a_stream_that_breaks_off_is_no_harm(void **state)
{
	static struct trace trace;
	size_t len;
	auto_free char *bytes = capture("containerd-2.3.4/sync", "runtime-to-plugin.bin", &len);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		struct error err = { 0 };

		if (run(&trace, (struct str){ bytes, n }, n, n, NULL, &err) < 0)
			fail_msg("first %zu bytes: %s", n, err.text);
	}
}

/* Byte for byte the message that a runtime was seen to obey. */
static void an_injected_hook_is_the_captured_one(void **state)
{
	static const char *const names[] = { "containerd-1.7.27/inject", "containerd-2.3.4/inject",
					     "cri-o-1.37.0/inject" };
	static struct trace trace;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len, captured_len;
		auto_free char *bytes = capture(names[i], "runtime-to-plugin.bin", &len);
		auto_free char *captured = capture(names[i], "plugin-to-runtime.bin", &captured_len);
		char memory[65536];
		struct buf sent = buf_over(memory, sizeof memory);
		size_t rest;

		trace = (struct trace){ .injects = true };
		assert_int_equal(run(&trace, (struct str){ bytes, len }, len, len, &sent, NULL), 0);
		/* the registrations differ, in name and version: all that is behind the answer to Configure is equal */
		rest = captured_len - 79 - 23;
		if (sent.len < rest || memcmp(sent.p + sent.len - rest, captured + captured_len - rest, rest) != 0)
			fail_msg("%s: answers differ from the captured ones", names[i]);
	}
}

/* --- streams that no runtime should send --- */

static void events_after_hello(struct buf *out, const char *method, struct str payload)
{
	hello_add(out);
	request_add(out, 5, method, payload);
}

static void make_garbage(struct buf *out)
{
	hello_add(out);
	buf_text(out, "\xff\xff\xff\xff\xff\xff\xff\xff garbage");
}
static void make_frame_limit(struct buf *out)
{
	static const unsigned char header[] = { 0, 0, 0, 1, 0, 0x40, 0, 0x0b };

	buf_add(out, header, sizeof header);
}
static void make_unknown_id(struct buf *out)
{
	mux_add(out, 0, STR("reserved"));
	mux_add(out, 77, STR("nobody"));
	mux_add(out, NRI_MUX_PLUGIN, STR(""));
	hello_add(out);
}
static void make_unknown_method(struct buf *out)
{
	events_after_hello(out, "Levitate", STR(""));
}
static void make_even_stream(struct buf *out)
{
	hello_add(out);
	request_add(out, 6, "CreateContainer", STR(""));
}
static void make_used_stream(struct buf *out)
{
	hello_add(out);
	request_add(out, 3, "CreateContainer", STR(""));
	request_add(out, 5, "CreateContainer", STR(""));
}
static void make_malformed_event(struct buf *out)
{
	events_after_hello(out, "CreateContainer", STR("\x0a\x7fshort"));
}
static void make_nul_in_name(struct buf *out)
{
	events_after_hello(out, "CreateContainer",
			   STR("\x0a\x05\x12\x03"
			       "a\0b"));
}
static void make_huge_name(struct buf *out)
{
	static char memory[8192], name[2000];
	struct buf body = buf_over(memory, sizeof memory);

	memset(name, 'x', sizeof name - 1);
	pair_add(&body, 1, name, "app");
	events_after_hello(out, "CreateContainer", (struct str){ body.p, body.len });
}
static void make_too_large(struct buf *out)
{
	static char zeros[512 * 1024];
	unsigned char header[TTRPC_HEADER_BYTES] = { 0x00, 0x60, 0, 0, 0, 0, 0, 5, TTRPC_REQUEST, 0 };

	hello_add(out);
	mux_add(out, NRI_MUX_PLUGIN, (struct str){ (const char *)header, sizeof header });
	for (int i = 0; i < 12; i++)
		mux_add(out, NRI_MUX_PLUGIN, (struct str){ zeros, sizeof zeros });
	request_add(out, 7, "CreateContainer", STR(""));
}
static void make_early_event(struct buf *out)
{
	response_add(out, 1, 0, "");
	request_add(out, 1, "CreateContainer", STR(""));
}
static void make_early_list(struct buf *out)
{
	request_add(out, 1, "Synchronize", STR(""));
}
static void make_configured_twice(struct buf *out)
{
	hello_add(out);
	configure_add(out, 5, "containerd", "v2.3.4", "v0.12.0");
}
static void make_refused(struct buf *out)
{
	response_add(out, 1, 2, "plugin name taken");
}
static void make_answer_malformed(struct buf *out)
{
	mux_add(out, NRI_MUX_RUNTIME, STR("\0\0\0\1\0\0\0\1\2\0\xff"));
}
static void make_strange_frames(struct buf *out)
{
	hello_add(out);
	mux_add(out, NRI_MUX_PLUGIN, STR("\0\0\0\1\0\0\0\5\3\0x"));   /* data */
	mux_add(out, NRI_MUX_PLUGIN, STR("\0\0\0\1\0\0\0\5\x63\0x")); /* unknown type */
	mux_add(out, NRI_MUX_PLUGIN, STR("\0\0\0\0\0\0\0\5\2\0"));    /* an answer to nothing */
	mux_add(out, NRI_MUX_RUNTIME, STR("\0\0\0\0\0\0\0\x63\2\0"));
	request_add(out, 5, "CreateContainer", STR(""));
}
static void make_service(struct buf *out)
{
	char memory[256];
	struct buf message = buf_over(memory, sizeof memory);
	const struct ttrpc_request request = { .service = STR("other.Service"), .method = STR("Configure") };

	ttrpc_request_write(&message, 1, &request);
	mux_add(out, NRI_MUX_PLUGIN, (struct str){ message.p, message.len });
}
static void make_state_change_without_event(struct buf *out)
{
	events_after_hello(out, "StateChange", STR("\x08\x63"));
}
static void make_half_list(struct buf *out)
{
	response_add(out, 1, 0, "");
	configure_add(out, 1, "containerd", "v1.7.27", "");
	request_add(out, 3, "Synchronize", STR("\x18\x01"));
}
static void make_split_list(struct buf *out)
{
	char memory[512];
	struct buf body = buf_over(memory, sizeof memory);

	response_add(out, 1, 0, "");
	configure_add(out, 1, "containerd", "v1.7.27", "");
	pair_add(&body, 1, "web-0", "one");
	pb_number(&body, 3, 1);
	request_add(out, 5, "Synchronize", (struct str){ body.p, body.len });
	request_add(out, 7, "Synchronize", STR("\x18\x01"));
	body = buf_over(memory, sizeof memory);
	pair_add(&body, 1, "web-1", "two");
	request_add(out, 9, "Synchronize", (struct str){ body.p, body.len });
}
static void make_malformed_list(struct buf *out)
{
	char memory[512];
	struct buf body = buf_over(memory, sizeof memory);

	response_add(out, 1, 0, "");
	configure_add(out, 1, "containerd", "v1.7.27", "");
	pair_add(&body, 1, "web-0", "one");
	buf_text(&body, "\x0a\x7f");
	request_add(out, 3, "Synchronize", (struct str){ body.p, body.len });
}
static void make_no_events(struct buf *out)
{
	response_add(out, 1, 0, "");
	request_add(out, 1, "Configure", STR("\x12\x7f"));
}
static void make_shutdown(struct buf *out)
{
	events_after_hello(out, "Shutdown", STR(""));
}

static const struct {
	const char *why;
	void (*make)(struct buf *out);
	int want;
	const char *text; /* in the trace, or of the error */
} hostile[] = {
	{ "garbage", make_garbage, -EMSGSIZE, "frame of 4294967295 bytes" },
	{ "a frame one byte too large", make_frame_limit, -EMSGSIZE, "want at most 4194314" },
	{ "unknown connections", make_unknown_id, 0, "list end phase=2 bad=0" },
	{ "unknown method", make_unknown_method, 0, "list end phase=2 bad=1" },
	{ "even stream id", make_even_stream, 0, "list end phase=2 bad=1" },
	{ "stream id used before", make_used_stream, 0, "list end create phase=2 bad=1" },
	{ "malformed event", make_malformed_event, 0, "list end phase=2 bad=1" },
	{ "NUL in a name", make_nul_in_name, 0, "list end phase=2 bad=1" },
	{ "name too long", make_huge_name, 0, "list end phase=2 bad=1" },
	{ "request over the limit, then a good one", make_too_large, 0, "list end create phase=2 bad=1" },
	{ "event before the list", make_early_event, 0, "phase=0 bad=1" },
	{ "list before Configure", make_early_list, 0, "phase=0 bad=1" },
	{ "configured twice", make_configured_twice, 0, "list end phase=2 bad=1" },
	{ "registration refused", make_refused, -ECONNREFUSED,
	  "refused the registration as 10-test: plugin name taken" },
	{ "malformed answer", make_answer_malformed, -EPROTO, "malformed answer" },
	{ "frames without sense", make_strange_frames, 0, "list end create phase=2 bad=0" },
	{ "unknown service", make_service, 0, "phase=0 bad=1" },
	{ "StateChange of no event", make_state_change_without_event, 0, "list end phase=2 bad=1" },
	{ "half a list", make_half_list, 0, "list phase=1 bad=0" },
	{ "list in parts", make_split_list, 0, "list p:web-0 c:one/0 p:web-1 c:two/0 end phase=2 bad=0" },
	{ "malformed list tells nothing", make_malformed_list, 0, "phase=1 bad=1" },
	{ "malformed Configure", make_no_events, 0, "phase=0 bad=1" },
	{ "shutdown", make_shutdown, 0, "list end phase=2 bad=0" },
};

static void hostile_streams_follow_the_table(void **state)
{
	auto_free char *memory = malloc(16 << 20);
	static struct trace trace;

	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
		for (size_t step = 1 << 20; step; step = step == 1 << 20 ? 7 : 0) {
			struct buf out = buf_over(memory, 16 << 20);
			struct error err = { 0 };
			const char *got;
			int r;

			hostile[i].make(&out);
			assert_false(out.overflow);
			trace = (struct trace){ 0 };
			r = run(&trace, (struct str){ out.p, out.len }, step, step, NULL, &err);
			got = r < 0 ? err.text : trace.text;
			if (r != hostile[i].want || !strstr(got, hostile[i].text))
				fail_msg("%s, pieces of %zu: %d, '%s'", hostile[i].why, step, r, got);
		}
}

/* A runtime with much state was seen to send 13,000 of them in two seconds. */
static void empty_parts_of_a_list_cost_nothing(void **state)
{
	auto_free char *memory = malloc(8 << 20);
	struct buf out = buf_over(memory, 8 << 20);
	static struct trace trace;

	(void)state;
	response_add(&out, 1, 0, "");
	configure_add(&out, 1, "containerd", "v1.7.27", "");
	for (uint32_t i = 0; i < 13000; i++)
		request_add(&out, 3 + 2 * i, "Synchronize", STR("\x18\x01"));
	assert_false(out.overflow);
	trace = (struct trace){ 0 };
	assert_int_equal(run(&trace, (struct str){ out.p, out.len }, 65536, 65536, NULL, NULL), 0);
	assert_string_equal(trace.text, "list phase=1 bad=0 refused=0");
}

static void a_refusal_and_its_text_reach_the_runtime(void **state)
{
	char memory[4096], sent_memory[4096];
	struct buf out = buf_over(memory, sizeof memory), sent = buf_over(sent_memory, sizeof sent_memory);
	static struct trace trace;

	(void)state;
	events_after_hello(&out, "StartContainer", STR(""));
	trace = (struct trace){ .refuse = "start" };
	assert_int_equal(run(&trace, (struct str){ out.p, out.len }, 4096, 4096, &sent, NULL), 0);
	assert_string_equal(trace.text, "list end start phase=2 bad=0 refused=1");
	/* frame, header of the answer, Status{code = 2, message} */
	assert_memory_equal(sent.p + sent.len - 33,
			    "\0\0\0\1\0\0\0\x19\0\0\0\x0f\0\0\0\5\2\0\x0a\x0d\x08\x02\x12\x09not today", 33);
}

/* The runtime's reader takes a whole frame with one read of at most 4096 bytes. */
static void large_answers_go_out_in_two_frames(void **state)
{
	static const size_t sizes[] = { 1, 4000, 4040, 4050, 4060, 4070, 4080, 4090, 4100, 9000, 100000 };
	static char memory[65536], sent_memory[NRI_ANSWER_MAX], filler[NRI_ANSWER_MAX];
	static struct trace trace;

	(void)state;
	memset(filler, 'x', sizeof filler);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf out = buf_over(memory, sizeof memory), sent = buf_over(sent_memory, sizeof sent_memory);
		struct nri_mux mux = { 0 };
		struct nri_mux_piece piece;
		struct str rest;
		size_t first = 0, frames = 0;

		events_after_hello(&out, "CreateContainer", STR(""));
		trace = (struct trace){ .answer_bytes = sizes[i], .filler = filler };
		assert_int_equal(run(&trace, (struct str){ out.p, out.len }, sizeof memory, 1, &sent, NULL), 0);
		rest = (struct str){ sent.p, sent.len };
		while (nri_mux_next(&mux, &rest, &piece, NULL) > 0) {
			if (++frames == 4) /* registration, Configure, Synchronize, then ours */
				first = piece.bytes.len;
			if (frames > 3 && piece.bytes.len != TTRPC_HEADER_BYTES && frames == 4 &&
			    piece.bytes.len + NRI_MUX_HEADER_BYTES > NRI_MUX_FRAME_SAFE)
				fail_msg("answer of %zu: frame of %zu bytes", sizes[i], piece.bytes.len);
		}
		if (frames != (first == TTRPC_HEADER_BYTES ? 5u : 4u))
			fail_msg("answer of %zu: %zu frames", sizes[i], frames);
		if ((first == TTRPC_HEADER_BYTES) != (sizes[i] > 4065))
			fail_msg("answer of %zu: first frame has %zu bytes", sizes[i], first);
	}
}

static const struct {
	const char *name, *version, *nri;
	uint32_t want;
} runtimes[] = {
	{ "containerd", "v1.7.27", "", NRI_RANGE_OLD },  { "containerd", "v2.1.5", "", NRI_RANGE_OLD },
	{ "containerd", "2.2.0", "", NRI_RANGE_NEW },    { "containerd", "v2.3.4", "v0.12.0", NRI_RANGE_NEW },
	{ "containerd", "v10.0", "", NRI_RANGE_NEW },    { "containerd", "", "", NRI_RANGE_OLD },
	{ "containerd", "vx", "", NRI_RANGE_OLD },       { "cri-o", "1.34.0", "", NRI_RANGE_OLD },
	{ "cri-o", "1.37.0", "v0.12.0", NRI_RANGE_NEW },
};

static void only_events_that_the_runtime_knows_are_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
		char memory[1024], sent_memory[1024];
		struct buf out = buf_over(memory, sizeof memory), sent = buf_over(sent_memory, sizeof sent_memory);
		static struct trace trace;
		struct pb_field field;
		struct str answer;

		configure_add(&out, 1, runtimes[i].name, runtimes[i].version, runtimes[i].nri);
		assert_int_equal(run(&trace, (struct str){ out.p, out.len }, 1024, 1024, &sent, NULL), 0);
		answer = str_from((struct str){ sent.p, sent.len }, sent.len - 3); /* 0x10, two bytes of a varint */
		if (pb_next(&answer, &field) != 1 || field.number != 2 || field.value != runtimes[i].want)
			fail_msg("%s %s: events 0x%x", runtimes[i].name, runtimes[i].version, (unsigned)field.value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_streams_give_their_events_cut_anywhere),
		cmocka_unit_test(a_stream_that_breaks_off_is_no_harm),
		cmocka_unit_test(an_injected_hook_is_the_captured_one),
		cmocka_unit_test(hostile_streams_follow_the_table),
		cmocka_unit_test(empty_parts_of_a_list_cost_nothing),
		cmocka_unit_test(a_refusal_and_its_text_reach_the_runtime),
		cmocka_unit_test(large_answers_go_out_in_two_frames),
		cmocka_unit_test(only_events_that_the_runtime_knows_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
