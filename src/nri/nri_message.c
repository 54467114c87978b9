/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/nri_message.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "rpc/pb_read.h"

#define REQUEST_NS_DEFAULT (2 * NS_PER_S)
#define REGISTRATION_NS_DEFAULT (5 * NS_PER_S)
#define TIMEOUT_MS_MAX (3600 * INT64_C(1000)) /* more is taken for this */

/* Field numbers. */
enum {
	CONFIGURE_CONFIG = 1,
	CONFIGURE_RUNTIME_NAME,
	CONFIGURE_RUNTIME_VERSION,
	CONFIGURE_REGISTRATION_MS,
	CONFIGURE_REQUEST_MS,
	CONFIGURE_NRI_VERSION,
};
enum {
	POD_ID = 1,
	POD_NAME,
	POD_UID,
	POD_NAMESPACE,
	POD_LABELS,
	POD_ANNOTATIONS,
	POD_RUNTIME_HANDLER,
	POD_LINUX,
	POD_PID,
};
enum { LINUX_POD_CGROUP_PARENT = 3, LINUX_POD_CGROUPS_PATH = 4 };
enum {
	CONTAINER_ID = 1,
	CONTAINER_POD_ID,
	CONTAINER_NAME,
	CONTAINER_STATE,
	CONTAINER_LABELS,
	CONTAINER_ANNOTATIONS,
	CONTAINER_ARGS,
	CONTAINER_ENV,
	CONTAINER_MOUNTS,
	CONTAINER_HOOKS,
	CONTAINER_LINUX,
	CONTAINER_PID,
	CONTAINER_IMAGE = 22,
};
enum { LINUX_CGROUPS_PATH = 5 };
enum { IMAGE_NAME = 1 };
enum { PAIR_KEY = 1, PAIR_VALUE };
enum { REQUEST_POD = 1, REQUEST_CONTAINER = 2, REQUEST_ADJUST = 3 };
enum { STATE_EVENT = 1, STATE_POD, STATE_CONTAINER };
enum { ADJUST_HOOKS = 5 };
enum { HOOKS_CREATE_RUNTIME = 2 };
enum { HOOK_PATH = 1 };

static const char *const names[NRI_EVENTS] = {
	[NRI_RUN_POD_SANDBOX] = "RunPodSandbox",
	[NRI_STOP_POD_SANDBOX] = "StopPodSandbox",
	[NRI_REMOVE_POD_SANDBOX] = "RemovePodSandbox",
	[NRI_CREATE_CONTAINER] = "CreateContainer",
	[NRI_POST_CREATE_CONTAINER] = "PostCreateContainer",
	[NRI_START_CONTAINER] = "StartContainer",
	[NRI_POST_START_CONTAINER] = "PostStartContainer",
	[NRI_UPDATE_CONTAINER] = "UpdateContainer",
	[NRI_POST_UPDATE_CONTAINER] = "PostUpdateContainer",
	[NRI_STOP_CONTAINER] = "StopContainer",
	[NRI_REMOVE_CONTAINER] = "RemoveContainer",
	[NRI_UPDATE_POD_SANDBOX] = "UpdatePodSandbox",
	[NRI_POST_UPDATE_POD_SANDBOX] = "PostUpdatePodSandbox",
	[NRI_VALIDATE_CONTAINER_ADJUSTMENT] = "ValidateContainerAdjustment",
};

const char *nri_event_name(enum nri_event event)
{
	return event >= 1 && event < NRI_EVENTS ? names[event] : "";
}

static int malformed(struct error *err, const char *what)
{
	return error_set(err, EINVAL, "%s: malformed", what);
}

/* The text of a field that must be one; it goes to logs, paths and other programs. */
static int text_take(const struct pb_field *field, size_t limit, struct str *ret_text)
{
	if (field->type != PB_BYTES || field->bytes.len > limit || str_find(field->bytes, '\0') >= 0)
		return -EINVAL;
	*ret_text = field->bytes;
	return 0;
}

/* A sub-message's text; the last one counts. */
static int inner_text(struct str message, uint32_t number, size_t limit, struct str *ret_text)
{
	struct pb_field field;
	int r;

	while ((r = pb_next(&message, &field)) > 0)
		if (field.number == number && text_take(&field, limit, ret_text) < 0)
			return -EINVAL;
	return r;
}

static int64_t ms_to_ns(uint64_t ms, int64_t otherwise)
{
	if ((int64_t)ms <= 0)
		return otherwise;
	return ((int64_t)ms > TIMEOUT_MS_MAX ? TIMEOUT_MS_MAX : (int64_t)ms) * NS_PER_MS;
}

/* containerd has the later events from 2.2 on, CRI-O's version does not say; only 0.12 announces itself. */
static uint32_t range_tell(const struct nri_runtime *runtime)
{
	struct str version = runtime->version;
	unsigned part[2] = { 0 };
	size_t at = version.len && *version.p == 'v';

	if (runtime->nri_version.len)
		return NRI_RANGE_NEW;
	if (!str_is(runtime->name, "containerd"))
		return NRI_RANGE_OLD;
	for (int i = 0; i < 2; i++, at++)
		for (; at < version.len && version.p[at] >= '0' && version.p[at] <= '9' && part[i] < 100000; at++)
			part[i] = part[i] * 10 + (unsigned)(version.p[at] - '0');
	return part[0] > 2 || (part[0] == 2 && part[1] >= 2) ? NRI_RANGE_NEW : NRI_RANGE_OLD;
}

int nri_runtime_parse(struct str message, struct nri_runtime *ret_runtime, struct error *err)
{
	struct nri_runtime runtime = { .request_ns = REQUEST_NS_DEFAULT, .registration_ns = REGISTRATION_NS_DEFAULT };
	struct pb_field field;
	int r;

	while ((r = pb_next(&message, &field)) > 0) {
		int bad = 0;

		switch (field.number) {
		case CONFIGURE_CONFIG:
			runtime.config = field.bytes;
			break;
		case CONFIGURE_RUNTIME_NAME:
			bad = text_take(&field, NRI_NAME_MAX, &runtime.name);
			break;
		case CONFIGURE_RUNTIME_VERSION:
			bad = text_take(&field, NRI_NAME_MAX, &runtime.version);
			break;
		case CONFIGURE_NRI_VERSION:
			bad = text_take(&field, NRI_NAME_MAX, &runtime.nri_version);
			break;
		case CONFIGURE_REGISTRATION_MS:
			runtime.registration_ns = ms_to_ns(field.value, REGISTRATION_NS_DEFAULT);
			break;
		case CONFIGURE_REQUEST_MS:
			runtime.request_ns = ms_to_ns(field.value, REQUEST_NS_DEFAULT);
			break;
		}
		if (bad < 0)
			return malformed(err, "Configure");
	}
	if (r < 0)
		return malformed(err, "Configure");
	runtime.range = range_tell(&runtime);
	*ret_runtime = runtime;
	return 0;
}

static int pod_linux_parse(const struct pb_field *part, struct nri_pod *pod)
{
	if (part->type != PB_BYTES ||
	    inner_text(part->bytes, LINUX_POD_CGROUP_PARENT, NRI_PATH_MAX, &pod->cgroup_parent) < 0)
		return -EINVAL;
	return inner_text(part->bytes, LINUX_POD_CGROUPS_PATH, NRI_PATH_MAX, &pod->cgroups_path);
}

int nri_pod_parse(struct str message, struct nri_pod *ret_pod, struct error *err)
{
	struct nri_pod pod = { .message = message };
	struct pb_field field;
	int r, bad = 0;

	while (!bad && (r = pb_next(&message, &field)) > 0) {
		switch (field.number) {
		case POD_ID:
			bad = text_take(&field, NRI_NAME_MAX, &pod.id);
			break;
		case POD_NAME:
			bad = text_take(&field, NRI_NAME_MAX, &pod.name);
			break;
		case POD_UID:
			bad = text_take(&field, NRI_NAME_MAX, &pod.uid);
			break;
		case POD_NAMESPACE:
			bad = text_take(&field, NRI_NAME_MAX, &pod.name_space);
			break;
		case POD_RUNTIME_HANDLER:
			bad = text_take(&field, NRI_NAME_MAX, &pod.runtime_handler);
			break;
		case POD_LINUX:
			bad = pod_linux_parse(&field, &pod);
			break;
		case POD_PID:
			pod.pid = (uint32_t)field.value;
			break;
		}
	}
	if (bad || r < 0)
		return malformed(err, "pod");
	*ret_pod = pod;
	return 0;
}

int nri_container_parse(struct str message, struct nri_container *ret_container, struct error *err)
{
	struct nri_container container = { .message = message };
	struct pb_field field;
	int r, bad = 0;

	while (!bad && (r = pb_next(&message, &field)) > 0) {
		switch (field.number) {
		case CONTAINER_ID:
			bad = text_take(&field, NRI_NAME_MAX, &container.id);
			break;
		case CONTAINER_POD_ID:
			bad = text_take(&field, NRI_NAME_MAX, &container.pod_id);
			break;
		case CONTAINER_NAME:
			bad = text_take(&field, NRI_NAME_MAX, &container.name);
			break;
		case CONTAINER_STATE:
			container.state = field.value <= NRI_STOPPED ? (enum nri_container_state)field.value
								     : NRI_UNKNOWN;
			break;
		case CONTAINER_LINUX:
			bad = field.type == PB_BYTES ? inner_text(field.bytes, LINUX_CGROUPS_PATH, NRI_PATH_MAX,
								  &container.cgroups_path)
						     : -EINVAL;
			break;
		case CONTAINER_PID:
			container.pid = (uint32_t)field.value;
			break;
		case CONTAINER_IMAGE:
			bad = field.type == PB_BYTES
				      ? inner_text(field.bytes, IMAGE_NAME, NRI_PATH_MAX, &container.image)
				      : -EINVAL;
			break;
		}
	}
	if (bad || r < 0)
		return malformed(err, "container");
	*ret_container = container;
	return 0;
}

/* --- walks --- */

struct nri_walk nri_pod_labels(const struct nri_pod *pod)
{
	return (struct nri_walk){ pod->message, POD_LABELS };
}

struct nri_walk nri_pod_annotations(const struct nri_pod *pod)
{
	return (struct nri_walk){ pod->message, POD_ANNOTATIONS };
}

struct nri_walk nri_container_labels(const struct nri_container *container)
{
	return (struct nri_walk){ container->message, CONTAINER_LABELS };
}

struct nri_walk nri_container_annotations(const struct nri_container *container)
{
	return (struct nri_walk){ container->message, CONTAINER_ANNOTATIONS };
}

struct nri_walk nri_container_mounts(const struct nri_container *container)
{
	return (struct nri_walk){ container->message, CONTAINER_MOUNTS };
}

struct nri_walk nri_container_args(const struct nri_container *container)
{
	return (struct nri_walk){ container->message, CONTAINER_ARGS };
}

struct nri_walk nri_container_env(const struct nri_container *container)
{
	return (struct nri_walk){ container->message, CONTAINER_ENV };
}

bool nri_walk_next(struct nri_walk *walk, struct str *ret_item)
{
	struct pb_field field;

	while (pb_next(&walk->rest, &field) > 0)
		if (field.number == walk->field && field.type == PB_BYTES) {
			*ret_item = field.bytes;
			return true;
		}
	walk->rest = (struct str){ 0 };
	return false;
}

bool nri_walk_pair(struct nri_walk *walk, struct str *ret_key, struct str *ret_value)
{
	struct str entry;
	struct pb_field field;

	if (!nri_walk_next(walk, &entry))
		return false;
	*ret_key = *ret_value = (struct str){ "", 0 };
	while (pb_next(&entry, &field) > 0) {
		if (field.number == PAIR_KEY && field.type == PB_BYTES)
			*ret_key = field.bytes;
		else if (field.number == PAIR_VALUE && field.type == PB_BYTES)
			*ret_value = field.bytes;
	}
	return true;
}

struct str nri_walk_find(struct nri_walk walk, struct str key)
{
	struct str one, value;

	while (nri_walk_pair(&walk, &one, &value))
		if (str_equal(one, key))
			return value;
	return (struct str){ 0 };
}

static struct str inner(struct str message, uint32_t number)
{
	struct nri_walk walk = { message, number };
	struct str found = { 0 }, item;

	while (nri_walk_next(&walk, &item))
		found = item;
	return found;
}

struct nri_walk nri_container_hooks(const struct nri_container *container)
{
	return (struct nri_walk){ inner(container->message, CONTAINER_HOOKS), HOOKS_CREATE_RUNTIME };
}

/* --- requests --- */

static int request_parse(struct str message, uint32_t pod, uint32_t container, struct nri_request *request,
			 struct error *err)
{
	struct pb_field field;
	int r;

	request->message = message;
	while ((r = pb_next(&message, &field)) > 0) {
		if (field.type != PB_BYTES && (field.number == pod || field.number == container))
			return -EINVAL;
		if (field.number == pod)
			r = nri_pod_parse(field.bytes, &request->pod, err);
		else if (field.number == container)
			r = nri_container_parse(field.bytes, &request->container, err);
		if (r < 0)
			return r;
	}
	return r;
}

int nri_request_parse(enum nri_event event, struct str message, struct nri_request *ret_request, struct error *err)
{
	struct nri_request request = { .event = event };

	if (request_parse(message, REQUEST_POD, REQUEST_CONTAINER, &request, err) < 0)
		return malformed(err, nri_event_name(event));
	if (event == NRI_VALIDATE_CONTAINER_ADJUSTMENT)
		request.hooks =
			(struct nri_walk){ inner(inner(message, REQUEST_ADJUST), ADJUST_HOOKS), HOOKS_CREATE_RUNTIME };
	*ret_request = request;
	return 0;
}

int nri_state_change_parse(struct str message, struct nri_request *ret_request, struct error *err)
{
	struct nri_request request = { 0 };
	struct str rest = message;
	struct pb_field field;

	while (pb_next(&rest, &field) > 0)
		if (field.number == STATE_EVENT && field.type == PB_VARINT && field.value < NRI_EVENTS)
			request.event = (enum nri_event)field.value;
	if (!request.event || request_parse(message, STATE_POD, STATE_CONTAINER, &request, err) < 0)
		return malformed(err, "StateChange");
	*ret_request = request;
	return 0;
}

struct str nri_hook_path(struct str hook)
{
	return inner(hook, HOOK_PATH);
}
