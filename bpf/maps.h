/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/maps.h: the maps that the programs share. Keys and values: abi.h. Each concern is an object of its own; the
 * linker merges these definitions by name (hence weak). All but the scratch maps are pinned by user space.
 */
#ifndef MAPS_H
#define MAPS_H

#include "kernel.h"

#include "abi.h"

#define MAP_WEAK SEC(".maps") __weak

/*
 * Hashes are not preallocated: their size is what is used. Elements are never changed while a task may be judged by
 * them; what changes (container_sets, container_states) is changed in place.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_CGROUPS);
	__type(key, __u64);
	__type(value, struct abi_cgroup);
} cgroup_policies MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_CGROUPS);
	__type(key, __u64);
	__type(value, struct abi_container_info);
} container_info MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_CGROUPS);
	__type(key, __u64);
	__type(value, struct abi_container_state);
} container_states MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* user space stores whole words */
	__uint(max_entries, ABI_CONTAINERS);
	__type(key, __u32);
	__type(value, struct abi_container_set);
} container_sets MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_POLICIES);
	__type(key, __u32);
	__type(value, struct abi_policy);
} policies MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_ARMED);
	__type(key, struct abi_armed_key);
	__type(value, struct abi_armed);
} armed MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_MARKS);
	__type(key, __u32);
	__type(value, struct abi_mark);
} marks MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_PENDING);
	__type(key, __u32);
	__type(value, struct abi_pending);
} pending MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_SYSCALL_INDEXES);
	__type(key, __u32);
	__type(value, struct abi_syscall);
} syscall_points MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_POINTS);
	__type(key, __u32);
	__type(value, struct abi_point);
} points MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct abi_rule);
} rules MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct abi_rule_key);
	__type(value, __u32);
} rule_first MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct abi_string_equal);
	__type(value, __u8);
} string_equal MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct abi_string_prefix);
	__type(value, __u8);
} string_prefix MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct abi_string_postfix);
	__type(value, __u8);
} string_postfix MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_settings);
} settings MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_losses);
} losses MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters MAP_WEAK;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_EVENTS_BYTES);
} events MAP_WEAK;

/* Which hierarchy's ids count; set before load (src/sensor/hierarchy.h). */
const volatile __u32 hierarchy_is_v1 __weak = 0;
const volatile __u32 hierarchy_id __weak = 0;
const volatile __u32 hierarchy_subsys __weak = 0;

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		*value += 1; /* this CPU's own, and tracepoint programs are not preempted */
}

#endif
