/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/syscall.bpf.c: the raw tracepoint mechanism: system calls of every ABI are judged by the policies' rows.
 *   syscall_enter   finds the call's point, the task's policies, judges; SIGKILL is sent before the call returns
 *   syscall_exit    judges again what could not be read at entry, and exit points
 *   syscall_exec    the same for an exec that succeeds: its old memory is gone, the kernel's copy of the path is not
 */
#include "call.h"

/* What a look at a filter, selector or rule gives. */
enum { NO = 0, YES = 1, UNKNOWN = 2 };

/* judge_rule: 0 no match; UNKNOWN; else MATCHED | selector << 8 | actions. */
#define MATCHED 0x10000
#define NO_SELECTOR 255

/* judge_policy */
#define KILL 1
#define DEFER 2

#define TS_COMPAT 0x0002   /* arch/x86/include/asm/thread_info.h: a 32-bit system call is active */
#define X32_BIT 0x40000000 /* __X32_SYSCALL_BIT */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_hit);
} hit_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_pending);
} pending_scratch SEC(".maps");

static __always_inline __u64 value_of(const struct call *call, __u32 source, __u32 type)
{
	__u64 value;

	if (source == ABI_SRC_RET)
		value = call->ret;
	else if (source == ABI_SRC_NR)
		value = call->arch == ABI_I386 ? call->nr | 0x80000000u : call->nr;
	else
		value = call->arg[source < 6 ? source : 5];
	switch (type) {
	case ABI_T_S32:
		return (__u64)(__s64)(__s32)value;
	case ABI_T_U32:
		return (__u32)value;
	case ABI_T_S64:
		return call->arch == ABI_I386 ? (__u64)(__s64)(__s32)value : value;
	case ABI_T_U64:
		return call->arch == ABI_I386 ? (__u32)value : value;
	}
	return value;
}

/* Reads argument `source` once a call. Returns YES, or NO where the memory can't be read. */
__noinline int call_string(__u32 source)
{
	struct call *call = call_get();
	long n;

	if (!call || source >= 6)
		return NO;
	if (call->string_len[source] == CALL_UNREAD) {
		n = bpf_probe_read_user_str(call->string[source], CALL_STRING_MAX, (void *)call->arg[source]);
		call->string_len[source] = n > 0 ? (__s32)(n - 1) : CALL_UNREADABLE;
		call->string_cut[source] = n == CALL_STRING_MAX;
	}
	return call->string_len[source] >= 0;
}

static __always_inline int match_equal(struct call *call, __u32 source, __u32 set, __u32 len)
{
	struct abi_string_equal *key = &call->equal;

	if (len > ABI_STR_EQUAL_MAX)
		return NO;
	__builtin_memset(key, 0, sizeof *key);
	key->set = set;
	key->len = len;
	asm volatile("" : "+r"(len));
	(void)bpf_probe_read_kernel(key->text, len & ABI_STR_EQUAL_MAX, call->string[source]);
	return bpf_map_lookup_elem(&string_equal, key) != NULL;
}

static __always_inline int match_prefix(struct call *call, __u32 source, __u32 set, __u32 len)
{
	struct abi_string_prefix *key = &call->prefix;

	if (len > ABI_STR_PREFIX_MAX)
		len = ABI_STR_PREFIX_MAX;
	key->set = set;
	key->bits = (4 + len) * 8;
	/* bytes behind the key's bits are not compared */
	(void)bpf_probe_read_kernel(key->text, sizeof key->text, call->string[source]);
	return bpf_map_lookup_elem(&string_prefix, key) != NULL;
}

static __always_inline int match_postfix(struct call *call, __u32 source, __u32 set, __u32 len)
{
	struct abi_string_postfix *key = &call->postfix;
	__u32 used = len > ABI_STR_POSTFIX_MAX ? ABI_STR_POSTFIX_MAX : len;

	key->set = set;
	key->bits = (4 + used) * 8;
	for (__u32 i = 0; i < ABI_STR_POSTFIX_MAX; i++) {
		__u32 at = len - 1 - i;

		if (i >= used)
			break;
		key->text[i] = call->string[source][at & (CALL_STRING_MAX - 1)];
	}
	return bpf_map_lookup_elem(&string_postfix, key) != NULL;
}

static __always_inline int match_string(struct call *call, const struct abi_filter *filter, __u32 source)
{
	__u32 len;
	int found;

	if (source >= 6)
		return NO;
	if (!call_string(source)) {
		/* NULL is no string: a call that may go without one (futimens, mount) is not the one that a policy
		 * means */
		return call->final && !call->arg[source] ? NO : UNKNOWN;
	}
	len = (__u32)call->string_len[source];
	switch (filter->op) {
	case ABI_OP_STR_EQUAL:
		found = match_equal(call, source, filter->set, len);
		break;
	case ABI_OP_STR_PREFIX:
		found = match_prefix(call, source, filter->set, len);
		break;
	case ABI_OP_STR_POSTFIX:
		found = !call->string_cut[source] && match_postfix(call, source, filter->set, len);
		break;
	default:
		return NO;
	}
	return filter->negate ? !found : found;
}

/* One filter of one selector. Returns NO, YES or UNKNOWN. */
__noinline int judge_filter(__u32 rule_id, __u32 selector_at, __u32 filter_at)
{
	struct abi_rule *rule = bpf_map_lookup_elem(&rules, &rule_id);
	struct call *call = call_get();
	struct abi_filter *filter;
	__u32 at, source, type, n;
	bool is_signed, hit = false;
	__u64 value;

	if (!rule || !call || selector_at >= ABI_SELECTORS || filter_at >= ABI_FILTERS)
		return NO;
	filter = &rule->selector[selector_at].filter[filter_at];
	at = filter->arg;
	if (at >= ABI_ARGS)
		return NO;
	source = rule->arg[at].source;
	type = rule->arg[at].type;
	if (type == ABI_T_STRING)
		return match_string(call, filter, source);
	value = value_of(call, source, type);
	is_signed = type == ABI_T_S32 || type == ABI_T_S64;
	n = filter->n;
	for (__u32 i = 0; i < ABI_VALUES; i++) {
		__u64 low = filter->value[i];

		if (i >= n)
			break;
		switch (filter->op) {
		case ABI_OP_EQUAL:
			hit = value == low;
			break;
		case ABI_OP_GT:
			hit = is_signed ? (__s64)value > (__s64)low : value > low;
			break;
		case ABI_OP_LT:
			hit = is_signed ? (__s64)value < (__s64)low : value < low;
			break;
		case ABI_OP_MASK:
			hit = value & low;
			break;
		case ABI_OP_RANGE: {
			__u64 from = filter->value[2 * i], to = filter->value[2 * i + 1];

			hit = is_signed ? (__s64)value >= (__s64)from && (__s64)value <= (__s64)to
					: value >= from && value <= to;
			break;
		}
		}
		if (hit)
			break;
	}
	return filter->negate ? !hit : hit;
}

/* All filters of one selector. Returns NO, YES or UNKNOWN. */
__noinline int judge_selector(__u32 rule_id, __u32 selector_at)
{
	struct abi_rule *rule = bpf_map_lookup_elem(&rules, &rule_id);
	int result = YES;

	if (!rule || selector_at >= ABI_SELECTORS)
		return NO;
	for (__u32 i = 0; i < ABI_FILTERS; i++) {
		int one;

		if (!rule->selector[selector_at].filter[i].op)
			break;
		one = judge_filter(rule_id, selector_at, i);
		if (one == NO)
			return NO;
		if (one == UNKNOWN)
			result = UNKNOWN;
	}
	return result;
}

/*
 * The first selector that matches decides. One that can't be told yet leaves the whole rule unknown: it might be the
 * one that lets the call pass. At the last look an unreadable string is a match where the selector enforces, else none.
 */
__noinline int judge_rule(__u32 rule_id)
{
	struct abi_rule *rule = bpf_map_lookup_elem(&rules, &rule_id);
	struct call *call = call_get();

	if (!rule || !call || !(rule->arches & (1 << (call->arch & 3))))
		return NO;
	if (!(rule->selector[0].actions & ABI_ACT_USED))
		return MATCHED | NO_SELECTOR << 8 | ABI_ACT_POST;
	for (__u32 i = 0; i < ABI_SELECTORS; i++) {
		__u32 actions = rule->selector[i].actions;
		int one;

		if (!(actions & ABI_ACT_USED))
			break;
		one = judge_selector(rule_id, i);
		if (one == UNKNOWN) {
			if (!call->final)
				return UNKNOWN;
			one = actions & ABI_ACT_SIGKILL ? YES : NO;
			count(one ? ABI_CNT_UNREADABLE_MATCH : ABI_CNT_UNREADABLE_PASS);
		}
		if (one == YES)
			return MATCHED | (int)(i << 8 | actions);
	}
	return NO;
}

/* Sends the event of a match. `outcome` is judge_rule's. */
__noinline int hit_send(__u32 rule_id, __u32 outcome)
{
	struct abi_rule *rule = bpf_map_lookup_elem(&rules, &rule_id);
	struct call *call = call_get();
	__u32 zero = 0, end = 0, size;
	struct abi_hit *hit;

	hit = bpf_map_lookup_elem(&hit_scratch, &zero);
	if (!rule || !call || !hit)
		return 0;
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > ABI_EVENTS_BYTES / 2) {
		count(ABI_CNT_HITS_LOST); /* a tenant that makes hits in a loop must not drown what the agent has to
					     know */
		return 0;
	}
	__builtin_memset(hit, 0, __builtin_offsetof(struct abi_hit, text));
	hit->h.type = ABI_REC_HIT;
	hit->h.cpu = bpf_get_smp_processor_id();
	hit->h.ktime = bpf_ktime_get_boot_ns();
	hit->h.cgroup = call->cgroup;
	hit->h.container = call->container;
	hit->h.pid = call->pid;
	hit->h.tid = call->tid;
	hit->rule = rule_id;
	hit->generation = rule->generation;
	hit->policy = rule->policy;
	hit->hook = rule->hook;
	hit->selector = (__u8)(outcome >> 8);
	hit->actions = (__u8)outcome;
	hit->arch = call->arch;
	hit->judged = call->final ? ABI_HIT_AT_EXIT : ABI_HIT_AT_ENTER;
	hit->nr = call->nr;
	for (__u32 i = 0; i < ABI_ARGS; i++) {
		__u32 type = rule->arg[i].type, source = rule->arg[i].source, len;

		if (!type)
			break;
		hit->type[i] = (__u8)type;
		if (type != ABI_T_STRING) {
			hit->value[i] = value_of(call, source, type);
			continue;
		}
		if (source >= 6 || !call_string(source)) {
			hit->unreadable |= (__u16)(1 << i);
			continue;
		}
		len = (__u32)call->string_len[source];
		if (call->string_cut[source])
			hit->cut |= (__u16)(1 << i);
		if (end >= ABI_HIT_TEXT)
			end = ABI_HIT_TEXT;
		if (len > ABI_HIT_TEXT - end) {
			len = ABI_HIT_TEXT - end;
			hit->cut |= (__u16)(1 << i);
		}
		/* the text is half used at most when the rest is copied: an offset and a length that the verifier
		 * follows */
		if (end > ABI_HIT_TEXT / 2) {
			hit->cut |= (__u16)(1 << i);
			continue;
		}
		if (len > ABI_HIT_TEXT / 2) {
			len = ABI_HIT_TEXT / 2;
			hit->cut |= (__u16)(1 << i);
		}
		asm volatile("" : "+r"(len));
		if (len > ABI_HIT_TEXT / 2)
			continue;
		(void)bpf_probe_read_kernel(hit->text + end, len, call->string[source]);
		hit->str_len[i] = (__u16)len;
		end += len;
	}
	size = __builtin_offsetof(struct abi_hit, text) + end;
	asm volatile("" : "+r"(size));
	if (size > sizeof *hit)
		size = sizeof *hit;
	hit->h.size = (__u16)size;
	if (bpf_ringbuf_output(&events, hit, size, 0))
		count(ABI_CNT_HITS_LOST);
	return 0;
}

/*
 * All rules of one policy at one point. Rules that read strings wait together, if one of them can't be told yet, so
 * that none is acted upon twice. Returns KILL and DEFER bits.
 */
__noinline int judge_policy(__u32 point, __u32 policy)
{
	struct abi_rule_key key = { .point = (__u16)point, .policy = (__u16)policy };
	__u32 *first = bpf_map_lookup_elem(&rule_first, &key);
	struct call *call = call_get();
	__u32 id, waits = 0, result = 0;

	if (!call)
		return 0;
	if (!first) {
		count(ABI_CNT_RULE_MISSING);
		return 0;
	}
	if (!call->final && !call->at_exit) {
		id = *first;
		for (int i = 0; i < ABI_CHAIN && id; i++) {
			struct abi_rule *rule = bpf_map_lookup_elem(&rules, &id);

			if (!rule)
				break;
			if (rule->has_strings && judge_rule(id) == UNKNOWN)
				waits = DEFER;
			id = rule->next;
		}
	}
	id = *first;
	for (int i = 0; i < ABI_CHAIN && id; i++) {
		struct abi_rule *rule = bpf_map_lookup_elem(&rules, &id);
		__u32 this_id = id;
		int outcome;

		if (!rule)
			break;
		id = rule->next;
		if (rule->has_strings ? waits : call->final)
			continue;
		outcome = judge_rule(this_id);
		if (!(outcome & MATCHED))
			continue;
		count(ABI_CNT_HITS);
		if (outcome & ABI_ACT_SIGKILL)
			result |= KILL;
		if (outcome & ABI_ACT_POST)
			hit_send(this_id, (__u32)outcome);
	}
	return (int)(result | waits);
}

static __always_inline void send_kill(void)
{
	count(bpf_send_signal(9) ? ABI_CNT_KILL_FAILED : ABI_CNT_KILLS);
}

/*
 * Judges the policies that are both in force for the task (its container's and the global ones) and watch the point.
 * `only`: pending's unknown set, or NULL. Sets the bits of those that must be judged again in `again` (or NULL).
 */
static __always_inline int judge_point(__u32 point, const struct abi_policy_set *container,
				       const struct abi_policy_set *only, struct abi_policy_set *again)
{
	struct abi_point *watch = bpf_map_lookup_elem(&points, &point);
	struct abi_settings *setting;
	__u32 zero = 0;
	int result = 0;

	setting = bpf_map_lookup_elem(&settings, &zero);
	if (!watch || !setting)
		return 0;
	for (__u32 word = 0; word < ABI_POLICY_WORDS; word++) {
		__u64 due = watch->policies.bit[word];

		if (!due)
			continue;
		if (only)
			due &= only->bit[word];
		else
			due &= setting->global.bit[word] | (container ? container->bit[word] : 0);
		if (!due)
			continue;
		for (__u32 bit = 0; bit < 64; bit++) {
			int one;

			if (!(due >> bit & 1))
				continue;
			one = judge_policy(point, word * 64 + bit);
			if (one & DEFER && again)
				again->bit[word] |= 1ull << bit;
			result |= one;
		}
	}
	return result;
}

static __always_inline void call_args(struct call *call, struct pt_regs *regs, __u32 arch)
{
	if (arch == ABI_I386) {
		call->arg[0] = (__u32)BPF_CORE_READ(regs, bx);
		call->arg[1] = (__u32)BPF_CORE_READ(regs, cx);
		call->arg[2] = (__u32)BPF_CORE_READ(regs, dx);
		call->arg[3] = (__u32)BPF_CORE_READ(regs, si);
		call->arg[4] = (__u32)BPF_CORE_READ(regs, di);
		call->arg[5] = (__u32)BPF_CORE_READ(regs, bp);
	} else {
		call->arg[0] = BPF_CORE_READ(regs, di);
		call->arg[1] = BPF_CORE_READ(regs, si);
		call->arg[2] = BPF_CORE_READ(regs, dx);
		call->arg[3] = BPF_CORE_READ(regs, r10);
		call->arg[4] = BPF_CORE_READ(regs, r8);
		call->arg[5] = BPF_CORE_READ(regs, r9);
	}
}

static __always_inline void call_fill(struct call *call, struct task_struct *task, __u32 arch, __u32 nr,
				      __u64 container)
{
	struct cgroup *cgroup = task_cgroup(task);
	__u64 id = bpf_get_current_pid_tgid();

	call->cgroup = cgroup_id(cgroup);
	call->container = container;
	call->nr = nr;
	call->pid = (__u32)(id >> 32);
	call->tid = (__u32)id;
	call->arch = (__u8)arch;
	call->at_exit = 0;
	call->final = 0;
	call->ret = 0;
	for (int i = 0; i < 6; i++) {
		call->string_len[i] = CALL_UNREAD;
		call->string_cut[i] = 0;
	}
}

static __always_inline __u32 task_status(void)
{
	/* 5.11 and later read the task directly; before it costs a helper call */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		struct task_struct *task = (void *)bpf_get_current_task_btf();

		return task->thread_info.status;
	}
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_info.status);
}

/* Which ABI the call is made by; *nr loses x32's bit. */
static __always_inline __u32 call_arch(__u32 *nr)
{
	if (task_status() & TS_COMPAT)
		return ABI_I386;
	if (*nr & X32_BIT) {
		*nr &= ~(__u32)X32_BIT;
		return ABI_X32;
	}
	return ABI_X64;
}

static __always_inline struct abi_syscall *syscall_entry(__u32 at_exit, __u32 arch, __u32 nr)
{
	/* numbers beyond the table are no calls: the last index, which no call has, stands for them */
	__u32 index = ABI_SYSCALL_INDEX(at_exit, arch, nr < ABI_SYSCALL_NR_MAX ? nr : ABI_SYSCALL_NR_MAX - 1);

	return bpf_map_lookup_elem(&syscall_points, &index);
}

/* A string was not readable: keep the call for syscall_exit. Where that fails it is judged here and now, closed. */
static __always_inline bool call_defer(struct call *call, struct abi_pending *later, __u32 tid, __u64 start,
				       __u32 point, bool any)
{
	later->start_ticks = start;
	for (int i = 0; i < 6; i++)
		later->arg[i] = call->arg[i];
	later->nr = call->nr;
	later->point = (__u16)point;
	later->arch = call->arch;
	later->any = any;
	if (bpf_map_update_elem(&pending, &tid, later, BPF_ANY) == 0)
		return true;
	count(ABI_CNT_PENDING_LOST);
	return false;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(syscall_enter, struct pt_regs *regs, long id)
{
	struct abi_policy_set *policies = NULL;
	__u32 nr = (__u32)id, arch, tid, point, zero = 0;
	struct abi_pending *later;
	struct abi_container_set *set;
	struct abi_syscall *sys;
	struct task_struct *task;
	struct call *call;
	bool any;
	int result;

	arch = call_arch(&nr);
	sys = syscall_entry(0, arch, nr);
	if (!sys || !(sys->point | sys->flags))
		return 0;
	task = (void *)bpf_get_current_task();
	tid = (__u32)bpf_get_current_pid_tgid();
	set = mark_subject(task, tid, sys->flags & ABI_SYSCALL_EXEC);
	if (set)
		policies = &set->policies;
	point = sys->point;
	any = sys->flags & ABI_SYSCALL_ANY;
	if (!point && !any)
		return 0;
	call = call_get();
	later = bpf_map_lookup_elem(&pending_scratch, &zero);
	if (!call || !later)
		return 0;
	call_fill(call, task, arch, nr, set ? set->container : 0);
	call_args(call, regs, arch);
	for (int i = 0; i < ABI_POLICY_WORDS; i++)
		later->unknown.bit[i] = 0;
	result = judge_point(point, policies, NULL, &later->unknown);
	if (any)
		result |= judge_point(ABI_POINT_ANY_ENTER, policies, NULL, NULL);
	if (result & DEFER && !call_defer(call, later, tid, task_start(task), point, any)) {
		call->final = 1;
		result |= judge_point(point, NULL, &later->unknown, NULL);
	}
	if (result & KILL)
		send_kill();
	return 0;
}

/* The second look at a call whose string was not there at entry. Returns KILL or 0. */
static __always_inline int judge_pending(struct task_struct *task, __u32 tid, bool *ret_found)
{
	struct abi_pending *kept = bpf_map_lookup_elem(&pending, &tid), *now;
	struct call *call = call_get();
	struct abi_mark *mark;
	__u32 zero = 0;
	__u64 container = 0;

	now = bpf_map_lookup_elem(&pending_scratch, &zero);
	if (!kept || !call || !now)
		return 0;
	__builtin_memcpy(now, kept, sizeof *now);
	bpf_map_delete_elem(&pending, &tid);
	*ret_found = true;
	mark = bpf_map_lookup_elem(&marks, &tid);
	if (mark)
		container = mark->container;
	call_fill(call, task, now->arch, now->nr, container);
	for (int i = 0; i < 6; i++)
		call->arg[i] = now->arg[i];
	call->final = 1;
	return judge_point(now->point, NULL, &now->unknown, NULL);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	__u32 nr = (__u32)BPF_CORE_READ(regs, orig_ax), arch, tid;
	struct abi_policy_set *policies = NULL;
	struct abi_syscall *entered, *sys;
	struct abi_container_set *set;
	struct task_struct *task;
	struct call *call;
	bool found = false;
	int result = 0;

	arch = call_arch(&nr);
	entered = syscall_entry(0, arch, nr);
	sys = syscall_entry(1, arch, nr);
	if (!entered || !sys || !(sys->point | sys->flags | (entered->flags & ABI_SYSCALL_STRINGS)))
		return 0;
	task = (void *)bpf_get_current_task();
	tid = (__u32)bpf_get_current_pid_tgid();
	if (entered->flags & ABI_SYSCALL_STRINGS)
		result = judge_pending(task, tid, &found);
	if (sys->point | sys->flags) {
		call = call_get();
		set = mark_subject(task, tid, false);
		if (set)
			policies = &set->policies;
		if (call) {
			call_fill(call, task, arch, nr, set ? set->container : 0);
			call->ret = (__u64)ret;
			call->at_exit = 1;
			if (sys->point)
				result |= judge_point(sys->point, policies, NULL, NULL);
			if (sys->flags & ABI_SYSCALL_ANY)
				result |= judge_point(ABI_POINT_ANY_EXIT, policies, NULL, NULL);
		}
	}
	if (result & KILL)
		send_kill();
	return 0;
}

/*
 * exec replaces the memory that the path was in, so it can't be read at sys_exit any more. The kernel's copy stands in
 * for the argument it came from: 0 for execve, 1 for execveat (there with the descriptor's /dev/fd prefix if it was
 * relative).
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(syscall_exec, struct task_struct *task, int old_tid, struct linux_binprm *bprm)
{
	__u32 tid = (__u32)old_tid, zero = 0, source;
	struct abi_pending *kept = bpf_map_lookup_elem(&pending, &tid), *now;
	struct call *call = call_get();
	struct abi_mark *mark;
	__u64 container = 0;
	int result;
	long n;

	now = bpf_map_lookup_elem(&pending_scratch, &zero);
	if (!kept || !call || !now)
		return 0;
	__builtin_memcpy(now, kept, sizeof *now);
	bpf_map_delete_elem(&pending, &tid);
	mark = bpf_map_lookup_elem(&marks, &tid);
	if (!mark) { /* process_exec has moved it already */
		__u32 new_tid = (__u32)BPF_CORE_READ(task, pid);

		mark = bpf_map_lookup_elem(&marks, &new_tid);
	}
	if (mark)
		container = mark->container;
	call_fill(call, task, now->arch, now->nr, container);
	for (int i = 0; i < 6; i++) {
		call->arg[i] = now->arg[i];
		call->string_len[i] = CALL_UNREADABLE; /* the old memory is gone */
	}
	/* execveat: 322 on x86-64, 358 on i386, 545 on x32 (asm/unistd_*.h) */
	source = now->nr == 322 || now->nr == 358 || now->nr == 545;
	n = bpf_probe_read_kernel_str(call->string[source], CALL_STRING_MAX, BPF_CORE_READ(bprm, filename));
	if (n > 0)
		call->string_len[source] = (__s32)(n - 1);
	call->final = 1;
	result = judge_point(now->point, NULL, &now->unknown, NULL);
	if (result & KILL)
		send_kill();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
