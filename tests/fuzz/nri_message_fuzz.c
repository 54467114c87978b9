/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as each of NRI's messages (the first byte chooses): what is told lies inside the message, holds no NUL and
 * is not over its limit, and every walk ends.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "nri/nri_message.h"

static struct str whole;

static void inside(struct str text, size_t limit)
{
	assert(!text.len || (text.p >= whole.p && text.p + text.len <= whole.p + whole.len));
	assert(text.len <= limit && str_find(text, '\0') < 0);
}

static void walk(struct nri_walk walk)
{
	size_t steps = 0;
	struct str key, value;

	while (nri_walk_pair(&walk, &key, &value)) {
		assert(++steps <= whole.len);
		assert(!key.len || (key.p >= whole.p && key.p + key.len <= whole.p + whole.len));
		assert(!value.len || (value.p >= whole.p && value.p + value.len <= whole.p + whole.len));
	}
}

static void pod(const struct nri_pod *pod)
{
	inside(pod->id, NRI_NAME_MAX);
	inside(pod->name, NRI_NAME_MAX);
	inside(pod->uid, NRI_NAME_MAX);
	inside(pod->name_space, NRI_NAME_MAX);
	inside(pod->runtime_handler, NRI_NAME_MAX);
	inside(pod->cgroup_parent, NRI_PATH_MAX);
	inside(pod->cgroups_path, NRI_PATH_MAX);
	walk(nri_pod_labels(pod));
	walk(nri_pod_annotations(pod));
}

static void container(const struct nri_container *container)
{
	struct nri_walk hooks = nri_container_hooks(container);
	struct str hook;

	inside(container->id, NRI_NAME_MAX);
	inside(container->pod_id, NRI_NAME_MAX);
	inside(container->name, NRI_NAME_MAX);
	inside(container->cgroups_path, NRI_PATH_MAX);
	inside(container->image, NRI_PATH_MAX);
	assert(container->state <= NRI_STOPPED);
	walk(nri_container_labels(container));
	walk(nri_container_annotations(container));
	walk(nri_container_mounts(container));
	walk(nri_container_args(container));
	walk(nri_container_env(container));
	while (nri_walk_next(&hooks, &hook))
		(void)nri_hook_path(hook);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nri_request request = { 0 };
	struct nri_runtime runtime;
	struct nri_pod one_pod;
	struct nri_container one;
	char *copy = malloc(size ? size : 1);
	unsigned which = size ? data[0] % (NRI_EVENTS + 4) : 0;

	assert(copy);
	if (size)
		memcpy(copy, data + 1, size - 1);
	whole = (struct str){ copy, size ? size - 1 : 0 };
	if (which == NRI_EVENTS) {
		if (nri_runtime_parse(whole, &runtime, NULL) >= 0) {
			inside(runtime.name, NRI_NAME_MAX);
			inside(runtime.version, NRI_NAME_MAX);
			assert(runtime.request_ns > 0 && runtime.registration_ns > 0);
			assert(runtime.range == NRI_RANGE_OLD || runtime.range == NRI_RANGE_NEW);
		}
	} else if (which == NRI_EVENTS + 1) {
		if (nri_pod_parse(whole, &one_pod, NULL) >= 0)
			pod(&one_pod);
	} else if (which == NRI_EVENTS + 2) {
		if (nri_container_parse(whole, &one, NULL) >= 0)
			container(&one);
	} else if (which == NRI_EVENTS + 3 || !which
			   ? nri_state_change_parse(whole, &request, NULL) >= 0
			   : nri_request_parse((enum nri_event)which, whole, &request, NULL) >= 0) {
		assert(request.event >= 1 && request.event < NRI_EVENTS);
		pod(&request.pod);
		container(&request.container);
		walk(request.hooks);
	}
	free(copy);
	return 0;
}
