/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/mark.h: the exec rule. The runtime's own init works inside the container's cgroup and namespaces before it
 * becomes the container: not yet judged. A task becomes the container's when it enters an exec in that cgroup after it
 * has left the runtime's mount namespace and root; the mark is void if that exec fails. Children inherit it. What a
 * mark says wins over the task's present cgroup, so a task that moves itself away stays under its container's policies.
 */
#ifndef MARK_H
#define MARK_H

#include "task.h"

static __always_inline void mark_lost(void)
{
	struct abi_losses *loss;
	__u32 zero = 0;

	count(ABI_CNT_MARKS_LOST);
	loss = bpf_map_lookup_elem(&losses, &zero);
	if (loss)
		__sync_fetch_and_add(&loss->marks, 1);
}

static __always_inline bool marks_were_lost(void)
{
	struct abi_losses *loss;
	__u32 zero = 0;

	loss = bpf_map_lookup_elem(&losses, &zero);
	return loss && loss->marks;
}

static __always_inline void mark_write(__u32 tid, const struct abi_mark *mark)
{
	if (bpf_map_update_elem(&marks, &tid, mark, BPF_ANY))
		mark_lost();
}

static __always_inline void mark_set(__u32 tid, __u64 start, __u64 container)
{
	struct abi_mark mark = { .container = container, .start_ticks = start, .state = ABI_MARK_SET };

	mark_write(tid, &mark);
}

/* The task's mark, or NULL. One of an earlier task with the same thread id is dropped. */
static __always_inline struct abi_mark *mark_get(struct task_struct *task, __u32 tid)
{
	struct abi_mark *mark = bpf_map_lookup_elem(&marks, &tid);

	if (!mark)
		return NULL;
	if (mark->start_ticks == task_start(task))
		return mark;
	bpf_map_delete_elem(&marks, &tid);
	return NULL;
}

/* The container's own entry outlives its directory once one of its tasks is elsewhere. */
static __always_inline void mark_left(__u64 container)
{
	struct abi_container_state *state = bpf_map_lookup_elem(&container_states, &container);

	if (!state)
		return;
	state->left = 1;
	count(ABI_CNT_LEFT);
}

/*
 * A marked task that runs a container inside its container: the inner one's entry, which has the outer one's policies
 * too (user space sees to that), or NULL. Only a cgroup below the mark's counts: who moves into another container's
 * cgroup must not trade its policies for that one's.
 */
static __always_inline struct abi_cgroup *mark_inner(struct task_struct *task, __u64 outer)
{
	struct cgroup *cgroup = task_cgroup(task);
	struct abi_cgroup *entry = cgroup_entry(cgroup);

	if (!entry || entry->container == outer)
		return NULL;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

		if (!parent)
			return NULL;
		cgroup = BPF_CORE_READ(parent, cgroup);
		if (cgroup_id(cgroup) == outer)
			return task_left_runtime(task, entry) ? entry : NULL;
	}
	return NULL;
}

/* Marks for the length of an exec. */
static __always_inline void mark_exec(struct task_struct *task, __u32 tid, __u64 container, __u64 outer)
{
	struct abi_mark mark = {
		.container = container, .start_ticks = task_start(task), .outer = outer, .state = ABI_MARK_EXEC
	};

	mark_write(tid, &mark);
}

/*
 * The entry by which current is judged, or NULL: by its mark, else by its cgroup under the exec rule. `is_exec`:
 * current is entering execve or execveat.
 */
static __always_inline struct abi_cgroup *mark_subject(struct task_struct *task, __u32 tid, bool is_exec)
{
	struct abi_mark *mark = mark_get(task, tid);
	struct abi_cgroup *entry;
	bool stale = false;

	if (mark) {
		__u64 container = mark->container;

		if (mark->state == ABI_MARK_EXEC) { /* the exec that would have made it the container's has failed */
			container = mark->outer;
			stale = true;
			if (container)
				mark_set(tid, task_start(task), container);
		}
		if (container) {
			entry = is_exec ? mark_inner(task, container) : NULL;
			if (entry) {
				mark_exec(task, tid, entry->container, container);
				return entry;
			}
			return bpf_map_lookup_elem(&cgroup_policies, &container);
		}
	}
	entry = cgroup_entry(task_cgroup(task));
	if (entry && task_left_runtime(task, entry)) {
		if (is_exec) {
			mark_exec(task, tid, entry->container, 0);
			return entry;
		}
		if (!(entry->flags & ABI_CG_EXEC_ANY) && task_runs_own_program(task)) {
			mark_set(tid, task_start(task), entry->container);
			count(ABI_CNT_MARKED_LATE);
			return entry;
		}
	}
	if (stale)
		bpf_map_delete_elem(&marks, &tid);
	return entry && marks_were_lost() ? entry : NULL;
}

#endif
