/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/call.h: the system call that is being judged, in this CPU's scratch memory: judging is spread over global
 * functions, which take scalars only on kernels before 5.12 and are verified once each, so that plain loops over
 * policies, selectors and filters are cheap to verify everywhere. Tracepoint programs are not preempted: the scratch is
 * the call's own.
 */
#ifndef CALL_H
#define CALL_H

#include "mark.h"

#define CALL_STRING_MAX 4096
#define CALL_UNREAD (-1) /* not looked at yet */
#define CALL_UNREADABLE (-2)

struct call {
	__u64 arg[6];
	__u64 ret;
	__u64 container;
	__u64 cgroup;
	__u32 nr;
	__u32 pid, tid;
	__u8 arch;
	__u8 at_exit;
	__u8 final; /* what can't be read now counts as unreadable for good */
	__u8 pad;
	__s32 string_len[6]; /* bytes without NUL, or CALL_UNREAD, CALL_UNREADABLE */
	__u8 string_cut[8];
	char string[6][CALL_STRING_MAX];
	struct abi_string_equal equal;
	struct abi_string_prefix prefix;
	struct abi_string_postfix postfix;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct call);
} call_scratch SEC(".maps") __weak;

static __always_inline struct call *call_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&call_scratch, &zero);
}

#endif
