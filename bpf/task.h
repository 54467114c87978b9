/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* bpf/task.h: facts about a task: its cgroup's id, its mount namespace, its root. */
#ifndef TASK_H
#define TASK_H

#include "maps.h"

/* How far real_parent is followed. */
#define ANCESTORS_MAX 24
/* How far up the cgroup tree is walked: containers' tasks can't go deeper than ABI_LEVEL_MAX. */
#define LEVELS_MAX 256

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	if (hierarchy_is_v1) {
		__u32 index = hierarchy_subsys & 31;
		struct css_set *set = BPF_CORE_READ(task, cgroups);
		struct cgroup_subsys_state *css = NULL;

		if (bpf_core_read(&css, sizeof css,
				  (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *)))
			return NULL;
		return BPF_CORE_READ(css, cgroup);
	}
	return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

static __always_inline __u64 cgroup_id(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id);
}

/* When the task began, in the unit of marks. */
static __always_inline __u64 task_start(struct task_struct *task)
{
	return BPF_CORE_READ(task, start_boottime) / ABI_TICK_NS;
}

static __always_inline __u32 task_mnt_ns(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* What cgroup_find tells: by value, so that nobody holds on to an element of the map. */
struct place {
	__u64 container;
	__u32 slot;
};

/* Copies the entry of cgroup `id`. False: there is none. */
static __always_inline bool entry_read(__u64 id, struct place *place)
{
	place->container = 0; /* the verifier wants it even where it is not used */
	place->slot = 0;
	for (int i = 0; i < 2; i++) {
		struct abi_cgroup *entry = bpf_map_lookup_elem(&cgroup_policies, &id);

		if (!entry)
			return false;
		place->container = *(volatile __u64 *)&entry->container;
		place->slot = *(volatile __u32 *)&entry->slot;
		if (*(volatile __u64 *)&entry->self == id)
			return true;
		/* deleted and used again under our eyes: once more */
	}
	return false;
}

/*
 * Id of the nearest ancestor (kernel address of a struct cgroup) that has an entry, 0 for none. A function of its own:
 * verified once, whatever calls it.
 */
__noinline __weak __u64 cgroup_ancestor(__u64 address)
{
	struct cgroup *cgroup = (void *)address;

	for (int i = 0; i < LEVELS_MAX; i++) {
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);
		__u64 id;

		if (!parent)
			return 0;
		cgroup = BPF_CORE_READ(parent, cgroup);
		id = cgroup_id(cgroup);
		if (bpf_map_lookup_elem(&cgroup_policies, &id))
			return id;
	}
	count(ABI_CNT_WALK_LOST);
	return 0;
}

/*
 * The container of a cgroup. Where the quota kept a child out of the map, the nearest ancestor's is the child's. False:
 * a cgroup outside every container.
 */
static __always_inline bool cgroup_find(struct cgroup *cgroup, struct place *place)
{
	struct abi_losses *loss;
	__u32 zero = 0;
	__u64 id = cgroup_id(cgroup);

	if (entry_read(id, place))
		return true;
	loss = bpf_map_lookup_elem(&losses, &zero);
	if (!loss || !loss->children)
		return false;
	id = cgroup_ancestor((__u64)cgroup);
	return id && entry_read(id, place);
}

/* How the tasks of `container` are judged; NULL: it is not registered any more. */
static __always_inline struct abi_container_set *container_set(__u64 container, __u32 slot)
{
	struct abi_container_set *set = bpf_map_lookup_elem(&container_sets, &slot);

	return set && set->container == container ? set : NULL;
}

/*
 * True if the task has left the runtime's mount namespace and root: what it executes from now on is the container's.
 * The runtime's root is that of the task's nearest ancestor in the runtime's mount namespace: no state to keep, and
 * right for nested runtimes. Before pivot_root the copied namespace still has the runtime's root dentry; the mount
 * differs already.
 */
static __always_inline bool task_left_runtime(struct task_struct *task, const struct abi_container_set *set)
{
	__u32 zero = 0, runtime_ns = set->runtime_mnt_ns, flags = set->flags;
	struct task_struct *ancestor = task;
	struct dentry *root;

	if (flags & ABI_CG_EXEC_ANY)
		return true;
	if (!runtime_ns) {
		struct abi_settings *setting = bpf_map_lookup_elem(&settings, &zero);

		if (!setting)
			return true;
		runtime_ns = setting->host_mnt_ns;
	}
	if (task_mnt_ns(task) == runtime_ns)
		return false;
	if (flags & ABI_CG_SAME_ROOT)
		return true;
	root = BPF_CORE_READ(task, fs, root.dentry);
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		struct task_struct *parent = BPF_CORE_READ(ancestor, real_parent);

		if (!parent || parent == ancestor)
			return true;
		ancestor = parent;
		if (task_mnt_ns(ancestor) == runtime_ns)
			return BPF_CORE_READ(ancestor, fs, root.dentry) != root;
	}
	return true;
}

/*
 * True if the program that the task runs came from the container's own mounts: a restored or moved-in process, never
 * the runtime's init, whose executable lies on a mount of the runtime's namespace.
 */
static __always_inline bool task_runs_own_program(struct task_struct *task)
{
	struct vfsmount *mnt = BPF_CORE_READ(task, mm, exe_file, f_path.mnt);
	struct mount *mount;

	if (!mnt)
		return false;
	mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	return BPF_CORE_READ(mount, mnt_ns) == BPF_CORE_READ(task, nsproxy, mnt_ns);
}

#endif
