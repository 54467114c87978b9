/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody else's plugin, for tests of what becomes of ours beside it: other_plugin SOCKET INDEX WHAT. WHAT it does to
 * containers of namespace "tenant-a" at their creation:
 *   refuse   says no                          late     answers after 3 s: the runtime drops it
 *   hooks    adds OCI hooks of its own        move     changes the cgroup path: its leaf gets an "x" in front
 *   reject   says no when it is validated     leave    moves it out of the pod's cgroup, under its own name
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "nri/nri_link.h"
#include "rpc/pb_write.h"

enum { RESPONSE_ADJUST = 1, ADJUST_LINUX = 6, LINUX_CGROUPS_PATH = 3 };

static void hook_add(struct buf *answer, enum nri_hook_stage stage)
{
	static const struct str arg[] = { { "true", 4 } }, env[] = { { "PATH=/bin", 9 } };
	const struct nri_hook hook = {
		.path = STR("/bin/true"), .arg = arg, .args = 1, .env = env, .envs = 1, .timeout_s = 5
	};

	nri_adjust_hook(answer, stage, &hook);
}

static void path_set(struct buf *answer, const struct nri_container *container, bool leaves)
{
	struct str path = container->cgroups_path;
	ptrdiff_t slash = str_find_last(path, '/');
	size_t adjust = pb_open(answer, RESPONSE_ADJUST), linux_part = pb_open(answer, ADJUST_LINUX);
	size_t mark = pb_open(answer, LINUX_CGROUPS_PATH);

	if (leaves) {
		buf_text(answer, "/nri-other/");
	} else {
		buf_add(answer, path.p, (size_t)slash + 1);
		buf_byte(answer, 'x');
	}
	buf_str(answer, str_from(path, (size_t)slash + 1));
	pb_close(answer, mark);
	pb_close(answer, linux_part);
	pb_close(answer, adjust);
}

static int on_event(void *user, const struct nri_request *request, struct buf *answer, struct error *err)
{
	const struct str what = str_of(user);

	if (!str_is(request->pod.name_space, "tenant-a"))
		return 0;
	if (request->event == NRI_VALIDATE_CONTAINER_ADJUSTMENT) {
		if (str_is(what, "reject"))
			nri_reject(answer, STR("other plugin rejects"));
		return 0;
	}
	if (str_is(what, "refuse"))
		return error_set(err, 1, "other plugin refuses");
	if (str_is(what, "late"))
		(void)sleep(3);
	if (str_is(what, "hooks")) {
		size_t mark = nri_adjust_open(answer);

		hook_add(answer, NRI_HOOK_CREATE_RUNTIME);
		hook_add(answer, NRI_HOOK_POSTSTART);
		nri_adjust_close(answer, mark);
	}
	if (str_is(what, "move") || str_is(what, "leave"))
		path_set(answer, &request->container, str_is(what, "leave"));
	return 0;
}

int main(int argc, char *argv[])
{
	char nothing[] = "";
	struct nri_plugin plugin = {
		.name = "other",
		.index = argc > 2 ? argv[2] : "50",
		.events = NRI_BIT(NRI_CREATE_CONTAINER) | NRI_BIT(NRI_VALIDATE_CONTAINER_ADJUSTMENT),
		.event = on_event,
		.user = argc > 3 ? argv[3] : nothing,
	};
	const struct nri_link_options options = { .plugin = &plugin,
						  .socket = argc > 1 ? argv[1] : NRI_SOCKET,
						  .fd = -1 };
	struct nri_link *link = nri_link_new(&options);
	bool is_told = false;

	if (str_is(str_of(plugin.user), "late"))
		plugin.events = NRI_BIT(NRI_CREATE_CONTAINER); /* else its own loss would fail the creation */
	while (link && nri_link_step(link, NULL) == 0) {
		struct pollfd fd = { .fd = nri_link_fd(link), .events = nri_link_events(link) };
		int64_t left_ns = nri_link_wake_ns(link) - clock_now_ns(CLOCK_MONOTONIC);

		if (nri_link_is_running(link) && !is_told) {
			is_told = true;
			(void)puts("running");
			(void)fflush(stdout);
		}
		(void)poll(&fd, 1, left_ns > 3600 * NS_PER_S ? -1 : (int)(left_ns / NS_PER_MS) + 1);
	}
	nri_link_free(link);
	return 1;
}
