/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/policies.h: the policies that are in force: which slot of the kernel each has, which containers it selects,
 * and a record of it that lets the next agent give it the same slot again, so that a restart takes no bit away for an
 * instant.
 *
 * A policy's key is (domain, namespace, name). Domains: "static" (files), "grpc" (AddTracingPolicy without domain), or
 * what a caller of AddTracingPolicy gave. Policies of files follow the files; the others live until they are deleted,
 * agents' restarts included.
 *
 * Records: <state_dir>/<slot>.yaml, mode 0600: one line
 *   # tetragon policy record 1: generation G, domain D
 * and then the policy as it was given. A record is written before the kernel's rows and removed after them: a slot that
 * the kernel has without a record, or a record without a slot, is what an agent that died half-way left.
 */
#ifndef AGENT_POLICIES_H
#define AGENT_POLICIES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct error;
struct namespace_set;
struct pod_registry;
struct policies;
struct policy;
struct sensor;
struct workload;

#define POLICIES_DOMAIN_STATIC "static"
#define POLICIES_DOMAIN_GRPC "grpc"
#define POLICIES_DOMAIN_MAX 63 /* bytes of [A-Za-z0-9._-] */

struct policies_options {
	const struct pod_registry *registry; /* borrowed */
	int state_dir_fd;                    /* folder of the records, root's alone; borrowed */
	int64_t now_s; /* CLOCK_REALTIME: generations begin here, above those that a lost record may have used */
	/*
	 * Called when another set of policies selects, before the kernel's containers get theirs: gives those their set
	 * that the kernel does not have yet (announced_refresh). NULL: none. A failure is the change's.
	 */
	int (*changed)(void *context, struct error *err);
	void *context;
};

/* A policy in force. Borrowed from the store, valid until it is deleted. */
struct policies_entry {
	uint64_t id; /* counts from 2, as in the original's ListTracingPolicies; never reused in one run */
	struct policy *policy;
	char domain[POLICIES_DOMAIN_MAX + 1];
	char *file; /* "static": where it came from; else NULL */
	unsigned slot;
	uint32_t generation;
	bool is_loaded;                /* the kernel has its rows */
	bool has_old;                  /* at start: */
	unsigned old_slot;             /* of its text before, which chose the same containers */
	struct namespace_set *selects; /* its namespace's, all of which it selects; NULL: it is global, or chooses */
};

/* -ENOMEM. */
int policies_new(const struct policies_options *options, struct policies **ret_policies, struct error *err);
/* Leaves kernel and records as they are. NULL is allowed. */
void policies_free(struct policies *policies);

/*
 * Reads and checks a file, or the regular files in `dir` and in its direct sub-folders (names that begin with '.' or
 * end in
 * '~' are passed over). Nothing is in force before policies_apply. -ENOENT, -EINVAL …, -EEXIST a second policy of one
 * key: the text names the file.
 */
int policies_stage_file(struct policies *policies, const char *path, struct error *err);
int policies_stage_dir(struct policies *policies, const char *dir, bool may_be_missing, struct error *err);

/*
 * Once, after the registry knows the kernel's containers; `sensor` is borrowed from here on. Restores what callers had
 * added, gives known policies their slots back, loads new ones, gives each container its set, and only then removes
 * what is not configured any more. On failure what the kernel enforced before is still enforced.
 */
int policies_apply(struct policies *policies, struct sensor *sensor, struct error *err);

/*
 * Adds a policy and puts the containers that it selects under it. All or nothing. `domain` "" is "grpc".
 * -EINVAL bad policy or domain; -EEXIST the key is taken; -ENOSPC no slot left; -E2BIG; -errno.
 */
int policies_add(struct policies *policies, const char *yaml, size_t len, const char *domain, struct error *err);

/*
 * Removes a policy. `domain` "": that of "grpc", else the only one of that name in any domain. -ENOENT none; -EINVAL
 * several; -errno of the kernel: then it is still in force.
 */
int policies_delete(struct policies *policies, const char *domain, const char *name_space, const char *name,
		    struct error *err);

/*
 * For how many containers, when the policies last changed, some policy could not be decided: it chooses by labels, name
 * or image, which nobody has told of them. They are not under it unless they were before.
 */
size_t policies_undecided(const struct policies *policies);

/* The n-th policy in force, oldest first; NULL: no more. */
const struct policies_entry *policies_at(const struct policies *policies, size_t n);
/* The policy in `slot` of that generation, or NULL. */
const struct policy *policies_find(const struct policies *policies, unsigned slot, uint32_t generation);

/*
 * The policies that select `workload`, whose cgroup is at `path`: those that choose it, and those that choose a
 * container around it. Global ones are not in it: the kernel judges every task by them. Those that cannot be decided,
 * since labels are not known, keep the bit that *set comes with; so do all for a container of which
 * nobody has told who it is. Returns the first of these, or NULL.
 */
const struct policy *policies_select(const struct policies *policies, const char *path, const struct workload *workload,
				     struct abi_policy_set *set);

#endif
