/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin in a libuv loop, with the program's own code as the agent: events, a lost connection, the second look. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "nri/guard_uv.h"
#include "runtime.h"

struct bed {
	uv_loop_t loop;
	char folder[64], path[108];
	int listener, peer;
	struct nri_conf conf;
	struct log log;
	struct guard guard;
	struct guard_uv *uv;
	char asked_text[256];
	struct buf asked;
	bool refuses;
	const char *undecided; /* name of one of whom the agent does not know enough */
};

static bool ask(void *context, const struct nri_subject *subject, enum ask_why why, int64_t deadline_ns,
		struct agent_answer *ret_answer)
{
	struct bed *bed = context;
	struct str name = subject->container.identity.container_name;

	assert_true(deadline_ns > clock_now_ns(CLOCK_MONOTONIC));
	buf_printf(&bed->asked, "%d:%.*s ", (int)why, (int)name.len, name.p);
	*ret_answer = (struct agent_answer){ .result = { .is_servers_word = true }, .known = ASK_IS_NEW };
	if (bed->refuses) {
		ret_answer->result.status = GRPC_PERMISSION_DENIED;
		memcpy(ret_answer->error, "never", 6);
	}
	if (bed->undecided && str_is(name, bed->undecided)) {
		ret_answer->result.status = GRPC_UNAVAILABLE;
		return false;
	}
	return !bed->refuses;
}

static void on_news(void *user, enum nri_news news, const char *text)
{
	(void)text;
	if (news == NRI_NEWS_LOST)
		reconcile_lost(&((struct bed *)user)->guard.reconcile);
}

static void bed_init(struct bed *bed)
{
	const struct asker asker = { ask, bed };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct buf path;

	*bed = (struct bed){ .peer = -1, .folder = "/tmp/nri-uv-XXXXXX", .log = { .fd = -1 } };
	path = buf_over(bed->path, sizeof bed->path);
	bed->asked = buf_over(bed->asked_text, sizeof bed->asked_text);
	assert_non_null(mkdtemp(bed->folder));
	buf_printf(&path, "%s/s", bed->folder);
	memcpy(address.sun_path, bed->path, path.len);
	bed->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_return_code(bind(bed->listener, (const struct sockaddr *)&address, sizeof address), errno);
	assert_return_code(listen(bed->listener, 8), errno);
	bed->conf = (struct nri_conf){ .mode = "direct",
				       .oci_hook_path = "/h",
				       .name = "t",
				       .index = "01",
				       .agent = "",
				       .socket = bed->path,
				       .timeout_ns = NS_PER_S,
				       .unseen_dir = "/nowhere" };
	assert_int_equal(uv_loop_init(&bed->loop), 0);
	assert_int_equal(guard_init(&bed->guard, &bed->conf, &asker, false, &bed->log, NULL), 0);

	const struct nri_link_options options = {
		.plugin = &bed->guard.plugin, .socket = bed->path, .fd = -1, .told = on_news, .user = bed
	};

	assert_int_equal(guard_uv_start(&bed->loop, &bed->guard, &options, &bed->uv, NULL), 0);
}

static void bed_done(struct bed *bed)
{
	guard_uv_stop(bed->uv);
	assert_int_equal(uv_run(&bed->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&bed->loop), 0);
	guard_done(&bed->guard);
	if (bed->peer >= 0)
		(void)close(bed->peer);
	(void)close(bed->listener);
	(void)unlink(bed->path);
	(void)rmdir(bed->folder);
}

/* Runs the loop until `until` says yes; fails after two seconds. */
static void run_until(struct bed *bed, bool (*until)(struct bed *bed), const char *what)
{
	int64_t end = clock_now_ns(CLOCK_MONOTONIC) + 2 * NS_PER_S;

	while (!until(bed)) {
		if (clock_now_ns(CLOCK_MONOTONIC) > end)
			fail_msg("%s: not within 2 s; asked: %s", what, bed->asked_text);
		(void)uv_run(&bed->loop, UV_RUN_NOWAIT);
		(void)usleep(1000);
	}
}

static bool is_accepted(struct bed *bed)
{
	if (bed->peer < 0)
		bed->peer = accept(bed->listener, NULL, NULL);
	return bed->peer >= 0;
}

static bool runs(struct bed *bed)
{
	return guard_uv_is_running(bed->uv);
}

static bool runs_not(struct bed *bed)
{
	return !guard_uv_is_running(bed->uv);
}

static bool was_asked(struct bed *bed)
{
	return bed->asked.len > 0;
}

static bool has_told(struct bed *bed)
{
	return bed->guard.reconcile.step == RECONCILE_WAIT;
}

static bool is_looking(struct bed *bed)
{
	return bed->guard.reconcile.step == RECONCILE_LOOK;
}

static bool is_at_rest(struct bed *bed)
{
	return bed->guard.reconcile.step == RECONCILE_IDLE;
}

static void say(struct bed *bed, void (*make)(struct buf *out))
{
	static char memory[65536];
	struct buf out = buf_over(memory, sizeof memory);

	make(&out);
	assert_int_equal(send(bed->peer, out.p, out.len, MSG_NOSIGNAL), out.len);
}

static void create(struct buf *out)
{
	char memory[512];
	struct buf body = buf_over(memory, sizeof memory);

	pair_add(&body, 1, "web-0", "app");
	request_add(out, 5, "CreateContainer", (struct str){ body.p, body.len });
}

static void list_add(struct buf *body, const char *name, enum nri_container_state state)
{
	size_t mark = pb_open(body, 2);

	pb_text(body, 1, str_of(name));
	pb_text(body, 3, str_of(name));
	pb_number(body, 4, state);
	pb_close(body, mark);
}

/* One running container, which the events told nothing of. */
static void list_running(struct buf *out)
{
	char memory[512];
	struct buf body = buf_over(memory, sizeof memory);

	response_add(out, 1, 0, "");
	configure_add(out, 1, "containerd", "v2.3.4", "v0.12.0");
	list_add(&body, "lost", NRI_RUNNING);
	request_add(out, 3, "Synchronize", (struct str){ body.p, body.len });
}

/* In each state. */
static void list_all(struct buf *out)
{
	char memory[512];
	struct buf body = buf_over(memory, sizeof memory);

	response_add(out, 1, 0, "");
	configure_add(out, 1, "containerd", "v2.3.4", "v0.12.0");
	list_add(&body, "made", NRI_CREATED);
	list_add(&body, "runs", NRI_RUNNING);
	list_add(&body, "waits", NRI_PAUSED);
	list_add(&body, "over", NRI_STOPPED);
	request_add(out, 3, "Synchronize", (struct str){ body.p, body.len });
}

static void events_reach_the_asker_and_a_loss_is_mended(void **state)
{
	static struct bed bed;
	char bytes[4096];
	ssize_t n;

	(void)state;
	bed_init(&bed);
	for (int round = 0; round < 2; round++) {
		bed.asked = buf_over(bed.asked_text, sizeof bed.asked_text);
		bed.refuses = round;
		run_until(&bed, is_accepted, "connected");
		say(&bed, hello_add);
		run_until(&bed, runs, "running");
		say(&bed, create);
		run_until(&bed, was_asked, "asked");
		assert_string_equal(bed.asked_text, "1:app ");
		run_until(&bed, was_asked, "answered");
		n = recv(bed.peer, bytes, sizeof bytes, MSG_DONTWAIT);
		assert_true(n > 0);
		assert_int_equal(memmem(bytes, (size_t)n, "never", 5) != NULL, round);
		(void)close(bed.peer);
		bed.peer = -1;
		run_until(&bed, runs_not, "lost");
	}
	bed_done(&bed);
}

/* What runs is told, what is only made is armed; and not counted as unseen, though it is new to the agent. */
static void what_is_listed_is_told_by_its_state(void **state)
{
	static struct bed bed;

	(void)state;
	bed_init(&bed);
	run_until(&bed, is_accepted, "connected");
	say(&bed, list_all);
	run_until(&bed, has_told, "told");
	assert_string_equal(bed.asked_text, "1:made 3:runs 3:waits ");
	assert_int_equal(bed.guard.reconcile.counts.unseen, 2);
	assert_int_equal(bed.guard.reconcile.counts.told, 3);
	bed_done(&bed);
}

/* The agent may never learn more of it: it is asked for at its start, and nobody waits behind it. */
static void one_that_cannot_be_decided_holds_up_nobody(void **state)
{
	static struct bed bed;

	(void)state;
	bed_init(&bed);
	bed.undecided = "made";
	run_until(&bed, is_accepted, "connected");
	say(&bed, list_all);
	run_until(&bed, has_told, "told");
	assert_string_equal(bed.asked_text, "1:made 3:runs 3:waits ");
	bed_done(&bed);
}

static void a_second_look_that_fails_is_tried_again(void **state)
{
	static struct bed bed;
	int first;

	(void)state;
	bed_init(&bed);
	run_until(&bed, is_accepted, "connected");
	say(&bed, hello_add);
	run_until(&bed, is_looking, "second look");
	first = bed.peer;
	bed.peer = -1;
	run_until(&bed, is_accepted, "second connection");
	(void)close(bed.peer);
	bed.peer = -1;
	run_until(&bed, is_accepted, "third connection");
	say(&bed, list_running);
	run_until(&bed, was_asked, "told");
	assert_string_equal(bed.asked_text, "4:lost ");
	run_until(&bed, is_at_rest, "over");
	assert_int_equal(bed.guard.reconcile.counts.looks_failed, 1);
	(void)close(first);
	bed_done(&bed);
}

static void the_second_look_finds_what_was_lost(void **state)
{
	static struct bed bed;
	int first;

	(void)state;
	bed_init(&bed);
	run_until(&bed, is_accepted, "connected");
	say(&bed, hello_add);
	run_until(&bed, is_looking, "second look");
	first = bed.peer;
	bed.peer = -1;
	run_until(&bed, is_accepted, "second connection");
	say(&bed, list_running);
	run_until(&bed, was_asked, "told");
	assert_string_equal(bed.asked_text, "4:lost ");
	run_until(&bed, is_at_rest, "over");
	assert_int_equal(bed.guard.reconcile.counts.unseen, 1);
	assert_true(guard_uv_is_running(bed.uv));
	(void)close(first);
	bed_done(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_reach_the_asker_and_a_loss_is_mended),
		cmocka_unit_test(what_is_listed_is_told_by_its_state),
		cmocka_unit_test(the_second_look_finds_what_was_lost),
		cmocka_unit_test(one_that_cannot_be_decided_holds_up_nobody),
		cmocka_unit_test(a_second_look_that_fails_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
