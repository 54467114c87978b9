/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/process.bpf.c: the life of processes: marks follow them (mark.h), and user space hears of them.
 *   process_exec   an exec that succeeded: the mark is final; record with path, arguments, working directory
 *   process_fork   a child inherits its parent's mark; record for a new process (threads: mark only)
 *   process_exit   the mark goes; record when the last thread of a process exits
 */
#include "mark.h"

#define CWD_COMPONENTS 32
#define CWD_COMPONENT_MAX 256

/* The slack lets a masked offset stand in for a comparison that older verifiers lose when the register is spilled. */
struct exec_scratch {
	struct abi_exec record;
	char slack[CWD_COMPONENT_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

static __always_inline void header_fill(struct abi_header *h, struct task_struct *task, __u16 type, __u16 size)
{
	__u32 tid = (__u32)BPF_CORE_READ(task, pid);
	struct cgroup *cgroup = task_cgroup(task);
	struct abi_mark *mark = mark_get(task, tid);
	struct place place;

	h->type = type;
	h->size = size;
	h->cpu = bpf_get_smp_processor_id();
	h->ktime = bpf_ktime_get_boot_ns();
	h->cgroup = cgroup ? cgroup_id(cgroup) : 0;
	if (mark)
		h->container = mark->container;
	else
		h->container = cgroup_find(cgroup, &place) ? place.container : 0;
	h->pid = (__u32)BPF_CORE_READ(task, tgid);
	h->tid = tid;
}

static __always_inline __u32 task_nspid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level) & 63; /* the kernel's own limit is 32 */
	int nr = 0;

	(void)bpf_core_read(&nr, sizeof nr,
			    (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				    level * bpf_core_type_size(struct upid));
	return (__u32)nr;
}

static __always_inline void creds_fill(struct abi_creds *c, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	c->uid = BPF_CORE_READ(cred, uid.val);
	c->gid = BPF_CORE_READ(cred, gid.val);
	c->euid = BPF_CORE_READ(cred, euid.val);
	c->egid = BPF_CORE_READ(cred, egid.val);
	c->suid = BPF_CORE_READ(cred, suid.val);
	c->sgid = BPF_CORE_READ(cred, sgid.val);
	c->fsuid = BPF_CORE_READ(cred, fsuid.val);
	c->fsgid = BPF_CORE_READ(cred, fsgid.val);
	c->securebits = BPF_CORE_READ(cred, securebits);
	/* by offset: the member's type changed in 6.3, its eight bytes did not */
	(void)bpf_probe_read_kernel(&c->cap_permitted, 8,
				    (void *)cred + bpf_core_field_offset(struct cred, cap_permitted));
	(void)bpf_probe_read_kernel(&c->cap_effective, 8,
				    (void *)cred + bpf_core_field_offset(struct cred, cap_effective));
	(void)bpf_probe_read_kernel(&c->cap_inheritable, 8,
				    (void *)cred + bpf_core_field_offset(struct cred, cap_inheritable));
	c->auid = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : (__u32)-1;
}

static __always_inline void namespaces_fill(__u32 *ns, struct task_struct *task)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level) & 63;
	struct pid_namespace *pid_ns = NULL;

	(void)bpf_core_read(&pid_ns, sizeof pid_ns,
			    (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				    level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, ns));
	ns[0] = BPF_CORE_READ(proxy, uts_ns, ns.inum);
	ns[1] = BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	ns[2] = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	ns[3] = BPF_CORE_READ(pid_ns, ns.inum);
	ns[4] = BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
	ns[5] = BPF_CORE_READ(proxy, net_ns, ns.inum);
	ns[6] = bpf_core_field_exists(proxy->time_ns) ? BPF_CORE_READ(proxy, time_ns, ns.inum) : 0;
	ns[7] = bpf_core_field_exists(proxy->time_ns_for_children) ? BPF_CORE_READ(proxy, time_ns_for_children, ns.inum)
								   : 0;
	ns[8] = BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
	ns[9] = BPF_CORE_READ(task, cred, user_ns, ns.inum);
}

/* Appends the working directory's components, leaf first, each with its NUL. Returns the new end. */
static __always_inline __u32 cwd_fill(struct abi_exec *record, struct task_struct *task, __u32 end)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct dentry *dentry = BPF_CORE_READ(fs, pwd.dentry), *root = BPF_CORE_READ(fs, root.dentry);
	struct vfsmount *root_mnt = BPF_CORE_READ(fs, root.mnt), *mnt = BPF_CORE_READ(fs, pwd.mnt);
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	__u32 start = end;

	for (int i = 0; i < CWD_COMPONENTS; i++) {
		const unsigned char *name;
		struct dentry *parent;
		__u32 at;
		long n;

		if (dentry == root && mnt == root_mnt)
			goto out;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == BPF_CORE_READ(mnt, mnt_root) || dentry == parent) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount)
				goto out; /* the top of everything: a root outside the task's own */
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			mnt = (void *)mount + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (end > ABI_EXEC_TEXT - CWD_COMPONENT_MAX)
			break;
		name = BPF_CORE_READ(dentry, d_name.name);
		at = end;
		asm volatile("" : "+r"(at)); /* else the compiler knows that the mask below changes nothing */
		n = bpf_probe_read_kernel_str(record->text + (at & (ABI_EXEC_TEXT - 1)), CWD_COMPONENT_MAX, name);
		if (n <= 0) {
			record->flags |= ABI_EXEC_CWD_ERROR;
			goto out;
		}
		end += (__u32)n & 0x1ff;
		dentry = parent;
	}
	record->flags |= ABI_EXEC_CWD_CUT;
out:
	record->cwd_len = (__u16)(end - start);
	return end;
}

/* The mark of an exec that succeeded is final. exec by another thread than the leader: the thread takes the leader's
 * id. */
static __always_inline void mark_executed(struct task_struct *task, __u32 old_tid)
{
	struct abi_mark *mark = bpf_map_lookup_elem(&marks, &old_tid);
	__u32 tid = (__u32)BPF_CORE_READ(task, pid);
	__u64 start = task_start(task);
	struct abi_container_set *set;
	struct place place;

	if (mark && (old_tid != tid || mark->start_ticks == start)) {
		place.container = mark->container;
		place.slot = mark->slot;
		if (mark->state == ABI_MARK_EXEC)
			count(ABI_CNT_MARKED);
		else if (old_tid == tid)
			return;
		mark_set(tid, start, place.container, place.slot);
		if (old_tid != tid)
			bpf_map_delete_elem(&marks, &old_tid);
		return;
	}
	if (!cgroup_find(task_cgroup(task), &place))
		return;
	set = container_set(place.container, place.slot);
	if (set && task_left_runtime(task, set)) { /* entered before the programs were there */
		count(ABI_CNT_MARKED_LATE);
		mark_set(tid, start, place.container, place.slot);
	}
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_tid, struct linux_binprm *bprm)
{
	struct exec_scratch *scratch;
	struct abi_exec *record;
	__u32 zero = 0, end, len;
	unsigned long from, to;
	long n;

	mark_executed(task, (__u32)old_tid);
	scratch = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!scratch)
		return 0;
	record = &scratch->record;
	__builtin_memset(record, 0, __builtin_offsetof(struct abi_exec, text));
	header_fill(&record->h, task, ABI_REC_EXEC, 0);
	creds_fill(&record->creds, task);
	namespaces_fill(record->ns, task);
	record->ppid = (__u32)BPF_CORE_READ(task, real_parent, tgid);
	record->nspid = task_nspid(task);
	if (record->nspid == 1)
		record->flags |= ABI_EXEC_PID1;
	record->old_tid = (__u32)old_tid;
	record->inode = BPF_CORE_READ(bprm, file, f_inode, i_ino);
	record->nlink = BPF_CORE_READ(bprm, file, f_inode, i_nlink);

	n = bpf_probe_read_kernel_str(record->text, ABI_EXEC_PATH_MAX, BPF_CORE_READ(bprm, filename));
	if (n <= 0) {
		record->flags |= ABI_EXEC_PATH_ERROR;
		n = 0;
	}
	end = (__u32)n & (2 * ABI_EXEC_PATH_MAX - 1);
	if (end > ABI_EXEC_PATH_MAX)
		end = ABI_EXEC_PATH_MAX;
	record->path_len = (__u16)end;

	from = BPF_CORE_READ(task, mm, arg_start);
	to = BPF_CORE_READ(task, mm, arg_end);
	len = to - from > ABI_EXEC_ARGS_MAX ? ABI_EXEC_ARGS_MAX : (__u32)(to - from);
	if (to - from > ABI_EXEC_ARGS_MAX)
		record->flags |= ABI_EXEC_ARGS_CUT;
	asm volatile("" : "+r"(len)); /* keep the comparison below: the verifier wants it next to the use */
	if (len > ABI_EXEC_ARGS_MAX)
		len = ABI_EXEC_ARGS_MAX;
	if (bpf_probe_read_user(record->text + end, len, (void *)from)) {
		record->flags |= ABI_EXEC_ARGS_ERROR;
		len = 0;
	}
	record->args_len = (__u16)len;
	end = cwd_fill(record, task, end + len);

	len = __builtin_offsetof(struct abi_exec, text) + end;
	asm volatile("" : "+r"(len));
	if (len > sizeof *record)
		len = sizeof *record;
	record->h.size = (__u16)len;
	if (bpf_ringbuf_output(&events, record, len, 0))
		count(ABI_CNT_EVENTS_LOST);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tid = (__u32)BPF_CORE_READ(child, pid), tgid = (__u32)BPF_CORE_READ(child, tgid);
	struct abi_mark *mark = mark_get(parent, (__u32)BPF_CORE_READ(parent, pid));
	struct abi_fork *record;
	struct place place;

	if (mark && mark_place(mark, &place))
		mark_set(tid, task_start(child), place.container, place.slot);
	if (tid != tgid)
		return 0;
	record = bpf_ringbuf_reserve(&events, sizeof *record, 0);
	if (!record) {
		count(ABI_CNT_EVENTS_LOST);
		return 0;
	}
	__builtin_memset(record, 0, sizeof *record);
	header_fill(&record->h, child, ABI_REC_FORK, sizeof *record);
	record->h.ktime = BPF_CORE_READ(child, start_boottime);
	record->ppid = (__u32)BPF_CORE_READ(parent, tgid);
	record->nspid = task_nspid(child);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	__u32 tid = (__u32)BPF_CORE_READ(task, pid);
	struct abi_exit *record;

	if (BPF_CORE_READ(task, signal, live.counter) == 0) { /* the last thread */
		record = bpf_ringbuf_reserve(&events, sizeof *record, 0);
		if (record) {
			__builtin_memset(record, 0, sizeof *record);
			header_fill(&record->h, task, ABI_REC_EXIT, sizeof *record);
			record->code = (__u32)BPF_CORE_READ(task, exit_code);
			bpf_ringbuf_submit(record, 0);
		} else {
			count(ABI_CNT_EVENTS_LOST);
		}
	}
	bpf_map_delete_elem(&marks, &tid);
	bpf_map_delete_elem(&pending, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
