/* SPDX-License-Identifier: Apache-2.0 */
/* The link on real sockets: comes back after each loss, however the runtime goes; gives up where it must. */
#include <errno.h>
#include <poll.h>
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
#include "nri/nri_link.h"
#include "runtime.h"

struct bed {
	char folder[64], path[108];
	int listener, peer;
	char news[512];
	struct buf told;
	unsigned updated, failed;
};

static void on_news(void *user, enum nri_news news, const char *text)
{
	static const char *const names[] = { "unreachable", "connected", "running", "lost" };
	struct bed *bed = user;

	(void)text;
	buf_printf(&bed->told, "%s ", names[news]);
}

static void on_updated(void *user, int code, struct str text, unsigned failed)
{
	struct bed *bed = user;

	(void)text;
	bed->updated = 100 + (unsigned)code;
	bed->failed = failed;
}

static void bed_listen(struct bed *bed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)unlink(bed->path);
	memcpy(address.sun_path, bed->path, strlen(bed->path));
	bed->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_return_code(bind(bed->listener, (const struct sockaddr *)&address, sizeof address), errno);
	assert_return_code(listen(bed->listener, 8), errno);
}

static void bed_init(struct bed *bed)
{
	struct buf path = buf_over(bed->path, sizeof bed->path);

	*bed = (struct bed){ .listener = -1, .peer = -1, .folder = "/tmp/nri-link-XXXXXX" };
	path = buf_over(bed->path, sizeof bed->path);
	bed->told = buf_over(bed->news, sizeof bed->news);
	assert_non_null(mkdtemp(bed->folder));
	buf_printf(&path, "%s/nri.sock", bed->folder);
}

static void bed_done(struct bed *bed)
{
	if (bed->peer >= 0)
		(void)close(bed->peer);
	if (bed->listener >= 0)
		(void)close(bed->listener);
	(void)unlink(bed->path);
	(void)rmdir(bed->folder);
}

/* Steps the link until `word` was told, or for `ms`. */
static int step_until(struct bed *bed, struct nri_link *link, const char *word, int ms)
{
	int64_t end = clock_now_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;
	struct error err = { 0 };
	int r = 0;

	while (r >= 0 && !(word && strstr(bed->news, word)) && clock_now_ns(CLOCK_MONOTONIC) < end) {
		struct pollfd fd = { .fd = nri_link_fd(link), .events = nri_link_events(link) };

		r = nri_link_step(link, &err);
		if (r >= 0 && !(word && strstr(bed->news, word)))
			(void)poll(&fd, 1, 2);
		if (bed->listener >= 0 && bed->peer < 0)
			bed->peer = accept(bed->listener, NULL, NULL);
	}
	return r;
}

static void peer_say(struct bed *bed, void (*make)(struct buf *out))
{
	char memory[4096];
	struct buf out = buf_over(memory, sizeof memory);

	make(&out);
	assert_int_equal(send(bed->peer, out.p, out.len, MSG_NOSIGNAL), out.len);
}

static void peer_goes(struct bed *bed)
{
	(void)close(bed->peer);
	bed->peer = -1;
}

static void say_refused(struct buf *out)
{
	response_add(out, 1, 2, "invalid plugin index");
}

static void say_updated(struct buf *out)
{
	char memory[256];
	struct buf message = buf_over(memory, sizeof memory);
	const struct ttrpc_response response = { .payload = STR("\x0a\x03\x0a\x01x") };

	ttrpc_response_write(&message, 3, &response);
	mux_add(out, NRI_MUX_RUNTIME, (struct str){ message.p, message.len });
}

static const struct nri_plugin plugin = {
	.name = "test", .index = "10", .events = NRI_BIT(NRI_CREATE_CONTAINER), .updated = on_updated
};

static void it_comes_back_after_each_loss(void **state)
{
	struct bed bed;
	struct nri_plugin mine = plugin;
	struct nri_link *link;
	const struct nri_link_options options = {
		.plugin = &mine, .socket = bed.path, .fd = -1, .told = on_news, .user = &bed
	};
	char memory[256];
	struct buf body = buf_over(memory, sizeof memory);
	const struct nri_update update = { .container_id = STR("x"), .memory_bytes = 1 << 20 };

	(void)state;
	bed_init(&bed);
	mine.user = &bed;
	link = nri_link_new(&options);
	assert_int_equal(step_until(&bed, link, NULL, 60), 0); /* no socket: told once */
	assert_string_equal(bed.news, "unreachable ");
	bed_listen(&bed);
	step_until(&bed, link, "connected", 1000);
	step_until(&bed, link, NULL, 10);
	peer_say(&bed, hello_add);
	step_until(&bed, link, "running", 1000);
	assert_string_equal(bed.news, "unreachable connected running ");

	nri_update_add(&body, NRI_IN_REQUEST, &update);
	assert_int_equal(nri_session_update(nri_link_session(link), (struct str){ body.p, body.len }, NULL), 0);
	assert_int_equal(nri_session_update(nri_link_session(link), (struct str){ body.p, body.len }, NULL), -EAGAIN);
	peer_say(&bed, say_updated);
	step_until(&bed, link, NULL, 20);
	assert_int_equal(bed.updated, 100);
	assert_int_equal(bed.failed, 1);

	bed.told = buf_over(bed.news, sizeof bed.news);
	(void)close(bed.listener); /* restarted: the socket is a new file */
	bed_listen(&bed);
	peer_goes(&bed);
	step_until(&bed, link, "connected", 1000);
	step_until(&bed, link, NULL, 10);
	peer_say(&bed, hello_add);
	step_until(&bed, link, "running", 1000);
	assert_string_equal(bed.news, "lost connected running ");

	bed.told = buf_over(bed.news, sizeof bed.news);
	assert_int_equal(send(bed.peer, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, MSG_NOSIGNAL), 8);
	step_until(&bed, link, "lost", 1000);
	assert_string_equal(bed.news, "lost ");
	nri_link_free(link);
	bed_done(&bed);
}

static void a_refused_plugin_tries_ever_less_often(void **state)
{
	struct bed bed;
	const struct nri_link_options options = {
		.plugin = &plugin, .socket = bed.path, .fd = -1, .told = on_news, .user = &bed
	};
	struct nri_link *link;

	(void)state;
	bed_init(&bed);
	bed_listen(&bed);
	link = nri_link_new(&options);
	for (int i = 0; i < 5; i++) {
		bed.told = buf_over(bed.news, sizeof bed.news);
		step_until(&bed, link, "connected", 2000);
		step_until(&bed, link, NULL, 5);
		peer_say(&bed, say_refused);
		step_until(&bed, link, "lost", 1000);
		assert_string_equal(bed.news, "connected lost ");
		peer_goes(&bed);
	}
	assert_true(nri_link_wake_ns(link) - clock_now_ns(CLOCK_MONOTONIC) > 100 * NS_PER_MS);
	nri_link_free(link);
	bed_done(&bed);
}

static void a_launched_plugin_ends_with_its_runtime(void **state)
{
	struct bed bed;
	int pair[2];
	struct nri_link_options options = { .plugin = &plugin, .socket = bed.path, .told = on_news, .user = &bed };
	struct nri_link *link;

	(void)state;
	bed_init(&bed);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), errno); /* blocking, as it may come */
	options.fd = pair[0];
	bed.peer = pair[1];
	link = nri_link_new(&options);
	peer_say(&bed, hello_add);
	assert_int_equal(step_until(&bed, link, "running", 1000), 0);
	peer_goes(&bed);
	assert_int_equal(step_until(&bed, link, NULL, 1000), -ENOTCONN);
	assert_string_equal(bed.news, "connected running lost ");
	nri_link_free(link);
	bed_done(&bed);
}

static void one_look_is_one_look(void **state)
{
	struct bed bed;
	const struct nri_link_options options = { .plugin = &plugin, .socket = bed.path, .fd = -1, .is_once = true };
	struct nri_link *link;

	(void)state;
	bed_init(&bed);
	link = nri_link_new(&options);
	assert_int_equal(step_until(&bed, link, NULL, 100), -ENOTCONN);
	nri_link_free(link);
	bed_done(&bed);
}

static const struct {
	const char *socket;
	int want;
} launches[] = {
	{ NULL, 0 },       { "", -EINVAL },   { "x", -EINVAL },     { "2", -EINVAL },
	{ "3x", -EINVAL }, { "-3", -EINVAL }, { "99999", -EINVAL }, { "777", -EBADF },
};

static void the_launching_environment_is_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof launches / sizeof *launches; i++) {
		struct error err = { 0 };
		struct nri_launch launch;
		int r;

		if (launches[i].socket)
			(void)setenv("NRI_PLUGIN_SOCKET", launches[i].socket, 1);
		else
			(void)unsetenv("NRI_PLUGIN_SOCKET");
		r = nri_launch_tell(&launch, &err);
		if (r != launches[i].want || (!r && launch.fd != -1))
			fail_msg("NRI_PLUGIN_SOCKET=%s: %d %s", launches[i].socket, r, err.text);
	}
	(void)unsetenv("NRI_PLUGIN_SOCKET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back_after_each_loss),
		cmocka_unit_test(a_refused_plugin_tries_ever_less_often),
		cmocka_unit_test(a_launched_plugin_ends_with_its_runtime),
		cmocka_unit_test(one_look_is_one_look),
		cmocka_unit_test(the_launching_environment_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
