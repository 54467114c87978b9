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

static __always_inline void mark_set(__u32 tid, __u64 start, __u64 container, __u32 slot)
{
	struct abi_mark mark = { .container = container, .start_ticks = start, .slot = slot, .state = ABI_MARK_SET };

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

/*
 * A marked task that runs a container inside its container: the inner one's set, which has the outer one's policies too
 * (user space sees to that), or NULL. Only a cgroup below the mark's counts: who moves into another container's cgroup
 * must not trade its policies for that one's.
 */
static __always_inline struct abi_container_set *mark_inner(struct task_struct *task, __u64 outer, struct place *inner)
{
	struct cgroup *cgroup = task_cgroup(task);
	struct abi_container_set *set;

	if (!cgroup_find(cgroup, inner) || inner->container == outer)
		return NULL;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

		if (!parent)
			return NULL;
		cgroup = BPF_CORE_READ(parent, cgroup);
		if (cgroup_id(cgroup) != outer)
			continue;
		set = container_set(inner->container, inner->slot);
		return set && task_left_runtime(task, set) ? set : NULL;
	}
	return NULL;
}

/* Marks for the length of an exec. */
static __always_inline void mark_exec(struct task_struct *task, __u32 tid, const struct place *place, __u64 outer)
{
	struct abi_mark mark = { .container = place->container,
				 .start_ticks = task_start(task),
				 .outer = outer,
				 .slot = place->slot,
				 .state = ABI_MARK_EXEC };

	mark_write(tid, &mark);
}

/*
 * Where a mark says that its task belongs now: an exec that would have made it another container's and that has failed
 * counts for nothing. False: nowhere.
 */
static __always_inline bool mark_place(const struct abi_mark *mark, struct place *place)
{
	place->container = mark->container;
	place->slot = mark->slot;
	if (mark->state == ABI_MARK_SET)
		return true;
	return mark->outer && entry_read(mark->outer, place);
}

/*
 * How current is judged, or NULL: by its mark, else by its cgroup under the exec rule. `is_exec`: current is entering
 * execve or execveat.
 */
static __always_inline struct abi_container_set *mark_subject(struct task_struct *task, __u32 tid, bool is_exec)
{
	struct abi_mark *mark = mark_get(task, tid);
	struct abi_container_set *set;
	struct place place, inner;
	bool stale = false;

	if (mark) {
		stale = mark->state == ABI_MARK_EXEC;
		if (mark_place(mark, &place)) {
			if (stale)
				mark_set(tid, task_start(task), place.container, place.slot);
			if (is_exec) {
				set = mark_inner(task, place.container, &inner);
				if (set) {
					mark_exec(task, tid, &inner, place.container);
					return set;
				}
			}
			return container_set(place.container, place.slot);
		}
	}
	if (!cgroup_find(task_cgroup(task), &place)) {
		if (stale)
			bpf_map_delete_elem(&marks, &tid);
		return NULL;
	}
	set = container_set(place.container, place.slot);
	if (set && task_left_runtime(task, set)) {
		if (is_exec) {
			mark_exec(task, tid, &place, 0);
			return set;
		}
		if (set->flags & ABI_CG_MARKS_DUE || (!(set->flags & ABI_CG_EXEC_ANY) && task_runs_own_program(task))) {
			mark_set(tid, task_start(task), place.container, place.slot);
			count(ABI_CNT_MARKED_LATE);
			return set;
		}
	}
	if (stale)
		bpf_map_delete_elem(&marks, &tid);
	return set && marks_were_lost() ? set : NULL;
}

#endif
