/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/announced.h: containers of which the agent is told before their cgroup is there. The kernel is armed with
 * the name of the cgroup; the first one of that name is under the container's policies before any task can be in it. A
 * record tells that it was made: then the container is admitted under the identity that it was announced with, which is
 * what this table keeps until then. A request for the container itself (at its start) confirms it.
 *
 * The table is bounded, an announcement expires, and an agent that restarts has lost its own: the kernel's stay armed,
 * and their containers are known again when they are confirmed or found by the walk of the cgroup tree.
 */
#ifndef AGENT_ANNOUNCED_H
#define AGENT_ANNOUNCED_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct admission;
struct admission_answer;
struct admission_request;
struct announcement;
struct error;
struct log;

#define ANNOUNCED_BUCKETS 1024
#define ANNOUNCED_BYTES_MAX (32 * 1024 * 1024) /* identities that wait, labels included */

struct announced {                   /* zero but for the first three: empty */
	struct admission *admission; /* borrowed, as the log */
	struct log *log;
	int64_t ttl_ns;
	struct announcement *bucket[ANNOUNCED_BUCKETS];
	struct announcement *oldest, *newest; /* in order of expiry */
	size_t waiting, bytes;

	uint64_t announced, refused; /* containers; not taken because too many wait */
	uint64_t armed, expired;     /* of those announced: cgroup made; never made */
	uint64_t elsewhere;          /* made at another path than announced */
	uint64_t unknown;            /* cgroups armed by an earlier agent: nobody knows who they are yet */
};

void announced_done(struct announced *announced);

/*
 * Arms the kernel for `request`. Returns 0 with *ret_answer: armed (its cgroup_id is 0), or the cgroup was there
 * already and the container is admitted. Announcing again renews. `now_ns`: CLOCK_BOOTTIME.
 *   -EINVAL, -EPERM   as admission_admit; -EPERM also: announced before with another identity
 *   -ENOENT           the cgroup's name is not told by the container's id, or too long: it can't be armed, ask again
 *                     when it is there
 *   -ENOSPC           too many are waiting; -ENOMEM; -errno of the kernel's side
 */
int announced_add(struct announced *announced, const struct admission_request *request, int64_t now_ns,
		  struct admission_answer *ret_answer, struct error *err);

/*
 * Completes what is told of a container that is there by what was announced of it: labels, names. *ret_whole borrows
 * from both, until the announcement is confirmed. -EPERM: announced with another identity.
 */
int announced_join(struct announced *announced, const struct admission_request *told,
		   struct admission_request *ret_whole, struct error *err);

/* How long whoever announced `path` waited for the answer; its container's entry gets it. */
void announced_decided(struct announced *announced, const char *path, uint32_t decision_us);

/* The container at `path` has been admitted: it is not waited for any more. */
void announced_confirm(struct announced *announced, const char *path);

/* The kernel has put the new cgroup `cgroup_id` under the policies of what was announced as `name`. */
void announced_armed(struct announced *announced, const char *name, uint64_t cgroup_id);

/*
 * The policies have changed: gives those that wait their new set. One whose cgroup was made meanwhile is admitted, so
 * that it has it too. `context` is a struct announced. Returns 0, or -errno of the kernel.
 */
int announced_refresh(void *context, struct error *err);

/* Forgets what has expired at `now_ns` (CLOCK_BOOTTIME). Returns how many. */
size_t announced_expire(struct announced *announced, int64_t now_ns);

#endif
