/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/runtime_judge.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"
#include "agent/cgroup_pids.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define ANCESTORS_MAX 16 /* of a container's init, looked at for the runtime */
#define INITS_MAX 16     /* processes of a container that are asked for their mount namespace */

static bool file_id_of(const char *path, struct file_id *ret_id)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
		return false; /* nothing remote is waited for */
	*ret_id = (struct file_id){ st.stx_ino, st.stx_dev_major, st.stx_dev_minor };
	return true;
}

static bool file_id_equal(const struct file_id *a, const struct file_id *b)
{
	return a->ino && a->ino == b->ino && a->major == b->major && a->minor == b->minor;
}

static bool mnt_ns_of(const struct runtime_judge *judge, pid_t pid, struct file_id *ret_ns)
{
	char path[PATH_MAX];
	struct buf text = buf_over(path, sizeof path);

	buf_printf(&text, "%s/%d/ns/mnt", judge->procfs, pid);
	return file_id_of(path, ret_ns);
}

static bool shows_own_pids(const char *procfs)
{
	char path[PATH_MAX], target[32];
	struct buf text = buf_over(path, sizeof path);
	ssize_t n;

	buf_printf(&text, "%s/self", procfs);
	n = readlink(path, target, sizeof target - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	return strtol(target, NULL, 10) == getpid();
}

void runtime_judge_init(struct runtime_judge *judge, const char *procfs)
{
	*judge = (struct runtime_judge){ .procfs = procfs, .has_own_pids = shows_own_pids(procfs) };
	if (!mnt_ns_of(judge, 1, &judge->own_ns))
		(void)mnt_ns_of(judge, getpid(), &judge->own_ns); /* then no caller is the host's runtime */
}

/* The container's processes so far: the runtime's init. */
struct inits {
	uint32_t pid[INITS_MAX];
	size_t n;
};

static pid_t parent_of(const struct runtime_judge *judge, pid_t pid)
{
	char path[PATH_MAX], line[256];
	struct buf text = buf_over(path, sizeof path);
	pid_t parent = 0;
	FILE *file;

	buf_printf(&text, "%s/%d/status", judge->procfs, pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	(void)fclose(file); /* read only */
	return parent;
}

/*
 * The process whose mount namespace and root are the runtime's, and that namespace: the caller, if it is the runtime's
 * hook. A caller elsewhere (an NRI plugin or a command in a container of its own) is believed only if the container
 * descends from a process of its namespace, as with a nested runtime; else it is pid 1.
 */
static pid_t runtime_of(const struct runtime_judge *judge, pid_t peer, const struct inits *inits,
			struct file_id *ret_ns)
{
	pid_t at = inits->n ? (pid_t)inits->pid[0] : 0;
	struct file_id above;

	if (judge->has_own_pids && peer > 0 && mnt_ns_of(judge, peer, ret_ns)) {
		if (file_id_equal(ret_ns, &judge->own_ns))
			return peer;
		for (int i = 0; i < ANCESTORS_MAX && at > 1; i++) {
			at = parent_of(judge, at);
			if (at > 0 && mnt_ns_of(judge, at, &above) && file_id_equal(&above, ret_ns))
				return peer;
		}
	}
	if (!mnt_ns_of(judge, 1, ret_ns))
		*ret_ns = (struct file_id){ 0 };
	return 1;
}

struct runtime_verdict runtime_judge(const struct runtime_judge *judge, int cgroup_fd, const char *root_dir, pid_t peer)
{
	struct file_id runtime_ns, ns, root, container_root;
	struct runtime_verdict verdict = { 0 };
	char ours[PATH_MAX], theirs[PATH_MAX];
	struct buf text = buf_over(ours, sizeof ours);
	struct inits inits;
	pid_t runtime;

	/* in its whole subtree: crun with systemd puts its init into a cgroup of its own below the container's */
	inits.n = cgroup_pids(cgroup_fd, inits.pid, INITS_MAX);
	runtime = runtime_of(judge, peer, &inits, &runtime_ns);
	if (runtime != 1)
		verdict.mnt_ns = (uint32_t)runtime_ns.ino; /* numbers of namespaces have 32 bits */
	for (size_t i = 0; i < inits.n; i++)
		if (mnt_ns_of(judge, (pid_t)inits.pid[i], &ns) && file_id_equal(&ns, &runtime_ns))
			verdict.flags |= ABI_CG_EXEC_ANY;
	if (!root_dir || *root_dir != '/')
		return verdict;
	buf_printf(&text, "%s/%d/root/.", judge->procfs, runtime);
	text = buf_over(theirs, sizeof theirs);
	buf_printf(&text, "%s/%d/root%s", judge->procfs, runtime, root_dir);
	if (!text.overflow && file_id_of(ours, &root) && file_id_of(theirs, &container_root) &&
	    file_id_equal(&root, &container_root))
		verdict.flags |= ABI_CG_SAME_ROOT;
	return verdict;
}
