/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/runtime_judge.h: what the kernel's exec rule has to know of the runtime that makes a container. The rule
 * waits until a task has left the runtime's mount namespace and root. Two set-ups never do: a container that shares the
 * runtime's mount namespace, and one whose root is the runtime's own.
 */
#ifndef AGENT_RUNTIME_JUDGE_H
#define AGENT_RUNTIME_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct file_id { /* inode 0: not known */
	uint64_t ino;
	uint32_t major, minor;
};

struct runtime_judge {
	const char *procfs;    /* borrowed */
	bool has_own_pids;     /* procfs shows the pids of our own namespace: a peer's pid can be looked up there */
	struct file_id own_ns; /* mount namespace of the host's pid 1, else ours: neither ever changes its own */
};

void runtime_judge_init(struct runtime_judge *judge, const char *procfs);

struct runtime_verdict {
	uint32_t flags;  /* ABI_CG_* */
	uint32_t mnt_ns; /* inode number of the runtime's mount namespace; 0: that of the host's pid 1 */
};

/*
 * `cgroup_fd`: the container's cgroup, open for reading, -1: not there yet; `root_dir`: its root as the runtime sees
 * it, "" or NULL = not known; `peer`: who told of it, in our pid namespace, 0 = not known. What can't be told is left
 * out.
 */
struct runtime_verdict runtime_judge(const struct runtime_judge *judge, int cgroup_fd, const char *root_dir,
				     pid_t peer);

#endif
