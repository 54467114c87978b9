/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/announced.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admission.h"
#include "agent/cgroup_place.h"
#include "agent/policies.h"
#include "agent/workload.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "oci/cgroup_path.h"
#include "pod/container_name.h"
#include "pod/registry.h"
#include "sensor/hierarchy.h"
#include "sensor/sensor.h"

/* One allocation: the announcement, its labels, its texts. */
struct announcement {
	struct announcement *next; /* hash chain */
	struct announcement *newer, *older;
	int64_t expires_ns; /* CLOCK_BOOTTIME */
	size_t bytes;
	uint32_t decision_us;
	char leaf[ABI_LEAF_MAX];
	struct admission_request request;
};

static const size_t texts[] = {
	offsetof(struct admission_request, cgroup_path),  offsetof(struct admission_request, root_dir),
	offsetof(struct admission_request, container_id), offsetof(struct admission_request, container_name),
	offsetof(struct admission_request, image),        offsetof(struct admission_request, pod_name),
	offsetof(struct admission_request, pod_uid),      offsetof(struct admission_request, pod_namespace),
};
#define TEXTS (sizeof texts / sizeof *texts)

static const char *text_get(const struct admission_request *request, size_t i)
{
	const char *text;

	memcpy(&text, (const char *)request + texts[i], sizeof text);
	return text ? text : "";
}

static const char *copy_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);

	*at += size;
	return copy;
}

/* `request` came in a message of limited size: sums cannot wrap. */
static size_t bytes_of(const struct admission_request *request)
{
	size_t bytes = sizeof(struct announcement) + request->labels * sizeof(struct pod_label);

	for (size_t i = 0; i < TEXTS; i++)
		bytes += strlen(text_get(request, i)) + 1;
	for (size_t i = 0; i < request->labels; i++)
		bytes += strlen(request->label[i].key) + strlen(request->label[i].value) + 2;
	return bytes;
}

static struct announcement *announcement_new(const struct admission_request *request, const char *leaf,
					     int64_t expires_ns)
{
	size_t bytes = bytes_of(request);
	struct announcement *announcement = malloc(bytes);
	struct pod_label *label;
	char *at;

	if (!announcement)
		return NULL;
	*announcement = (struct announcement){ .expires_ns = expires_ns, .bytes = bytes, .request = *request };
	memcpy(announcement->leaf, leaf, strlen(leaf) + 1);
	announcement->request.peer_pid = 0; /* when it is used, that number may be another process' */
	label = (struct pod_label *)(announcement + 1);
	at = (char *)(label + request->labels);
	announcement->request.label = label;
	for (size_t i = 0; i < request->labels; i++)
		label[i] = (struct pod_label){ copy_text(&at, request->label[i].key),
					       copy_text(&at, request->label[i].value) };
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = copy_text(&at, text_get(request, i));

		memcpy((char *)&announcement->request + texts[i], &text, sizeof text);
	}
	return announcement;
}

/* --- the table --- */

static struct announcement **bucket_of(struct announced *announced, const char *leaf)
{
	return &announced->bucket[hash_fold(hash_bytes(HASH_BEGIN, leaf, strlen(leaf))) % ANNOUNCED_BUCKETS];
}

static struct announcement *find(struct announced *announced, const char *leaf)
{
	struct announcement *at = *bucket_of(announced, leaf);

	while (at && strcmp(at->leaf, leaf) != 0)
		at = at->next;
	return at;
}

static void insert(struct announced *announced, struct announcement *announcement)
{
	struct announcement **head = bucket_of(announced, announcement->leaf);

	announcement->next = *head;
	*head = announcement;
	announcement->older = announced->newest;
	*(announced->newest ? &announced->newest->newer : &announced->oldest) = announcement;
	announced->newest = announcement;
	announced->waiting++;
	announced->bytes += announcement->bytes;
}

/* NULL is allowed. */
static void drop(struct announced *announced, struct announcement *announcement)
{
	struct announcement **at;

	if (!announcement)
		return;
	at = bucket_of(announced, announcement->leaf);
	while (*at != announcement)
		at = &(*at)->next;
	*at = announcement->next;
	*(announcement->older ? &announcement->older->newer : &announced->oldest) = announcement->newer;
	*(announcement->newer ? &announcement->newer->older : &announced->newest) = announcement->older;
	announced->waiting--;
	announced->bytes -= announcement->bytes;
	free(announcement);
}

void announced_done(struct announced *announced)
{
	while (announced->oldest)
		drop(announced, announced->oldest);
}

size_t announced_expire(struct announced *announced, int64_t now_ns)
{
	size_t n = 0;

	for (; announced->oldest && announced->oldest->expires_ns <= now_ns; n++) {
		(void)sensor_disarm(announced->admission->sensor, announced->oldest->leaf); /* expired there too */
		drop(announced, announced->oldest);
	}
	announced->expired += n;
	return n;
}

/* --- announcing --- */

static const char *leaf_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Any cgroup of that name will be taken for the container: so the name must be its own. */
static int leaf_check(const char *leaf, const struct admission_request *request, struct error *err)
{
	struct str id = container_name_id(str_of(leaf), NULL);
	const char *told = request->container_id ? request->container_id : "";

	if (strlen(leaf) >= ABI_LEAF_MAX || !id.len || (*told && !str_is(id, told)))
		return error_set(err, ENOENT,
				 "cgroup name '%s' is not told by container id '%s': it can't be armed before it is "
				 "there",
				 leaf, told);
	return 0;
}

static bool differs(const char *known, const char *said)
{
	return known && said && *known && *said && strcmp(known, said) != 0;
}

static int identity_check(struct announced *announced, const struct announcement *known,
			  const struct admission_request *request, struct error *err)
{
	if (!differs(known->request.pod_namespace, request->pod_namespace) &&
	    !differs(known->request.pod_uid, request->pod_uid))
		return 0;
	announced->admission->refused_identity++;
	return error_set(err, EPERM,
			 "container '%s' was announced in namespace '%s', pod uid '%s': the identity is not the one "
			 "that it came with",
			 known->leaf, known->request.pod_namespace, known->request.pod_uid);
}

static int arm(struct announced *announced, const char *leaf, const struct admission_answer *answer,
	       const struct abi_policy_set *set, struct error *err)
{
	struct sensor *sensor = announced->admission->sensor;
	int r = sensor_arm(sensor, leaf, announced->ttl_ns, answer->flags, answer->runtime_mnt_ns, set, err);

	if ((r == -E2BIG || r == -ENOSPC) && sensor_arm_expire(sensor) > 0) /* what an earlier agent left */
		r = sensor_arm(sensor, leaf, announced->ttl_ns, answer->flags, answer->runtime_mnt_ns, set, err);
	return r == -E2BIG ? -ENOSPC : r;
}

static bool is_there(const struct announced *announced, const char *path)
{
	uint64_t id;

	return hierarchy_cgroup_id(announced->admission->hierarchy, path, &id, NULL) >= 0;
}

/* What is not told this time is as it was. */
static void complete(struct admission_request *request, const struct admission_request *known)
{
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = text_get(known, i);

		if (!*text_get(request, i))
			memcpy((char *)request + texts[i], &text, sizeof text);
	}
	if (!request->labels && !request->labels_known) {
		request->label = known->label;
		request->labels = known->labels;
		request->labels_known = known->labels_known;
	}
}

/* Made before the kernel was armed: then it waits for nothing. */
static int admit_if_there(struct announced *announced, const struct admission_request *request,
			  struct admission_answer *answer, struct error *err)
{
	struct admission_answer now_there;
	int r;

	if (!is_there(announced, answer->path))
		return 0;
	r = admission_admit(announced->admission, request, &now_there, err);
	if (r == -ENOENT)
		return 0; /* and is gone again */
	announced_confirm(announced, answer->path);
	*answer = now_there;
	return r;
}

int announced_add(struct announced *announced, const struct admission_request *request, int64_t now_ns,
		  struct admission_answer *ret_answer, struct error *err)
{
	struct announcement *known = NULL, *announcement;
	struct admission_request whole = *request;
	struct abi_policy_set set;
	char leaf[ABI_LEAF_MAX];
	int r = admission_foresee(announced->admission, &whole, ret_answer, &set, err);

	(void)announced_expire(announced, now_ns);
	if (r < 0 && r != -EAGAIN) /* undecided: it may be known already by more than is told this time */
		return r;
	if (leaf_check(leaf_of(ret_answer->path), request, r < 0 ? NULL : err) < 0)
		return r < 0 ? r : -ENOENT;
	memcpy(leaf, leaf_of(ret_answer->path), strlen(leaf_of(ret_answer->path)) + 1); /* short: checked */
	known = find(announced, leaf);
	if (known) {
		int same = identity_check(announced, known, request, err);

		if (same < 0)
			return same;
		complete(&whole, &known->request);
		r = admission_foresee(announced->admission, &whole, ret_answer, &set, err);
	}
	if (r < 0)
		return r;
	if ((!known && announced->waiting >= ABI_ARMED) || bytes_of(&whole) > ANNOUNCED_BYTES_MAX - announced->bytes) {
		announced->refused++;
		return error_set(err, ENOSPC, "%zu announced containers are waiting for their cgroup already",
				 announced->waiting);
	}
	whole.cgroup_path = ret_answer->path; /* cleaned */
	announcement = announcement_new(&whole, leaf, now_ns + announced->ttl_ns);
	if (!announcement)
		return error_errno(err, ENOMEM, "announced container '%s'", leaf);
	r = arm(announced, leaf, ret_answer, &set, err);
	if (r < 0) {
		announced->refused += r == -ENOSPC;
		free(announcement);
		return r;
	}
	ret_answer->is_new = !known;
	announced->announced += !known;
	drop(announced, known);
	insert(announced, announcement);
	return admit_if_there(announced, &announcement->request, ret_answer, err);
}

int announced_join(struct announced *announced, const struct admission_request *told,
		   struct admission_request *ret_whole, struct error *err)
{
	const char *path = told->cgroup_path ? told->cgroup_path : "";
	const struct announcement *known;
	char expanded[PATH_MAX];

	*ret_whole = *told;
	if (!announced->waiting)
		return 0;
	if (*path != '/' && cgroup_path_expand(str_of(path), expanded, sizeof expanded, NULL) >= 0)
		path = expanded;
	known = find(announced, leaf_of(path));
	if (!known)
		return 0;
	complete(ret_whole, &known->request);
	ret_whole->source = known->request.source; /* who told first */
	return identity_check(announced, known, told, err);
}

void announced_decided(struct announced *announced, const char *path, uint32_t decision_us)
{
	struct announcement *announcement = find(announced, leaf_of(path));

	if (announcement && !announcement->decision_us)
		announcement->decision_us = decision_us;
}

void announced_confirm(struct announced *announced, const char *path)
{
	struct announcement *announcement = find(announced, leaf_of(path));
	const struct pod_container *container;

	if (!announcement)
		return;
	container = pod_registry_by_path(announced->admission->registry, path);
	if (container)
		pod_registry_decided(announced->admission->registry, container->cgroup_id, announcement->decision_us);
	(void)sensor_disarm(announced->admission->sensor, announcement->leaf); /* mostly used up */
	drop(announced, announcement);
}

/* --- what the kernel tells --- */

static void warn(struct announced *announced, const char *msg, const struct announcement *announcement,
		 const char *path, const char *error)
{
	struct log_line line;

	log_begin(&line, announced->log, LOG_WARN, msg);
	log_text(&line, "name", announcement->leaf);
	log_text(&line, "announced-path", announcement->request.cgroup_path);
	log_text(&line, "namespace", announcement->request.pod_namespace);
	log_text(&line, "pod", announcement->request.pod_name);
	if (*path)
		log_text(&line, "cgroup-path", path);
	if (*error)
		log_text(&line, "error", error);
	(void)log_end(&line); /* counted in the log */
}

/*
 * Admits it at the path where it is: the announced one, or, with a runtime that sees another part of the tree, that of
 * the id. *path is the caller's PATH_MAX bytes.
 */
static int admit(struct announced *announced, const struct announcement *announcement, uint64_t cgroup_id, char *path,
		 struct error *err)
{
	struct admission *admission = announced->admission;
	struct admission_request request = announcement->request;
	struct admission_answer answer;
	int r = admission_admit(admission, &request, &answer, err);

	if (r == -ENOENT || (r >= 0 && answer.cgroup_id != cgroup_id)) {
		r = cgroup_place(admission->hierarchy, cgroup_id, path, PATH_MAX, err);
		if (r < 0)
			return r;
		if (!strcmp(path, answer.path))
			return -ENOENT; /* made, gone, and made again: another record is on its way */
		announced->elsewhere++;
		warn(announced, "an announced container is at another cgroup than announced", announcement, path, "");
		request.cgroup_path = path;
		r = admission_admit(admission, &request, &answer, err);
	}
	return r;
}

void announced_armed(struct announced *announced, const char *name, uint64_t cgroup_id)
{
	struct announcement *announcement = find(announced, name);
	struct error err = { 0 };
	char path[PATH_MAX] = "";
	int r;

	if (!announcement) {
		if (pod_registry_by_cgroup(announced->admission->registry, cgroup_id))
			return; /* confirmed already */
		announced->unknown++;
		(void)log_event(announced->log, LOG_WARN,
				"a container is under the policies that it was announced with, to an earlier agent; "
				"who it is will be known when it is confirmed",
				"name", name, NULL);
		return;
	}
	announced->armed++;
	r = admit(announced, announcement, cgroup_id, path, &err);
	if (r < 0 && r != -ENOENT) /* gone already */
		warn(announced, "an announced container is under its policies, but is not registered", announcement,
		     path, err.text);
	if (r >= 0)
		pod_registry_decided(announced->admission->registry, cgroup_id, announcement->decision_us);
	drop(announced, announcement);
}

int announced_refresh(void *context, struct error *err)
{
	struct announced *announced = context;
	struct admission *admission = announced->admission;

	for (struct announcement *at = announced->oldest, *newer; at; at = newer) {
		const struct admission_request *request = &at->request;
		struct admission_answer answer;
		struct abi_policy_set set;
		struct workload workload;
		int r;

		newer = at->newer;
		workload = admission_workload(request);
		set = (struct abi_policy_set){
			0
		}; /* undecided ones were refused when it was announced, or will be at its start */
		(void)policies_select(admission->policies, request->cgroup_path, &workload, &set);
		r = sensor_arm_policies(admission->sensor, at->leaf, &set, err);
		if (r < 0)
			return error_wrap(err, r, "announced container '%s'", at->leaf);
		/* Made meanwhile, its record is not read yet; a refusal is told of then. */
		if (!r && is_there(announced, request->cgroup_path))
			(void)admission_admit(admission, request, &answer, NULL);
	}
	return 0;
}
