/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/workload.h"

#include <string.h>

#include "pod/registry.h"
#include "policy/policy.h"

#define REPO_MAX POD_IMAGE_MAX

static bool is_told(const char *text)
{
	return text && *text;
}

struct workload workload_of(const struct pod_container *container)
{
	return (struct workload){
		.pod_namespace = container->pod_namespace,
		.pod_name = container->pod_name,
		.pod_uid = container->pod_uid,
		.container_name = container->name,
		.image = container->image,
		.label = container->label,
		.labels = container->labels,
		.labels_known = container->labels_known,
		.is_unidentified = container->source == POD_FROM_WALK && !is_told(container->pod_namespace) &&
				   !is_told(container->pod_name) && !is_told(container->pod_uid),
	};
}

static enum label_state pod_find(const void *context, const char *key, const char **ret_value)
{
	const struct workload *workload = context;

	/* first: no label of the pod's own passes for it */
	if (!strcmp(key, WORKLOAD_NAMESPACE_LABEL) && is_told(workload->pod_namespace)) {
		*ret_value = workload->pod_namespace;
		return LABEL_THERE;
	}
	for (size_t i = 0; i < workload->labels; i++)
		if (!strcmp(workload->label[i].key, key)) {
			*ret_value = workload->label[i].value;
			return LABEL_THERE;
		}
	return workload->labels_known ? LABEL_ABSENT : LABEL_UNKNOWN;
}

/* A container with the image's name cut to its repository: without digest and tag; a port's colon is before a '/'. */
struct named {
	const struct workload *workload;
	char repo[REPO_MAX + 1];
};

static void repo_cut(const char *image, char *repo)
{
	size_t len = strcspn(image, "@");
	const char *colon;

	if (!strncmp(image, "sha256:", 7) || len > REPO_MAX)
		len = 0; /* an id tells no repository */
	memcpy(repo, image, len);
	repo[len] = '\0';
	colon = strrchr(repo, ':');
	if (colon && !strchr(colon, '/'))
		repo[colon - repo] = '\0';
}

static enum label_state container_find(const void *context, const char *key, const char **ret_value)
{
	const struct named *named = context;

	if (!strcmp(key, WORKLOAD_NAME_LABEL))
		*ret_value = named->workload->container_name;
	else if (!strcmp(key, WORKLOAD_REPO_LABEL))
		*ret_value = named->repo;
	else
		return LABEL_ABSENT;
	return is_told(*ret_value) ? LABEL_THERE : LABEL_UNKNOWN;
}

enum label_verdict workload_match(const struct workload *workload, const struct policy *policy)
{
	enum label_verdict pods, containers = LABELS_MATCH;

	if (policy->is_global)
		return LABELS_MATCH;
	if (policy->namespace && (!workload->pod_namespace || strcmp(policy->namespace, workload->pod_namespace) != 0))
		return LABELS_DIFFER;
	if (!is_told(workload->pod_namespace) && !is_told(workload->pod_name) && !is_told(workload->pod_uid))
		return LABELS_DIFFER; /* in no pod */
	pods = label_selector_match(&policy->pods, pod_find, workload);
	if (pods != LABELS_DIFFER && policy->containers.terms) {
		struct named named = { .workload = workload };

		repo_cut(workload->image ? workload->image : "", named.repo);
		containers = label_selector_match(&policy->containers, container_find, &named);
	}
	if (pods == LABELS_DIFFER || containers == LABELS_DIFFER)
		return LABELS_DIFFER;
	return pods == LABELS_UNDECIDED ? pods : containers;
}
