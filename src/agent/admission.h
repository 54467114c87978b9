/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/admission.h: the decision about one container: is it what it says, is that cgroup one container's, which
 * policies select it; then the kernel is told, and only then "yes" is the answer. Whoever tells of a container comes
 * through here: the runtime hook, records of tolerated starts, the walk of the cgroup tree.
 */
#ifndef AGENT_ADMISSION_H
#define AGENT_ADMISSION_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/runtime_judge.h"
#include "pod/registry.h"

struct abi_policy_set;
struct error;
struct found_running;
struct hierarchy;
struct policies;
struct sensor;
struct workload;

#define ADMISSION_MARK_NS INT64_C(200000000) /* for what runs in one container: whoever asks waits */

struct admission {
	struct sensor *sensor; /* these four are borrowed */
	const struct hierarchy *hierarchy;
	struct pod_registry *registry;
	const struct policies *policies;
	struct runtime_judge judge;
	struct found_running *found; /* borrowed: told of those whose tasks were marked; NULL: nobody is */
	char own_path[PATH_MAX];     /* this agent's cgroup below the hierarchy's root; "" = not known */

	uint64_t admitted, repeated; /* containers put under policy; told again */
	uint64_t undecided;          /* times that a policy could not be decided for one */
	uint64_t refused_cgroup, refused_identity, failed;
};

/* Finds own_path (hierarchy is set). In a cgroup namespace of its own the agent can't know: "". */
void admission_find_own_path(struct admission *admission);

/* Who wants in. Texts are borrowed, hostile; "" or NULL = unknown. */
struct admission_request {
	const char *cgroup_path; /* below the hierarchy's root; or systemd's "slice:prefix:name" */
	const char *root_dir;
	const char *container_id, *container_name, *image;
	const char *pod_name, *pod_uid, *pod_namespace;
	const struct pod_label *label; /* `labels` of them, of the pod */
	size_t labels;
	bool labels_known; /* these are all that the pod has */
	enum pod_source source;
	pid_t peer_pid; /* of the process that told, in our pid namespace; 0 = unknown */
	bool may_run;   /* it may have started already, without passing through an exec that we saw: mark what runs */
};

struct admission_answer {
	uint64_t cgroup_id;
	uint32_t flags;          /* ABI_CG_* */
	uint32_t runtime_mnt_ns; /* inode number of the runtime's mount namespace; 0: that of the host's pid 1 */
	unsigned policies;       /* that select it; without those that select everything */
	const char *undecided;   /* name of a policy that may select it: labels, name or image are not known; or NULL */
	unsigned marked;         /* threads that had run already */
	bool is_new;
	bool was_known;      /* found by the walk: it is under the policies that an earlier agent chose ahead */
	char path[PATH_MAX]; /* the last member: cleaned, below the hierarchy's root */
};

/*
 * Puts the container under its policies, and marks what runs in it already if that may be (may_run) and has not been
 * done. Idempotent: what failed once is tried again when it is told again.
 *   -EINVAL   no path, "..", not in the hierarchy, its root, an ancestor of a container or of this agent, another
 *             container's cgroup
 *   -EPERM    the identity is forged: another pod UID than the cgroup path's; or another namespace or UID than the
 *             one it came with
 *   -EAGAIN   a policy chooses by labels, a name or an image that nobody has told yet, and the container has not
 *             started: it is under the others
 *   -ENOENT   there is no such cgroup
 *   -ENOSPC, -E2BIG, -ENOMEM, -EBUSY, -errno of the kernel's side: it is not under policy, or not all of it is
 */
int admission_admit(struct admission *admission, const struct admission_request *request,
		    struct admission_answer *ret_answer, struct error *err);

/*
 * What the kernel may be told of a container whose cgroup is not there yet: *ret_answer but for the cgroup's id, and
 * the policies that select it. Nothing is changed. -EINVAL, -EPERM as above.
 */
int admission_foresee(struct admission *admission, const struct admission_request *request,
		      struct admission_answer *ret_answer, struct abi_policy_set *ret_policies, struct error *err);

/* What policies choose by; borrows from the request. */
struct workload admission_workload(const struct admission_request *request);

#endif
