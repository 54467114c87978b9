/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/admission.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/found_running.h"
#include "agent/policies.h"
#include "agent/workload.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "oci/cgroup_path.h"
#include "pod/container_name.h"
#include "policy/policy_set.h"
#include "policy/policy.h"
#include "sensor/hierarchy.h"
#include "sensor/sensor.h"

/* Bytes, with the NUL, of what decides about a container and must be the same after a restart. */
#define KEPT(field) sizeof(((struct abi_container_info *)NULL)->field)
#define KEPT_PATH KEPT(cgroup_path)

static const char *text_of(const char *text)
{
	return text ? text : "";
}

/* One '/' between components, none at the end, no "." */
static int path_clean(const char *spec, char *path, size_t size, struct error *err)
{
	struct buf out = buf_over(path, size);
	char expanded[PATH_MAX];
	int r;

	if (!*spec)
		return error_set(err, EINVAL, "cgroupsPath is empty");
	if (cgroup_path_climbs(str_of(spec)))
		return error_set(err, EINVAL, "cgroupsPath '%s' climbs with '..'", spec);
	if (*spec != '/') {
		r = cgroup_path_expand(str_of(spec), expanded, sizeof expanded, err);
		if (r < 0)
			return error_wrap(err, -EINVAL, "cgroupsPath");
		spec = expanded;
	}
	while (*spec) {
		size_t len = strcspn(spec, "/");

		if (len && !(len == 1 && *spec == '.')) {
			buf_byte(&out, '/');
			buf_add(&out, spec, len);
		}
		spec += len;
		spec += *spec == '/';
	}
	if (out.overflow || out.len >= KEPT_PATH)
		return error_set(err, EINVAL,
				 "cgroupsPath is longer than %zu bytes: it could not be kept over a restart",
				 KEPT_PATH - 1);
	if (!out.len)
		return error_set(err, EINVAL,
				 "cgroupsPath is the root of the cgroup tree: that is the host, not a container");
	return 0;
}

static int check_identity(const struct admission_request *request, const char *path, struct error *err)
{
	struct str in_path = cgroup_path_pod_uid(str_of(path)), told = str_of(text_of(request->pod_uid));

	if (told.len >= KEPT(pod_uid) || strlen(text_of(request->pod_namespace)) >= KEPT(pod_namespace))
		return error_set(err, EINVAL, "pod namespace or UID is longer than any of Kubernetes (%zu, %zu bytes)",
				 KEPT(pod_namespace) - 1, KEPT(pod_uid) - 1);
	if (!in_path.len || !told.len || cgroup_path_uid_equal(in_path, told))
		return 0;
	return error_set(err, EPERM, "pod UID '%s' is not the one of the cgroup path %s: the identity is forged",
			 told.p, path);
}

/*
 * What the registry knows against it. Entries that are out of date (their cgroup is gone) are moved away, each at most
 * once.
 */
static int check_cgroup(struct admission *admission, const struct admission_request *request, const char *path,
			uint64_t id, struct error *err)
{
	for (;;) {
		const struct pod_container *other = NULL;
		uint64_t other_id;

		switch (pod_registry_judge_path(admission->registry, path, id, text_of(request->container_id),
						&other)) {
		case POD_PATH_ROOT:
			return error_set(
				err, EINVAL,
				"cgroupsPath is the root of the cgroup tree: that is the host, not a container");
		case POD_PATH_TAKEN:
			return error_set(err, EINVAL, "cgroup %s is already that of container %s, not of %s", path,
					 other->container_id, request->container_id);
		case POD_PATH_ABOVE:
			if (hierarchy_cgroup_id(admission->hierarchy, other->cgroup_path, &other_id, NULL) >= 0 &&
			    other_id == other->cgroup_id)
				return error_set(err, EINVAL,
						 "cgroup %s is no container's: container %s is below it, at %s", path,
						 other->container_id, other->cgroup_path);
			break;
		case POD_PATH_REMADE:
			break;
		case POD_PATH_NEW:
		case POD_PATH_SAME:
		case POD_PATH_BELOW:
			return 0;
		}
		(void)pod_registry_remove(admission->registry, other->cgroup_id, clock_now_ns(CLOCK_REALTIME));
	}
}

/* The cgroup of a container holds no agent that watches it from further inside. */
static int check_not_ours(const struct admission *admission, const char *path, struct error *err)
{
	struct str own = str_of(admission->own_path), told = str_of(path);

	if (!str_starts(own, told) || own.len == told.len || own.p[told.len] != '/')
		return 0;
	return error_set(err, EINVAL, "cgroup %s is no container's: this agent itself runs below it, at %s", path,
			 own.p);
}

void admission_find_own_path(struct admission *admission)
{
	const char *controller = admission->hierarchy->controller;
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen("/proc/self/cgroup", "re");

	admission->own_path[0] = '\0';
	while (file && getline(&line, &size, file) > 0) {
		char *save = NULL, *names, *path;
		bool is_ours;

		line[strcspn(line, "\n")] = '\0'; /* "4:cpu,cpuacct:/path", "0::/path" */
		names = strchr(line, ':');
		path = names ? strchr(names + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		is_ours = !*controller && !names[1];
		for (char *name = strtok_r(names + 1, ",", &save); name && !is_ours; name = strtok_r(NULL, ",", &save))
			is_ours = *controller && !strcmp(name, controller);
		if (is_ours && !cgroup_path_climbs(str_of(path)) && strlen(path) < sizeof admission->own_path)
			memcpy(admission->own_path, path, strlen(path) + 1);
	}
	free(line);
	if (file)
		(void)fclose(file); /* read only */
}

static void info_text(char *to, size_t size, const char *text)
{
	struct buf out = buf_over(to, size);

	buf_add(&out, text, strnlen(text, size - 1)); /* cut: ids and names for people; what decides is whole */
}

/* Somebody told of it because the runtime did, before it ran. */
static bool is_runtimes_word(enum pod_source source)
{
	return source == POD_FROM_HOOK || source == POD_FROM_NRI || source == POD_FROM_NRI_INSIDE;
}

static void info_of(const struct pod_container *container, struct abi_container_info *info)
{
	*info = (struct abi_container_info){ .registered_ns = (uint64_t)container->registered_ns };
	info->source = is_runtimes_word(container->source)           ? ABI_INFO_HOOK
		       : container->source == POD_FROM_UNSEEN_RECORD ? ABI_INFO_UNSEEN_RECORD
								     : ABI_INFO_WALK;
	info_text(info->container_id, sizeof info->container_id, container->container_id);
	info_text(info->pod_uid, sizeof info->pod_uid, container->pod_uid);
	info_text(info->pod_namespace, sizeof info->pod_namespace, container->pod_namespace);
	info_text(info->pod_name, sizeof info->pod_name, container->pod_name);
	info_text(info->container_name, sizeof info->container_name, container->name);
	info_text(info->image, sizeof info->image, container->image);
	info_text(info->cgroup_path, sizeof info->cgroup_path, container->cgroup_path);
}

/* A container id that the request lacks may be in the path. */
static const char *container_id_of(const struct admission_request *request, const char *path, char *memory, size_t size)
{
	struct str in_path = cgroup_path_container_id(str_of(path));
	struct buf out = buf_over(memory, size);

	if (*text_of(request->container_id))
		return request->container_id;
	buf_str(&out, in_path);
	return memory;
}

/* What the walk found out about a container that was just being made: its own hook knows better. */
static bool is_guess(const struct admission *admission, uint64_t cgroup_id)
{
	const struct pod_container *known = pod_registry_by_cgroup(admission->registry, cgroup_id);

	return known && known->source == POD_FROM_WALK;
}

/* The kernel refuses us, not the caller its identity. */
static int of_kernel(int r)
{
	return r == -EPERM ? -EIO : r;
}

/*
 * Once the container is in the kernel with ABI_CG_MARKS_DUE: then a task that is missed, or that could not be marked,
 * is marked by the kernel at its next system call.
 */
static int mark_running(struct admission *admission, const struct admission_request *request, int cgroup_fd,
			struct admission_answer *answer, struct error *err)
{
	int r;

	if (!request->may_run || !sensor_container_marks_due(admission->sensor, answer->cgroup_id))
		return 0;
	r = sensor_container_mark_running(admission->sensor, answer->cgroup_id, cgroup_fd, ADMISSION_MARK_NS, err);
	if (r == -ENOENT)
		return 0; /* it has ended */
	if (r < 0)
		return error_wrap(err, of_kernel(r), "cannot mark what runs in cgroup %s", answer->path);
	answer->marked = (unsigned)r;
	if (admission->found)
		found_running_add(admission->found, answer->cgroup_id);
	return 0;
}

/* What an earlier agent decided, who was told more, holds where this one can't. */
static void policies_choose(struct admission *admission, struct admission_answer *answer,
			    const struct pod_container *container, struct abi_policy_set *ret_set)
{
	const struct workload workload = workload_of(container);
	const struct policy *undecided;
	bool is_found = container->source == POD_FROM_WALK, has = false;

	*ret_set = (struct abi_policy_set){ 0 };
	undecided = policies_select(admission->policies, answer->path, &workload, ret_set);
	if (undecided || is_found)
		has = sensor_container_policies_get(admission->sensor, answer->cgroup_id, ret_set) >= 0;
	if (has)
		(void)policies_select(admission->policies, answer->path, &workload, ret_set);
	answer->was_known = has && is_found && answer->is_new;
	answer->undecided = undecided ? undecided->name : NULL;
	admission->undecided += undecided != NULL;
	answer->policies = policy_set_count(ret_set);
}

/* A container that may be selected must not start before that is known. */
static int undecided_refuse(const struct admission_answer *answer, struct error *err)
{
	return error_set(err, EAGAIN,
			 "policy %s chooses by labels, name or image of a container, which nobody has told of this one "
			 "yet: an NRI plugin tells them (tetragon-nri-hook, or tetragon --nri)",
			 answer->undecided);
}

static int admit(struct admission *admission, const struct admission_request *request, int cgroup_fd,
		 struct admission_answer *answer, struct error *err)
{
	const struct pod_container *container;
	struct abi_container_info info;
	struct runtime_verdict verdict;
	struct abi_policy_set set;
	char id[POD_ID_MAX + 1];
	struct pod_container told = {
		.container_id = container_id_of(request, answer->path, id, sizeof id),
		.name = text_of(request->container_name),
		.image = text_of(request->image),
		.pod_namespace = text_of(request->pod_namespace),
		.pod_name = text_of(request->pod_name),
		.pod_uid = text_of(request->pod_uid),
		.cgroup_id = answer->cgroup_id,
		.cgroup_path = answer->path,
		.label = request->label,
		.labels = request->labels,
		.labels_known = request->labels_known,
		.source = request->source,
	};
	int r;

	(void)container_name_id(cgroup_path_leaf(str_of(answer->path)),
				&told.runtime); /* "" if the name tells nothing */
	r = pod_registry_add(admission->registry, &told, clock_now_ns(CLOCK_REALTIME), err);
	if (r == -EEXIST && is_runtimes_word(request->source) && is_guess(admission, answer->cgroup_id)) {
		(void)pod_registry_remove(admission->registry, answer->cgroup_id, clock_now_ns(CLOCK_REALTIME));
		r = pod_registry_add(admission->registry, &told, clock_now_ns(CLOCK_REALTIME), err);
	}
	if (r == -EEXIST)
		return error_wrap(err, -EPERM, "the identity is not the one that the container came with");
	if (r < 0)
		return r;
	answer->is_new = r == 1;
	container = pod_registry_by_cgroup(admission->registry, answer->cgroup_id);
	info_of(container, &info);
	policies_choose(admission, answer, container, &set);
	verdict = runtime_judge(&admission->judge, cgroup_fd, request->root_dir, request->peer_pid);
	answer->flags = verdict.flags;
	answer->runtime_mnt_ns = verdict.mnt_ns;
	/* who left a record has run before anybody was told, even if his hook's request came late after all */
	if (request->may_run && (answer->is_new || request->source == POD_FROM_UNSEEN_RECORD))
		answer->flags |= ABI_CG_MARKS_DUE;
	r = sensor_container_add(admission->sensor, answer->cgroup_id, cgroup_fd, answer->flags, answer->runtime_mnt_ns,
				 &set, &info, err);
	if (r < 0 && answer->is_new)
		(void)pod_registry_remove(admission->registry, answer->cgroup_id, clock_now_ns(CLOCK_REALTIME));
	if (r < 0)
		return error_wrap(err, of_kernel(r), "cannot put cgroup %s under policy", answer->path);
	r = mark_running(admission, request, cgroup_fd, answer, err);
	if (r >= 0 && answer->undecided && !request->may_run)
		r = undecided_refuse(answer, err);
	return r;
}

/* All but the path's memory, which is large. */
static void answer_clear(struct admission_answer *answer)
{
	memset(answer, 0, offsetof(struct admission_answer, path));
	answer->path[0] = '\0';
}

/* Path and identity: what needs no cgroup. */
static int check_told(struct admission *admission, const struct admission_request *request,
		      struct admission_answer *answer, struct error *err)
{
	int r = path_clean(text_of(request->cgroup_path), answer->path, sizeof answer->path, err);

	if (r < 0)
		admission->refused_cgroup++;
	else if ((r = check_identity(request, answer->path, err)) < 0)
		admission->refused_identity++; /* forged, or none that there can be */
	return r;
}

int admission_foresee(struct admission *admission, const struct admission_request *request,
		      struct admission_answer *ret_answer, struct abi_policy_set *ret_policies, struct error *err)
{
	const struct policy *undecided;
	struct runtime_verdict verdict;
	struct workload workload;
	int r;

	answer_clear(ret_answer);
	r = check_told(admission, request, ret_answer, err);
	if (r < 0)
		return r;
	verdict = runtime_judge(&admission->judge, -1, request->root_dir, request->peer_pid);
	ret_answer->flags = verdict.flags;
	ret_answer->runtime_mnt_ns = verdict.mnt_ns;
	workload = admission_workload(request);
	*ret_policies = (struct abi_policy_set){ 0 };
	undecided = policies_select(admission->policies, ret_answer->path, &workload, ret_policies);
	ret_answer->policies = policy_set_count(ret_policies);
	ret_answer->undecided = undecided ? undecided->name : NULL;
	return undecided ? undecided_refuse(ret_answer, err) : 0;
}

struct workload admission_workload(const struct admission_request *request)
{
	return (struct workload){
		.pod_namespace = request->pod_namespace,
		.pod_name = request->pod_name,
		.pod_uid = request->pod_uid,
		.container_name = request->container_name,
		.image = request->image,
		.label = request->label,
		.labels = request->labels,
		.labels_known = request->labels_known || request->labels,
	};
}

int admission_admit(struct admission *admission, const struct admission_request *request,
		    struct admission_answer *ret_answer, struct error *err)
{
	struct admission_answer *answer = ret_answer;
	auto_close int cgroup_fd = -1;
	int r;

	answer_clear(answer);
	r = check_told(admission, request, answer, err);
	if (r < 0)
		return r;
	r = cgroup_fd = hierarchy_open(admission->hierarchy, answer->path, &answer->cgroup_id, err);
	if (r == -EXDEV)
		r = -EINVAL;
	if (r >= 0 && answer->cgroup_id == admission->hierarchy->root_id)
		r = error_set(err, EINVAL,
			      "cgroupsPath is the root of the cgroup tree: that is the host, not a container");
	if (r >= 0)
		r = check_not_ours(admission, answer->path, err);
	if (r >= 0)
		r = check_cgroup(admission, request, answer->path, answer->cgroup_id, err);
	if (r < 0) {
		admission->refused_cgroup++;
		return r;
	}
	r = admit(admission, request, cgroup_fd, answer, err);
	if (r == -EPERM)
		admission->refused_identity++;
	else if (r < 0)
		admission->failed++;
	else if (answer->is_new)
		admission->admitted++;
	else
		admission->repeated++;
	return r;
}
