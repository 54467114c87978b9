/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/cgroup.bpf.c: containers' cgroups.
 *   cgroup_inherit   a cgroup made below a container's gets its policies before anybody can be in it; so does one whose
 *                    container was announced by name
 *   cgroup_gone      entries leave the map when the kernel releases the cgroup
 */
#include "mark.h"

static __always_inline bool ours(struct cgroup *cgroup)
{
	return (__u32)BPF_CORE_READ(cgroup, root, hierarchy_id) == hierarchy_id;
}

/* From now on a cgroup without entry is looked up through its ancestors. */
static __always_inline void child_lost(__u32 counter)
{
	struct abi_losses *loss;
	__u32 zero = 0;

	count(counter);
	loss = bpf_map_lookup_elem(&losses, &zero);
	if (loss)
		__sync_fetch_and_add(&loss->children, 1);
}

/*
 * A container that was announced by the name of its cgroup: the first cgroup of that name is it. Names hold the
 * container's id, which the runtime draws; a tenant can't know it beforehand. Returns whether the cgroup is one.
 */
static __always_inline bool cgroup_arm(struct cgroup *cgroup, struct abi_cgroup *entry)
{
	struct abi_container_state state = { 0 };
	struct abi_cgroup_armed *record;
	struct abi_container_set *set;
	struct abi_armed_key key = { 0 };
	struct abi_armed *found;

	if (bpf_probe_read_kernel_str(key.name, sizeof key.name, BPF_CORE_READ(cgroup, kn, name)) <= 1)
		return false;
	found = bpf_map_lookup_elem(&armed, &key);
	if (!found || found->expires_ns < bpf_ktime_get_boot_ns())
		return false;
	entry->container = entry->self;
	entry->slot = found->slot;
	set = bpf_map_lookup_elem(&container_sets, &entry->slot);
	if (!set)
		return false;
	set->container = entry->self;
	if (bpf_map_update_elem(&container_states, &entry->self, &state, BPF_ANY) ||
	    bpf_map_update_elem(&cgroup_policies, &entry->self, entry, BPF_ANY)) {
		count(ABI_CNT_ARM_LOST); /* who asks at the container's start is told that it is not armed */
		set->container = 0;
		return false;
	}
	bpf_map_delete_elem(&armed, &key);
	record = bpf_ringbuf_reserve(&events, sizeof *record, 0);
	if (!record) {
		count(ABI_CNT_EVENTS_LOST);
		return true;
	}
	__builtin_memset(&record->h, 0, sizeof record->h);
	record->h.type = ABI_REC_CGROUP_ARMED;
	record->h.size = sizeof *record;
	record->h.ktime = bpf_ktime_get_boot_ns();
	record->h.cgroup = entry->self;
	record->h.container = entry->self;
	record->h.pid = (__u32)(bpf_get_current_pid_tgid() >> 32);
	record->h.tid = (__u32)bpf_get_current_pid_tgid();
	__builtin_memcpy(record->name, key.name, sizeof record->name);
	bpf_ringbuf_submit(record, 0);
	return true;
}

/* Raised before the directory is visible (kernfs_activate): no task can be in the child yet. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_inherit, struct cgroup *child)
{
	struct abi_cgroup entry = { 0 };
	struct abi_container_state *state;
	struct cgroup *parent;
	struct place place;
	bool is_inside;

	if (!ours(child))
		return 0; /* other hierarchies number their cgroups apart: the same id is another cgroup */
	entry.self = cgroup_id(child);
	parent = BPF_CORE_READ(child, self.parent, cgroup);
	is_inside = parent && cgroup_find(parent, &place);
	if (is_inside)
		entry.quota_of = place.container;
	if (cgroup_arm(child, &entry)) {
		state = bpf_map_lookup_elem(&container_states, &entry.quota_of);
		if (state)
			__sync_fetch_and_add(&state->children, 1);
		return 0;
	}
	if (!is_inside)
		return 0;
	if (BPF_CORE_READ(child, level) > ABI_LEVEL_MAX) {
		struct task_struct *task = (void *)bpf_get_current_task();

		if (mark_get(task, (__u32)bpf_get_current_pid_tgid())) {
			count(ABI_CNT_DEPTH_KILLS);
			bpf_send_signal(9);
		}
	}
	entry.container = place.container;
	entry.slot = place.slot;
	state = bpf_map_lookup_elem(&container_states, &entry.container);
	if (state &&
	    state->children >= ABI_CHILDREN_MAX) { /* a tenant with writable cgroups must not fill the node's map */
		child_lost(ABI_CNT_CHILDREN_REFUSED);
		return 0;
	}
	if (bpf_map_update_elem(&cgroup_policies, &entry.self, &entry, BPF_ANY)) {
		child_lost(ABI_CNT_INHERIT_LOST);
		return 0;
	}
	if (state)
		__sync_fetch_and_add(&state->children, 1);
	return 0;
}

SEC("tp_btf/cgroup_release")
int BPF_PROG(cgroup_gone, struct cgroup *cgroup)
{
	struct abi_container_state *state;
	struct abi_cgroup_gone *record;
	struct abi_cgroup *entry;
	__u64 id, container, quota_of;

	if (!ours(cgroup))
		return 0;
	id = cgroup_id(cgroup);
	entry = bpf_map_lookup_elem(&cgroup_policies, &id);
	if (!entry)
		return 0;
	container = entry->container;
	quota_of = entry->quota_of;
	state = bpf_map_lookup_elem(&container_states, &quota_of);
	if (state && state->children)
		__sync_fetch_and_add(&state->children, (__u32)-1);
	if (container != id) {
		bpf_map_delete_elem(&cgroup_policies, &id);
		return 0;
	}
	/* its own entry stays until no marked task is left: one that moved away is still judged by it */
	state = bpf_map_lookup_elem(&container_states, &container);
	if (state)
		state->gone = 1;
	record = bpf_ringbuf_reserve(&events, sizeof *record, 0);
	if (!record) {
		count(ABI_CNT_EVENTS_LOST); /* user space finds `gone` all the same */
		return 0;
	}
	__builtin_memset(record, 0, sizeof *record);
	record->h.type = ABI_REC_CGROUP_GONE;
	record->h.size = sizeof *record;
	record->h.ktime = bpf_ktime_get_boot_ns();
	record->h.cgroup = id;
	record->h.container = id;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
