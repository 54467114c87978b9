/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * bpf/abi.h: what crosses between kernel and user space: map keys and values, ring buffer records. Fixed widths,
 * explicit padding, no pointers, little-endian hosts. Pins outlive the agent: a changed layout is a new ABI_VERSION,
 * and an agent that finds pins of another version replaces them. The includer provides __u8 … __s64 (vmlinux.h or
 * <linux/types.h>).
 */
#ifndef ABI_H
#define ABI_H

#define ABI_VERSION 2

/* --- policies and points ------------------------------------------------------------------------------------------ */

#define ABI_POLICIES 1024 /* policy slots; slot n is bit n % 64 of word n / 64 */
#define ABI_POLICY_WORDS (ABI_POLICIES / 64)

struct abi_policy_set {
	__u64 bit[ABI_POLICY_WORDS];
};

/*
 * A point is a place where policies are judged: one system call by name (all ABIs together), or any call. Point 0 is
 * "not watched". The raw mechanism finds it by system call number: map syscall_points, index ABI_SYSCALL_INDEX(...).
 */
#define ABI_POINTS 1024
#define ABI_POINT_ANY_ENTER 1 /* raw_syscalls/sys_enter: judged for every call, besides the call's own point */
#define ABI_POINT_ANY_EXIT 2  /* raw_syscalls/sys_exit */
#define ABI_POINT_FIRST 3     /* first one for named calls */

enum abi_arch { ABI_X64 = 0, ABI_I386 = 1, ABI_X32 = 2, ABI_ARCHES = 3 };
#define ABI_SYSCALL_NR_MAX 1024 /* numbers at or above it are judged by ABI_POINT_ANY_* only; x32: without bit 30 */
#define ABI_SYSCALL_INDEX(exit, arch, nr) (((exit)*ABI_ARCHES + (arch)) * ABI_SYSCALL_NR_MAX + (nr))
#define ABI_SYSCALL_INDEXES (2 * ABI_ARCHES * ABI_SYSCALL_NR_MAX)

struct abi_syscall { /* value of syscall_points */
	__u16 point; /* 0: not watched */
	__u16 flags;
};
#define ABI_SYSCALL_EXEC 1    /* execve, execveat: the exec rule looks at it, watched or not */
#define ABI_SYSCALL_ANY 2     /* some policy watches every call: set in all entries at once */
#define ABI_SYSCALL_STRINGS 4 /* enter entries: some rule reads a string, so that sys_exit may have to judge again */

/* --- rules: what one hook entry of one policy asks of a call --------------------------------------------------------
 */

#define ABI_ARGS 5 /* arguments of one hook */
#define ABI_SELECTORS 5
#define ABI_FILTERS 5 /* matchArgs entries of one selector */
#define ABI_VALUES 4  /* integers, or ranges (two numbers each) */
#define ABI_CHAIN 16  /* rules of one policy at one point */

enum abi_source {                   /* where an argument comes from */
		  ABI_SRC_ARG0 = 0, /* … ABI_SRC_ARG0 + 5: system call argument */
		  ABI_SRC_NR = 6,   /* system call number, bit 31 set for i386 (type syscall64) */
		  ABI_SRC_RET = 7,  /* return value; exit points only */
};

enum abi_type {
	ABI_T_NONE = 0,
	ABI_T_S32, /* int: low 32 bits, sign extended */
	ABI_T_U32,
	ABI_T_S64,     /* a 32-bit ABI's word is sign extended */
	ABI_T_U64,     /* a 32-bit ABI's word is zero extended */
	ABI_T_STRING,  /* pointer to user memory, NUL-terminated */
	ABI_T_SYSCALL, /* ABI_SRC_NR */
};

enum abi_op {
	ABI_OP_EQUAL = 1, /* any of n values */
	ABI_OP_GT,
	ABI_OP_LT,    /* any of n values, strict; signed for S32 and S64 */
	ABI_OP_MASK,  /* arg & value != 0 for any */
	ABI_OP_RANGE, /* any of n pairs value[2i] <= arg <= value[2i + 1] */
	ABI_OP_STR_EQUAL,
	ABI_OP_STR_PREFIX,
	ABI_OP_STR_POSTFIX, /* values in the string maps under `set` */
};

struct abi_filter {
	__u8 arg;                    /* index into abi_rule.arg */
	__u8 op;                     /* enum abi_op; 0 ends the selector's filters */
	__u8 negate;                 /* result inverted (an unreadable string stays unknown) */
	__u8 n;                      /* values or pairs in use */
	__u32 set;                   /* strings: id of the value set in string_equal, string_prefix, string_postfix */
	__u64 value[2 * ABI_VALUES]; /* S32/S64: sign extended to 64 bit */
};

struct abi_selector {
	__u8 actions; /* ABI_ACT_* */
	__u8 pad[7];
	struct abi_filter filter[ABI_FILTERS];
};
#define ABI_ACT_USED 1 /* selector exists */
#define ABI_ACT_POST 2 /* send an event */
#define ABI_ACT_SIGKILL 4

struct abi_arg {
	__u8 source; /* enum abi_source */
	__u8 type;   /* enum abi_type; ABI_T_NONE ends */
	__u8 pad[6];
};

/* Value of map rules, key __u32 rule id (never 0, unique while the pins live). */
struct abi_rule {
	__u32 next;   /* next rule of the same policy at the same point; 0 ends */
	__u16 policy; /* slot */
	__u16 point;
	__u16 hook;  /* index of the hook entry within the policy: for the event */
	__u8 arches; /* bit (1 << enum abi_arch): ABIs that this rule judges */
	__u8 has_strings;
	__u32 generation; /* of the slot's policy, so that a late event is not given to the slot's next user */
	struct abi_arg arg[ABI_ARGS];
	struct abi_selector selector[ABI_SELECTORS]; /* none used: every call matches, post */
};

/* Key of map rule_first; value __u32 rule id. */
struct abi_rule_key {
	__u16 point;
	__u16 policy;
};

#define ABI_STR_EQUAL_MAX 255  /* bytes of a value for Equal */
#define ABI_STR_PREFIX_MAX 252 /* kernel's LPM data limit of 256 less the set id */
#define ABI_STR_POSTFIX_MAX 127

struct abi_string_equal { /* key of string_equal; value __u8 1 */
	__u32 set;
	__u32 len;
	char text[ABI_STR_EQUAL_MAX + 1]; /* zero padded */
};
struct abi_string_prefix { /* key of string_prefix (LPM trie); value __u8 1 */
	__u32 bits;        /* (4 + length in bytes) * 8 */
	__u32 set;
	char text[ABI_STR_PREFIX_MAX];
};
struct abi_string_postfix { /* key of string_postfix (LPM trie); text reversed */
	__u32 bits;
	__u32 set;
	char text[ABI_STR_POSTFIX_MAX + 1];
};

/* --- containers -----------------------------------------------------------------------------------------------------
 */

/*
 * Value of cgroup_policies, key __u64 cgroup id as the chosen hierarchy numbers it. A registered container's own cgroup
 * has container == its key; cgroups below it carry the same container and slot. An element that is deleted may be
 * another key's at once while a reader still looks at it: who has read it compares `self` (first, so it is overwritten
 * first) with the key.
 */
struct abi_cgroup {
	__u64 self;      /* its key */
	__u64 container; /* cgroup id of the registered container */
	__u64 quota_of;  /* container whose children it counts among; 0: none */
	__u32 slot;      /* of the container in container_sets */
	__u32 pad;
};

/*
 * Value of container_sets, an array: how a container's tasks are judged. Written by user space only, in place, so that
 * a reader sees each bit old or new, never another container's. A slot is free again when no mark names its container.
 */
#define ABI_CONTAINERS 16384
struct abi_container_set {
	__u64 container;      /* 0: free */
	__u32 flags;          /* ABI_CG_* */
	__u32 runtime_mnt_ns; /* inode number of the runtime's mount namespace; 0: that of the host's pid 1 */
	struct abi_policy_set policies;
};
#define ABI_CG_EXEC_ANY 1  /* shares the runtime's mount namespace: every exec is the container's */
#define ABI_CG_SAME_ROOT 2 /* root file system is the runtime's own root: leaving the mount namespace suffices */
#define ABI_CG_MARKS_DUE 4 /* it ran already when it was registered, and not all its tasks have their mark yet */

/* Value of container_states, key __u64 container. User space makes and deletes it, the kernel alone changes it. */
struct abi_container_state {
	__u32 children; /* cgroups that count among its quota */
	__u32 gone;     /* 1: the directory is gone; user space removes the container when no marked task is left */
};
#define ABI_CHILDREN_MAX 1024 /* quota: entries below one container; more are looked up through their ancestors */
#define ABI_LEVEL_MAX                                                                                                \
	200               /* depth of a cgroup; a marked task that goes deeper is killed: entries must stay in reach \
			   */
#define ABI_CGROUPS 65536 /* entries of cgroup_policies */

/*
 * Containers that are announced before their cgroup is there: map armed. The first cgroup of that
 * name is the container, from before any task can be in it.
 */
#define ABI_LEAF_MAX 128 /* a leaf name with its NUL: "cri-containerd-<64 hex digits>.scope" */
struct abi_armed_key {
	char name[ABI_LEAF_MAX]; /* zero padded */
};
struct abi_armed {
	__u64 expires_ns; /* CLOCK_BOOTTIME */
	__u32 slot;       /* of container_sets, filled but for its container */
	__u32 pad;
};
#define ABI_ARMED 4096

/* Value of map marks, key __u32 thread id (initial pid namespace). A marked task is judged by its container's entry. */
struct abi_mark {
	__u64 container;
	__u64 start_ticks; /* task's start_boottime / ABI_TICK_NS: a recycled thread id does not inherit */
	__u64 outer; /* ABI_MARK_EXEC of a container inside a container: whose it is if the exec fails; 0: nobody's */
	__u32 slot;  /* of container_sets */
	__u32 state; /* enum abi_mark_state */
};
enum abi_mark_state {
	ABI_MARK_EXEC = 1, /* inside the exec that makes it the container's; void if that exec fails */
	ABI_MARK_SET = 2,
};
#define ABI_MARKS 262144
#define ABI_TICK_NS 10000000 /* what /proc/<pid>/stat shows as start time, so that user space can mark too */

/* Value of map container_info, key __u64 cgroup id: who it is, so that a restarted agent knows. NUL-terminated texts.
 */
#define ABI_INFO_ID 128
#define ABI_INFO_NAME 256
#define ABI_INFO_PATH 1024
struct abi_container_info {
	__u64 registered_ns; /* CLOCK_REALTIME */
	__u32 source;        /* enum abi_info_source */
	__u32 pad;
	char container_id[ABI_INFO_ID];
	char pod_uid[ABI_INFO_ID];
	char pod_namespace[ABI_INFO_NAME];
	char pod_name[ABI_INFO_NAME];
	char container_name[ABI_INFO_NAME];
	char image[ABI_INFO_NAME];
	char cgroup_path[ABI_INFO_PATH]; /* whole: longer ones are not admitted */
};
enum abi_info_source { ABI_INFO_HOOK = 1, ABI_INFO_UNSEEN_RECORD = 2, ABI_INFO_WALK = 3 };

/* --- counters: one array map, per CPU
 * ---------------------------------------------------------------------------------- */

enum abi_counter {
	ABI_CNT_EVENTS_LOST = 0,  /* ring buffer full: exec, exit, fork */
	ABI_CNT_HITS_LOST,        /* ring buffer full: policy hits (the action was taken all the same) */
	ABI_CNT_INHERIT_LOST,     /* child cgroup without entry: map full */
	ABI_CNT_CHILDREN_REFUSED, /* child cgroup without entry: quota of its container */
	ABI_CNT_MARKS_LOST,   /* mark that could not be stored; from then on unmarked tasks of selected cgroups count as
				 marked */
	ABI_CNT_PENDING_LOST, /* unreadable string that could not wait for sys_exit: judged as a match */
	ABI_CNT_UNREADABLE_MATCH, /* unreadable at entry and exit, enforcing action: match */
	ABI_CNT_UNREADABLE_PASS,  /* the same without enforcing action: no match */
	ABI_CNT_KILLS,            /* SIGKILL sent */
	ABI_CNT_KILL_FAILED,      /* bpf_send_signal failed */
	ABI_CNT_HITS,             /* matching rules */
	ABI_CNT_MARKED,           /* tasks marked by exec */
	ABI_CNT_MARKED_LATE,      /* tasks marked because they were found running in the container */
	ABI_CNT_RULE_MISSING,     /* policy bit without a rule row: our mistake */
	ABI_CNT_WALK_LOST,        /* cgroup deeper than is looked */
	ABI_CNT_DEPTH_KILLS,      /* marked tasks killed for making cgroups deeper than ABI_LEVEL_MAX */
	ABI_CNT_ARM_LOST,         /* announced container whose cgroup got no entry: map full */
	ABI_COUNTERS,
};

/* --- settings: map settings, one entry, key 0
 * --------------------------------------------------------------------------- */

struct abi_settings {
	struct abi_policy_set global; /* policies without workload filter: judged for every task, the host's too */
	__u32 host_mnt_ns;            /* inode number of pid 1's mount namespace */
	__u32 abi_version;            /* ABI_VERSION of who made the pins */
	__u64 build;                  /* hash of the programs' object file: same build, nothing to replace */
	__u32 hierarchy_is_v1;        /* whose ids the keys are */
	__u32 hierarchy_subsys;
	__u32 next_rule, next_set; /* ids are given out once while the pins live */
};

/* A policy that is in the kernel as a whole: map policies, key __u32 slot; written last, removed first. */
struct abi_policy {
	__u32 generation;
	__u32 hooks;
};

/* What went wrong once and changes how the rest is judged: map losses, one entry, key 0. */
struct abi_losses {
	__u64 marks;    /* > 0: unmarked tasks in a container's cgroup count as marked */
	__u64 children; /* > 0: a cgroup without entry is looked up through its ancestors */
};

/* A call whose string could not be read at entry: map pending, key __u32 thread id. */
struct abi_pending {
	__u64 start_ticks; /* as in abi_mark */
	__u64 arg[6];
	__u32 nr; /* x32 without bit 30 */
	__u16 point;
	__u8 arch;
	__u8 any;                      /* ABI_POINT_ANY_ENTER was judged too */
	struct abi_policy_set unknown; /* policies to judge again */
};
#define ABI_PENDING 16384

/* Points with their policies: map points, key __u32 point. */
struct abi_point {
	struct abi_policy_set policies;
};

#define ABI_EVENTS_BYTES (4 * 1024 * 1024) /* ring buffer; policy hits leave half of it to the rest */

/* --- ring buffer records: map events
 * -------------------------------------------------------------------------------------- */

enum abi_record {
	ABI_REC_EXEC = 1,
	ABI_REC_EXIT,
	ABI_REC_FORK,
	ABI_REC_HIT,
	ABI_REC_CGROUP_GONE,
	ABI_REC_CGROUP_ARMED
};

struct abi_header {
	__u16 type; /* enum abi_record */
	__u16 size; /* of the whole record in bytes */
	__u32 cpu;
	__u64 ktime;     /* CLOCK_BOOTTIME ns */
	__u64 cgroup;    /* of the task, chosen hierarchy */
	__u64 container; /* registered container's cgroup id (by mark, else by cgroup); 0 = none */
	__u32 pid;       /* thread group, initial pid namespace */
	__u32 tid;
};

struct abi_creds {
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u64 cap_permitted, cap_effective, cap_inheritable;
	__u32 securebits;
	__u32 auid; /* 4294967295: unset */
};

#define ABI_NS_COUNT                                                                                               \
	10 /* order as in the API's Namespaces: uts ipc mnt pid pid_for_children net time time_for_children cgroup \
	      user */

#define ABI_EXEC_TEXT 4096 /* path, arguments and working directory together */
#define ABI_EXEC_PATH_MAX 1024
#define ABI_EXEC_ARGS_MAX 2048
#define ABI_EXEC_CWD_MAX 1024

struct abi_exec {
	struct abi_header h;
	struct abi_creds creds;
	__u32 ns[ABI_NS_COUNT]; /* inode numbers; 0: not known */
	__u32 ppid;             /* thread group of the real parent */
	__u32 nspid;            /* pid in the innermost namespace */
	__u32 flags;            /* ABI_EXEC_* */
	__u32 pad2;
	__u64 inode; /* of the executed file */
	__u32 nlink;
	__u16 path_len; /* bytes in text, in this order: path, arguments, cwd */
	__u16 args_len; /* argv[0] included, elements end in NUL as in memory */
	__u16 cwd_len;  /* components from leaf to root, each "name\0"; "" = root */
	__u16 pad;
	__u32 old_tid; /* thread that called exec, if not the leader; else == pid */
	char text[ABI_EXEC_TEXT];
};
#define ABI_EXEC_ARGS_CUT 1
#define ABI_EXEC_ARGS_ERROR 2
#define ABI_EXEC_PATH_ERROR 4
#define ABI_EXEC_CWD_ERROR 8 /* unreadable */
#define ABI_EXEC_CWD_CUT 16  /* deeper than what is walked */
#define ABI_EXEC_PID1 32     /* pid 1 of its namespace */

struct abi_exit {
	struct abi_header h;
	__u32 code; /* as in wait status: code << 8 | signal */
	__u32 pad;
};

struct abi_fork {
	struct abi_header h; /* of the child; ktime = its start */
	__u32 ppid;          /* thread group of the parent */
	__u32 nspid;
};

struct abi_cgroup_gone {
	struct abi_header h; /* cgroup = container = the registered container's id; pid 0 */
};

struct abi_cgroup_armed {
	struct abi_header h; /* cgroup = container = id of the cgroup that was made; pid: who made it */
	char name[ABI_LEAF_MAX];
};

#define ABI_HIT_TEXT 4096
enum { ABI_HIT_AT_ENTER = 0, ABI_HIT_AT_EXIT = 1 /* string judged at sys_exit */ };

struct abi_hit {
	struct abi_header h;
	__u32 rule;
	__u32 generation;
	__u16 policy;
	__u16 hook;
	__u8 selector;           /* index of the one that matched; 255: rule without selectors */
	__u8 actions;            /* ABI_ACT_* carried out */
	__u8 arch;               /* enum abi_arch */
	__u8 judged;             /* ABI_HIT_AT_* */
	__u32 nr;                /* system call number, x32 without bit 30 */
	__u16 unreadable;        /* bit i: string argument i could not be read */
	__u16 cut;               /* bit i: string argument i is cut */
	__u64 value[ABI_ARGS];   /* integers as the type says; strings: 0 */
	__u16 str_len[ABI_ARGS]; /* bytes in text, in argument order, without NUL */
	__u8 type[ABI_ARGS];     /* enum abi_type */
	__u8 pad;
	char text[ABI_HIT_TEXT];
};

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(struct abi_policy_set) == 128, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_filter) == 72, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_selector) == 368, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_rule) == 1896, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_cgroup) == 32, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_container_set) == 144, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_mark) == 32, "pinned layout changed: raise ABI_VERSION");
_Static_assert(sizeof(struct abi_header) == 40, "pinned layout changed: raise ABI_VERSION");
#endif

#endif
