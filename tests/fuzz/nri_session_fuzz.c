/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime's bytes behind one that says in what pieces they come: what the plugin hears and answers does not depend on
 * it, its list is always begun before it goes on, and no event comes before the list's end.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "nri/nri_session.h"

struct heard {
	uint64_t sum;
	bool is_listing, is_listed;
};

static void hear(struct heard *heard, unsigned what, struct str text)
{
	heard->sum = heard->sum * 31 + what;
	for (size_t i = 0; i < text.len; i++)
		heard->sum = heard->sum * 31 + (unsigned char)text.p[i];
}

static void on_list_begin(void *user)
{
	struct heard *heard = user;

	heard->is_listing = true;
	hear(heard, 100, (struct str){ 0 });
}

static void on_list_pod(void *user, const struct nri_pod *pod)
{
	assert(((struct heard *)user)->is_listing);
	hear(user, 101, pod->message);
}

static void on_list_container(void *user, const struct nri_container *container)
{
	assert(((struct heard *)user)->is_listing);
	hear(user, 102, container->message);
}

static void on_list_end(void *user)
{
	struct heard *heard = user;

	assert(heard->is_listing);
	heard->is_listing = false;
	heard->is_listed = true;
	hear(heard, 103, (struct str){ 0 });
}

static int on_event(void *user, const struct nri_request *request, struct buf *answer, struct error *err)
{
	assert(((struct heard *)user)->is_listed && request->timeout_ns > 0);
	hear(user, request->event, request->message);
	nri_reject(answer, request->pod.name);
	return request->container.name.len % 2 ? error_set(err, EACCES, "no") : 0;
}

static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
	struct heard heard = { .sum = 1 };
	const struct nri_plugin plugin = { .name = "fuzz",
					   .index = "10",
					   .events = NRI_RANGE_NEW,
					   .list_begin = on_list_begin,
					   .list_pod = on_list_pod,
					   .list_container = on_list_container,
					   .list_end = on_list_end,
					   .event = on_event,
					   .user = &heard };
	struct nri_session *session = nri_session_new(&plugin, 1);
	int r = 0;

	assert(session);
	for (size_t at = 0; at < size && r >= 0; at += step) {
		size_t n = size - at < step ? size - at : step;
		char *copy = malloc(n);
		struct error err = { 0 };

		assert(copy);
		memcpy(copy, data + at, n);
		r = nri_session_feed(session, copy, n, 2, &err);
		assert(r <= 0 && (r == 0 || err.text[0]));
		free(copy);
	}
	hear(&heard, (unsigned)-r, nri_session_out(session));
	nri_session_free(session);
	return heard.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		assert(run(data + 1, size - 1, size) == run(data + 1, size - 1, data[0] + 1u));
	return 0;
}
