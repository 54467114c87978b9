/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* bpf/task.h: facts about a task: its cgroup's id, its mount namespace, its root. */
#ifndef TASK_H
#define TASK_H

#include "maps.h"

/* How far real_parent and the cgroup tree are followed. */
#define ANCESTORS_MAX 24

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

/*
 * The entry of a cgroup. Where the quota kept a child out of the map, the nearest ancestor's entry is the child's.
 * Returns NULL for a cgroup outside every container.
 */
static __always_inline struct abi_cgroup *cgroup_entry(struct cgroup *cgroup)
{
	struct abi_cgroup *entry;
	struct abi_losses *loss;
	__u32 zero = 0;
	__u64 id = cgroup_id(cgroup);

	entry = bpf_map_lookup_elem(&cgroup_policies, &id);
	if (entry)
		return entry;
	loss = bpf_map_lookup_elem(&losses, &zero);
	if (!loss || !loss->children)
		return NULL;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

		if (!parent)
			return NULL;
		cgroup = BPF_CORE_READ(parent, cgroup);
		id = cgroup_id(cgroup);
		entry = bpf_map_lookup_elem(&cgroup_policies, &id);
		if (entry)
			return entry;
	}
	return NULL;
}

/*
 * True if the task has left the runtime's mount namespace and root: what it executes from now on is the container's.
 * The runtime's root is that of the task's nearest ancestor in the runtime's mount namespace: no state to keep, and
 * right for nested runtimes. Before pivot_root the copied namespace still has the runtime's root dentry; the mount
 * differs already.
 */
static __always_inline bool task_left_runtime(struct task_struct *task, const struct abi_cgroup *entry)
{
	__u32 zero = 0, runtime_ns = entry->runtime_mnt_ns, flags = entry->flags;
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
