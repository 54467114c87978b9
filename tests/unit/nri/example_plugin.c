/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole plugin: gives each new container of namespace "tenant-a" the variable SEEN_BY=example, and says so. Run with
 * the path of the runtime's socket, or by the runtime from its plugin folder (as 50-example).
 */
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "nri/nri_link.h"

static int on_event(void *user, const struct nri_request *request, struct buf *answer, struct error *err)
{
	size_t mark;

	if (!str_is(request->pod.name_space, "tenant-a"))
		return 0; /* nothing to change; error_set(err, …) here would refuse the container */
	mark = nri_adjust_open(answer);
	nri_adjust_env(answer, STR("SEEN_BY"), STR("example"));
	nri_adjust_close(answer, mark);
	printf("%.*s in pod %.*s\n", (int)request->container.name.len, request->container.name.p,
	       (int)request->pod.name.len, request->pod.name.p);
	(void)fflush(stdout);
	return 0;
}

int main(int argc, char *argv[])
{
	struct nri_plugin plugin = {
		.name = "example", .index = "50", .events = NRI_BIT(NRI_CREATE_CONTAINER), .event = on_event
	};
	struct nri_link_options options = { .plugin = &plugin, .socket = argc > 1 ? argv[1] : NRI_SOCKET };
	struct nri_launch launch;
	struct error err = { 0 };
	struct nri_link *link;

	if (nri_launch_tell(&launch, &err) < 0)
		return fprintf(stderr, "%s\n", err.text), 1;
	options.fd = launch.fd;
	plugin.name = launch.name ? launch.name : plugin.name;
	plugin.index = launch.index ? launch.index : plugin.index;
	link = nri_link_new(&options);
	while (link && nri_link_step(link, &err) == 0) {
		struct pollfd fd = { .fd = nri_link_fd(link), .events = nri_link_events(link) };
		int64_t left_ns = nri_link_wake_ns(link) - clock_now_ns(CLOCK_MONOTONIC);

		(void)poll(&fd, 1, left_ns > 3600 * NS_PER_S ? -1 : (int)(left_ns / NS_PER_MS) + 1);
	}
	nri_link_free(link);
	return fprintf(stderr, "%s\n", err.text), 1;
}
