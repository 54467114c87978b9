/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/workload.h: a container as policies see it when they choose: its pod's namespace and labels, its own name
 * and image. What is not known leaves a policy undecided that depends on it; it is never taken for absent.
 */
#ifndef AGENT_WORKLOAD_H
#define AGENT_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "match/label_selector.h"

struct pod_container;
struct pod_label;
struct policy;

/* The label that stands for the namespace in podSelector, and those of containerSelector. Source: the original. */
#define WORKLOAD_NAMESPACE_LABEL "k8s:io.kubernetes.pod.namespace"
#define WORKLOAD_NAME_LABEL "name"
#define WORKLOAD_REPO_LABEL "repo"

struct workload { /* texts are borrowed; "" or NULL = not known */
	const char *pod_namespace, *pod_name, *pod_uid;
	const char *container_name, *image;
	const struct pod_label *label; /* `labels` of them, of the pod */
	size_t labels;
	bool labels_known; /* these are all that there are */
	/*
	 * The walk found it, and nobody has told who it is: what it has been put under before, by an agent to whom it
	 * was announced, it keeps.
	 */
	bool is_unidentified;
};

struct workload workload_of(const struct pod_container *container);

/* Is the container one that the policy selects? A global policy selects everything, on the host too. */
enum label_verdict workload_match(const struct workload *workload, const struct policy *policy);

#endif
